//! One way to write a message for both encodings.

use std::borrow::Cow;
use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::{Map, Value};
use sio_core::adapter::{BroadcastOptions, Room};
use sio_core::cluster::{Data, SocketDescription};
use sio_core::packet::{EncodeError, MAX_DEPTH};
use sio_core::parser::msgpack::Writer;

/// Takes a message, value by value. Whoever writes says how many elements there are, and writes as many.
pub(super) trait Form {
    fn map(&mut self, len: u32);
    fn end_map(&mut self);
    fn array(&mut self, len: u32);
    fn end_array(&mut self);
    fn key(&mut self, key: &str);
    fn text(&mut self, text: &str);
    fn unsigned(&mut self, value: u64);
    fn bool(&mut self, value: bool);
    fn data(&mut self, data: &Data) -> Result<(), EncodeError>;
    fn value(&mut self, value: &Value) -> Result<(), EncodeError>;
}

/// JSON text. Bytes become what `JSON.stringify` makes of a Node.js buffer.
#[derive(Default)]
pub(super) struct Json {
    pub(super) text: String,
}

impl Json {
    fn comma(&mut self) {
        if !matches!(self.text.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.text.push(',');
        }
    }

    fn quoted(&mut self, text: &str) {
        // A string always has a JSON form.
        self.text.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

impl Form for Json {
    fn map(&mut self, _: u32) {
        self.comma();
        self.text.push('{');
    }

    fn end_map(&mut self) {
        self.text.push('}');
    }

    fn array(&mut self, _: u32) {
        self.comma();
        self.text.push('[');
    }

    fn end_array(&mut self) {
        self.text.push(']');
    }

    fn key(&mut self, key: &str) {
        self.comma();
        self.quoted(key);
        self.text.push(':');
    }

    fn text(&mut self, text: &str) {
        self.comma();
        self.quoted(text);
    }

    fn unsigned(&mut self, value: u64) {
        self.comma();
        let _infallible = write!(self.text, "{value}");
    }

    fn bool(&mut self, value: bool) {
        self.comma();
        self.text.push_str(if value { "true" } else { "false" });
    }

    fn data(&mut self, data: &Data) -> Result<(), EncodeError> {
        self.comma();
        self.text.push_str(&with_buffers(&data.json, &data.attachments));
        Ok(())
    }

    fn value(&mut self, value: &Value) -> Result<(), EncodeError> {
        self.comma();
        let text = serde_json::to_string(value);
        self.text.push_str(&text.map_err(|e| EncodeError::Serialize(e.to_string()))?);
        Ok(())
    }
}

/// MessagePack.
impl Form for Writer {
    fn map(&mut self, len: u32) {
        Self::map(self, len);
    }

    fn end_map(&mut self) {}

    fn array(&mut self, len: u32) {
        Self::array(self, len);
    }

    fn end_array(&mut self) {}

    fn key(&mut self, key: &str) {
        Self::text(self, key);
    }

    fn text(&mut self, text: &str) {
        Self::text(self, text);
    }

    fn unsigned(&mut self, value: u64) {
        Self::unsigned(self, value);
    }

    fn bool(&mut self, value: bool) {
        Self::bool(self, value);
    }

    fn data(&mut self, data: &Data) -> Result<(), EncodeError> {
        self.json(&data.json, &data.attachments)
    }

    fn value(&mut self, value: &Value) -> Result<(), EncodeError> {
        msgpack_value(self, value, 0)
    }
}

fn msgpack_value(out: &mut Writer, value: &Value, depth: usize) -> Result<(), EncodeError> {
    if depth > MAX_DEPTH {
        return Err(EncodeError::NestingTooDeep);
    }
    match value {
        Value::Null => out.nil(),
        Value::Bool(value) => out.bool(*value),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => out.unsigned(value),
            (None, Some(value)) => out.signed(value),
            (None, None) => out.float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => out.text(text),
        Value::Array(items) => {
            out.array(count(items.len()));
            for item in items {
                msgpack_value(out, item, depth + 1)?;
            }
        }
        Value::Object(map) => match buffer(map) {
            Some(bytes) => out.bytes(&bytes),
            None => {
                out.map(count(map.len()));
                for (key, value) in map {
                    out.text(key);
                    msgpack_value(out, value, depth + 1)?;
                }
            }
        },
    }
    Ok(())
}

/// The bytes of what `JSON.stringify` makes of a Node.js buffer: values that hold bytes have no other form here.
fn buffer(map: &Map<String, Value>) -> Option<Vec<u8>> {
    let (Some("Buffer"), Some(Value::Array(bytes)), 2) =
        (map.get("type").and_then(Value::as_str), map.get("data"), map.len())
    else {
        return None;
    };
    bytes.iter().map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect()
}

/// Whether there are bytes in a value.
pub(super) fn has_bytes(value: &Value) -> bool {
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Value::Object(map) if buffer(map).is_some() => return true,
            Value::Object(map) => rest.extend(map.values()),
            Value::Array(items) => rest.extend(items),
            _ => {}
        }
    }
    false
}

