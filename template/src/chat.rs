//! A controller: a method per event.

use sio_actix::prelude::*;

pub(crate) struct Chat;

#[ws_controller("/")]
impl Chat {
    /// A client that asked for an ack gets the result.
    #[on_message("hello")]
    fn hello(&self, name: String) -> String {
        format!("hello, {name}")
    }

    /// Everybody hears the result, and nobody an error but the client that sent the event.
    #[on_message("say")]
    #[broadcast("said")]
    fn say(&self, text: String) -> Result<String, EventError> {
        if text.trim().is_empty() {
            return Err(EventError::new("empty", "say something"));
        }
        Ok(text)
    }
}
