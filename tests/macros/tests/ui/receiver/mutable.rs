use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("a")]
    fn a(&mut self, _s: String) {}
}

fn main() {}
