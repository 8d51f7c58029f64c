use sio_actix::prelude::*;

struct C;

#[ws_controller("/c", scope = connection)]
impl C {
    #[connect_guard]
    fn a(&self) -> bool { true }
    #[create]
    fn b(&self) -> Self { C }
}

fn main() {}
