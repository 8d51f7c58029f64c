use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("a")]
    fn a(&self) -> impl futures_core::Stream<Item = u8> {
        futures_util::stream::iter([1])
    }
}

fn main() {}
