use sio_actix::prelude::*;

struct C;

#[ws_controller("/c", scope = connection)]
impl C {
    #[create]
    #[broadcast("a")]
    #[middleware(f)]
    fn a() -> Self { C }
}

fn main() {}
