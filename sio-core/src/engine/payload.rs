//! Polling payloads: several engine packets in one HTTP body.
//!
//! Revision 4 separates packets by 0x1E. Revision 3 writes the length before each packet: in UTF-16
//! units, or in a binary form of its own as soon as a packet is binary.
//! Reading is lazy, so that a body of a million packets costs nothing beyond its first bad one. Writing
//! takes frames as they stand in the outbox.

use bytes::{BufMut as _, Bytes};

use crate::frame::{Frame, FrameKind};

use super::packet::{self, InvalidPacket};
use super::revision::{Revision, Wire};

/// The separator between packets of one payload (Engine.IO 4, "HTTP long-polling").
pub const SEPARATOR: char = '\u{1e}';

/// Ends the length of a packet in a binary payload of revision 3.
const LENGTH_END: u8 = 0xff;
/// More digits than any length has that fits a body.
const MAX_LENGTH_DIGITS: usize = 12;
/// Binary packets below this size are copied out of their body.
const SHARED: usize = 64 * 1024;

/// The body of an answer to a poll.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Payload {
    /// The packets; UTF-8 unless `binary`.
    pub body: Bytes,
    /// A payload of revision 3 with binary packets, to be sent as `application/octet-stream`.
    pub binary: bool,
    /// At least one of the packets may be compressed.
    pub compressible: bool,
}

impl Payload {
    /// The body as text, for payloads that are not binary.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }

    /// A payload of constant packets.
    #[must_use]
    pub fn constant(revision: Revision, packets: &[&'static str]) -> Self {
        let frames: Vec<Frame> = packets.iter().map(|packet| Frame::constant(packet)).collect();
        Self::join(frames.iter(), 0, Wire { revision, ..Wire::V4 })
    }

    /// Writes frames as one payload; `bytes` is about what they need.
    pub fn join<'a>(
        frames: impl Iterator<Item = &'a Frame> + Clone,
        bytes: usize,
        wire: Wire,
    ) -> Self {
        let mut compressible = false;
        let binary = wire.revision == Revision::V3
            && !wire.base64
            && frames.clone().any(|frame| frame.kind() == FrameKind::Binary);
        let mut out = Vec::with_capacity(bytes);
        for frame in frames {
            compressible |= frame.is_compressible();
            match wire.revision {
                Revision::V4 => push_v4(&mut out, frame),
                Revision::V3 if binary => push_v3_binary(&mut out, frame),
                Revision::V3 => push_v3_text(&mut out, frame),
            }
        }
        Self { body: out.into(), binary, compressible }
    }
}

impl From<&str> for Payload {
    fn from(body: &str) -> Self {
        Self { body: Bytes::copy_from_slice(body.as_bytes()), binary: false, compressible: true }
    }
}

fn push_v4(out: &mut Vec<u8>, frame: &Frame) {
    if !out.is_empty() {
        out.push(SEPARATOR as u8);
    }
    match frame.kind() {
        FrameKind::Binary => packet::encode_binary(out, frame.payload(), Revision::V4),
        FrameKind::Text => out.put_slice(frame.payload()),
    }
}

fn push_v3_text(out: &mut Vec<u8>, frame: &Frame) {
    let mut encoded = Vec::new();
    let packet: &[u8] = match frame.kind() {
        FrameKind::Binary => {
            packet::encode_binary(&mut encoded, frame.payload(), Revision::V3);
            &encoded
        }
        FrameKind::Text => frame.payload(),
    };
    let mut digits = itoa::Buffer::new();
    out.put_slice(digits.format(utf16_len(packet)).as_bytes());
    out.push(b':');
    out.put_slice(packet);
}

/// UTF-16 units of UTF-8 text: one per character, two for those of four bytes.
fn utf16_len(text: &[u8]) -> usize {
    text.iter().map(|byte| usize::from(byte & 0xc0 != 0x80) + usize::from(*byte >= 0xf0)).sum()
}

fn push_v3_binary(out: &mut Vec<u8>, frame: &Frame) {
    let payload = frame.payload();
    let (mark, len) = match frame.kind() {
        FrameKind::Text => (0, payload.len()),
        FrameKind::Binary => (1, payload.len() + 1),
    };
    out.push(mark);
    let mut digits = itoa::Buffer::new();
    out.extend(digits.format(len).bytes().map(|digit| digit - b'0'));
    out.push(LENGTH_END);
    if frame.kind() == FrameKind::Binary {
        out.push(packet::V3_MESSAGE);
    }
    out.put_slice(payload);
}

/// The body of a push, as far as it was read.
#[derive(Debug)]
pub struct PayloadReader {
    body: Bytes,
    revision: Revision,
    /// Framed in the binary form of revision 3.
    binary: bool,
    position: usize,
    /// Nothing is left, as opposed to an empty last packet.
    done: bool,
}

