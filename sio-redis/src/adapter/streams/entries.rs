//! Entries as Redis gives them.

use std::sync::Arc;

use deadpool_redis::redis::Value;
use sio_core::cluster::Offset;

use crate::link::Guard;
use crate::seal::{Seen, SignedEntry};
use crate::wire::Malformed;
use crate::wire::entry::{self, Envelope};

/// An entry of a stream; what is missing or no text is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) offset: Offset,
    pub(super) from: String,
    pub(super) namespace: Option<String>,
    pub(super) kind: String,
    pub(super) data: Option<String>,
    pub(super) signature: Option<String>,
}

impl Entry {
    pub(super) fn decode(&self) -> Result<Envelope, Malformed> {
        entry::decode(&self.from, &self.kind, self.data.as_deref())
    }

    /// Whether it may be taken: it is signed and no copy, or nothing is signed here. `seen` are those before.
    pub(super) fn is_admitted(
        &self,
        guard: Option<&Arc<Guard>>,
        stream: &str,
        seen: &mut Seen,
    ) -> bool {
        guard.is_none_or(|guard| {
            let entry = SignedEntry {
                stream,
                from: &self.from,
                namespace: self.namespace.as_deref().unwrap_or_default(),
                kind: &self.kind,
                data: self.data.as_deref().unwrap_or_default(),
            };
            guard.admits(seen, entry, self.signature.as_deref(), self.offset.millis)
        })
    }
}

/// What a read gives: the entries of each stream by its name; nothing if none came in time.
pub(super) fn of_streams(answer: Value) -> Vec<(String, Vec<Entry>)> {
    let pairs: Vec<(Value, Value)> = match answer {
        Value::Map(pairs) => pairs,
        Value::Array(streams) => streams.into_iter().filter_map(pair).collect(),
        _ => Vec::new(),
    };
    pairs.into_iter().filter_map(|(name, found)| Some((text(name)?, entries(found)))).collect()
}

/// What a range gives.
pub(super) fn entries(answer: Value) -> Vec<Entry> {
    let Value::Array(found) = answer else { return Vec::new() };
    found.into_iter().filter_map(one).collect()
}

fn one(entry: Value) -> Option<Entry> {
    let (id, fields) = pair(entry)?;
    let offset = text(id)?.parse().ok()?;
    let mut entry = Entry {
        offset,
        from: String::new(),
        namespace: None,
        kind: String::new(),
        data: None,
        signature: None,
    };
    // An entry that was removed while it was on its way has no fields.
    let Value::Array(fields) = fields else { return Some(entry) };
    let mut fields = fields.into_iter();
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        match (text(name).as_deref(), text(value)) {
            (Some("uid"), Some(value)) => entry.from = value,
            (Some("nsp"), value) => entry.namespace = value,
            (Some("type"), Some(value)) => entry.kind = value,
            (Some("data"), value) => entry.data = value,
            (Some("sig"), value) => entry.signature = value,
            _ => {}
        }
    }
    Some(entry)
}

fn pair(value: Value) -> Option<(Value, Value)> {
    let Value::Array(parts) = value else { return None };
    let mut parts = parts.into_iter();
    Some((parts.next()?, parts.next()?))
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}
