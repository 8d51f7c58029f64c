//! Values to bytes.
//!
//! JSON text is written as MessagePack while it is read; no value is built.

use std::fmt;

use bytes::Bytes;
use rmp::encode;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::packet::{ArgCursor, EncodeError};

/// The extension that stands for undefined.
const UNDEFINED: [u8; 3] = [0xd4, 0, 0];
const TWO_POW_64: f64 = 18_446_744_073_709_551_616.0;
const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;

/// Writes a MessagePack message, value by value, with the smallest form of each.
///
/// The one who writes keeps count: a map of two is followed by two keys with their values.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// An empty message.
    #[must_use]
    pub const fn new() -> Self {
        Self { out: Vec::new() }
    }

    /// The head of an array.
    pub fn array(&mut self, len: u32) {
        let _ = encode::write_array_len(&mut self.out, len);
    }

    /// The head of a map.
    pub fn map(&mut self, len: u32) {
        let _ = encode::write_map_len(&mut self.out, len);
    }

    /// Text; keys are texts.
    pub fn text(&mut self, text: &str) {
        put_text(&mut self.out, text);
    }

    /// A number from 0.
    pub fn unsigned(&mut self, value: u64) {
        put_unsigned(&mut self.out, value);
    }

    /// A number that may be negative.
    pub fn signed(&mut self, value: i64) {
        let _ = encode::write_sint(&mut self.out, value);
    }

    /// A number that need not be whole; one that is, is written as such where 64 bits hold it.
    pub fn float(&mut self, value: f64) {
        put_float(&mut self.out, value);
    }

    /// True or false.
    pub fn bool(&mut self, value: bool) {
        let _ = encode::write_bool(&mut self.out, value);
    }

    /// Nothing.
    pub fn nil(&mut self) {
        let _ = encode::write_nil(&mut self.out);
    }

    /// Bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let _ = encode::write_bin(&mut self.out, bytes);
    }

    /// One value as JSON text, with the bytes that its placeholders stand for.
    ///
    /// # Errors
    ///
    /// The text is not JSON, is nested too deep, or has a placeholder without bytes. Part of it may be written.
    pub fn json(&mut self, json: &str, attachments: &[Bytes]) -> Result<(), EncodeError> {
        put_json(&mut self.out, json, attachments, None)
    }

    /// The message.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }
}

/// Writes JSON text; an object gets the key `undefined` if it has none of that name.
pub(super) fn put_json(
    out: &mut Vec<u8>,
    json: &str,
    attachments: &[Bytes],
    undefined: Option<&'static str>,
) -> Result<(), EncodeError> {
    let Some(items) = json.strip_prefix('[') else {
        if !attachments.is_empty() {
            // Placeholders are known to the cursor only, which reads elements of arrays.
            let array = format!("{json}]");
            let mut items = ArgCursor::new(&array, attachments);
            items.next_seed(Put { out, undefined }).map_err(unreadable)?;
            return items.finish().map_err(unreadable);
        }
        let mut json = serde_json::Deserializer::from_str(json);
        Put { out, undefined }.deserialize(&mut json).map_err(unreadable)?;
        return json.end().map_err(unreadable);
    };
    // One by one, as a handler reads them, so that the depth of the packet's own array is not counted twice.
    let mut items = ArgCursor::new(items, attachments);
    let at = begin(out);
    let mut count = 0;
    while items.next_seed(Put::new(out)).map_err(unreadable)?.is_some() {
        count += 1;
    }
    end(out, at, count, Head::ARRAY);
    Ok(())
}

fn unreadable(error: impl fmt::Display) -> EncodeError {
    EncodeError::Parser(error.to_string())
}

/// How arrays or maps begin: with up to 15 elements, up to 65535, and above.
#[derive(Clone, Copy)]
struct Head(u8, u8, u8);

impl Head {
    const ARRAY: Self = Self(0x90, 0xdc, 0xdd);
    const MAP: Self = Self(0x80, 0xde, 0xdf);
}

/// Keeps room for the head of an array or map; most have few elements.
fn begin(out: &mut Vec<u8>) -> usize {
    out.push(0);
    out.len() - 1
}

/// Writes the head, now that the number of elements is known.
fn end(out: &mut Vec<u8>, at: usize, count: u32, head: Head) {
    let Head(few, some, many) = head;
    let marker = match (u8::try_from(count), u16::try_from(count)) {
        (Ok(count @ 0..=15), _) => few | count,
        (_, Ok(count)) => {
            out.splice(at + 1..at + 1, count.to_be_bytes());
            some
        }
        _ => {
            out.splice(at + 1..at + 1, count.to_be_bytes());
            many
        }
    };
    if let Some(place) = out.get_mut(at) {
        *place = marker;
    }
}

// Writing to a vector cannot fail.

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    let _ = encode::write_str(out, text);
}

pub(super) fn put_unsigned(out: &mut Vec<u8>, value: u64) {
    let _ = encode::write_uint(out, value);
}

/// A float that is an integer is written as one, as JavaScript has only one kind of number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an integer within the range of its type"
)]
fn put_float(out: &mut Vec<u8>, value: f64) {
    let is_integer = value.fract() == 0.0;
    let _ = if is_integer && (0.0..TWO_POW_64).contains(&value) {
        encode::write_uint(out, value as u64).map(drop)
    } else if is_integer && (-TWO_POW_63..0.0).contains(&value) {
        encode::write_sint(out, value as i64).map(drop)
    } else {
        encode::write_f64(out, value)
    };
}

/// Writes a value that is being read.
struct Put<'a> {
    out: &'a mut Vec<u8>,
    /// A key that the object gets if it has none of that name.
    undefined: Option<&'static str>,
}

impl<'a> Put<'a> {
    const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, undefined: None }
    }
}

impl<'de> DeserializeSeed<'de> for Put<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, de: D) -> Result<(), D::Error> {
        de.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Put<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        let _ = encode::write_nil(self.out);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        let _ = encode::write_bool(self.out, value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        put_unsigned(self.out, value);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        let _ = encode::write_sint(self.out, value);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        put_float(self.out, value);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        put_text(self.out, text);
        Ok(())
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<(), E> {
        let _ = encode::write_bin(self.out, bytes);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let at = begin(self.out);
        let mut count = 0;
        while seq.next_element_seed(Put::new(self.out))?.is_some() {
            count += 1;
        }
        end(self.out, at, count, Head::ARRAY);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { out, mut undefined } = self;
        let at = begin(out);
        let mut count = 0;
        loop {
            let key = out.len();
            if map.next_key_seed(Put::new(out))?.is_none() {
                break;
            }
            undefined =
                undefined.filter(|name| !out.get(key..).is_some_and(|key| is_text(key, name)));
            map.next_value_seed(Put::new(out))?;
            count += 1;
        }
        if let Some(name) = undefined {
            put_text(out, name);
            out.extend_from_slice(&UNDEFINED);
            count += 1;
        }
        end(out, at, count, Head::MAP);
        Ok(())
    }
}

/// Whether `written` is the short text `name`.
fn is_text(written: &[u8], name: &str) -> bool {
    matches!(written, [_, text @ ..] if text == name.as_bytes())
}
