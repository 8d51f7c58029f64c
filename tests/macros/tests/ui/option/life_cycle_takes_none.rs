use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_disconnect(cancel_on_disconnect)]
    fn a(&self) {}
    #[on_connection("a")]
    fn b(&self) {}
}

fn main() {}
