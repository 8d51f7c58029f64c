use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("a", latest)]
    fn a(&self) {}
    #[on_message("b", cancel_on_disconnect)]
    fn b(&self) {}
}

fn main() {}
