use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_disconnect]
    #[guard(f)]
    fn a(&self) {}
}

fn main() {}
