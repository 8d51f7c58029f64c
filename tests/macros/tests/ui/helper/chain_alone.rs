use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[guard(f)]
    fn a(&self) {}
    #[middleware(f)]
    fn b(&self) {}
    #[on_error(f)]
    fn c(&self) {}
}

fn main() {}
