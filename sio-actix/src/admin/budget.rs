//! How much may wait for the pages, in bytes, and how much of one thing they are shown.

use std::io;
use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;
use serde_json::Value as Json;
use sio_core::packet::Value;
use sio_core::server::Io;

/// Bytes of everything that waits to be told.
pub(super) const MAX_BYTES: usize = 16 << 20;
/// Bytes of an event's arguments, and of a socket's data, above which their size is shown instead.
pub(super) const MAX_SHOWN: usize = 16 << 10;
/// Characters of a name, and of a header or a part of a query.
pub(super) const MAX_TEXT: usize = 1_024;
/// Bytes of one socket's rooms.
pub(super) const MAX_ROOMS: usize = 16 << 10;

/// Counts what waits.
#[derive(Debug, Default)]
pub(super) struct Budget(AtomicUsize);

/// Bytes that are taken until this is dropped.
#[derive(Debug)]
pub(super) struct Charge {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    /// `None`: there is no room.
    pub(super) fn take(self: &Arc<Self>, bytes: usize) -> Option<Charge> {
        let more = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= MAX_BYTES);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Charge { budget: Arc::clone(self), bytes })
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Bytes that one packet may have without filling what may wait for a page.
pub(super) fn room_for_one(io: &Io) -> usize {
    match io.hub().limits().send_buffer_max {
        0 => usize::MAX,
        max => max / 2,
    }
}

/// Bytes of a value as JSON.
pub(super) fn encoded_len(value: &impl Serialize) -> usize {
    let mut count = Count(0);
    // What cannot be encoded is not sent.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}

/// Counts what is written.
struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes of memory that an argument takes, about. Its nesting is bounded.
pub(super) fn weight(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::String(text) => text.len(),
            Value::Binary(bytes) => bytes.len(),
            Value::Array(values) => values.iter().map(weight).sum(),
            Value::Object(object) => {
                object.iter().map(|(key, value)| ENTRY + key.len() + weight(value)).sum()
            }
            _ => 0,
        }
}

/// What an entry of an object takes beside its key and value.
const ENTRY: usize = 32;

/// As [`weight`].
pub(super) fn json_weight(value: &Json) -> usize {
    size_of::<Json>()
        + match value {
            Json::String(text) => text.len(),
            Json::Array(values) => values.iter().map(json_weight).sum(),
            Json::Object(object) => {
                object.iter().map(|(key, value)| ENTRY + key.len() + json_weight(value)).sum()
            }
            _ => 0,
        }
}

/// What is shown instead of something large.
pub(super) fn size_only(bytes: usize) -> String {
    format!("({bytes} bytes, too many to be shown)")
}

/// The data of a socket, or its size.
pub(super) fn cut_data(data: Json) -> Json {
    let bytes = encoded_len(&data);
    if bytes > MAX_SHOWN { serde_json::json!({ "…": size_only(bytes) }) } else { data }
}

/// The text, or its beginning.
pub(super) fn cut_text(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_taken_than_there_is() {
        let budget = Arc::new(Budget::default());
        assert!(budget.take(MAX_BYTES + 1).is_none());
        assert!(budget.take(usize::MAX).is_none());
        let first = budget.take(MAX_BYTES - 10).unwrap();
        assert!(budget.take(11).is_none());
        let second = budget.take(10).unwrap();
        assert!(budget.take(1).is_none());
        drop(first);
        assert!(budget.take(MAX_BYTES - 9).is_none());
        drop(second);
        assert!(budget.take(MAX_BYTES).is_some());
    }

    #[test]
    fn what_is_small_is_shown_as_it_is() {
        let text = "é".repeat(MAX_TEXT);
        assert_eq!(cut_text(&text), text);
        assert_eq!(cut_text(&format!("{text}é")), format!("{text}…"));
        let data = Json::String("a".repeat(MAX_SHOWN - 2));
        assert_eq!(cut_data(data.clone()), data);
        let data = Json::String("a".repeat(MAX_SHOWN - 1));
        assert_eq!(cut_data(data).to_string(), r#"{"…":"(16385 bytes, too many to be shown)"}"#);
    }
}
