use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("a", multi)]
    fn a(&self) {}
    #[on_message("a")]
    fn b(&self) {}
}

fn main() {}
