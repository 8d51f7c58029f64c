use sio_actix::prelude::*;

struct C;

#[ws_controller("/org/{org")]
impl C {}

fn main() {}
