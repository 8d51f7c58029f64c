use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[cfg_attr(all(), on_message("a"))]
    fn a(&self) {}
}

fn main() {}
