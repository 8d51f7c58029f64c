use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("say")]
    fn a(&self) {}
    #[on_message("say")]
    fn b(&self) {}
}

fn main() {}
