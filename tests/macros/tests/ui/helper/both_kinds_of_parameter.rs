use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("a")]
    fn a(&self, #[ctx] #[arg] _a: u8) {}
}

fn main() {}
