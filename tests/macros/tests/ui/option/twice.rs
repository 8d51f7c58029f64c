use sio_actix::prelude::*;

struct C;

#[ws_controller("/c", ordered, ordered)]
impl C {
    #[on_message("a", strict, strict)]
    fn a(&self) {}
}

fn main() {}
