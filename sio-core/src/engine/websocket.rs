//! Writing server frames of a WebSocket (RFC 6455 section 5.2): unmasked, never fragmented.
//!
//! Only the output side lives here, because the outbox appends frames as wire bytes.
//! Reading frames is the transport's business.

use bytes::{BufMut, Bytes, BytesMut};

use crate::frame::{Frame, FrameKind};

use super::revision::{Revision, Wire};
use super::{deflate, packet};

/// First byte of a final text frame.
const FIN_TEXT: u8 = 0x81;
/// First byte of a final binary frame.
const FIN_BINARY: u8 = 0x82;
/// The message is compressed.
const RSV1: u8 = 0x40;
/// The longest header.
pub const MAX_HEADER: usize = 10;

/// Appends the header of a frame with `len` bytes of payload.
#[inline]
pub fn put_header(out: &mut BytesMut, kind: FrameKind, len: usize) {
    let first = match kind {
        FrameKind::Text => FIN_TEXT,
        FrameKind::Binary => FIN_BINARY,
    };
    if let Ok(short) = u8::try_from(len)
        && short < 126
    {
        out.put_slice(&[first, short]);
    } else if let Ok(medium) = u16::try_from(len) {
        let [a, b] = medium.to_be_bytes();
        out.put_slice(&[first, 126, a, b]);
    } else {
        out.put_slice(&[first, 127]);
        out.put_u64(len as u64);
    }
}

/// Appends a frame, as the client of `wire` reads it.
pub fn put_frame(out: &mut BytesMut, frame: &Frame, wire: Wire) {
    if let Some(compressed) = compressed(frame, wire) {
        put_compressed_header(out, frame.kind(), compressed.len());
        return out.put_slice(&compressed);
    }
    let payload = frame.payload();
    if frame.kind() == FrameKind::Text || wire.is_plain() {
        if let Some(ready) = frame.as_ready() {
            return out.put_slice(ready);
        }
        put_header(out, frame.kind(), payload.len());
    } else if wire.base64 {
        let mut text = Vec::with_capacity(payload.len() * 4 / 3 + 5);
        packet::encode_binary(&mut text, payload, wire.revision);
        put_header(out, FrameKind::Text, text.len());
        return out.put_slice(&text);
    } else {
        put_binary_header(out, payload.len(), wire.revision);
    }
    out.put_slice(payload);
}

/// The payload of a frame that is to be sent compressed.
pub(super) fn compressed(frame: &Frame, wire: Wire) -> Option<Bytes> {
    // Binary messages may have another form on the wire, which is not shared.
    (frame.kind() == FrameKind::Text || wire.is_plain()).then_some(())?;
    deflate::payload(frame, wire)
}

/// Appends the header of a compressed message with `len` bytes of payload (RFC 7692 section 6).
pub(super) fn put_compressed_header(out: &mut BytesMut, kind: FrameKind, len: usize) {
    let at = out.len();
    put_header(out, kind, len);
    if let Some(first) = out.get_mut(at) {
        *first |= RSV1;
    }
}

/// Appends the header of a binary message with `len` bytes, and what its revision puts before them.
pub fn put_binary_header(out: &mut BytesMut, len: usize, revision: Revision) {
    match revision {
        Revision::V4 => put_header(out, FrameKind::Binary, len),
        Revision::V3 => {
            put_header(out, FrameKind::Binary, len + 1);
            out.put_u8(packet::V3_MESSAGE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_forms_switch_at_126_and_65536() {
        for (len, head) in [
            (0usize, vec![0x82, 0]),
            (125, vec![0x82, 125]),
            (126, vec![0x82, 126, 0, 126]),
            (65_535, vec![0x82, 126, 0xff, 0xff]),
            (65_536, vec![0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut out = BytesMut::new();
            put_header(&mut out, FrameKind::Binary, len);
            assert_eq!(out, head, "{len}");
        }
    }

    #[test]
    fn base64_clients_get_text() {
        let mut out = BytesMut::new();
        let frame = Frame::binary(Bytes::from_static(&[1, 2, 3, 4]));
        put_frame(&mut out, &frame, Wire { base64: true, ..Wire::V4 });
        assert_eq!(&out[..], b"\x81\x09bAQIDBA==");
        out.clear();
        put_frame(&mut out, &frame, Wire { base64: true, revision: Revision::V3, deflate: None });
        assert_eq!(&out[..], b"\x81\x0ab4AQIDBA==");
    }

    #[test]
    fn a_compressed_message_says_so_in_its_head() {
        let mut out = BytesMut::new();
        let frame = Frame::text(Bytes::from(vec![b'4'; 2_000]));
        let wire = Wire { deflate: Some(2_000), ..Wire::V4 };
        put_frame(&mut out, &frame, wire);
        assert_eq!(out[0], 0xc1);
        assert!(out.len() < 100);
        assert_eq!(deflate::inflate(&out[2..], 2_000), Ok(vec![b'4'; 2_000]));
        out.clear();
        put_frame(&mut out, &Frame::constant("4"), wire);
        assert_eq!(&out[..], b"\x81\x014");
    }

    #[test]
    fn revision_3_puts_the_type_before_binary_messages() {
        let mut out = BytesMut::new();
        let frame = Frame::binary(Bytes::from_static(&[1, 2]));
        put_frame(&mut out, &frame, Wire { revision: Revision::V3, ..Wire::V4 });
        assert_eq!(&out[..], b"\x82\x03\x04\x01\x02");
    }
}
