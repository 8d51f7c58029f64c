use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("a")]
    fn a(&self, text: ) {}
    #[on_message("b")]
    fn b(&self) -> u8 { "b" }
}

fn main() {}
