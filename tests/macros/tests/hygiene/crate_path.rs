//! The runtime under another name.

extern crate sio_actix as renamed;

use renamed::{ws_controller, ws_handlers};

mod facade {
    pub(crate) mod web {
        pub(crate) use sio_actix::{__private, Io};
    }
}

struct Renamed;

#[ws_controller("/renamed", crate = crate::crate_path::facade::web)]
impl Renamed {
    #[on_message("a")]
    #[emit("b")]
    async fn a(&self, a: u8) -> u8 {
        a
    }

    #[renamed::on_message("b")]
    #[renamed::broadcast("c")]
    fn b(&self) -> u8 {
        1
    }
}

#[ws_controller("/typed", crate = ::sio_actix)]
struct Typed;

#[ws_handlers(crate = renamed)]
impl Typed {
    #[on_message("a")]
    fn a(&self) {}
}

#[test]
fn is_mounted() {
    drop(facade::web::Io::builder().mount(Renamed).mount(Typed).build());
}
