use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("disconnect")]
    fn a(&self) {}
    #[on_message("connect")]
    fn b(&self) {}
    #[on_message("connect_error")]
    fn c(&self) {}
}

fn main() {}
