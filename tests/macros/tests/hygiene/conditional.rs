//! Methods that are not there may name types that are not there.

use sio_actix::prelude::*;

struct Conditional;

#[ws_controller("/conditional")]
impl Conditional {
    #[cfg(any())]
    #[on_message("a", latest)]
    #[guard(unknown)]
    async fn a(&self, a: Unknown, b: unknown::Type) -> Unknown {
        a
    }

    #[cfg(not(any()))]
    #[on_message("a")]
    fn a(&self) -> u8 {
        1
    }

    #[on_message("b")]
    #[cfg(test)]
    #[cfg(any())]
    fn b(&self, a: Unknown) {}

    #[cfg_attr(test, allow(unused_variables, reason = "it is only there"))]
    #[on_message("c")]
    fn c(&self, c: u8) {}

    #[deprecated = "call `a`"]
    #[on_message("d")]
    fn d(&self) {}
}

#[derive(Default)]
struct Each;

#[ws_controller("/each", scope = connection)]
impl Each {
    #[cfg(any())]
    #[create]
    fn create(a: Unknown) -> Self {
        Self
    }

    #[on_message("a")]
    fn a(&mut self) {}
}

#[test]
fn is_mounted() {
    drop(Io::builder().mount(Conditional).mount_scoped::<Each>().build());
}
