use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message(any)]
    fn a(&self) {}
    #[on_message(any)]
    fn b(&self) {}
}

fn main() {}
