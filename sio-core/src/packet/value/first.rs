//! The parser of an argument, which a [`Value`] does without.

use std::cell::Cell;

use serde::{Deserializer, de::Visitor};

use super::de::{TOKEN, hand_over};
use super::plain::compound;

/// Nesting of an argument: it is in the array of its packet.
const OUTER: usize = 1;

/// A parser at the front of `text`. What was taken from the text without it, `taken` says.
pub(in crate::packet) struct First<'a, 'de, D> {
    pub(in crate::packet) de: D,
    pub(in crate::packet) text: &'de str,
    pub(in crate::packet) taken: &'a Cell<usize>,
}

macro_rules! forward {
    ($($method:ident($($arg:ident: $ty:ty),*))*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, $($arg: $ty,)* visitor: V) -> Result<V::Value, D::Error> {
            self.de.$method($($arg,)* visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for First<'_, 'de, D> {
    type Error = D::Error;

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        if name == TOKEN
            && let Some((value, len)) = compound(self.text, OUTER)
        {
            self.taken.set(len);
            return hand_over(value, visitor);
        }
        self.de.deserialize_newtype_struct(name, visitor)
    }

    forward! {
        deserialize_any() deserialize_bool() deserialize_char() deserialize_str()
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64() deserialize_string() deserialize_bytes()
        deserialize_byte_buf() deserialize_option() deserialize_unit() deserialize_seq()
        deserialize_map() deserialize_identifier() deserialize_ignored_any()
        deserialize_unit_struct(name: &'static str)
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.de.is_human_readable()
    }
}
