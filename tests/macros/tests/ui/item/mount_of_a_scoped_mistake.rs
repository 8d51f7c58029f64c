use sio_actix::prelude::*;

struct C;

#[ws_controller("/c", scope = connection)]
impl C {
    #[on_message("a", nope)]
    fn a(&mut self) {}
}

fn main() {
    let _ = Io::builder().mount_scoped::<C>();
}
