//! Arguments for which no parser is set up: plain strings, integers, `true`, `false` and `null`.
//!
//! Most arguments of small events are such. Whatever is not as plain as can be is left to the parser, and so
//! is everything a type does not take: a type sees from here what it would see from there, or an error.

use serde::{
    Deserializer, de,
    de::{Visitor, value::BorrowedStrDeserializer},
};

use super::super::text::plain_len;

/// Integers with more digits are left to the parser, which knows what does not fit.
const MAX_DIGITS: usize = 18;

/// An argument that was read in one step.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scalar<'de> {
    /// A string without escapes.
    Text(&'de str),
    Unsigned(u64),
    Negative(i64),
    Bool(bool),
    Null,
}

impl<'de> Scalar<'de> {
    /// The argument `text` begins with, and its length, if it is plain and its end can be seen.
    #[inline]
    pub(super) fn front(text: &'de str) -> Option<(Self, usize)> {
        let bytes = text.as_bytes();
        match bytes.first()? {
            b'"' => {
                let plain = text.get(1..)?;
                let len = plain_len(plain);
                // Neither an escape nor a control character, but the end of the string.
                (plain.as_bytes().get(len) == Some(&b'"')).then_some(())?;
                Some((Self::Text(plain.get(..len)?), len + 2))
            }
            b'0'..=b'9' => {
                let (value, len) = digits(bytes)?;
                Some((Self::Unsigned(value), len))
            }
            b'-' => {
                let (value, len) = digits(bytes.get(1..)?)?;
                // The parser makes a float of `-0`.
                let value = i64::try_from(value).ok().filter(|value| *value != 0)?;
                Some((Self::Negative(-value), len + 1))
            }
            b't' => word(bytes, b"true").map(|len| (Self::Bool(true), len)),
            b'f' => word(bytes, b"false").map(|len| (Self::Bool(false), len)),
            b'n' => word(bytes, b"null").map(|len| (Self::Null, len)),
            _ => None,
        }
    }
}

/// A number in digits, and their count, if nothing else belongs to it.
#[inline]
fn digits(bytes: &[u8]) -> Option<(u64, usize)> {
    let (mut value, mut len) = (0_u64, 0);
    loop {
        match bytes.get(len)? {
            digit @ b'0'..=b'9' if len < MAX_DIGITS => {
                value = value * 10 + u64::from(digit - b'0');
                len += 1;
            }
            // JSON knows no leading zeros.
            b',' | b']' if len == 1 || (len > 1 && bytes.first() != Some(&b'0')) => {
                return Some((value, len));
            }
            _ => return None,
        }
    }
}

#[inline]
fn word(bytes: &[u8], word: &[u8]) -> Option<usize> {
    let behind = bytes.strip_prefix(word)?;
    matches!(behind.first(), Some(b',' | b']')).then_some(word.len())
}

/// A type asks for something else: the parser is asked, and whatever it says counts.
#[cold]
fn refused<T>() -> Result<T, serde_json::Error> {
    Err(de::Error::custom("no scalar of this kind"))
}

macro_rules! as_kind {
    ($($kind:ident: $($method:ident)*;)*) => {$($(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            self.$kind(visitor)
        }
    )*)*};
}

impl<'de> Scalar<'de> {
    #[inline]
    fn bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        match self {
            Self::Bool(value) => visitor.visit_bool(value),
            _ => refused(),
        }
    }

    #[inline]
    fn number<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        match self {
            Self::Unsigned(value) => visitor.visit_u64(value),
            Self::Negative(value) => visitor.visit_i64(value),
            _ => refused(),
        }
    }

    #[inline]
    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        match self {
            Self::Text(text) => visitor.visit_borrowed_str(text),
            _ => refused(),
        }
    }

    fn bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        match self {
            Self::Text(text) => visitor.visit_borrowed_bytes(text.as_bytes()),
            _ => refused(),
        }
    }

    #[inline]
    fn unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        match self {
            Self::Null => visitor.visit_unit(),
            _ => refused(),
        }
    }

    /// What is no scalar, or has a form of its own in the parser.
    fn other<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, serde_json::Error> {
        refused()
    }
}

