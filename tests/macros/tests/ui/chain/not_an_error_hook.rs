use sio_actix::prelude::*;

struct C;
static h: u8 = 1;

#[ws_controller("/c")]
impl C {
    #[on_message("a")]
    #[on_error(h)]
    fn a(&self) {}
}

fn main() {}
