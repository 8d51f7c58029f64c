//! What tests of this repository reach below the public interface; no part of it.

#![allow(missing_docs, missing_debug_implementations, reason = "for tests of this repository only")]

use bytes::Bytes;

use crate::client::Client;
use crate::engine::{Sink as _, reads_open_packet};
use crate::life::DisconnectReason;
use crate::mux::Mux;

/// What a server says to a client, without a connection.
pub struct ServerSays(Mux);

impl ServerSays {
    #[must_use]
    pub fn to(client: &Client) -> Self {
        Self(Mux::new(client.core()))
    }

    /// The text of a message.
    ///
    /// # Errors
    ///
    /// The session ends.
    pub fn text(&mut self, text: &str) -> Result<(), DisconnectReason> {
        self.0.text(text)
    }

    /// A binary message.
    ///
    /// # Errors
    ///
    /// The session ends.
    pub fn binary(&mut self, bytes: Bytes) -> Result<(), DisconnectReason> {
        self.0.binary(bytes)
    }
}

/// Whether a client takes this as the open packet.
#[must_use]
pub fn is_open_packet(packet: &str) -> bool {
    reads_open_packet(packet)
}
