use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("a")]
    fn a<T: Default>(&self, _text: String) {}
}

fn main() {}
