use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_server_side("a")]
    #[emit("said")]
    #[broadcast("said")]
    fn a(&self) -> u8 { 1 }
    #[on_server_side("b")]
    #[guard(f)]
    #[middleware(f)]
    #[on_error(f)]
    fn b(&self) {}
}

fn main() {}
