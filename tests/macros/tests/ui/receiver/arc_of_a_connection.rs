use sio_actix::prelude::*;

use std::sync::Arc;
#[derive(Default)]
struct C;

#[ws_controller("/c", scope = connection)]
impl C {
    #[on_message("a")]
    fn a(self: Arc<Self>) {}
    #[on_message("b")]
    fn b(self) {}
}

fn main() {}
