//! Writing server frames of a WebSocket (RFC 6455 section 5.2): unmasked, never fragmented.
//!
//! Only the output side lives here, because the outbox appends frames as wire bytes.
//! Reading frames is the transport's business.

use bytes::{BufMut, BytesMut};

use crate::frame::{Frame, FrameKind};

use super::packet;

/// First byte of a final text frame.
const FIN_TEXT: u8 = 0x81;
/// First byte of a final binary frame.
const FIN_BINARY: u8 = 0x82;

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

/// Appends a frame; `base64` writes binary messages as text, for clients that asked for it
///.
pub fn put_frame(out: &mut BytesMut, frame: &Frame, base64: bool) {
    if base64 && frame.kind() == FrameKind::Binary {
        let mut text = String::with_capacity(frame.payload().len() * 4 / 3 + 4);
        packet::encode_binary(&mut text, frame.payload());
        put_header(out, FrameKind::Text, text.len());
        out.put_slice(text.as_bytes());
    } else {
        put_header(out, frame.kind(), frame.payload().len());
        out.put_slice(frame.payload());
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

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
        put_frame(&mut out, &Frame::binary(Bytes::from_static(&[1, 2, 3, 4])), true);
        assert_eq!(&out[..], b"\x81\x09bAQIDBA==");
    }
}
