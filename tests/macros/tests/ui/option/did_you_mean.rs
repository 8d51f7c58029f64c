use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("a", stric)]
    fn a(&self) {}
    #[on_message("b")]
    #[emit("c", alway)]
    fn b(&self) {}
}

fn main() {}
