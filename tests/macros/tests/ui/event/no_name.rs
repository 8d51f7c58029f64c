use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message]
    fn a(&self) {}
    #[on_message(strict)]
    fn b(&self) {}
}

fn main() {}
