use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("say", timeout = 5)]
    fn a(&self) {}
}

fn main() {}
