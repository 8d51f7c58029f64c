use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("a")]
    const A: u8 = 1;
    #[emit("b")]
    const B: u8 = 1;
}

fn main() {}
