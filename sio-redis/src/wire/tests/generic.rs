//! A second reader of MessagePack, which shares nothing with the first, and what makes values comparable.

use serde_json::{Map, Value, json};

/// Reads one value; what JSON does not have takes the form that `decoded` in the recorded files has.
pub(super) fn read(bytes: &[u8]) -> Value {
    let mut rest = bytes;
    let value = value(&mut rest);
    assert!(rest.is_empty(), "{} bytes behind the value", rest.len());
    value
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(len);
    *rest = left;
    taken
}

fn number(rest: &mut &[u8], len: usize) -> u64 {
    take(rest, len).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn len(rest: &mut &[u8], bytes: usize) -> usize {
    usize::try_from(number(rest, bytes)).unwrap()
}

fn text(rest: &mut &[u8], len: usize) -> Value {
    std::str::from_utf8(take(rest, len)).unwrap().into()
}

fn array(rest: &mut &[u8], len: usize) -> Value {
    (0..len).map(|_| value(rest)).collect()
}

fn map(rest: &mut &[u8], len: usize) -> Value {
    let mut map = Map::new();
    for _ in 0..len {
        let key = value(rest);
        map.insert(key.as_str().unwrap().to_owned(), value(rest));
    }
    Value::Object(map)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn value(rest: &mut &[u8]) -> Value {
    let marker = take(rest, 1)[0];
    match marker {
        0x00..=0x7f => marker.into(),
        0x80..=0x8f => map(rest, usize::from(marker & 15)),
        0x90..=0x9f => array(rest, usize::from(marker & 15)),
        0xa0..=0xbf => text(rest, usize::from(marker & 31)),
        0xc0 => Value::Null,
        0xc2 | 0xc3 => (marker == 0xc3).into(),
        0xc4..=0xc6 => {
            let len = len(rest, 1 << (marker - 0xc4));
            json!({ "$binary": hex(take(rest, len)) })
        }
        0xcb => {
            let float = f64::from_bits(number(rest, 8));
            if float.is_finite() { float.into() } else { Value::Null }
        }
        0xcc..=0xcf => number(rest, 1 << (marker - 0xcc)).into(),
        0xd0 => i8::from_be_bytes(take(rest, 1).try_into().unwrap()).into(),
        0xd1 => i16::from_be_bytes(take(rest, 2).try_into().unwrap()).into(),
        0xd2 => i32::from_be_bytes(take(rest, 4).try_into().unwrap()).into(),
        0xd3 => i64::from_be_bytes(take(rest, 8).try_into().unwrap()).into(),
        0xd9..=0xdb => {
            let len = len(rest, 1 << (marker - 0xd9));
            text(rest, len)
        }
        0xdc | 0xdd => {
            let len = len(rest, 2 << (marker - 0xdc));
            array(rest, len)
        }
        0xde | 0xdf => {
            let len = len(rest, 2 << (marker - 0xde));
            map(rest, len)
        }
        0xe0..=0xff => (i64::from(marker) - 256).into(),
        other => panic!("this writer has no {other:#x}"),
    }
}

/// What of a value gets through: rooms are texts, what may be left out is there, undefined is nothing.
pub(super) fn normal(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Object(map) if map.contains_key("$date") => map["$date"].clone(),
        Value::Object(map) if map.contains_key("$undefined") => Value::Null,
        Value::Object(map) if map.contains_key("$number") => Value::Null,
        Value::Object(map) => {
            let is_defined = |value: &Value| value.get("$undefined").is_none();
            let mut map: Map<String, Value> = map
                .iter()
                .filter(|(_, value)| is_defined(value))
                .map(|(key, value)| match (key.as_str(), value) {
                    ("rooms" | "except", Value::Array(rooms)) => {
                        (key.clone(), rooms.iter().map(room).collect())
                    }
                    _ => (key.clone(), normal(value)),
                })
                .collect();
            if map.len() <= 3 && map.contains_key("rooms") && !map.contains_key("requestId") {
                map.entry("except").or_insert_with(|| json!([]));
                map.entry("flags").or_insert_with(|| json!({}));
            }
            if map.contains_key("data") && map.get("type") == Some(&json!(2)) {
                map.entry("nsp").or_insert_with(|| "/".into());
            }
            Value::Object(map)
        }
        other => other.clone(),
    }
}

fn room(room: &Value) -> Value {
    match room {
        Value::Number(number) => number.to_string().into(),
        other => other.clone(),
    }
}
