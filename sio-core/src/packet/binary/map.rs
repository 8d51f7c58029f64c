//! Tells placeholders from other maps while a type is being read.
//!
//! A placeholder is recognised by its first keys, `_placeholder` and `num` in either order; every
//! other map is passed on unchanged, with the keys that were looked at replayed.

use std::{borrow::Cow, fmt, marker::PhantomData};

use bytes::Bytes;
use serde::{
    Deserializer,
    de::{
        self, DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor,
        value::CowStrDeserializer,
    },
    forward_to_deserialize_any,
};

use super::{
    super::value::{Value, ValueDeserializer},
    NUM_KEY, PLACEHOLDER_KEY,
    de::Bin,
};

/// An entry that was read to see whether the map is a placeholder. The value is there if the key
/// is one of a placeholder's.
type Entry<'de> = (Cow<'de, str>, Option<Value>);

/// A map that may turn out to be a placeholder.
pub(super) struct BinMap<'de, A> {
    map: A,
    bins: &'de [Bytes],
    first: Option<Entry<'de>>,
    second: Option<Entry<'de>>,
    /// The value that belongs to the key replayed last.
    value: Option<Value>,
}

impl<'de, A: MapAccess<'de>> BinMap<'de, A> {
    pub(super) const fn new(map: A, bins: &'de [Bytes]) -> Self {
        Self { map, bins, first: None, second: None, value: None }
    }

    /// Returns the attachment if the map is a placeholder; it is then read to its end.
    pub(super) fn placeholder(&mut self) -> Result<Option<&'de Bytes>, A::Error> {
        self.first = self.look()?;
        match &self.first {
            Some((key, Some(value))) if key == PLACEHOLDER_KEY => {
                if *value != Value::Bool(true) {
                    return Ok(None);
                }
            }
            // The order of keys is free; some clients write dictionaries in random order.
            Some((_, Some(_))) => {
                self.second = self.look()?;
                match &self.second {
                    Some((key, Some(Value::Bool(true)))) if key == PLACEHOLDER_KEY => {}
                    _ => return Ok(None),
                }
            }
            _ => return Ok(None),
        }
        let mut num = self.first.take().filter(|(key, _)| key == NUM_KEY).and_then(|(_, v)| v);
        while let Some((key, value)) = self.look()? {
            match value {
                Some(value) if key == NUM_KEY => num = Some(value),
                Some(_) => {}
                None => _ = self.map.next_value::<IgnoredAny>()?,
            }
        }
        let index = num.and_then(|num| num.as_u64()).and_then(|num| usize::try_from(num).ok());
        match index.and_then(|index| self.bins.get(index)) {
            Some(bytes) => Ok(Some(bytes)),
            None => Err(A::Error::custom("illegal attachments")),
        }
    }

    /// Reads a key, and its value if a placeholder may have such a key.
    fn look(&mut self) -> Result<Option<Entry<'de>>, A::Error> {
        let Some(key) = self.map.next_key_seed(KeySeed)? else {
            return Ok(None);
        };
        let value = if key == PLACEHOLDER_KEY || key == NUM_KEY {
            let seed = PhantomData::<Value>;
            Some(self.map.next_value_seed(Bin { de: seed, bins: self.bins })?)
        } else {
            None
        };
        Ok(Some((key, value)))
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for BinMap<'de, A> {
    type Error = A::Error;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        match self.first.take().or_else(|| self.second.take()) {
            Some((key, value)) => {
                self.value = value;
                seed.deserialize(ReplayedKey { key, error: PhantomData }).map(Some)
            }
            None => self.map.next_key_seed(seed),
        }
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, de: S) -> Result<S::Value, A::Error> {
        match self.value.take() {
            Some(value) => de.deserialize(ValueDeserializer::new(value)),
            None => self.map.next_value_seed(Bin { de, bins: self.bins }),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        self.map.size_hint()
    }
}

/// Reads a key as text, borrowed if it has no escapes.
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, de: D) -> Result<Self::Value, D::Error> {
        de.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }

    fn visit_string<E>(self, key: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key))
    }
}

/// Gives a key to the map's own key type, numbers and booleans included, as the parser would.
struct ReplayedKey<'de, E> {
    key: Cow<'de, str>,
    error: PhantomData<E>,
}

macro_rules! parsed {
    ($($method:ident $visit:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
            match self.key.parse() {
                Ok(key) => visitor.$visit(key),
                Err(_) => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de, E: de::Error> Deserializer<'de> for ReplayedKey<'de, E> {
    type Error = E;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.key {
            Cow::Borrowed(key) => visitor.visit_borrowed_str(key),
            Cow::Owned(key) => visitor.visit_string(key),
        }
    }

    parsed! {
        deserialize_bool visit_bool
        deserialize_i8 visit_i8 deserialize_i16 visit_i16 deserialize_i32 visit_i32
        deserialize_i64 visit_i64 deserialize_i128 visit_i128
        deserialize_u8 visit_u8 deserialize_u16 visit_u16 deserialize_u32 visit_u32
        deserialize_u64 visit_u64 deserialize_u128 visit_u128
        deserialize_f32 visit_f32 deserialize_f64 visit_f64
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        CowStrDeserializer::new(self.key).deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}
