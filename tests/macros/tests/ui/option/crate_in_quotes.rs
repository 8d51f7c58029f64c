use sio_actix::prelude::*;

struct C;

#[ws_controller("/c", crate = "sio_actix")]
impl C {}

fn main() {}
