use sio_actix::prelude::*;

#[ws_controller("/c")]
struct C;

#[ws_controller]
impl C {}

fn main() {}
