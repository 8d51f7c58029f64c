//! Polling payloads: several engine packets in one HTTP body, separated by 0x1E.
//!
//! Splitting is lazy, so that a body of a million separators costs nothing beyond its first bad
//! packet. Joining takes frames as they stand in the outbox.

use crate::frame::{Frame, FrameKind};

use super::packet;

/// The separator between packets of one payload (Engine.IO 4, "HTTP long-polling").
pub const SEPARATOR: char = '\u{1e}';

/// Takes the first packet off `rest`; `None` at the end of the payload.
///
/// An empty payload is one empty packet, which no decoder accepts.
pub fn next_packet<'a>(rest: &mut Option<&'a str>) -> Option<&'a str> {
    let text = rest.take()?;
    match text.split_once(SEPARATOR) {
        Some((first, tail)) => {
            *rest = Some(tail);
            Some(first)
        }
        None => Some(text),
    }
}

/// Appends one frame to a payload.
pub fn push_frame(out: &mut String, frame: &Frame) {
    if !out.is_empty() {
        out.push(SEPARATOR);
    }
    match frame.kind() {
        FrameKind::Binary => packet::encode_binary(out, frame.payload()),
        // Frames are made of `str`; the lossy form only spares a panic path and copies nothing.
        FrameKind::Text => out.push_str(&String::from_utf8_lossy(frame.payload())),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn split(text: &str) -> Vec<&str> {
        let mut rest = Some(text);
        std::iter::from_fn(|| next_packet(&mut rest)).collect()
    }

    #[test]
    fn splits_at_separators_and_keeps_empty_packets() {
        assert_eq!(split(""), [""]);
        assert_eq!(split("\u{1e}"), ["", ""]);
        assert_eq!(
            split("0\u{1e}1\u{1e}2probe\u{1e}3probe\u{1e}4test"),
            ["0", "1", "2probe", "3probe", "4test"]
        );
    }

    #[test]
    fn joins_text_and_binary_without_trailing_separator() {
        let mut out = String::new();
        push_frame(&mut out, &Frame::constant("4hello"));
        push_frame(&mut out, &Frame::binary(Bytes::from_static(&[1, 2, 3, 4])));
        assert_eq!(out, "4hello\u{1e}bAQIDBA==");
    }
}
