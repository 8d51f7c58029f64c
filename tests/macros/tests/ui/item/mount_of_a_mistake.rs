use sio_actix::prelude::*;

struct C;

#[ws_controller("/c")]
impl C {
    #[on_message("a", nope)]
    fn a(&self) {}
}

fn main() {
    let _ = Io::builder().mount(C);
}
