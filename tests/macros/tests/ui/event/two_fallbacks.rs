use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message(fallback)]
    fn a(&self) {}
    #[on_message(fallback)]
    fn b(&self) {}
}

fn main() {}
