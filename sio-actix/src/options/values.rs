//! What stands behind the keys: each reader takes a JSON value and says what is wrong with it.

#![expect(clippy::needless_pass_by_value, reason = "all readers have one shape")]

use std::time::Duration;

use serde_json::Value;
use sio_core::engine::Transport;
use sio_core::limits::SendPolicy;

use crate::http::binding::SessionBinding;
use crate::http::cookie::SameSite;
use crate::http::head::KeptHeaders;
use crate::http::origin::OriginPolicy;

use super::fields::{Faults, Fields as _, fault, switch};
use super::{CookieOptions, LimitOptions};

/// Something that can be switched off.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing between on and off")]
pub enum Switch<T> {
    /// `false`.
    Off,
    /// On, with its settings.
    On(T),
}

/// The value of `cors.origin`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OriginOption {
    /// `false`: no CORS headers.
    Off,
    /// `"*"`.
    Any,
    /// `true`: whoever asks.
    Mirror,
    /// One origin.
    Fixed(String),
    /// A list of origins.
    List(Vec<String>),
}

/// How Socket.IO packets are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParserOption {
    /// `"default"`: text with binary attachments.
    Text,
    /// `"msgpack"`: MessagePack.
    #[cfg(feature = "msgpack")]
    Msgpack,
}

pub(super) fn flag(value: Value) -> Result<bool, Faults> {
    value.as_bool().ok_or_else(|| fault(format!("must be true or false, not {value}")))
}

pub(super) fn text(value: Value) -> Result<String, Faults> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(fault(format!("must be a text, not {other}"))),
    }
}

pub(super) fn path(value: Value) -> Result<String, Faults> {
    let path = text(value)?;
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#{}%".contains(&byte);
    if path.bytes().all(plain) { Ok(path) } else { Err(fault("must be a plain path")) }
}

/// A whole number; JavaScript writes `1e6` for one, too.
fn whole(value: &Value) -> Result<u64, Faults> {
    /// Up to here every whole number has a floating-point form of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = value.as_u64().or_else(|| {
        let number = value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..=EXACT).contains(n))?;
        format!("{number:.0}").parse().ok()
    });
    number.ok_or_else(|| fault(format!("must be a whole number, not {value}")))
}

pub(super) fn size(value: Value) -> Result<usize, Faults> {
    let number = whole(&value)?;
    usize::try_from(number).map_err(|_too_large| fault(format!("{number} is too large")))
}

pub(super) fn count(value: Value) -> Result<u32, Faults> {
    let number = whole(&value)?;
    u32::try_from(number).map_err(|_too_large| fault(format!("{number} is too large")))
}

/// A time in milliseconds, above zero.
pub(super) fn millis(value: Value) -> Result<Duration, Faults> {
    match whole(&value)? {
        0 => Err(fault("must be above zero")),
        millis => Ok(Duration::from_millis(millis)),
    }
}

pub(super) fn seconds(value: Value) -> Result<Duration, Faults> {
    whole(&value).map(Duration::from_secs)
}

pub(super) fn http_status(value: Value) -> Result<u16, Faults> {
    let status = u16::try_from(whole(&value)?).ok().filter(|status| (200..300).contains(status));
    status.ok_or_else(|| fault(format!("must be 200 to 299, not {value}")))
}

/// A list of texts, or one text with commas.
pub(super) fn names(value: Value) -> Result<Vec<String>, Faults> {
    match value {
        Value::String(text) => Ok(text.split(',').map(|name| name.trim().to_owned()).collect()),
        Value::Array(values) => values.into_iter().map(text).collect(),
        other => Err(fault(format!("must be a list of texts, not {other}"))),
    }
}

pub(super) fn transports(value: Value) -> Result<Vec<Transport>, Faults> {
    let names = names(value)?;
    if names.is_empty() {
        return Err(fault("must have at least one transport"));
    }
    let known = |name: &String| match &**name {
        "polling" => Ok(Transport::Polling),
        "websocket" => Ok(Transport::Websocket),
        other => Err(fault(format!("there is no transport `{other}`, only polling and websocket"))),
    };
    names.iter().map(known).collect()
}

