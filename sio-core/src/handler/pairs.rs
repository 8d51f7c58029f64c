//! Reads names with text values into a type: query, headers, parameters of a namespace's name.
//!
//! Text becomes numbers and booleans where the type asks for them; a repeated name becomes a sequence.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::str::FromStr;

use serde::de::{
    self, DeserializeOwned, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

/// Why the pairs do not fit a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PairError(String);

impl Display for PairError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PairError {}

impl de::Error for PairError {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Pairs in the order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Pairs<'a> {
    groups: Vec<(Cow<'a, str>, Vec<Cow<'a, str>>)>,
}

impl<'a> Pairs<'a> {
    pub(crate) fn new(pairs: impl Iterator<Item = Pair<'a>>) -> Self {
        let mut groups: Vec<(Cow<'a, str>, Vec<Cow<'a, str>>)> = Vec::new();
        for (name, value) in pairs {
            match groups.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => groups.push((name, vec![value])),
            }
        }
        Self { groups }
    }

    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<T, PairError> {
        T::deserialize(self)
    }

    /// The single value, for types that are no struct.
    fn single(self) -> Result<Text<'a>, PairError> {
        let mut groups = self.groups.into_iter();
        match (groups.next(), groups.next()) {
            (Some((_, values)), None) => Ok(Text { values }),
            (None, _) => Err(PairError("there is no value".to_owned())),
            (Some(_), Some(_)) => Err(PairError("there is more than one value".to_owned())),
        }
    }
}

macro_rules! single {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PairError> {
            self.single()?.$method(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Pairs<'_> {
    type Error = PairError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PairError> {
        visitor.visit_map(Map { groups: self.groups.into_iter(), values: Vec::new() })
    }

    single! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_identifier
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, PairError> {
        self.single()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PairError> {
        if self.groups.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PairError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, PairError> {
        visitor.visit_newtype_struct(self)
    }

    /// A sequence or tuple takes the values without their names.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PairError> {
        let values = self.groups.into_iter().map(|(_, values)| Text { values }).collect();
        visitor.visit_seq(Seq(values))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, PairError> {
        if self.groups.len() != len {
            let message = format!("{} values instead of {len}", self.groups.len());
            return Err(PairError(message));
        }
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, PairError> {
        self.deserialize_tuple(len, visitor)
    }

    forward_to_deserialize_any! { bytes byte_buf unit_struct map struct ignored_any }
}

struct Map<'a> {
    groups: std::vec::IntoIter<(Cow<'a, str>, Vec<Cow<'a, str>>)>,
    values: Vec<Cow<'a, str>>,
}

impl<'de> MapAccess<'de> for Map<'_> {
    type Error = PairError;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, PairError> {
        let Some((name, values)) = self.groups.next() else {
            return Ok(None);
        };
        self.values = values;
        // A field cannot be called `user-agent`.
        let name = name.replace('-', "_");
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, PairError> {
        seed.deserialize(Text { values: std::mem::take(&mut self.values) })
    }
}

struct Seq<'a>(Vec<Text<'a>>);

impl<'de> SeqAccess<'de> for Seq<'_> {
    type Error = PairError;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, PairError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        seed.deserialize(self.0.remove(0)).map(Some)
    }
}

/// The values of one name; the last counts where one is asked for.
struct Text<'a> {
    values: Vec<Cow<'a, str>>,
}

impl<'a> Text<'a> {
    fn value(mut self) -> Cow<'a, str> {
        self.values.pop().unwrap_or_default()
    }

    fn parse<T: FromStr>(self, what: &str) -> Result<T, PairError> {
        let value = self.value();
        // The text itself is not repeated: it is the client's.
        value.parse().map_err(|_cause| PairError(format!("expected {what}")))
    }
}

macro_rules! parsed {
    ($($method:ident => $visit:ident, $what:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PairError> {
            visitor.$visit(self.parse($what)?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = PairError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PairError> {
        visitor.visit_string(self.value().into_owned())
    }

    parsed! {
        deserialize_bool => visit_bool, "true or false";
        deserialize_i8 => visit_i8, "an integer";
        deserialize_i16 => visit_i16, "an integer";
        deserialize_i32 => visit_i32, "an integer";
        deserialize_i64 => visit_i64, "an integer";
        deserialize_i128 => visit_i128, "an integer";
        deserialize_u8 => visit_u8, "an integer that is not negative";
        deserialize_u16 => visit_u16, "an integer that is not negative";
        deserialize_u32 => visit_u32, "an integer that is not negative";
        deserialize_u64 => visit_u64, "an integer that is not negative";
        deserialize_u128 => visit_u128, "an integer that is not negative";
        deserialize_f32 => visit_f32, "a number";
        deserialize_f64 => visit_f64, "a number";
        deserialize_char => visit_char, "one character";
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PairError> {
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PairError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, PairError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, PairError> {
        let value = self.value().into_owned();
        let value: de::value::StringDeserializer<PairError> = value.into_deserializer();
        visitor.visit_enum(value)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PairError> {
        let values = self.values.into_iter().map(|value| Text { values: vec![value] }).collect();
        visitor.visit_seq(Seq(values))
    }

    forward_to_deserialize_any! {
        str string bytes byte_buf unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    fn pairs(of: &[(&'static str, &'static str)]) -> Pairs<'static> {
        Pairs::new(of.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Red,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct All {
        user_agent: String,
        n: i32,
        on: Option<bool>,
        off: Option<bool>,
        kind: Kind,
        tags: Vec<u8>,
    }

    #[test]
    fn a_struct_reads_its_fields() {
        let all: All = pairs(&[
            ("user-agent", "x"),
            ("n", "-5"),
            ("on", "true"),
            ("kind", "red"),
            ("tags", "1"),
            ("tags", "2"),
            ("other", "ignored"),
        ])
        .read()
        .unwrap();
        assert_eq!(
            all,
            All {
                user_agent: "x".to_owned(),
                n: -5,
                on: Some(true),
                off: None,
                kind: Kind::Red,
                tags: vec![1, 2]
            }
        );
    }

    #[test]
    fn single_values_and_tuples_need_no_names() {
        assert_eq!(pairs(&[("id", "7")]).read::<u32>(), Ok(7));
        assert_eq!(pairs(&[("id", "7")]).read::<(u32,)>(), Ok((7,)));
        assert_eq!(
            pairs(&[("org", "a"), ("id", "7")]).read::<(String, u32)>(),
            Ok(("a".to_owned(), 7))
        );
        assert_eq!(pairs(&[("id", "7")]).read::<Option<String>>(), Ok(Some("7".to_owned())));
        assert_eq!(pairs(&[]).read::<Option<String>>(), Ok(None));
    }

    #[test]
    fn what_does_not_fit_is_refused_without_an_echo() {
        let error = pairs(&[("id", "secret")]).read::<u32>().unwrap_err();
        assert_eq!(error.to_string(), "expected an integer that is not negative");
        assert!(pairs(&[("a", "1"), ("b", "2")]).read::<u32>().is_err());
        assert!(pairs(&[]).read::<u32>().is_err());
        assert!(pairs(&[("a", "1")]).read::<(u32, u32)>().is_err());
        assert!(pairs(&[("a", "256")]).read::<u8>().is_err());
    }
}
