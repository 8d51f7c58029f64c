use sio_actix::prelude::*;

struct C;
const SAY: &str = "say";

#[ws_controller("/c")]
impl C {
    #[on_message(SAY)]
    fn a(&self) {}
    #[on_message(SAY)]
    fn b(&self) {}
}

fn main() {}
