//! What can be wrong with a packet.
//!
//! [`DecodeError`] tells which rule of the Socket.IO 5 packet format the client broke; every value
//! of it ends the session with the reason "parse error".
//! [`EncodeError`] is the mistake of the caller: nothing was written.
//! Messages state limits and sizes, and never repeat what the client sent.

use thiserror::Error;

/// A packet that breaks the Socket.IO 5 packet format or a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The packet has no text at all.
    #[error("empty packet")]
    Empty,
    /// The first character is not a digit from `0` to `6`.
    #[error("unknown packet type")]
    UnknownPacketType,
    /// The payload is missing, is not complete JSON, or has the wrong JSON type for the packet.
    #[error("invalid payload")]
    InvalidPayload,
    /// The attachment count is not usable, or a placeholder names no attachment of the packet.
    #[error("illegal attachments")]
    IllegalAttachments,
    /// The header announces more attachments than allowed.
    #[error("too many attachments ({announced} announced, limit {limit})")]
    TooManyAttachments {
        /// The count in the header; saturated if it does not fit.
        announced: usize,
        /// The configured limit.
        limit: usize,
    },
    /// The attachments of one packet exceed the byte limit.
    #[error("attachments too large ({len} bytes, limit {limit})")]
    AttachmentsTooLarge {
        /// The bytes received so far for this packet.
        len: usize,
        /// The configured limit.
        limit: usize,
    },
    /// The ack id exceeds 2^53-1, beyond which JavaScript clients lose digits.
    #[error("ack id too large")]
    AckIdTooLarge,
    /// The namespace is longer than allowed.
    #[error("namespace too long ({len} bytes, limit {limit})")]
    NamespaceTooLong {
        /// The length received, in bytes.
        len: usize,
        /// The configured limit.
        limit: usize,
    },
    /// Arrays and objects are nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    #[error("nesting too deep")]
    NestingTooDeep,
    /// The message is not in the format of the server's parser at all.
    #[error("malformed message")]
    Malformed,
    /// A parser found a packet type that Socket.IO does not have.
    #[error("invalid packet type")]
    InvalidPacketType,
    /// A parser found a namespace that is no text.
    #[error("invalid namespace")]
    InvalidNamespace,
    /// A parser found an ack id that is no whole number from 0.
    #[error("invalid packet id")]
    InvalidPacketId,
    /// A binary frame came although no packet waits for attachments.
    #[error("got binary data when not reconstructing a packet")]
    UnexpectedBinary,
    /// A text frame came although a packet still waits for attachments.
    #[error("got plaintext data when reconstructing a packet")]
    UnexpectedText,
}

/// A packet that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The event name has a meaning of its own in the protocol or in client libraries.
    #[error("\"{0}\" is a reserved event name")]
    ReservedEvent(&'static str),
    /// An argument refused to be serialized, or has no form in JSON.
    #[error("{0}")]
    Serialize(String),
    /// The arguments hold more than [`MAX_OUTGOING_ATTACHMENTS`](super::MAX_OUTGOING_ATTACHMENTS).
    #[error("too many attachments (limit {limit})", limit = super::MAX_OUTGOING_ATTACHMENTS)]
    TooManyAttachments,
    /// Arrays and objects are nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    #[error("nesting too deep")]
    NestingTooDeep,
    /// The server's parser could not write the packet.
    #[error("the parser failed: {0}")]
    Parser(String),
}
