use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("a")]
    fn a(&self, _a: &[u8], _b: &Socket, _c: &mut Vec<u8>) {}
    #[on_message("b")]
    fn b(&self, _a: Option<&str>, _b: (u8, &[String])) {}
}

fn main() {}
