use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_connection]
    #[on_connection]
    fn a(&self) {}
}

fn main() {}
