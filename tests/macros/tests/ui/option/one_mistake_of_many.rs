use sio_actix::prelude::*;

struct C;

#[ws_controller("c", nope)]
impl C {
    #[on_message("a", nope)]
    fn a(&mut self, _b: &str) {}
    #[emit("c")]
    fn c(&self) {}
}

fn main() {}
