use sio_actix::prelude::*;

struct C;

#[ws_controller("/org}")]
impl C {}

fn main() {}
