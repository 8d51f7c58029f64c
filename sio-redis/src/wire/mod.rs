//! What nodes say, as bytes on channels and in streams.
//!
//! `classic` is the format of the classic adapter, `envelope` that of the sharded one and of the streams adapter,
//! whose `entry`s and sessions hold its inner part; `channel` is where messages go. All are wire-compatible with
//! the Node.js packages. Writing goes through `form`, one description of a message for JSON and MessagePack;
//! reading makes JSON text of everything and goes on in `raw`.
//! Nothing here knows a connection. What comes in is not trusted: it is refused with a reason, and costs memory in
//! proportion to its size at most.

pub(crate) mod channel;
pub(crate) mod classic;
pub(crate) mod entry;
pub(crate) mod envelope;
mod form;
mod raw;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use sio_core::cluster::Message;
use sio_core::packet::{DecodeError, EncodeError};

/// The id that emitters give.
pub(crate) const EMITTER: &str = "emitter";

/// Largest message that is read, in bytes.
pub(crate) const MAX_MESSAGE: usize = 16 << 20;

/// Byte strings in one message that is read.
const MAX_BYTE_STRINGS: usize = 65_536;

/// Bytes in a message that become part of JSON values, where each takes as much as a number.
const MAX_BYTES_IN_VALUES: usize = 1 << 20;

/// How broadcasts and acks are written in classic mode (reference: `parser`); all servers must agree.
///
/// What is read is told by its first byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Codec {
    /// MessagePack.
    #[default]
    Msgpack,
    /// JSON text. Bytes arrive as `{"type":"Buffer","data":[…]}`, as with the reference's `JSON` parser.
    Json,
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender<'a> {
    /// A node, by its id.
    Node(&'a str),
    /// An emitter, which is no node and hears no answers.
    Emitter,
}

impl<'a> Sender<'a> {
    pub(crate) const fn id(self) -> &'a str {
        match self {
            Self::Node(id) => id,
            Self::Emitter => EMITTER,
        }
    }
}

/// A message, and who says it; empty if it does not say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Received {
    pub(crate) from: Box<str>,
    pub(crate) message: Message,
}

/// Objects and arrays in a message that become JSON values, where the smallest takes hundreds of bytes.
const MAX_CONTAINERS_IN_VALUES: usize = 1 << 18;

/// Why bytes that came from Redis are not a message.
///
/// Never shows what was in them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("{0} bytes are too many")]
    TooLarge(usize),
    #[error("not a value: {0}")]
    Value(#[from] DecodeError),
    #[error("text is not UTF-8")]
    Text,
    #[error("not of the expected form at column {0}")]
    Form(usize),
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("unknown type {0}")]
    UnknownType(u64),
    #[error("not an event")]
    NoEvent,
    #[error("{0} objects and arrays are too many")]
    TooManyContainers(usize),
    #[error("not base64")]
    Base64,
    #[error("not an offset")]
    Offset,
}

impl From<serde_json::Error> for Malformed {
    fn from(error: serde_json::Error) -> Self {
        Self::Form(error.column())
    }
}

fn unsupported() -> EncodeError {
    EncodeError::Parser("nodes of this kind have no such message".to_owned())
}