/// One packet of a pushed payload.
#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a packet is text or binary, nothing else")]
pub enum Slot<'a> {
    /// A packet in its text form.
    Text(&'a str),
    /// A packet of revision 3 in its binary form: a type byte and the data.
    Binary(Bytes),
}

impl PayloadReader {
    /// Starts reading; `binary` if the body came as `application/octet-stream`.
    #[must_use]
    pub const fn new(body: Bytes, revision: Revision, binary: bool) -> Self {
        Self { body, revision, binary, position: 0, done: false }
    }

    /// Takes the next packet; `None` at the end of the payload.
    ///
    /// An empty payload is one empty packet, which no decoder accepts.
    ///
    /// # Errors
    ///
    /// The body is no UTF-8, or a length is not that of the packet behind it.
    pub fn next_packet(&mut self) -> Option<Result<Slot<'_>, InvalidPacket>> {
        if self.done {
            return None;
        }
        let rest = self.body.get(self.position..).unwrap_or_default();
        let taken = match self.revision {
            Revision::V4 => split_v4(rest),
            Revision::V3 if self.binary => split_v3_binary(rest),
            Revision::V3 => split_v3_text(rest),
        };
        let Some(taken) = taken else {
            self.done = true;
            return Some(Err(InvalidPacket));
        };
        let start = self.position + taken.start;
        let end = start + taken.len;
        self.position = end + usize::from(taken.separated);
        self.done = self.position >= self.body.len() && !taken.separated;
        if taken.binary {
            return Some(Ok(Slot::Binary(self.piece(start..end))));
        }
        let text = self.body.get(start..end).and_then(|text| std::str::from_utf8(text).ok());
        Some(text.map(Slot::Text).ok_or(InvalidPacket))
    }

    /// Bytes of the body, shared only if they are much and most of it: a small piece that is kept must not
    /// keep a large body, or what the body was read into.
    fn piece(&self, range: std::ops::Range<usize>) -> Bytes {
        let part = self.body.get(range.clone()).unwrap_or_default();
        if part.len() >= SHARED && part.len() >= self.body.len() / 2 {
            self.body.slice(range)
        } else {
            Bytes::copy_from_slice(part)
        }
    }

    /// Everything was taken.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.done
    }
}

/// Where the next packet is, counted from what is left.
struct Taken {
    start: usize,
    len: usize,
    binary: bool,
    /// A separator follows, and behind it another packet.
    separated: bool,
}

fn split_v4(rest: &[u8]) -> Option<Taken> {
    let end = memchr::memchr(SEPARATOR as u8, rest);
    let len = end.unwrap_or(rest.len());
    Some(Taken { start: 0, len, binary: false, separated: end.is_some() })
}

fn split_v3_text(rest: &[u8]) -> Option<Taken> {
    let digits = rest.iter().take(MAX_LENGTH_DIGITS).position(|byte| *byte == b':')?;
    let length = std::str::from_utf8(rest.get(..digits)?).ok()?;
    // A parsed number could have a sign.
    let units: usize = length.strip_prefix('+').map_or(length, |_signed| "").parse().ok()?;
    let start = digits + 1;
    let len = utf16_prefix(rest.get(start..)?, units)?;
    Some(Taken { start, len, binary: false, separated: false })
}

/// Bytes of the text that `units` UTF-16 units take; `None` if there are fewer, or it ends inside of a
/// character.
fn utf16_prefix(text: &[u8], units: usize) -> Option<usize> {
    // No text has more units than bytes.
    if units > text.len() {
        return None;
    }
    let mut left = units;
    let mut bytes = text.iter().enumerate();
    loop {
        let Some((index, byte)) = bytes.next() else {
            return (left == 0).then_some(text.len());
        };
        if byte & 0xc0 == 0x80 {
            continue;
        }
        if left == 0 {
            return Some(index);
        }
        left = left.checked_sub(if *byte >= 0xf0 { 2 } else { 1 })?;
    }
}

fn split_v3_binary(rest: &[u8]) -> Option<Taken> {
    let (&mark, behind) = rest.split_first()?;
    let digits = behind.iter().take(MAX_LENGTH_DIGITS).position(|byte| *byte == LENGTH_END)?;
    let mut len = 0usize;
    for digit in behind.get(..digits).filter(|digits| !digits.is_empty())? {
        if *digit > 9 {
            return None;
        }
        len = len.checked_mul(10)?.checked_add(usize::from(*digit))?;
    }
    let start = digits + 2;
    if mark > 1 || rest.len().checked_sub(start)? < len {
        return None;
    }
    Some(Taken { start, len, binary: mark == 1, separated: false })
}

#[cfg(test)]
mod tests;
