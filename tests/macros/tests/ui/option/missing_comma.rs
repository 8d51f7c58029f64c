use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("a" strict)]
    fn a(&self) {}
}

fn main() {}
