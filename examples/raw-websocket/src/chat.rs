//! The chat as events: what is missing in comparison with `bare` is what Socket.IO does.

use sio_actix::prelude::*;

#[derive(Debug)]
pub(crate) struct Chat;

#[ws_controller("/")]
impl Chat {
    /// An echo to the sender, and the text to everybody else; both with names of their own.
    #[on_message("message")]
    #[emit("echo", always)]
    #[broadcast("said", except_self)]
    fn message(&self, text: String) -> String {
        text
    }
}
