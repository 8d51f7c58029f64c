use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[create]
    fn a() -> Self { C }
}

fn main() {}
