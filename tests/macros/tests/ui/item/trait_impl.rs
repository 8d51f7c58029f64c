use sio_actix::prelude::*;

struct C;
trait T { fn a(&self); }

#[ws_controller("/c")]
impl T for C {
    #[on_message("a")]
    fn a(&self) {}
}

fn main() {}
