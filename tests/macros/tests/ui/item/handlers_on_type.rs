use sio_actix::prelude::*;

#[ws_handlers]
struct C;

fn main() {}
