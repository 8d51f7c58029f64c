//! A deserializer wrapper that resolves placeholders.
//!
//! It sits between the JSON parser and the type being read, at every depth, and is used for
//! packets with attachments only.
//! Which maps are placeholders is decided in `map`; this module only sees to it that every map on
//! the way to a type is asked.

use std::fmt;

use bytes::Bytes;
use serde::{
    Deserializer,
    de::{
        self, DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
        value::SeqDeserializer,
    },
};

use super::{map::BinMap, show};

/// A deserializer, visitor, access or seed below which placeholders are resolved.
pub(in crate::packet) struct Bin<'de, D> {
    pub(in crate::packet) de: D,
    pub(in crate::packet) bins: &'de [Bytes],
}

macro_rules! wrapped {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.de.$method(BinVisitor { visitor, bins: self.bins, as_seq: false })
        }
    )*};
}

macro_rules! plain {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.de.$method(visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Bin<'de, D> {
    type Error = D::Error;

    wrapped! { deserialize_any deserialize_option deserialize_map }

    plain! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_unit deserialize_identifier deserialize_ignored_any
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.de.deserialize_any(BinVisitor { visitor, bins: self.bins, as_seq: true })
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.de.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = BinVisitor { visitor, bins: self.bins, as_seq: false };
        self.de.deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = BinVisitor { visitor, bins: self.bins, as_seq: false };
        self.de.deserialize_tuple(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = BinVisitor { visitor, bins: self.bins, as_seq: false };
        self.de.deserialize_tuple_struct(name, len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = BinVisitor { visitor, bins: self.bins, as_seq: false };
        self.de.deserialize_struct(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = BinVisitor { visitor, bins: self.bins, as_seq: false };
        self.de.deserialize_enum(name, variants, visitor)
    }

    fn is_human_readable(&self) -> bool {
        self.de.is_human_readable()
    }
}

struct BinVisitor<'de, V> {
    visitor: V,
    bins: &'de [Bytes],
    /// The type asked for a sequence, so bytes are offered as numbers.
    as_seq: bool,
}

macro_rules! visit {
    ($($method:ident($ty:ty))*) => {$(
        #[inline]
        fn $method<E: de::Error>(self, value: $ty) -> Result<V::Value, E> {
            self.visitor.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for BinVisitor<'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    visit! {
        visit_bool(bool) visit_i64(i64) visit_i128(i128) visit_u64(u64) visit_u128(u128)
        visit_f64(f64) visit_str(&str) visit_borrowed_str(&'de str) visit_string(String)
        visit_bytes(&[u8]) visit_borrowed_bytes(&'de [u8]) visit_byte_buf(Vec<u8>)
    }

    fn visit_none<E: de::Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_unit<E: de::Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, de: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(Bin { de, bins: self.bins })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, de: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_newtype_struct(Bin { de, bins: self.bins })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, de: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_seq(Bin { de, bins: self.bins })
    }

    fn visit_enum<A: EnumAccess<'de>>(self, de: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_enum(Bin { de, bins: self.bins })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let mut map = BinMap::new(map, self.bins);
        match map.placeholder()? {
            None => self.visitor.visit_map(map),
            Some(bytes) if self.as_seq => {
                self.visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied()))
            }
            Some(bytes) => {
                show(bytes);
                self.visitor.visit_borrowed_bytes(bytes)
            }
        }
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Bin<'de, S> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, de: D) -> Result<S::Value, D::Error> {
        self.de.deserialize(Bin { de, bins: self.bins })
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Bin<'de, A> {
    type Error = A::Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        de: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.de.next_element_seed(Bin { de, bins: self.bins })
    }

    fn size_hint(&self) -> Option<usize> {
        self.de.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Bin<'de, A> {
    type Error = A::Error;
    type Variant = Bin<'de, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (name, de) = self.de.variant_seed(seed)?;
        Ok((name, Bin { de, bins: self.bins }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Bin<'de, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.de.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, de: S) -> Result<S::Value, A::Error> {
        self.de.newtype_variant_seed(Bin { de, bins: self.bins })
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.de.tuple_variant(len, BinVisitor { visitor, bins: self.bins, as_seq: false })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.de.struct_variant(fields, BinVisitor { visitor, bins: self.bins, as_seq: false })
    }
}
