use sio_actix::prelude::*;

#[ws_controller("c")]
struct C;

#[ws_handlers]
impl C {}

fn main() {}
