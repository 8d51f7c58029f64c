//! Names of the standard library mean something else here.
#![allow(dead_code, reason = "the names are what matters")]

use sio_actix::{Io, Socket, ws_controller};

struct Arc;
struct Box;
struct Clone;
struct Err;
struct Fn;
struct None;
struct Ok;
struct Option;
struct Result;
struct Send;
struct Some;
struct Static;
struct Sync;
struct Vec;
mod core {}
mod std {}
mod sio_core {}

struct Shadows;

#[ws_controller("/shadows")]
impl Shadows {
    #[on_message("a")]
    #[emit("b")]
    async fn a(&self, a: u8) -> ::std::result::Result<u8, sio_actix::EventError> {
        ::std::result::Result::Ok(a)
    }

    #[on_message("b")]
    fn b(&self, a: ::std::option::Option<u8>) -> ::std::option::Option<u8> {
        a
    }

    #[connect_guard]
    fn admit(self: ::std::sync::Arc<Self>, _: Socket) -> bool {
        true
    }
}

#[derive(Default)]
struct Each;

#[ws_controller("/each", scope = connection)]
impl Each {
    #[create]
    async fn create() -> Self {
        Self
    }

    #[on_message("a")]
    async fn a(&mut self, a: u8) -> u8 {
        a
    }
}

#[test]
fn is_mounted() {
    drop(Io::builder().mount(Shadows).mount_scoped::<Each>().build());
}
