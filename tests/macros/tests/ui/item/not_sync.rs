use sio_actix::prelude::*;

struct C(std::cell::Cell<u8>);

#[ws_controller("/c")]
impl C {
    #[on_message("a")]
    fn a(&self) {}
}

fn main() {}
