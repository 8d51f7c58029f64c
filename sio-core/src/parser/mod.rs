//! Exchangeable encodings of Socket.IO packets.
//!
//! A server encodes packets as text with attachments (see [`packet`](crate::packet)) unless it is given a
//! [`Parser`]; its clients must use the same. A parser stands between the session, which carries whole
//! messages, and the multiplexer: what it decodes passes the same checks as a packet in the default
//! encoding, so a mistake in it ends one session at most.
//! Arguments cross this border as JSON text with placeholders, and the bytes they stand for beside it.

mod incoming;
#[cfg(feature = "msgpack")]
pub mod msgpack;
mod outgoing;

use bytes::Bytes;

use crate::limits::Limits;
use crate::packet::{DecodeError, EncodeError};

pub use self::incoming::Incoming;
#[cfg(feature = "msgpack")]
pub use self::msgpack::MsgpackParser;
pub use self::outgoing::Outgoing;

/// One message of a session, as an Engine.IO message carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a message is text or binary, nothing else")]
pub enum Message {
    /// Text. It must not hold the character U+001E, which separates packets on polling.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

/// Bounds that a decoder has to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecoderLimits {
    /// Attachments that a packet may announce before they come.
    pub max_attachments: usize,
    /// Length of a namespace in bytes.
    pub max_namespace_len: usize,
    /// Length of one message in bytes; longer ones do not get here.
    pub max_payload: usize,
    /// Nesting of arrays and objects in a packet, the array of an event included.
    pub max_depth: usize,
}

/// What a server with default [`Limits`] tells its decoders, for tests of a parser.
impl Default for DecoderLimits {
    fn default() -> Self {
        Self::of(&Limits::default())
    }
}

impl DecoderLimits {
    pub(crate) const fn of(limits: &Limits) -> Self {
        Self {
            max_attachments: limits.max_attachments,
            max_namespace_len: limits.max_namespace_len,
            max_payload: limits.max_payload,
            max_depth: limits.max_json_depth,
        }
    }
}

/// An encoding of Socket.IO packets.
///
/// Called on the thread that sends or receives, and must not block; a panic is caught and counts as an
/// error. A packet that cannot be encoded is not sent: an emit returns the error, a client that waits for an
/// ack or for the answer to its CONNECT is disconnected.
///
/// # Examples
///
/// Every packet as one line of JSON:
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use sio_core::packet::{DecodeError, EncodeError, PacketType};
/// use sio_core::parser::{Decoder, DecoderLimits, Incoming, Message, Outgoing, Parser};
/// use sio_core::server::Io;
///
/// struct Lines;
///
/// #[derive(Serialize, Deserialize)]
/// struct Line {
///     kind: u8,
///     namespace: String,
///     ack: Option<u64>,
///     payload: Option<serde_json::Value>,
/// }
///
/// impl Parser for Lines {
///     fn encode(&self, packet: &Outgoing<'_>) -> Result<Vec<Message>, EncodeError> {
///         if !packet.attachments().is_empty() {
///             return Err(EncodeError::Parser("bytes have no place in a line".to_owned()));
///         }
///         let line = Line {
///             kind: packet.kind().digit(),
///             namespace: packet.namespace().to_owned(),
///             ack: packet.ack(),
///             payload: serde_json::from_str(packet.payload()).ok(),
///         };
///         let text = serde_json::to_string(&line);
///         Ok(vec![Message::Text(text.map_err(|e| EncodeError::Parser(e.to_string()))?)])
///     }
///
///     fn decoder(&self, _: &DecoderLimits) -> Box<dyn Decoder> {
///         Box::new(Lines)
///     }
/// }
///
/// impl Decoder for Lines {
///     fn decode(&mut self, message: Message) -> Result<Option<Incoming>, DecodeError> {
///         let Message::Text(text) = message else { return Err(DecodeError::Malformed) };
///         let line: Line = serde_json::from_str(&text).map_err(|_| DecodeError::Malformed)?;
///         let kind = PacketType::from_digit(line.kind).ok_or(DecodeError::InvalidPacketType)?;
///         let mut packet = Incoming::new(kind, line.namespace);
///         packet.ack = line.ack;
///         packet.payload = line.payload.map(|payload| payload.to_string());
///         Ok(Some(packet))
///     }
/// }
///
/// let server = Io::builder().parser(Lines);
/// # drop(server);
/// ```
pub trait Parser: Send + Sync + 'static {
    /// Writes a packet as one or more messages, which reach the client next to each other.
    ///
    /// With connection state recovery it is called while the namespace's events are locked: it must not emit.
    ///
    /// # Errors
    ///
    /// The packet has no form in this encoding.
    fn encode(&self, packet: &Outgoing<'_>) -> Result<Vec<Message>, EncodeError>;

    /// The decoder of one session; it is made with the session's first message and dropped at its end.
    fn decoder(&self, limits: &DecoderLimits) -> Box<dyn Decoder>;
}

/// Reads the messages of one session.
pub trait Decoder: Send + 'static {
    /// Takes a message, and gives the packet that it completes, if it does.
    ///
    /// A session whose packet waits too long for its next message, or has taken too many bytes
    /// (`attachment_timeout` and `max_binary_packet` in [`Limits`]), ends.
    ///
    /// # Errors
    ///
    /// The message is no part of a packet in this encoding; the session ends.
    fn decode(&mut self, message: Message) -> Result<Option<Incoming>, DecodeError>;
}
