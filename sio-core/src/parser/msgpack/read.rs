//! Single values of a MessagePack message.
//!
//! The length of an array or map is only a number here: nothing is allocated for elements that were announced.

use std::borrow::Cow;
use std::ops::Range;

use rmp::Marker;

use crate::packet::DecodeError;

/// A value, or the head of an array or map.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item<'a> {
    Nil,
    Undefined,
    Bool(bool),
    Uint(u64),
    /// A negative number.
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    /// Where the bytes are in the message.
    Bytes(Range<usize>),
    /// Milliseconds since 1970.
    Date(i64),
    /// An extension without a meaning here: its type, and where its bytes are.
    Extension(i8, Range<usize>),
    Array(u32),
    Map(u32),
}

/// Reads a message from its start to its end.
pub(super) struct Reader<'a> {
    message: &'a [u8],
    at: usize,
    has_timestamps: bool,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(message: &'a [u8]) -> Self {
        Self { message, at: 0, has_timestamps: false }
    }

    /// Reads the extension of type -1 as a date; for packets it has no meaning.
    pub(super) const fn with_timestamps(message: &'a [u8]) -> Self {
        Self { message, at: 0, has_timestamps: true }
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.at == self.message.len()
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let rest = self.message.get(self.at..).ok_or(DecodeError::Malformed)?;
        let bytes = *rest.first_chunk().ok_or(DecodeError::Malformed)?;
        self.at += N;
        Ok(bytes)
    }

    fn range(&mut self, len: u32) -> Result<Range<usize>, DecodeError> {
        let start = self.at;
        let end = usize::try_from(len).ok().and_then(|len| start.checked_add(len));
        let end = end.filter(|end| *end <= self.message.len()).ok_or(DecodeError::Malformed)?;
        self.at = end;
        Ok(start..end)
    }

    /// Text; bytes that are none become U+FFFD, as in the reference.
    fn text(&mut self, len: u32) -> Result<Item<'a>, DecodeError> {
        let range = self.range(len)?;
        let bytes = self.message.get(range).unwrap_or_default();
        Ok(Item::Text(String::from_utf8_lossy(bytes)))
    }

    /// The reference's own types all have the number 0: an array buffer, unless it has one of two lengths that
    /// are written without it.
    fn extension(&mut self, len: u32, is_fixed: bool) -> Result<Item<'a>, DecodeError> {
        let kind = i8::from_be_bytes(self.take()?);
        Ok(match (kind, is_fixed, len) {
            (0, true, 1) => {
                self.range(1)?;
                Item::Undefined
            }
            (0, true, 8) => Item::Date(i64::from_be_bytes(self.take()?)),
            (0, false, _) => Item::Bytes(self.range(len)?),
            (-1, true, 4) if self.has_timestamps => {
                Item::Date(i64::from(u32::from_be_bytes(self.take()?)) * 1_000)
            }
            (-1, true, 8) if self.has_timestamps => {
                let both = u64::from_be_bytes(self.take()?);
                let (nanos, seconds) = (both >> 34, both & ((1 << 34) - 1));
                date(i64::try_from(seconds).unwrap_or(i64::MAX), nanos)
            }
            (-1, false, 12) if self.has_timestamps => {
                let nanos = u32::from_be_bytes(self.take()?);
                date(i64::from_be_bytes(self.take()?), nanos.into())
            }
            _ => Item::Extension(kind, self.range(len)?),
        })
    }

    fn len8(&mut self) -> Result<u32, DecodeError> {
        Ok(u8::from_be_bytes(self.take()?).into())
    }

    fn len16(&mut self) -> Result<u32, DecodeError> {
        Ok(u16::from_be_bytes(self.take()?).into())
    }

    fn len32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.take()?))
    }

    /// Reads the next value, of arrays and maps the head.
    pub(super) fn item(&mut self) -> Result<Item<'a>, DecodeError> {
        let [marker] = self.take()?;
        Ok(match Marker::from_u8(marker) {
            Marker::Null => Item::Nil,
            Marker::False => Item::Bool(false),
            Marker::True => Item::Bool(true),
            Marker::FixPos(value) => Item::Uint(value.into()),
            Marker::U8 => Item::Uint(u8::from_be_bytes(self.take()?).into()),
            Marker::U16 => Item::Uint(u16::from_be_bytes(self.take()?).into()),
            Marker::U32 => Item::Uint(u32::from_be_bytes(self.take()?).into()),
            Marker::U64 => Item::Uint(u64::from_be_bytes(self.take()?)),
            Marker::FixNeg(value) => Item::Int(value.into()),
            Marker::I8 => signed(i8::from_be_bytes(self.take()?).into()),
            Marker::I16 => signed(i16::from_be_bytes(self.take()?).into()),
            Marker::I32 => signed(i32::from_be_bytes(self.take()?).into()),
            Marker::I64 => signed(i64::from_be_bytes(self.take()?)),
            Marker::F32 => Item::Float(f32::from_be_bytes(self.take()?).into()),
            Marker::F64 => Item::Float(f64::from_be_bytes(self.take()?)),
            Marker::FixStr(len) => self.text(len.into())?,
            Marker::Str8 => self.len8().and_then(|len| self.text(len))?,
            Marker::Str16 => self.len16().and_then(|len| self.text(len))?,
            Marker::Str32 => self.len32().and_then(|len| self.text(len))?,
            Marker::Bin8 => Item::Bytes(self.len8().and_then(|len| self.range(len))?),
            Marker::Bin16 => Item::Bytes(self.len16().and_then(|len| self.range(len))?),
            Marker::Bin32 => Item::Bytes(self.len32().and_then(|len| self.range(len))?),
            Marker::FixArray(len) => Item::Array(len.into()),
            Marker::Array16 => Item::Array(self.len16()?),
            Marker::Array32 => Item::Array(self.len32()?),
            Marker::FixMap(len) => Item::Map(len.into()),
            Marker::Map16 => Item::Map(self.len16()?),
            Marker::Map32 => Item::Map(self.len32()?),
            Marker::FixExt1 => self.extension(1, true)?,
            Marker::FixExt2 => self.extension(2, true)?,
            Marker::FixExt4 => self.extension(4, true)?,
            Marker::FixExt8 => self.extension(8, true)?,
            Marker::FixExt16 => self.extension(16, true)?,
            Marker::Ext8 => self.len8().and_then(|len| self.extension(len, false))?,
            Marker::Ext16 => self.len16().and_then(|len| self.extension(len, false))?,
            Marker::Ext32 => self.len32().and_then(|len| self.extension(len, false))?,
            Marker::Reserved => return Err(DecodeError::Malformed),
        })
    }

    /// Reads over what belongs to `item`.
    pub(super) fn skip(&mut self, item: &Item<'_>) -> Result<(), DecodeError> {
        let mut missing = inside(item);
        while missing > 0 {
            let item = self.item()?;
            missing = missing.saturating_sub(1).saturating_add(inside(&item));
        }
        Ok(())
    }
}

/// How many values belong to a value, directly.
fn inside(item: &Item<'_>) -> u64 {
    match item {
        Item::Array(len) => (*len).into(),
        Item::Map(len) => u64::from(*len) * 2,
        _ => 0,
    }
}

/// A date whose milliseconds do not fit is beyond all dates, and stays so.
fn date(seconds: i64, nanos: u64) -> Item<'static> {
    let millis = i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX);
    Item::Date(seconds.saturating_mul(1_000).saturating_add(millis))
}

fn signed(value: i64) -> Item<'static> {
    u64::try_from(value).map_or(Item::Int(value), Item::Uint)
}
