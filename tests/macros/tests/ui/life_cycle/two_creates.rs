use sio_actix::prelude::*;

struct C;

#[ws_controller("/c", scope = connection)]
impl C {
    #[create]
    fn a() -> Self { C }
    #[create]
    fn b() -> Self { C }
}

fn main() {}
