use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("say")]
    #[broadcast("said", include_self)]
    fn a(&self) {}
}

fn main() {}
