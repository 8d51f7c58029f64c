//! The server of the example: `chat` is the controller, `model` what writes the text.

mod chat;
mod model;

use sio_actix::{Io, Recovery};

pub use chat::{Info, Section, Task};
pub use model::Model;

/// The Socket.IO server; clients have to know the token.
#[must_use]
pub fn socket_io(model: Model, token: String) -> Io {
    Io::builder()
        // A client that loses its connection gets the words that it missed, and the rest.
        .connection_state_recovery(Recovery::default())
        .mount(chat::Chat::new(model, token))
        .build()
}
