//! A value to JSON text, once and without recursion; byte strings become placeholders.

use bytes::Bytes;

use crate::packet::{DecodeError, MAX_ACK_ID};

use super::piece;
use super::read::{Item, Reader};

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Absent,
    Text,
    Array,
    Map,
    Other,
}

/// A value on its way to JSON.
pub(super) struct JsonText<'a> {
    message: &'a Bytes,
    max_attachments: usize,
    max_depth: usize,
    pub(super) shape: Shape,
    pub(super) json: String,
    pub(super) attachments: Vec<Bytes>,
}

/// An array or map that is being read.
struct Level {
    is_map: bool,
    is_empty: bool,
    missing: u32,
}

impl<'a> JsonText<'a> {
    pub(super) const fn new(message: &'a Bytes, max_attachments: usize, max_depth: usize) -> Self {
        Self {
            message,
            max_attachments,
            max_depth,
            shape: Shape::Absent,
            json: String::new(),
            attachments: Vec::new(),
        }
    }

    /// Reads the value that begins with `item`; the last of several counts.
    pub(super) fn read(
        &mut self,
        reader: &mut Reader<'_>,
        item: Item<'_>,
    ) -> Result<(), DecodeError> {
        self.json.clear();
        self.attachments.clear();
        self.shape = match &item {
            Item::Undefined => Shape::Absent,
            Item::Text(_) => Shape::Text,
            Item::Array(_) => Shape::Array,
            Item::Map(_) => Shape::Map,
            _ => Shape::Other,
        };
        let mut levels: Vec<Level> = Vec::new();
        let mut next = Some(item);
        while let Some(item) = next {
            let (missing, is_map) = match item {
                Item::Array(len) => (len, false),
                Item::Map(len) => (len, true),
                scalar => {
                    self.scalar(&scalar)?;
                    next = self.advance(reader, &mut levels)?;
                    continue;
                }
            };
            if levels.len() >= self.max_depth {
                return Err(DecodeError::NestingTooDeep);
            }
            self.json.push(if is_map { '{' } else { '[' });
            levels.push(Level { is_map, is_empty: true, missing });
            next = self.advance(reader, &mut levels)?;
        }
        Ok(())
    }

    /// Closes what is complete, and reads the next value with its key; `None` at the end.
    fn advance<'m>(
        &mut self,
        reader: &mut Reader<'m>,
        levels: &mut Vec<Level>,
    ) -> Result<Option<Item<'m>>, DecodeError> {
        while let Some(level) = levels.last_mut() {
            if level.missing == 0 {
                self.json.push(if level.is_map { '}' } else { ']' });
                levels.pop();
                continue;
            }
            level.missing -= 1;
            let key = if level.is_map { Some(reader.item()?) } else { None };
            let value = reader.item()?;
            if key.is_some() && value == Item::Undefined {
                // As JSON has it: a key without a value is not there.
                continue;
            }
            if !level.is_empty {
                self.json.push(',');
            }
            level.is_empty = false;
            if let Some(key) = key {
                self.key(&key)?;
                self.json.push(':');
            }
            return Ok(Some(value));
        }
        Ok(None)
    }

    fn key(&mut self, key: &Item<'_>) -> Result<(), DecodeError> {
        match key {
            Item::Text(text) => self.text(text),
            Item::Undefined => self.json.push_str("\"undefined\""),
            Item::Nil | Item::Bool(_) | Item::Uint(_) | Item::Int(_) | Item::Float(_) => {
                self.json.push('"');
                self.scalar(key)?;
                self.json.push('"');
            }
            _ => return Err(DecodeError::InvalidPayload),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
            // A string always has a JSON form.
            self.json.push_str(&serde_json::to_string(text).unwrap_or_default());
        } else {
            self.json.push('"');
            self.json.push_str(text);
            self.json.push('"');
        }
    }

    fn number(&mut self, number: impl itoa::Integer) {
        self.json.push_str(itoa::Buffer::new().format(number));
    }

    fn scalar(&mut self, item: &Item<'_>) -> Result<(), DecodeError> {
        match item {
            Item::Bool(true) => self.json.push_str("true"),
            Item::Bool(false) => self.json.push_str("false"),
            Item::Uint(value) => self.number(*value),
            Item::Int(value) => self.number(*value),
            Item::Float(value) => self.float(*value),
            Item::Text(text) => self.text(text),
            Item::Date(millis) => crate::date::write_json(&mut self.json, *millis),
            Item::Bytes(range) => self.bytes(range.clone())?,
            Item::Extension(kind, range) => {
                self.json.push('[');
                self.number(*kind);
                self.json.push(',');
                self.bytes(range.clone())?;
                self.json.push(']');
            }
            Item::Nil | Item::Undefined | Item::Array(_) | Item::Map(_) => {
                self.json.push_str("null");
            }
        }
        Ok(())
    }

    fn float(&mut self, value: f64) {
        match integer(value) {
            Some(integer) => self.number(integer),
            // What is not finite has no form in JSON.
            None if !value.is_finite() => self.json.push_str("null"),
            None => self.json.push_str(&serde_json::to_string(&value).unwrap_or_default()),
        }
    }

    fn bytes(&mut self, range: std::ops::Range<usize>) -> Result<(), DecodeError> {
        let (num, limit) = (self.attachments.len(), self.max_attachments);
        if num >= limit {
            return Err(DecodeError::TooManyAttachments { announced: num + 1, limit });
        }
        self.json.push_str(r#"{"_placeholder":true,"num":"#);
        self.number(num);
        self.json.push('}');
        self.attachments.push(piece(self.message, range));
        Ok(())
    }
}

/// The integer that a float is, if it is one that floats hold exactly.
pub(super) fn integer(value: f64) -> Option<i64> {
    #[expect(clippy::cast_precision_loss, reason = "2^53 is a float")]
    let is_exact = value.fract() == 0.0 && value.abs() <= MAX_ACK_ID as f64;
    #[expect(clippy::cast_possible_truncation, reason = "an integer below 2^53")]
    is_exact.then_some(value as i64)
}
