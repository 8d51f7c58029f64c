//! What happens to a socket: connected, disconnected, tried again.

use std::fmt;
use std::time::Duration;

use sio_core::engine::Transport;

use crate::error::ConnectError;

/// Why a socket was disconnected; `Display` gives the text of the official client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// `io server disconnect`: the server put the socket out of its namespace. It is not connected again
    /// by itself.
    ServerDisconnect,
    /// `io client disconnect`: this side disconnected, or dropped its last handle.
    ClientDisconnect,
    /// `ping timeout`: the server sent no ping in time.
    PingTimeout,
    /// `transport close`: the server closed the session, or the stream ended.
    TransportClose,
    /// `transport error`: the transport failed.
    TransportError,
    /// `parse error`: the server sent a packet that cannot be decoded.
    ParseError,
}

impl DisconnectReason {
    /// The text of the official client.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServerDisconnect => "io server disconnect",
            Self::ClientDisconnect => "io client disconnect",
            Self::PingTimeout => "ping timeout",
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::ParseError => "parse error",
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq<&str> for DisconnectReason {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

/// Something that happened to a socket; see [`Socket::on_life`](crate::Socket::on_life).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum LifeEvent {
    /// The namespace was joined, for the first time or again.
    Connect {
        /// The id the server gave the socket this time.
        id: String,
    },
    /// The server refused the namespace; it is not asked again by itself.
    ConnectError(ConnectError),
    /// The connection moved to another transport; this can be before the namespace is joined.
    Upgrade(Transport),
    /// The socket was disconnected.
    Disconnect(DisconnectReason),
    /// The connection is lost and is tried again after `delay`.
    ReconnectAttempt {
        /// 1 for the first attempt after a loss.
        attempt: u32,
        /// How long the attempt waits.
        delay: Duration,
    },
    /// An attempt failed.
    ReconnectError(ConnectError),
    /// The last attempt failed; the socket stays disconnected.
    ReconnectFailed,
}