impl<'de> Deserializer<'de> for Scalar<'de> {
    type Error = serde_json::Error;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self {
            Self::Text(text) => visitor.visit_borrowed_str(text),
            Self::Unsigned(value) => visitor.visit_u64(value),
            Self::Negative(value) => visitor.visit_i64(value),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Null => visitor.visit_unit(),
        }
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self {
            Self::Null => visitor.visit_none(),
            some => visitor.visit_some(some),
        }
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self {
            Self::Text(text) => {
                BorrowedStrDeserializer::new(text).deserialize_enum(name, variants, visitor)
            }
            _ => refused(),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Self::Error> {
        refused()
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        _visitor: V,
    ) -> Result<V::Value, Self::Error> {
        refused()
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Self::Error> {
        refused()
    }

    as_kind! {
        bool: deserialize_bool;
        number: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
            deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
            deserialize_f32 deserialize_f64;
        text: deserialize_char deserialize_str deserialize_string deserialize_identifier;
        bytes: deserialize_bytes deserialize_byte_buf;
        unit: deserialize_unit;
        other: deserialize_i128 deserialize_u128 deserialize_seq deserialize_map;
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_unit()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde::{Deserialize, de::DeserializeOwned};

    use super::super::ArgCursor;
    use super::*;
    use crate::packet::Value;

    /// What the parser alone says about the first argument.
    fn parsed<T: DeserializeOwned>(text: &str) -> Option<T> {
        serde_json::Deserializer::from_str(text).into_iter().next().and_then(Result::ok)
    }

    /// Both ways come to the same value, or to none.
    fn same<T: DeserializeOwned + PartialEq + Debug>(json: &str) {
        let scalar = Scalar::front(json).and_then(|(scalar, len)| {
            T::deserialize(scalar).ok().map(|value| (value, json.get(len..).unwrap()))
        });
        let Some((value, behind)) = scalar else { return };
        assert_eq!(parsed::<T>(json), Some(value), "{json}");
        assert!(behind.starts_with([',', ']', ' ']), "{json}: {behind}");
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Named {
        Plain,
        Holds(u8),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(i64);

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Number(f64),
        Text(String),
        Nothing(()),
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_parser() {
        for json in [
            "",
            "\"",
            "\"a",
            "\"a\\n\"]",
            "\"a\nb\"]",
            "01]",
            "-]",
            "-0]",
            "1.5]",
            "1e3]",
            "1",
            "1 ]",
            "1}",
            "12345678901234567890]",
            "tru]",
            "truely]",
            "null",
            "nullx]",
            "[]]",
            "{}]",
            "+1]",
            ".5]",
            "NaN]",
        ] {
            assert!(Scalar::front(json).is_none(), "{json}");
        }
    }

    #[test]
    fn a_scalar_is_what_the_parser_makes_of_it() {
        for json in [
            "\"\"]",
            "\"a\"]",
            "\"Plain\"]",
            "\"Holds\"]",
            "\"äöü\",1]",
            "\"x\" ]",
            "0]",
            "7,8]",
            "-7]",
            "255]",
            "256]",
            "-129]",
            "999999999999999999]",
            "-999999999999999999,1]",
            "true]",
            "false,1]",
            "null]",
        ] {
            assert!(Scalar::front(json).is_some(), "{json}");
            same::<String>(json);
            same::<char>(json);
            same::<bool>(json);
            same::<u8>(json);
            same::<i8>(json);
            same::<i64>(json);
            same::<u64>(json);
            same::<i128>(json);
            same::<f32>(json);
            same::<f64>(json);
            same::<()>(json);
            same::<Option<u8>>(json);
            same::<Option<String>>(json);
            same::<Named>(json);
            same::<Wrapped>(json);
            same::<Any>(json);
            same::<Value>(json);
            same::<serde_json::Value>(json);
            same::<Vec<u8>>(json);
        }
    }

    #[test]
    fn a_type_that_does_not_take_a_scalar_is_told_the_parsers_words() {
        let mut cur = ArgCursor::new(",\"seven\",true,-1]", &[]);
        for expected in [
            "argument 0 is invalid: invalid type: string, expected u8",
            "argument 1 is invalid: invalid type: boolean, expected u8",
            "argument 2 is invalid: invalid value: integer, expected u8",
        ] {
            assert_eq!(cur.next::<u8>().unwrap_err().to_string(), expected);
        }
        assert_eq!(cur.finish(), Ok(()));
    }
}
