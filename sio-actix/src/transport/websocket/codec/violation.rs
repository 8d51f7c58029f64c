//! What a peer can do wrong, and the code that tells it.

use std::{error, fmt};

/// Rule of RFC 6455 that the peer broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// The frame itself is wrong.
    Protocol(&'static str),
    /// A text message or close reason is not UTF-8.
    InvalidUtf8,
    /// A compressed message cannot be inflated.
    InvalidDeflate,
    /// The message would pass the limit.
    TooLarge {
        /// Bytes announced for the message so far.
        declared: u64,
        /// Bytes allowed for a message.
        limit: usize,
    },
}

impl Violation {
    /// Returns the code for the close frame that answers the violation.
    pub(crate) fn close_code(&self) -> u16 {
        match self {
            Self::Protocol(_) => 1002,
            Self::InvalidUtf8 | Self::InvalidDeflate => 1007,
            Self::TooLarge { .. } => 1009,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(rule) => write!(f, "websocket protocol error: {rule}"),
            Self::InvalidUtf8 => f.write_str("websocket text is not valid utf-8"),
            Self::InvalidDeflate => f.write_str("compressed websocket message is broken"),
            Self::TooLarge { declared, limit } => {
                write!(f, "websocket message of {declared} bytes, limit is {limit}")
            }
        }
    }
}

impl error::Error for Violation {}
