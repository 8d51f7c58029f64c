//! Attachments: how bytes travel beside the JSON of a packet.
//!
//! Inwards, [`Bin`] wraps the JSON parser and shows the attachment to the type that asks for it
//! wherever the text has a placeholder; outwards, [`PacketFormatter`] stores every byte slice as
//! attachment and writes the placeholder.
//! serde hands over slices only, so the shared buffer itself is passed beside it, in a
//! thread-local, and taken when address and length match: [`Binary`] is never copied.
//! [`check_placeholders`] is the rule of the protocol; the rest only trusts what it finds.

mod de;
mod map;
mod placeholder;
mod plain;

use std::{
    cell::Cell,
    fmt,
    io::{self, Write},
    ops::Deref,
};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Visitor},
};
use serde_json::ser::Formatter;

pub(super) use self::de::Bin;
pub use self::placeholder::check_placeholders;
pub(super) use self::plain::{index_front, placeholder_front};
use super::MAX_DEPTH;
use super::text::write_quoted;

/// The key that marks an object as placeholder.
const PLACEHOLDER_KEY: &str = "_placeholder";
/// The key of the attachment's index.
const NUM_KEY: &str = "num";

/// Bytes as an attachment, without a copy in either direction.
///
/// Cloning shares the bytes. In formats other than packets it is read and written as serde's
/// bytes, which plain JSON shows as an array of numbers.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Binary(pub Bytes);

impl fmt::Debug for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Binary({} bytes)", self.0.len())
    }
}

impl From<Bytes> for Binary {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Vec<u8>> for Binary {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<Binary> for Bytes {
    fn from(binary: Binary) -> Self {
        binary.0
    }
}

impl Deref for Binary {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.0
    }
}

impl AsRef<[u8]> for Binary {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_shared(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // JSON parsers offer the text of a string when asked for bytes; text is not an attachment.
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(BinaryVisitor)
        } else {
            deserializer.deserialize_byte_buf(BinaryVisitor)
        }
    }
}

struct BinaryVisitor;

