use sio_actix::prelude::*;

struct C;

#[ws_controller("/{a}/{a:[0-9]+}")]
impl C {}

fn main() {}
