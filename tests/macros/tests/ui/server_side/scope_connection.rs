use sio_actix::prelude::*;

#[derive(Default)]
struct C;

#[ws_controller("/c", scope = connection)]
impl C {
    #[on_server_side("a")]
    fn a(&self) {}
}

fn main() {}
