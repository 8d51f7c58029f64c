use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("disconnecting")]
    fn d(&self) {}
    #[on_message("newListener")]
    fn e(&self) {}
    #[on_message("removeListener")]
    fn f(&self) {}
}

fn main() {}
