use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[connect_guard]
    #[emit("a")]
    fn a(&self) -> bool { true }
    #[connect_guard]
    #[guard(f)]
    fn b(&self) -> bool { true }
}

fn main() {}
