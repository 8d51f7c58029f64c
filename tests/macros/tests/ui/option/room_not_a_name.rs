use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("a")]
    #[emit("b", room = 5)]
    fn a(&self) {}
}

fn main() {}
