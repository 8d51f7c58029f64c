//! The same as events: what is missing in comparison with `bare` is what Socket.IO and sio do.

use serde::Deserialize;
use sio_actix::prelude::*;

#[derive(Debug, Deserialize)]
struct Page {
    origin: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Chat;

#[ws_controller("/")]
impl Chat {
    /// An echo to the sender, and the text to everybody else; both with names of their own.
    #[on_message("message")]
    #[emit("echo", always)]
    fn message(
        &self,
        socket: Socket,
        page: Header<Page>,
        text: String,
    ) -> Result<String, EventError> {
        let user = page.0.origin.as_deref().unwrap_or("somebody");
        socket.broadcast().emit("said", (user, text.as_str()))?;
        Ok(text)
    }

    #[on_message("bye")]
    fn bye(&self, socket: Socket) {
        socket.disconnect(true);
    }
}
