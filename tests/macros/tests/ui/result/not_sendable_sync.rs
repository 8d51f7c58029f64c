use sio_actix::prelude::*;

struct C;
struct Msg;

#[ws_controller("/c")]
impl C {
    #[on_message("a")]
    fn a(&self) -> Msg { Msg }
}

fn main() {}
