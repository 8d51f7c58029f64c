use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_server_side]
    fn none(&self) {}
    #[on_server_side("connect", "connection", "new_namespace")]
    fn reserved(&self) {}
    #[on_server_side("a", ordered)]
    fn unknown(&self) {}
    #[on_server_side("same")]
    fn first(&self) {}
    #[on_server_side("same", multi)]
    fn second(&self) {}
    #[on_server_side("b")]
    #[on_message("b")]
    fn both(&self) {}
    #[on_message("same")]
    fn of_clients(&self) {}
    #[on_server_side("stream")]
    fn stream(&self) -> impl Stream<Item = u8> { items() }
}

fn main() {}
