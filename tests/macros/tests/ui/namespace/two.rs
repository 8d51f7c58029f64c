use sio_actix::prelude::*;

struct C;

#[ws_controller("/c", "/d")]
impl C {}

fn main() {}
