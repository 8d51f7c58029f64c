use sio_actix::prelude::*;

struct C;
struct MyErr;

#[ws_controller("/c")]
impl C {
    #[on_message("a")]
    async fn a(&self) -> Result<u8, MyErr> { Ok(1) }
}

fn main() {}
