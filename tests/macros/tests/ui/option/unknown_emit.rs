use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("say")]
    #[emit("said", to = "room")]
    fn a(&self) {}
}

fn main() {}
