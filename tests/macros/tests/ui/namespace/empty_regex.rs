use sio_actix::prelude::*;

struct C;

#[ws_controller("/org/{id:}")]
impl C {}

fn main() {}
