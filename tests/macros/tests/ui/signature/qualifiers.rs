use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("a")]
    const fn a(&self) {}
    #[on_message("b")]
    unsafe fn b(&self) {}
    #[on_message("c")]
    extern "C" fn c(&self) {}
}

fn main() {}
