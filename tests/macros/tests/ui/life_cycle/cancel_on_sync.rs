use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_connection(cancel_on_disconnect)]
    fn a(&self) {}
}

fn main() {}
