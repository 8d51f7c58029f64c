use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_connection]
    fn a(&self, _word: String) {}
}

fn main() {}
