use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_disconnect]
    #[emit("a")]
    fn a(&self) -> u8 { 1 }
    #[on_disconnecting]
    #[emit("a")]
    fn b(&self) -> u8 { 1 }
}

fn main() {}
