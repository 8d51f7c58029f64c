//! The same as events: what is missing in comparison with `bare` is what Socket.IO and sio do.

use sio_actix::prelude::*;

#[derive(Debug)]
pub(crate) struct Chat;

#[ws_controller("/")]
impl Chat {
    /// An echo to the sender, and the text to everybody else; both with names of their own.
    #[on_message("message")]
    #[emit("echo", always)]
    fn message(&self, socket: Socket, text: String) -> Result<String, EmitError> {
        socket.broadcast().emit("said", (socket.id().as_str(), text.as_str()))?;
        Ok(text)
    }

    #[on_message("bye")]
    fn bye(&self, socket: Socket) {
        socket.disconnect(true);
    }
}
