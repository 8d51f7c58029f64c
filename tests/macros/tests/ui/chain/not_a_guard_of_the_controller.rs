use sio_actix::prelude::*;

struct C;
fn g(_: u8) -> bool { true }

#[ws_controller("/c", guard(g))]
impl C {}

fn main() {}
