use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message(5)]
    fn a(&self) {}
}

fn main() {}
