use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("a")]
    fn a(self) {}
    #[on_message("b")]
    fn b(self: Box<Self>) {}
}

fn main() {}
