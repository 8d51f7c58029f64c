//! Objects of options, read key by key: unknown keys and unusable values are told together, by name.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use sio_core::engine::Transport;
use sio_core::limits::SendPolicy;

use crate::config::InvalidOption;
use crate::http::binding::SessionBinding;
use crate::http::cookie::SameSite;
use crate::http::head::KeptHeaders;
use crate::http::origin::OriginPolicy;

use super::values::{OriginOption, ParserOption, Switch};

/// What is wrong with a value, or with options inside of it.
pub(super) type Faults = Vec<InvalidOption>;

/// An object of options.
pub(super) trait Fields: Default {
    /// The keys it knows.
    const KEYS: &'static [&'static str];

    /// Reads the option `key`; `None`: there is no such option.
    fn read(&mut self, key: &str, value: Value) -> Option<Result<(), Faults>>;

    /// Reads all keys and tells all mistakes.
    fn from_value(value: Value) -> Result<Self, Faults> {
        let Value::Object(object) = value else {
            return Err(vec![InvalidOption::new("", format!("must be an object, not {value}"))]);
        };
        let (mut options, mut faults) = (Self::default(), Vec::new());
        for (key, value) in object {
            if value.is_null() {
                // As absent, but the name still has to be one.
                if !Self::KEYS.contains(&&*key) {
                    faults.push(InvalidOption::new(key, "unknown option"));
                }
                continue;
            }
            match options.read(&key, value) {
                Some(Ok(())) => {}
                Some(Err(inside)) => faults.extend(inside.into_iter().map(|f| within(&key, f))),
                None => faults.push(InvalidOption::new(key, "unknown option")),
            }
        }
        if faults.is_empty() { Ok(options) } else { Err(faults) }
    }
}

/// The fault as one of the option `key`.
fn within(key: &str, fault: InvalidOption) -> InvalidOption {
    let name = if fault.name.is_empty() { key.to_owned() } else { format!("{key}.{}", fault.name) };
    InvalidOption { name, ..fault }
}

/// A fault of the value itself.
pub(super) fn fault(problem: impl Into<String>) -> Faults {
    vec![InvalidOption::new("", problem)]
}

/// An object, or `false` for off.
pub(super) fn nested<T: Fields>(value: Value) -> Result<Switch<T>, Faults> {
    match value {
        Value::Bool(false) => Ok(Switch::Off),
        object => T::from_value(object).map(Switch::On),
    }
}

/// An object, `true` for its defaults, or `false` for off.
pub(super) fn switch<T: Fields>(value: Value) -> Result<Switch<T>, Faults> {
    match value {
        Value::Bool(true) => Ok(Switch::On(T::default())),
        other => nested(other),
    }
}

/// Something that may be said in two places.
pub(super) trait Layer {
    /// This, and what `below` says where this says nothing.
    fn over(self, below: Self) -> Self;
}

impl<T: Layer> Layer for Option<T> {
    fn over(self, below: Self) -> Self {
        match (self, below) {
            (Some(this), Some(below)) => Some(this.over(below)),
            (this, below) => this.or(below),
        }
    }
}

impl<T: Layer> Layer for Switch<T> {
    fn over(self, below: Self) -> Self {
        match (self, below) {
            (Self::On(this), Self::On(below)) => Self::On(this.over(below)),
            (this, _) => this,
        }
    }
}

/// Values that are one thing: the upper one counts.
macro_rules! whole {
    ($($type:ty),* $(,)?) => {
        $(impl Layer for $type {
            fn over(self, _below: Self) -> Self {
                self
            }
        })*
    };
}

whole!(bool, u16, u32, usize, String, PathBuf, Duration, Vec<String>, Vec<Transport>);
whole!(OriginOption, ParserOption, SameSite, SendPolicy);
whole!(KeptHeaders, OriginPolicy, SessionBinding);

/// Declares an object of options: `field: type = "key" | "another spelling" => reader`.
macro_rules! options {
    (
        $(#[$doc:meta])*
        pub struct $name:ident {
            $(
                $(#[$field_doc:meta])*
                $field:ident: $type:ty = $key:literal $(| $alias:literal)* => $read:path,
            )*
        }
        $(ignored: $($ignored:literal),* $(,)?)?
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Option<$type>,)*
        }

        impl $crate::options::fields::Fields for $name {
            const KEYS: &'static [&'static str] =
                &[$($key, $($alias,)*)* $($($ignored,)*)?];

            fn read(
                &mut self,
                key: &str,
                value: ::serde_json::Value,
            ) -> Option<Result<(), $crate::options::fields::Faults>> {
                match key {
                    $($key $(| $alias)* => {
                        Some($read(value).map(|value| self.$field = Some(value.into())))
                    })*
                    $($($ignored)|* => Some(Ok(())),)?
                    _ => None,
                }
            }
        }

        impl $crate::options::fields::Layer for $name {
            fn over(self, below: Self) -> Self {
                Self { $($field: $crate::options::fields::Layer::over(self.$field, below.$field),)* }
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = ::serde_json::Value::deserialize(deserializer)?;
                $crate::options::fields::Fields::from_value(value).map_err(|faults| {
                    let error = $crate::config::ConfigError::Invalid(faults);
                    ::serde::de::Error::custom(error)
                })
            }
        }
    };
}
pub(super) use options;
