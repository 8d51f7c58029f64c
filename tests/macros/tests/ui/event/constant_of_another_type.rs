use sio_actix::prelude::*;

struct C;
const SAY: u8 = 1;

#[ws_controller("/c")]
impl C {
    #[on_message(SAY)]
    fn a(&self) {}
}

fn main() {}
