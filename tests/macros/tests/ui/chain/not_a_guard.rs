use sio_actix::prelude::*;

struct C;
fn g(_: u8) -> bool { true }

#[ws_controller("/c")]
impl C {
    #[on_message("a")]
    #[guard(g)]
    fn a(&self) {}
}

fn main() {}
