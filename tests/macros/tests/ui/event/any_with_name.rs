use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message(any, "a")]
    fn a(&self) {}
    #[on_message(fallback, multi)]
    fn b(&self) {}
}

fn main() {}
