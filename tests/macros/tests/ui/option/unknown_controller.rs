use sio_actix::prelude::*;

struct C;

#[ws_controller("/c", gaurd(f), contract)]
impl C {}

fn main() {}
