use sio_actix::prelude::*;

struct D;

#[ws_handlers]
impl D {
    #[on_message("a")]
    fn a(&self) {}
}

fn main() {}