pub(super) fn origins(value: Value) -> Result<OriginOption, Faults> {
    match value {
        Value::Bool(true) => Ok(OriginOption::Mirror),
        Value::Bool(false) => Ok(OriginOption::Off),
        Value::String(text) if text == "*" => Ok(OriginOption::Any),
        Value::String(text) => Ok(OriginOption::Fixed(text)),
        Value::Array(values) => {
            let origins: Vec<String> = values.into_iter().map(text).collect::<Result<_, _>>()?;
            if origins.iter().any(|origin| origin == "*") {
                return Err(fault("`*` matches nothing in a list: use it alone"));
            }
            Ok(OriginOption::List(origins))
        }
        other => Err(fault(format!("must be true, an origin or a list of origins, not {other}"))),
    }
}

pub(super) fn origin_policy(value: Value) -> Result<OriginPolicy, Faults> {
    match &*text(value)? {
        "off" => Ok(OriginPolicy::Off),
        "cookies" => Ok(OriginPolicy::Cookies),
        "strict" => Ok(OriginPolicy::Strict),
        other => Err(fault(format!("there is no `{other}`, only off, cookies and strict"))),
    }
}

pub(super) fn session_binding(value: Value) -> Result<SessionBinding, Faults> {
    let text = text(value)?;
    match (&*text, text.strip_prefix("cookie:")) {
        ("none", _) => Ok(SessionBinding::None),
        ("ip", _) => Ok(SessionBinding::Ip),
        (_, Some(name)) if !name.is_empty() => Ok(SessionBinding::Cookie(name.to_owned())),
        _ => Err(fault(format!("there is no `{text}`, only none, ip and `cookie:` with a name"))),
    }
}

/// Names, or all or none of them.
pub(super) fn kept_headers(value: Value) -> Result<KeptHeaders, Faults> {
    match value {
        Value::Bool(true) => Ok(KeptHeaders::All),
        Value::Bool(false) => Ok(KeptHeaders::Only(Vec::new())),
        other => names(other).map(KeptHeaders::Only),
    }
}

pub(super) fn parser(value: Value) -> Result<ParserOption, Faults> {
    match &*text(value)? {
        "default" => Ok(ParserOption::Text),
        #[cfg(feature = "msgpack")]
        "msgpack" => Ok(ParserOption::Msgpack),
        #[cfg(not(feature = "msgpack"))]
        "msgpack" => Err(fault("msgpack needs the feature `msgpack` of sio-actix")),
        other => Err(fault(format!("there is no parser `{other}`, only default and msgpack"))),
    }
}

pub(super) fn send_policy(value: Value) -> Result<SendPolicy, Faults> {
    match &*text(value)? {
        "disconnect" => Ok(SendPolicy::Disconnect),
        "drop_new" | "dropNew" => Ok(SendPolicy::DropNew),
        "drop_oldest" | "dropOldest" => Ok(SendPolicy::DropOldest),
        other => {
            Err(fault(format!("there is no `{other}`, only disconnect, drop_new and drop_oldest")))
        }
    }
}

/// `true`, `false`, the cookie's name, or its attributes.
pub(super) fn cookie(value: Value) -> Result<Switch<CookieOptions>, Faults> {
    match value {
        Value::String(name) => {
            Ok(Switch::On(CookieOptions { name: Some(name), ..CookieOptions::default() }))
        }
        other => switch(other),
    }
}

pub(super) fn limits(value: Value) -> Result<LimitOptions, Faults> {
    LimitOptions::from_value(value)
}

pub(super) fn text_or_false(value: Value) -> Result<Switch<String>, Faults> {
    match value {
        Value::Bool(false) => Ok(Switch::Off),
        other => text(other).map(Switch::On),
    }
}

pub(super) fn same_site(value: Value) -> Result<Switch<SameSite>, Faults> {
    let name = match value {
        Value::Bool(false) => return Ok(Switch::Off),
        Value::Bool(true) => return Ok(Switch::On(SameSite::Strict)),
        other => text(other)?,
    };
    match &*name.to_ascii_lowercase() {
        "strict" => Ok(Switch::On(SameSite::Strict)),
        "lax" => Ok(Switch::On(SameSite::Lax)),
        "none" => Ok(Switch::On(SameSite::None)),
        _ => Err(fault(format!("must be strict, lax or none, not `{name}`"))),
    }
}
