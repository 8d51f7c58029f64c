use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    fn a(&self, #[arg] _a: u8) {}
    #[on_message("b")]
    fn b(#[ctx] &self, #[ctx(x)] _b: u8) {}
}

fn main() {}
