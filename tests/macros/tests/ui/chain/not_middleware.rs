use sio_actix::prelude::*;

struct C;
async fn m(_: u8) {}

#[ws_controller("/c")]
impl C {
    #[on_message("a")]
    #[middleware(m)]
    fn a(&self) {}
}

fn main() {}
