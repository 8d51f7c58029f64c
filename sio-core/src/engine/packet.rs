//! Engine packets in their text form (Engine.IO 4, "packet encoding").
//!
//! Step 2 of a packet's way: a text frame, or one slot of a polling payload, becomes a [`Packet`].
//! Binary frames of a WebSocket need no decoding: they are binary messages as they stand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// A decoded engine packet; texts borrow from the frame.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the packet types of Engine.IO 4 are fixed")]
pub enum Packet<'a> {
    /// `0`, only sent by a server.
    Open,
    /// `1`
    Close,
    /// `2` with its data (`probe` during an upgrade).
    Ping(&'a str),
    /// `3` with its data.
    Pong(&'a str),
    /// `4` and the text of a message.
    Message(&'a str),
    /// `b` and base64: a binary message on a text transport.
    Binary(Bytes),
    /// `5`
    Upgrade,
    /// `6`
    Noop,
}

/// The text is no engine packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an engine packet")]
pub struct InvalidPacket;

/// Decodes one engine packet.
///
/// # Errors
///
/// The text is empty, its first character is no packet type, or base64 behind `b` is invalid.
pub fn decode(text: &str) -> Result<Packet<'_>, InvalidPacket> {
    let mut chars = text.chars();
    let kind = chars.next().ok_or(InvalidPacket)?;
    let data = chars.as_str();
    Ok(match kind {
        '4' => Packet::Message(data),
        '3' => Packet::Pong(data),
        '2' => Packet::Ping(data),
        '1' => Packet::Close,
        '0' => Packet::Open,
        '5' => Packet::Upgrade,
        '6' => Packet::Noop,
        'b' => {
            let bytes = STANDARD.decode(data).map_err(|_no_base64| InvalidPacket)?;
            Packet::Binary(bytes.into())
        }
        _ => return Err(InvalidPacket),
    })
}

/// Appends the text form of a binary message.
pub fn encode_binary(out: &mut String, bytes: &[u8]) {
    out.push('b');
    STANDARD.encode_string(bytes, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_packet() {
        for text in ["", "a123", "{", "9", "7", "é", "\u{1e}", "b*", "bAQI", "bAQIDBA=", "bAQ=ID"]
        {
            assert_eq!(decode(text), Err(InvalidPacket), "{text:?}");
        }
    }

    #[test]
    fn decodes_every_type() {
        assert_eq!(decode("1"), Ok(Packet::Close));
        assert_eq!(decode("2probe"), Ok(Packet::Ping("probe")));
        assert_eq!(decode("3"), Ok(Packet::Pong("")));
        assert_eq!(decode("4é€😀"), Ok(Packet::Message("é€😀")));
        assert_eq!(decode("5"), Ok(Packet::Upgrade));
        assert_eq!(decode("6"), Ok(Packet::Noop));
        assert_eq!(decode("bAQIDBA=="), Ok(Packet::Binary(Bytes::from_static(&[1, 2, 3, 4]))));
        assert_eq!(decode("b"), Ok(Packet::Binary(Bytes::new())));
    }

    #[test]
    fn binary_is_padded_base64() {
        let mut out = String::new();
        encode_binary(&mut out, &[1, 2, 3, 4]);
        assert_eq!(out, "bAQIDBA==");
    }
}
