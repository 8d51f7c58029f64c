//! Placeholders as clients write them, recognised by their text.
//!
//! Most arguments of packets with attachments are such, or plain scalars. Whatever is not as plain as can be is
//! left to the parser and to the rule of the protocol, and so is everything a type does not take.

use bytes::Bytes;
use serde::{
    Deserializer,
    de::{self, Visitor},
    forward_to_deserialize_any,
};

use super::show;

/// What `JSON.stringify` makes of a placeholder, up to its number.
const FRONT: &str = r#"{"_placeholder":true,"num":"#;
/// Larger numbers are left to the parser.
const MAX_DIGITS: usize = 4;

/// The attachment that `text` begins with a placeholder for, and the placeholder's length.
#[inline]
pub(in crate::packet) fn placeholder_front<'de>(
    text: &str,
    bins: &'de [Bytes],
) -> Option<(Attachment<'de>, usize)> {
    let (index, len) = index_front(text)?;
    Some((Attachment(bins.get(index)?), len))
}

/// The number of the placeholder that `text` begins with, and the placeholder's length.
#[inline]
pub(in crate::packet) fn index_front(text: &str) -> Option<(usize, usize)> {
    let number = text.strip_prefix(FRONT)?.as_bytes();
    let (mut index, mut digits) = (0, 0);
    while let Some(digit @ b'0'..=b'9') = number.get(digits) {
        index = index * 10 + usize::from(digit - b'0');
        digits += 1;
        if digits > MAX_DIGITS {
            return None;
        }
    }
    // JSON knows no leading zeros.
    let is_number = digits == 1 || (digits > 1 && number.first() != Some(&b'0'));
    (is_number && number.get(digits) == Some(&b'}')).then_some((index, FRONT.len() + digits + 1))
}

/// An attachment, for a type that takes one as it is.
#[derive(Debug, Clone, Copy)]
pub(in crate::packet) struct Attachment<'de>(&'de Bytes);

/// A type asks for something else: the parser is asked, and whatever it says counts.
macro_rules! refused {
    ($($method:ident($($arg:ident: $ty:ty),*))*) => {$(
        #[cold]
        fn $method<V: Visitor<'de>>(self, $($arg: $ty,)* _: V) -> Result<V::Value, Self::Error> {
            Err(de::Error::custom("no attachment is like that"))
        }
    )*};
}

impl<'de> Deserializer<'de> for Attachment<'de> {
    type Error = serde_json::Error;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        show(self.0);
        visitor.visit_borrowed_bytes(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    refused! {
        deserialize_bool() deserialize_char() deserialize_str() deserialize_string()
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64() deserialize_unit() deserialize_seq() deserialize_map()
        deserialize_identifier() deserialize_ignored_any()
        deserialize_unit_struct(_name: &'static str)
        deserialize_tuple(_len: usize)
        deserialize_tuple_struct(_name: &'static str, _len: usize)
        deserialize_struct(_name: &'static str, _fields: &'static [&'static str])
        deserialize_enum(_name: &'static str, _variants: &'static [&'static str])
    }

    forward_to_deserialize_any! { bytes byte_buf }
}
