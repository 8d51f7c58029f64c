//! No name of the standard library is in scope.
#![no_implicit_prelude]

use ::sio_actix::{ws_controller, ws_handlers};

struct Bare;

#[ws_controller("/bare", guard(admitted))]
impl Bare {
    #[on_message("a", strict)]
    #[emit("b")]
    async fn a(&self, a: u8, b: ::std::string::String) -> ::std::string::String {
        let _ = a;
        b
    }

    #[on_message("c")]
    #[guard(admitted)]
    fn c(
        self: ::std::sync::Arc<Self>,
        a: ::core::option::Option<u8>,
    ) -> ::core::option::Option<u8> {
        a
    }

    #[on_message(fallback)]
    fn d() {}

    #[connect_guard]
    fn admit(&self) -> bool {
        true
    }

    #[on_disconnect]
    async fn left(&self, _: ::sio_actix::Socket) {}
}

#[derive(::core::default::Default)]
struct Each;

#[ws_controller(scope = connection)]
impl Each {
    #[on_message("up")]
    fn up(&mut self, by: u8) -> u8 {
        by
    }
}

#[ws_controller("/typed")]
struct Typed;

#[ws_handlers]
impl Typed {
    #[on_message("a")]
    fn a(&self) {}
}

fn admitted(_: &::sio_actix::EventCx<'_>) -> bool {
    true
}

#[::core::prelude::v1::test]
fn is_mounted() {
    let builder = ::sio_actix::Io::builder().mount(Bare).mount_scoped::<Each>().mount(Typed);
    ::core::mem::drop(builder.build());
}