/// How a placeholder begins in JSON text of our own making; this cannot be part of a string.
pub(super) const PLACEHOLDER: &str = r#"{"_placeholder":true,"num":"#;

/// JSON text with each placeholder replaced by the form of a Node.js buffer.
pub(super) fn with_buffers<'a>(json: &'a str, attachments: &[Bytes]) -> Cow<'a, str> {
    if attachments.is_empty() {
        return Cow::Borrowed(json);
    }
    Cow::Owned(replace_placeholders(json, |num, out| {
        let Some(bytes) = attachments.get(num) else { return out.push_str("null") };
        out.push_str(r#"{"type":"Buffer","data":["#);
        for (index, byte) in bytes.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _infallible = write!(out, "{comma}{byte}");
        }
        out.push_str("]}");
    }))
}

/// Writes something else for each placeholder, of which `write` gets the number.
pub(super) fn replace_placeholders(
    json: &str,
    mut write: impl FnMut(usize, &mut String),
) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some((before, behind)) = rest.split_once(PLACEHOLDER) {
        out.push_str(before);
        match behind.split_once('}') {
            Some((num, behind)) if num.parse::<usize>().is_ok() => {
                write(num.parse().unwrap_or_default(), &mut out);
                rest = behind;
            }
            _ => {
                out.push_str(PLACEHOLDER);
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Which keys options have, and in which order: nodes and emitters of the reference differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Options {
    Node,
    Emitter,
    /// Without flags.
    Bare,
}

pub(super) fn options(out: &mut impl Form, options: &BroadcastOptions, keys: Options) {
    out.map(if keys == Options::Bare { 2 } else { 3 });
    out.key("rooms");
    rooms(out, &options.rooms);
    if keys == Options::Emitter {
        flags(out, options);
    }
    out.key("except");
    rooms(out, &options.except);
    if keys == Options::Node {
        flags(out, options);
    }
    out.end_map();
}

fn flags(out: &mut impl Form, options: &BroadcastOptions) {
    let flags = &options.flags;
    let timeout = flags.timeout.map(|timeout| u64::try_from(timeout.as_millis()));
    let count =
        [flags.volatile, flags.compress.is_some(), timeout.is_some(), flags.expect_single_response];
    out.key("flags");
    out.map(count.map(u32::from).iter().sum());
    if flags.volatile {
        out.key("volatile");
        out.bool(true);
    }
    if let Some(compress) = flags.compress {
        out.key("compress");
        out.bool(compress);
    }
    if let Some(timeout) = timeout {
        out.key("timeout");
        out.unsigned(timeout.unwrap_or(u64::MAX));
    }
    if flags.expect_single_response {
        out.key("expectSingleResponse");
        out.bool(true);
    }
    out.end_map();
}

pub(super) fn rooms(out: &mut impl Form, rooms: &[Room]) {
    out.array(count(rooms.len()));
    for room in rooms {
        out.text(room);
    }
    out.end_array();
}

/// The object form of an event; `namespace` where it is named.
pub(super) fn packet(
    out: &mut impl Form,
    data: &Data,
    namespace: Option<&str>,
    id: Option<u64>,
) -> Result<(), EncodeError> {
    out.map(2 + u32::from(namespace.is_some()) + u32::from(id.is_some()));
    out.key("type");
    out.unsigned(2);
    out.key("data");
    out.data(data)?;
    if let Some(id) = id {
        out.key("id");
        out.unsigned(id);
    }
    if let Some(namespace) = namespace {
        out.key("nsp");
        out.text(namespace);
    }
    out.end_map();
    Ok(())
}

pub(super) fn sockets(
    out: &mut impl Form,
    sockets: &[SocketDescription],
) -> Result<(), EncodeError> {
    out.array(count(sockets.len()));
    for socket in sockets {
        out.map(4);
        out.key("id");
        out.text(&socket.id);
        out.key("handshake");
        out.value(&socket.handshake)?;
        out.key("rooms");
        rooms(out, &socket.rooms);
        out.key("data");
        out.value(&socket.data)?;
        out.end_map();
    }
    out.end_array();
    Ok(())
}

/// Nobody has more elements than lengths can say: a message would have gigabytes.
pub(super) fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
