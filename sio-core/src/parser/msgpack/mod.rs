//! MessagePack, as the JavaScript package `socket.io-msgpack-parser` writes it.
//!
//! Every packet is one binary message that holds a map: `type`, `nsp`, and where there are any, `data` and `id`.
//! Bytes stay where they are in `data`.
//!
//! [`read_value`] and [`Writer`] are for other messages than packets: what nodes of a cluster say to each other.

mod decode;
mod encode;
mod json;
mod read;
mod write;

use bytes::Bytes;

use crate::cluster::Data;
use crate::packet::{DecodeError, EncodeError};

use self::json::JsonText;
use self::read::Reader;
pub use self::write::Writer;

use super::{Decoder, DecoderLimits, Incoming, Message, Outgoing, Parser};

/// The MessagePack parser; clients need the npm package `socket.io-msgpack-parser` or its like.
///
/// Dates arrive as text (ISO 8601 in UTC, with milliseconds), undefined elements of arrays as `null`, keys of
/// maps as text. Numbers beyond 64 bits are sent as floats; the reference sends zero.
///
/// Differs from the reference, so that a client cannot make the server do more than its message is worth: one
/// packet holds at most 1024 byte strings (or the limit of attachments, if that is higher), and none in the
/// payload of a CONNECT; a negative ack id is refused, and keys that are arrays, maps or bytes are.
/// A map with `_placeholder: true` beside byte strings is read as in the default encoding.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has nothing to set")]
pub struct MsgpackParser;

impl Parser for MsgpackParser {
    fn encode(&self, packet: &Outgoing<'_>) -> Result<Vec<Message>, EncodeError> {
        Ok(vec![Message::Binary(encode::encode(packet)?.into())])
    }

    fn decoder(&self, limits: &DecoderLimits) -> Box<dyn Decoder> {
        Box::new(MsgpackDecoder(limits.clone()))
    }
}

/// There is nothing to keep between messages.
struct MsgpackDecoder(DecoderLimits);

impl Decoder for MsgpackDecoder {
    fn decode(&mut self, message: Message) -> Result<Option<Incoming>, DecodeError> {
        match message {
            Message::Binary(bytes) => decode::decode(&bytes, &self.0).map(Some),
            Message::Text(_) => Err(DecodeError::Malformed),
        }
    }
}

/// Reads a message that is one value.
///
/// As [`MsgpackParser`] reads payloads; in addition the extension of type -1 is a date. Memory in proportion to the
/// message at most.
///
/// # Errors
///
/// The message is cut off, goes on behind its value, is nested deeper than `max_depth` or has more than
/// `max_attachments` byte strings.
pub fn read_value(
    message: &Bytes,
    max_attachments: usize,
    max_depth: usize,
) -> Result<Data, DecodeError> {
    let mut reader = Reader::with_timestamps(message);
    let mut value = JsonText::new(message, max_attachments, max_depth);
    let item = reader.item()?;
    value.read(&mut reader, item)?;
    if !reader.is_at_end() {
        return Err(DecodeError::Malformed);
    }
    Ok(Data { json: value.json.into(), attachments: value.attachments })
}

/// Bytes of a message, shared if they are most of it: a small piece must not keep a large message.
fn piece(message: &Bytes, range: std::ops::Range<usize>) -> Bytes {
    let part = message.get(range.clone()).unwrap_or_default();
    if part.len() >= message.len() / 2 && !part.is_empty() {
        message.slice(range)
    } else {
        Bytes::copy_from_slice(part)
    }
}

#[cfg(test)]
mod tests;
