//! Reads typed values out of a [`Value`].
//!
//! Needed where a map was looked at before its type was known: what was read is replayed to the
//! type from here. Behaves as the JSON parser would, with bytes in addition.

use std::{cell::Cell, marker::PhantomData};

use serde::{
    Deserializer,
    de::{
        self, IntoDeserializer, Unexpected, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

use super::{super::binary::show_value, Object, Value};

/// The name by which [`Value`] makes itself known to [`ValueDeserializer`].
pub(super) const TOKEN: &str = "$sio_core::Value";

thread_local! {
    /// The value on its way from [`ValueDeserializer`] to the visitor of [`Value`].
    ///
    /// Without this way, maps nested in each other's first value would be rebuilt once per level,
    /// and a client could buy much time with a small packet.
    static MOVED: Cell<Option<Value>> = const { Cell::new(None) };
}

/// Returns the value just moved, or `null`.
pub(super) fn moved() -> Value {
    MOVED.try_with(Cell::take).ok().flatten().unwrap_or_default()
}

/// Gives a value as a whole to the visitor of [`Value`], which was asked for under [`TOKEN`].
#[inline]
pub(super) fn hand_over<'de, V: Visitor<'de>, E: de::Error>(
    value: Value,
    visitor: V,
) -> Result<V::Value, E> {
    let _ = MOVED.try_with(|cell| cell.set(Some(value)));
    let value = visitor.visit_unit();
    drop(moved());
    value
}

/// Reads a typed value from a [`Value`].
pub(in crate::packet) struct ValueDeserializer<E> {
    value: Value,
    error: PhantomData<E>,
}

impl<E> ValueDeserializer<E> {
    pub(in crate::packet) const fn new(value: Value) -> Self {
        Self { value, error: PhantomData }
    }
}

impl<'de, E: de::Error> IntoDeserializer<'de, E> for ValueDeserializer<E> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de, E: de::Error> Deserializer<'de> for ValueDeserializer<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (_, _, Some(value)) => visitor.visit_f64(value),
                _ => Err(E::invalid_value(Unexpected::Other("number"), &visitor)),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => {
                let mut seq = SeqDeserializer::new(items.into_iter().map(Self::new));
                let value = visitor.visit_seq(&mut seq)?;
                seq.end().map(|()| value)
            }
            Value::Object(Object(entries)) => {
                let mut map = MapDeserializer::new(
                    entries.into_iter().map(|(key, value)| (key, Self::new(value))),
                );
                let value = visitor.visit_map(&mut map)?;
                map.end().map(|()| value)
            }
            Value::Binary(bytes) => show_value(&bytes, visitor),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.value {
            Value::Binary(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.into_iter())),
            value => Self::new(value).deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        if name != TOKEN {
            return visitor.visit_newtype_struct(self);
        }
        hand_over(self.value, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        match self.value {
            Value::String(text) => {
                let de: de::value::StringDeserializer<E> = text.into_deserializer();
                de.deserialize_enum(name, variants, visitor)
            }
            Value::Object(Object(entries)) => {
                let map = MapDeserializer::new(
                    entries.into_iter().map(|(key, value)| (key, Self::new(value))),
                );
                de::value::MapAccessDeserializer::new(map).deserialize_enum(name, variants, visitor)
            }
            value => Self::new(value).deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}