impl<'de> Visitor<'de> for BinaryVisitor {
    type Value = Binary;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("binary data")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Binary, E> {
        Ok(Binary(shared(bytes)))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Binary, E> {
        Ok(Binary(bytes.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Binary, A::Error> {
        let mut bytes = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(4096));
        while let Some(byte) = seq.next_element()? {
            bytes.push(byte);
        }
        Ok(Binary(bytes.into()))
    }
}

/// So much of the list is kept from argument to argument.
const SHOWN_KEPT: usize = 16;

thread_local! {
    /// The attachments shown to the argument being read.
    static SHOWN: Cell<Vec<Bytes>> = const { Cell::new(Vec::new()) };
    /// The buffer behind the slice that is just being written.
    static GIVEN: Cell<Option<Bytes>> = const { Cell::new(None) };
}

fn is_same(bytes: &Bytes, slice: &[u8]) -> bool {
    // A listed buffer is alive, so an equal address means the same bytes.
    bytes.as_ptr() == slice.as_ptr() && bytes.len() == slice.len()
}

/// Leaves the buffer where [`shared`] finds it; until [`ShownGuard`] is dropped.
fn show(bytes: &Bytes) {
    if bytes.is_empty() {
        return;
    }
    // Values are buffered before their type is known (flattened structs, untagged enums), so
    // several attachments can be under way at once. The list is at most as long as the packet's.
    let _ = SHOWN.try_with(|cell| {
        let mut shown = cell.take();
        if !shown.iter().any(|known| is_same(known, bytes)) {
            shown.push(bytes.clone());
        }
        cell.set(shown);
    });
}

/// Gives the buffer to a type that asks for bytes.
pub(super) fn show_value<'de, V, E>(bytes: &Bytes, visitor: V) -> Result<V::Value, E>
where
    V: Visitor<'de>,
    E: serde::de::Error,
{
    show(bytes);
    visitor.visit_bytes(bytes)
}

/// Returns the buffer behind `slice` if it was shown, otherwise a copy.
pub(super) fn shared(slice: &[u8]) -> Bytes {
    let found = SHOWN.try_with(|cell| {
        let shown = cell.take();
        let found = shown.iter().find(|known| is_same(known, slice)).cloned();
        cell.set(shown);
        found
    });
    found.ok().flatten().unwrap_or_else(|| Bytes::copy_from_slice(slice))
}

/// Forgets the attachments shown, also when reading an argument panics.
pub(super) struct ShownGuard;

impl Drop for ShownGuard {
    fn drop(&mut self) {
        let _ = SHOWN.try_with(|cell| {
            let mut shown = cell.take();
            shown.clear();
            // The list itself serves the next argument.
            if shown.capacity() <= SHOWN_KEPT {
                cell.set(shown);
            }
        });
    }
}

/// Serializes `bytes` so that [`PacketFormatter`] can share them.
pub(super) fn serialize_shared<S: Serializer>(
    bytes: &Bytes,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let _ = GIVEN.try_with(|cell| cell.set(Some(bytes.clone())));
    let result = serializer.serialize_bytes(bytes);
    let _ = GIVEN.try_with(Cell::take);
    result
}

/// The most attachments one packet may get.
///
/// Recent JavaScript clients refuse more than 10 unless configured otherwise; older ones accept
/// any number. This bound only keeps a mistake from producing frames without end.
pub const MAX_OUTGOING_ATTACHMENTS: usize = 1024;

/// Writes JSON and moves bytes into attachments.
pub(super) struct PacketFormatter<'a> {
    attachments: &'a mut Vec<Bytes>,
    /// Where the attachments of this packet start.
    base: usize,
    /// The nesting of what is being written, the array of the packet included. An array that
    /// starts at 0 is that array, whose brackets are not written here.
    depth: &'a Cell<usize>,
    /// The next byte slice is the text of a string.
    is_text: &'a Cell<bool>,
}

impl<'a> PacketFormatter<'a> {
    pub(super) fn new(
        attachments: &'a mut Vec<Bytes>,
        depth: &'a Cell<usize>,
        is_text: &'a Cell<bool>,
    ) -> Self {
        Self { base: attachments.len(), attachments, depth, is_text }
    }

    #[inline]
    fn enter(&self) -> io::Result<usize> {
        let outer = self.depth.get();
        self.depth.set(outer + 1);
        // Serializing is recursive; the limit of the decoder bounds the stack here as well.
        if outer >= MAX_DEPTH { Err(io::ErrorKind::InvalidData.into()) } else { Ok(outer) }
    }

    #[inline]
    fn leave(&self) -> usize {
        let outer = self.depth.get().saturating_sub(1);
        self.depth.set(outer);
        outer
    }
}

impl Formatter for PacketFormatter<'_> {
    #[inline]
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.enter()? == 0 { Ok(()) } else { writer.write_all(b"[") }
    }

    #[inline]
    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.leave() == 0 { Ok(()) } else { writer.write_all(b"]") }
    }

    #[inline]
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.enter()?;
        writer.write_all(b"{")
    }

    #[inline]
    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.leave();
        writer.write_all(b"}")
    }

    #[inline]
    fn write_byte_array<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        value: &[u8],
    ) -> io::Result<()> {
        if self.is_text.take() {
            return write_quoted(writer, value);
        }
        let num = self.attachments.len() - self.base;
        if num >= MAX_OUTGOING_ATTACHMENTS {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let given = GIVEN.try_with(Cell::take).ok().flatten();
        let bytes = given.filter(|given| is_same(given, value));
        self.attachments.push(bytes.unwrap_or_else(|| Bytes::copy_from_slice(value)));
        writer.write_all(br#"{"_placeholder":true,"num":"#)?;
        writer.write_all(itoa::Buffer::new().format(num).as_bytes())?;
        writer.write_all(b"}")
    }
}

#[cfg(test)]
mod tests;
