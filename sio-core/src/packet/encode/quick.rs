//! The JSON serializer with a quicker way for strings.
//!
//! The library looks at strings byte by byte. Its formatter may write byte slices as it likes, so a string is
//! handed over as one, and a mark says what it is; see [`PacketFormatter`](super::PacketFormatter).

use std::cell::Cell;

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// Names of structs which the library gives a meaning of their own; their strings are no strings of JSON.
const PRIVATE: &str = "$serde_json::private::";

/// A serializer, a compound of it, or a value below it.
#[derive(Clone, Copy)]
pub(super) struct Quick<'m, T> {
    inner: T,
    /// Where the mark is set; `None`: strings are left to the library.
    mark: Option<&'m Cell<bool>>,
}

impl<'m, T> Quick<'m, T> {
    pub(super) const fn new(inner: T, mark: &'m Cell<bool>) -> Self {
        Self { inner, mark: Some(mark) }
    }

    fn with<U>(&self, inner: U) -> Quick<'m, U> {
        Quick { inner, mark: self.mark }
    }
}

impl<T: Serialize + ?Sized> Serialize for Quick<'_, &T> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.inner.serialize(Quick { inner: serializer, mark: self.mark })
    }
}

macro_rules! forward {
    ($($method:ident($($arg:ident: $ty:ty),*))*) => {$(
        #[inline]
        fn $method(self, $($arg: $ty),*) -> Result<S::Ok, S::Error> {
            self.inner.$method($($arg),*)
        }
    )*};
}

macro_rules! compound {
    ($($method:ident($($arg:ident: $ty:ty),*) -> $compound:ident)*) => {$(
        #[inline]
        fn $method(self, $($arg: $ty),*) -> Result<Self::$compound, S::Error> {
            self.inner.$method($($arg),*).map(|inner| Quick { inner, mark: self.mark })
        }
    )*};
}

impl<'m, S: Serializer> Serializer for Quick<'m, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Quick<'m, S::SerializeSeq>;
    type SerializeTuple = Quick<'m, S::SerializeTuple>;
    type SerializeTupleStruct = Quick<'m, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Quick<'m, S::SerializeTupleVariant>;
    type SerializeMap = Quick<'m, S::SerializeMap>;
    type SerializeStruct = Quick<'m, S::SerializeStruct>;
    type SerializeStructVariant = Quick<'m, S::SerializeStructVariant>;

    #[inline]
    fn serialize_str(self, text: &str) -> Result<S::Ok, S::Error> {
        match self.mark {
            Some(mark) => {
                mark.set(true);
                self.inner.serialize_bytes(text.as_bytes())
            }
            None => self.inner.serialize_str(text),
        }
    }

    forward! {
        serialize_bool(v: bool)
        serialize_i8(v: i8) serialize_i16(v: i16) serialize_i32(v: i32) serialize_i64(v: i64)
        serialize_i128(v: i128)
        serialize_u8(v: u8) serialize_u16(v: u16) serialize_u32(v: u32) serialize_u64(v: u64)
        serialize_u128(v: u128)
        serialize_f32(v: f32) serialize_f64(v: f64)
        serialize_char(v: char) serialize_bytes(v: &[u8])
        serialize_none() serialize_unit() serialize_unit_struct(name: &'static str)
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str)
    }

    compound! {
        serialize_seq(len: Option<usize>) -> SerializeSeq
        serialize_tuple(len: usize) -> SerializeTuple
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> SerializeTupleVariant
        serialize_map(len: Option<usize>) -> SerializeMap
        serialize_struct_variant(
            name: &'static str, index: u32, variant: &'static str, len: usize
        ) -> SerializeStructVariant
    }

    #[inline]
    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        let mark = self.mark.filter(|_| !name.starts_with(PRIVATE));
        self.inner.serialize_struct(name, len).map(|inner| Quick { inner, mark })
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let value = self.with(value);
        self.inner.serialize_some(&value)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = self.with(value);
        self.inner.serialize_newtype_struct(name, &value)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = self.with(value);
        self.inner.serialize_newtype_variant(name, index, variant, &value)
    }

    #[inline]
    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! elements {
    ($($compound:ident::$method:ident)*) => {$(
        impl<C: $compound> $compound for Quick<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                let value = self.with(value);
                self.inner.$method(&value)
            }

            #[inline]
            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}

elements! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

macro_rules! fields {
    ($($compound:ident)*) => {$(
        impl<C: $compound> $compound for Quick<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), C::Error> {
                let value = self.with(value);
                self.inner.serialize_field(key, &value)
            }

            #[inline]
            fn skip_field(&mut self, key: &'static str) -> Result<(), C::Error> {
                self.inner.skip_field(key)
            }

            #[inline]
            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}

fields! { SerializeStruct SerializeStructVariant }

impl<C: SerializeMap> SerializeMap for Quick<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    /// Keys are short, and the library has rules of its own for them.
    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.inner.serialize_key(key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        let value = self.with(value);
        self.inner.serialize_value(&value)
    }

    #[inline]
    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}
