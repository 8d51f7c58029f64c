use sio_actix::prelude::*;

#[ws_controller("/c")]
fn c() {}

#[ws_handlers]
mod d {}

fn main() {}
