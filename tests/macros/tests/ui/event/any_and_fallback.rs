use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message(any, fallback)]
    fn a(&self) {}
}

fn main() {}
