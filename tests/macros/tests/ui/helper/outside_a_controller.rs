use sio_actix::prelude::*;

struct C;

impl C {
    #[on_message("a")]
    fn a(&self) {}
    #[connect_guard]
    fn b(&self) {}
}

fn main() {}
