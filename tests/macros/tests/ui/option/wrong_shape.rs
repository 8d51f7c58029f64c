use sio_actix::prelude::*;

struct C;

#[ws_controller("/c", guard = f, scope, ordered())]
impl C {
    #[on_message("a", strict = true)]
    #[emit("b", room("r"), always = 1)]
    fn a(&self) {}
}

fn main() {}
