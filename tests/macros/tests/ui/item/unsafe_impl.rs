use sio_actix::prelude::*;

struct C;

#[ws_controller("/")]
unsafe impl C {}

fn main() {}
