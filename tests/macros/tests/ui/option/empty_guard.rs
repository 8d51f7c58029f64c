use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("a")]
    #[guard]
    #[middleware()]
    fn a(&self) {}
}

fn main() {}
