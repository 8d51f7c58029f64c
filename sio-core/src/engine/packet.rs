//! Engine packets in their text form (Engine.IO 4, "packet encoding").
//!
//! Step 2 of a packet's way: a text frame, or one slot of a polling payload, becomes a [`Packet`].
//! Binary frames of a WebSocket need no decoding in revision 4: they are binary messages as they stand.
//! In revision 3 their first byte is the packet's type.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf as _, Bytes};

use super::revision::Revision;

/// Type of a message in a binary packet of revision 3.
pub const V3_MESSAGE: u8 = 4;

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
pub fn decode(text: &str, revision: Revision) -> Result<Packet<'_>, InvalidPacket> {
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
            let data = match revision {
                Revision::V4 => data,
                Revision::V3 => data.strip_prefix('4').ok_or(InvalidPacket)?,
            };
            let bytes = STANDARD.decode(data).map_err(|_no_base64| InvalidPacket)?;
            Packet::Binary(bytes.into())
        }
        _ => return Err(InvalidPacket),
    })
}

/// Decodes a packet of revision 3 in its binary form: a type byte and the data.
///
/// # Errors
///
/// It is empty, or its first byte is no packet type.
pub fn decode_binary_v3(mut bytes: Bytes) -> Result<Packet<'static>, InvalidPacket> {
    let &kind = bytes.first().ok_or(InvalidPacket)?;
    Ok(match kind {
        V3_MESSAGE => {
            bytes.advance(1);
            Packet::Binary(bytes)
        }
        0 => Packet::Open,
        1 => Packet::Close,
        2 => Packet::Ping(""),
        3 => Packet::Pong(""),
        5 => Packet::Upgrade,
        6 => Packet::Noop,
        _ => return Err(InvalidPacket),
    })
}

/// Appends the text form of a binary message.
pub fn encode_binary(out: &mut Vec<u8>, bytes: &[u8], revision: Revision) {
    out.extend_from_slice(match revision {
        Revision::V4 => b"b",
        Revision::V3 => b"b4",
    });
    let start = out.len();
    let Some(len) = base64::encoded_len(bytes.len(), true) else { return };
    out.resize(start + len, 0);
    let written = STANDARD.encode_slice(bytes, out.get_mut(start..).unwrap_or_default());
    debug_assert_eq!(written.ok(), Some(len));
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: Revision = Revision::V4;

    #[test]
    fn refuses_what_is_no_packet() {
        for text in ["", "a123", "{", "9", "7", "é", "\u{1e}", "b*", "bAQI", "bAQIDBA=", "bAQ=ID"]
        {
            assert_eq!(decode(text, V4), Err(InvalidPacket), "{text:?}");
        }
        for text in ["", "b", "bAQIDBA==", "b2AQIDBA==", "9"] {
            assert_eq!(decode(text, Revision::V3), Err(InvalidPacket), "{text:?}");
        }
        for bytes in [&b""[..], b"4", b"\x07", b"\xff\x01"] {
            assert_eq!(decode_binary_v3(Bytes::from_static(bytes)), Err(InvalidPacket));
        }
    }

    #[test]
    fn decodes_every_type() {
        let decode = |text| decode(text, V4);
        let bytes = Bytes::from_static(&[1, 2, 3, 4]);
        assert_eq!(decode("1"), Ok(Packet::Close));
        assert_eq!(decode("2probe"), Ok(Packet::Ping("probe")));
        assert_eq!(decode("3"), Ok(Packet::Pong("")));
        assert_eq!(decode("4é€😀"), Ok(Packet::Message("é€😀")));
        assert_eq!(decode("5"), Ok(Packet::Upgrade));
        assert_eq!(decode("6"), Ok(Packet::Noop));
        assert_eq!(decode("bAQIDBA=="), Ok(Packet::Binary(bytes.clone())));
        assert_eq!(decode("b"), Ok(Packet::Binary(Bytes::new())));
        assert_eq!(super::decode("b4AQIDBA==", Revision::V3), Ok(Packet::Binary(bytes.clone())));
        let framed = Bytes::from_static(&[4, 1, 2, 3, 4]);
        assert_eq!(decode_binary_v3(framed), Ok(Packet::Binary(bytes)));
        assert_eq!(decode_binary_v3(Bytes::from_static(&[2])), Ok(Packet::Ping("")));
    }

    #[test]
    fn binary_is_padded_base64() {
        let mut out = b"4".to_vec();
        encode_binary(&mut out, &[1, 2, 3, 4], V4);
        assert_eq!(out, b"4bAQIDBA==");
        out.clear();
        encode_binary(&mut out, &[1, 2, 3, 4], Revision::V3);
        assert_eq!(out, b"b4AQIDBA==");
        out.clear();
        encode_binary(&mut out, &[], V4);
        assert_eq!(out, b"b");
    }
}
