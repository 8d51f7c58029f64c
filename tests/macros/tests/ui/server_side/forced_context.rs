use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_server_side("a")]
    async fn a(&self, #[ctx] _user: State<u8>) {}
}

fn main() {}
