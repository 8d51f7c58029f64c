use sio_actix::prelude::*;

struct D;

fn main() {
    let _ = Io::builder().mount(D);
}
