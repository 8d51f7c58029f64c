use sio_actix::prelude::*;

#[ws_controller("/c", guard(f), ordered, nope)]
struct C;

#[ws_handlers]
impl C {}

fn main() {}
