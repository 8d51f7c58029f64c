use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[connect_guard]
    fn a(&self) -> u8 { 1 }
}

fn main() {}
