use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[emit("said")]
    fn a(&self) {}
    #[broadcast("said")]
    fn b(&self) {}
}

fn main() {}
