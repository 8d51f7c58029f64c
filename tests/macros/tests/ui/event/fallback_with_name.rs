use sio_actix::prelude::*;

struct C;

#[ws_controller("/")]
impl C {
    #[on_message(fallback, "say")]
    fn a(&self) {}
}

fn main() {}
