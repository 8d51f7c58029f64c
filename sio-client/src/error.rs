//! Errors: one type per operation, and [`ClientError`] for those who do not tell them apart.
//!
//! All of them are values without sources that would have to be shared: they can be cloned, compared
//! and handed to several waiters.

use std::io;
use std::time::Duration;

use sio_core::packet::{ArgError, EncodeError};

use crate::life::DisconnectReason;

/// Why a client cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The URL has no scheme or host that can be used.
    #[error("not the URL of a server: {0:?}")]
    Url(String),
    /// The URL has a path; the path of the server is an option, a namespace is given to `socket`.
    #[error("the URL of a client has no path, found {0:?}")]
    UrlPath(String),
    /// A namespace holds a comma or a control character.
    #[error("not a namespace: {0:?}")]
    Namespace(String),
    /// `https` and `wss` need the feature `tls`.
    #[error("the scheme of {0:?} needs the feature `tls`")]
    TlsMissing(String),
    /// The roots of the operating system cannot be read.
    #[error("no TLS configuration: {0}")]
    Tls(String),
    /// The header has a name or value that HTTP does not allow.
    #[error("not a header: {0:?}")]
    Header(String),
}

/// Why there is no connection to the server, or none any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// No stream to the server, or the stream broke.
    #[error("{message}")]
    Io {
        /// The kind of the I/O error.
        kind: io::ErrorKind,
        /// Its text.
        message: String,
    },
    /// The server answered with an HTTP error.
    #[error("refused with status {status}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The code of the Engine.IO error, if the answer has one.
        code: Option<u64>,
        /// The message of the Engine.IO error, or the beginning of the answer.
        message: String,
    },
    /// What answers is not an Engine.IO 4 server.
    #[error("not an Engine.IO server: {0}")]
    NotEngineIo(&'static str),
    /// The answer is larger than the limit.
    #[error("the server sent more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// HTTP or WebSocket rules were broken.
    #[error("{0}")]
    Protocol(String),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
}

impl From<io::Error> for TransportError {
    fn from(error: io::Error) -> Self {
        Self::Io { kind: error.kind(), message: error.to_string() }
    }
}

/// Why a namespace was not joined.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// There is no connection to the server.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The server refused the namespace.
    #[error("connection refused: {message}")]
    Refused {
        /// What the server says.
        message: String,
        /// What else it says.
        data: Option<serde_json::Value>,
    },
    /// No answer in time.
    #[error("no answer to the connect request within {0:?}")]
    Timeout(Duration),
    /// The session ended before the server answered.
    #[error("disconnected while connecting: {0}")]
    Disconnected(DisconnectReason),
    /// The auth payload is not a JSON object.
    #[error("the auth payload cannot be sent: {0}")]
    Auth(String),
    /// The options are wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Why an event was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The event name is reserved, or the arguments cannot be serialized.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The socket is not connected and will not connect again by itself.
    #[error("the socket is not connected")]
    NotConnected,
    /// As many events wait for the connection as may.
    #[error("the send buffer is full ({limit} packets or {limit_bytes} bytes)")]
    BufferFull {
        /// The largest number of packets that wait.
        limit: usize,
        /// The largest number of their bytes.
        limit_bytes: usize,
    },
    /// The connection is slower than what is emitted; only where waiting is not possible.
    #[error("the connection does not keep up")]
    Busy,
    /// The server announced that it takes no message of this size.
    #[error("the packet has {len} bytes, the server takes {limit}")]
    TooLarge {
        /// The size of the largest part of the packet.
        len: usize,
        /// What the server announced.
        limit: usize,
    },
    /// As many acks are waited for as may.
    #[error("{limit} acks are waited for already")]
    TooManyAcks {
        /// The limit.
        limit: usize,
    },
}

/// Why an ack did not come.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AckError {
    /// The event was not sent.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// No answer within the timeout; the reference's wording.
    #[error("operation has timed out")]
    Timeout,
    /// The socket was disconnected before the answer came.
    #[error("socket has been disconnected")]
    Disconnected,
    /// The answer does not fit the type asked for.
    #[error(transparent)]
    Invalid(#[from] ArgError),
    /// The answer is `{"error":{"code","message","data"?}}`.
    #[error("{code}: {message}")]
    Remote {
        /// The code of the error.
        code: String,
        /// Its message.
        message: String,
        /// Its data.
        data: Option<serde_json::Value>,
    },
}

/// Why an event was not received.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// Its arguments do not fit the type asked for.
    #[error(transparent)]
    Invalid(#[from] ArgError),
    /// The socket is not connected and will not connect again by itself, or the listener was removed.
    #[error("the socket has been disconnected")]
    Disconnected,
    /// The stream was not read in time; this many events are missing at this point.
    #[error("{0} events were missed")]
    Lagged(u64),
}

impl AckError {
    /// The code of an answer that is an error: what the handler's `EventError` has.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Remote { code, .. } => Some(code),
            _ => None,
        }
    }
}

/// Any error of this crate.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// A client cannot be built.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A namespace was not joined.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// An event was not sent.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// An ack did not come.
    #[error(transparent)]
    Ack(#[from] AckError),
    /// An event was not received.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    /// A `TestClient` waited in vain.
    #[cfg(feature = "test")]
    #[error("{wanted} did not come within {after:?}; {arrived}")]
    Missed {
        /// What was waited for.
        wanted: String,
        /// For how long.
        after: Duration,
        /// What came instead.
        arrived: String,
    },
    /// A `TestClient` got what it expected not to get.
    #[cfg(feature = "test")]
    #[error("nothing was expected, but {0}")]
    Unexpected(String),
}

impl ClientError {
    /// As [`AckError::code`]; `None` for every other error.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Ack(error) => error.code(),
            _ => None,
        }
    }
}
