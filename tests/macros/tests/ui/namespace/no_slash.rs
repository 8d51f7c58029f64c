use sio_actix::prelude::*;

struct C;

#[ws_controller("c")]
impl C {}

fn main() {}
