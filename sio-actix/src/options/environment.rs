//! Options from the environment: `SIO_PING_INTERVAL=25000` is `pingInterval`.

use std::ffi::OsString;

use serde_json::{Map, Value};

use crate::config::{ConfigError, InvalidOption};

use super::fields::Fields;
use super::{
    CompressionOptions, CookieOptions, CorsOptions, DeflateOptions, IoOptions, LimitOptions,
    RecoveryOptions,
};

/// Options that have options of their own.
const NESTED: [(&str, &[&str]); 6] = [
    ("cors", CorsOptions::KEYS),
    ("cookie", CookieOptions::KEYS),
    ("perMessageDeflate", DeflateOptions::KEYS),
    ("httpCompression", CompressionOptions::KEYS),
    ("connectionStateRecovery", RecoveryOptions::KEYS),
    ("limits", LimitOptions::KEYS),
];

impl IoOptions {
    /// Reads the environment's variables whose names begin with `prefix`: the option's name in capitals,
    /// words apart, options of options behind theirs.
    ///
    /// A value is JSON, or else a text: `SIO_PING_INTERVAL=25000`, `SIO_TRANSPORTS=websocket`,
    /// `SIO_CORS_ORIGIN=["https://a.example"]`, `SIO_COOKIE=true`. `SIO_COOKIE=false` turns off what other
    /// variables say of the cookie.
    ///
    /// ```
    /// use sio_actix::{Io, IoOptions};
    ///
    /// let file: IoOptions = serde_json::from_str(r#"{"cookie": {"sameSite": "strict"}}"#)?;
    /// // The environment says what the file does not, and wins where both say something.
    /// let options = IoOptions::from_env("SIO_")?.or(file);
    /// let io = Io::builder().options(options).build();
    /// # drop(io);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A variable with the prefix is no option, or has a value that cannot be used; all of them are named.
    pub fn from_env(prefix: &str) -> Result<Self, ConfigError> {
        Self::from_vars(prefix, std::env::vars_os())
    }

    /// As [`Self::from_env`], with variables from elsewhere.
    ///
    /// # Errors
    ///
    /// As [`Self::from_env`].
    pub fn from_vars<K: Into<OsString>, V: Into<OsString>>(
        prefix: &str,
        vars: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, ConfigError> {
        let mut faults = Vec::new();
        let mut vars: Vec<(String, OsString)> = vars
            .into_iter()
            .filter_map(|(name, value)| Some((name.into().into_string().ok()?, value.into())))
            .filter(|(name, _)| name.starts_with(prefix))
            .collect();
        // An option comes before those inside of it.
        vars.sort();
        let mut read = Map::new();
        for (name, value) in vars {
            let key = name.strip_prefix(prefix).and_then(key_of);
            let Some((key, inner)) = key else {
                faults.push(InvalidOption::new(name, "unknown option"));
                continue;
            };
            let Ok(raw) = value.into_string() else {
                faults.push(InvalidOption::new(name, "is no Unicode text"));
                continue;
            };
            match usable(key, inner, &raw) {
                Ok(value) => merge(&mut read, key, inner, value),
                Err(inside) => {
                    let told = |fault: InvalidOption| InvalidOption::new(&name, fault.to_string());
                    faults.extend(inside.into_iter().map(told));
                }
            }
        }
        if faults.is_empty() {
            Self::from_value(Value::Object(read)).map_err(ConfigError::Invalid)
        } else {
            Err(ConfigError::Invalid(faults))
        }
    }
}

/// The option that a variable means, and the one inside of it.
fn key_of(variable: &str) -> Option<(&'static str, Option<&'static str>)> {
    let plain = plain(variable);
    let find = |keys: &[&'static str], name: &str| {
        keys.iter().copied().find(|key| self::plain(key) == name)
    };
    if let Some(key) = find(IoOptions::KEYS, &plain) {
        return Some((key, None));
    }
    NESTED.iter().find_map(|(key, inner)| {
        let rest = plain.strip_prefix(&self::plain(key))?;
        Some((*key, Some(find(inner, rest)?)))
    })
}

/// A name without what tells words apart.
fn plain(name: &str) -> String {
    name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect()
}

/// The value as JSON if the option takes it that way, and as a text otherwise.
fn usable(key: &str, inner: Option<&str>, raw: &str) -> Result<Value, Vec<InvalidOption>> {
    let parsed = serde_json::from_str(raw).ok();
    let attempt = |value: Value| {
        let mut object = Map::new();
        merge(&mut object, key, inner, value.clone());
        IoOptions::from_value(Value::Object(object)).map(|_| value)
    };
    let text = Value::String(raw.to_owned());
    match parsed {
        Some(value) => attempt(value).or_else(|faults| attempt(text).map_err(|_as_text| faults)),
        None => attempt(text),
    }
}

fn merge(object: &mut Map<String, Value>, key: &str, inner: Option<&str>, value: Value) {
    let Some(inner) = inner else {
        object.insert(key.to_owned(), value);
        return;
    };
    let outer = object.entry(key).or_insert_with(|| Value::Object(Map::new()));
    match outer {
        // `true` stands for all defaults, and a text for the name.
        Value::Bool(true) => *outer = Value::Object(Map::new()),
        Value::String(_) => *outer = Value::Object(Map::from_iter([("name".into(), outer.take())])),
        _ => {}
    }
    // What is switched off stays off.
    if let Value::Object(outer) = outer {
        outer.insert(inner.to_owned(), value);
    }
}
