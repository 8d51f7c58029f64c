use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_server_side("a")]
    fn a(&self, _socket: Socket, _text: String) {}
}

fn main() {}
