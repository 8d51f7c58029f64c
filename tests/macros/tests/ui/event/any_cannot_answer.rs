use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message(any)]
    #[emit("b")]
    fn a(&self) -> u8 { 1 }
}

fn main() {}
