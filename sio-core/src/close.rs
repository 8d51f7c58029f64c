//! Why a session ended and why a socket was disconnected, in the reference's words.

use std::fmt;

/// Why a session ended (Engine.IO layer).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client closed the transport, or its connection ended.
    TransportClose,
    /// The transport failed or the client broke its rules; the text says how and is only logged.
    TransportError(&'static str),
    /// No pong came in time.
    PingTimeout,
    /// An engine packet could not be decoded.
    ParseError,
    /// The server closed the session, for instance after an invalid Socket.IO packet.
    ForcedClose,
    /// A polling client broke the Socket.IO rules while no poll was pending.
    ForcedServerClose,
    /// Every socket was told to leave and the session closed with them.
    ServerDisconnect,
    /// The server is shutting down.
    ServerShuttingDown,
}

impl CloseReason {
    /// What the sockets of the session report.
    #[must_use]
    pub fn disconnect_reason(self) -> DisconnectReason {
        match self {
            Self::TransportClose => DisconnectReason::TransportClose,
            Self::TransportError(_) => DisconnectReason::TransportError,
            Self::PingTimeout => DisconnectReason::PingTimeout,
            Self::ParseError => DisconnectReason::ParseError,
            Self::ForcedClose => DisconnectReason::ForcedClose,
            Self::ForcedServerClose => DisconnectReason::ForcedServerClose,
            Self::ServerDisconnect => DisconnectReason::ServerNamespaceDisconnect,
            Self::ServerShuttingDown => DisconnectReason::ServerShuttingDown,
        }
    }
}

/// Why a socket was disconnected; `Display` gives the reference's string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// `transport error`: the transport failed.
    TransportError,
    /// `transport close`: the client closed the transport.
    TransportClose,
    /// `forced close`: the server closed the session.
    ForcedClose,
    /// `ping timeout`: no pong in time.
    PingTimeout,
    /// `parse error`: an engine packet could not be decoded.
    ParseError,
    /// `server shutting down`: the server was closed.
    ServerShuttingDown,
    /// `forced server close`: a rule was broken while no poll was pending.
    ForcedServerClose,
    /// `client namespace disconnect`: the client left the namespace.
    ClientNamespaceDisconnect,
    /// `server namespace disconnect`: the server disconnected the socket.
    ServerNamespaceDisconnect,
}

impl DisconnectReason {
    /// The reference's string.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TransportError => "transport error",
            Self::TransportClose => "transport close",
            Self::ForcedClose => "forced close",
            Self::PingTimeout => "ping timeout",
            Self::ParseError => "parse error",
            Self::ServerShuttingDown => "server shutting down",
            Self::ForcedServerClose => "forced server close",
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
