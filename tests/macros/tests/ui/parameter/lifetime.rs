use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("a")]
    fn a<'a>(&'a self, _text: std::borrow::Cow<'a, str>) {}
}

fn main() {}
