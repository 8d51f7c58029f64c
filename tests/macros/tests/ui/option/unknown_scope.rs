use sio_actix::prelude::*;

struct C;

#[ws_controller("/c", scope = session)]
impl C {
    #[on_message("a")]
    fn a(&mut self) {}
}

fn main() {}
