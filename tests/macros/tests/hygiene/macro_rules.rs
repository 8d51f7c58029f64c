//! Controllers that a macro of the user writes.

use sio_actix::prelude::*;

const NAME: &str = "constant";

mod events {
    pub(crate) const NAME: &str = "another";
}

macro_rules! controller {
    ($name:ident, $path:literal, $event:literal, $constant:path, $method:ident, $arg:ident: $ty:ty, $back:ty, $body:expr) => {
        struct $name;

        #[ws_controller($path)]
        impl $name {
            #[on_message("fixed")]
            #[emit("out")]
            async fn fixed(&self, value: u8) -> u8 {
                value
            }

            #[on_message($event, $constant)]
            #[broadcast($event, room = $event)]
            async fn $method(&self, $arg: $ty) -> $back {
                $body
            }
        }
    };
}

controller!(First, "/first", "a", NAME, given, text: String, usize, text.len());
controller!(Second, "/second", "b", events::NAME, r#type, value: Option<u8>, Vec<u8>, value.into_iter().collect());

#[test]
fn is_mounted() {
    drop(Io::builder().mount(First).mount(Second).build());
}
