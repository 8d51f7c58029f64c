//! What a socket keeps to be given back what it missed (connection state recovery).
//!
//! A server that recovers connections names a secret id with each CONNECT and ends each event with an
//! offset. The client comes back with both; the server answers with what was missed, then CONNECT.

use std::collections::VecDeque;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::args::RawArgs;

/// Longest id and offset that are kept; servers use about 20 bytes.
const MAX_TOKEN: usize = 1024;
/// Events that may come before the answer to CONNECT, and the bytes of their arguments.
const MAX_EARLY: usize = 16_384;
const MAX_EARLY_BYTES: usize = 16 << 20;

/// An event that came before the answer to CONNECT.
pub(super) struct EarlyEvent {
    pub(super) name: Box<str>,
    pub(super) ack: Option<u64>,
    pub(super) args: RawArgs,
}

#[derive(Default)]
pub(super) struct Recovery {
    /// The secret id of the server's last answer.
    pid: Option<Box<str>>,
    /// Of the last event that had one.
    offset: Option<Box<str>>,
    recovered: bool,
    early: VecDeque<EarlyEvent>,
    early_bytes: usize,
}

impl Recovery {
    /// CONNECT was answered, perhaps with an id; gives the events that came before.
    pub(super) fn granted(&mut self, pid: Option<&str>) -> VecDeque<EarlyEvent> {
        let pid = pid.filter(|pid| pid.len() <= MAX_TOKEN);
        self.recovered = pid.is_some() && self.pid.as_deref() == pid;
        if !self.recovered {
            self.offset = None;
            self.pid = pid.map(Into::into);
        }
        self.early_bytes = 0;
        std::mem::take(&mut self.early)
    }

    /// The last CONNECT continued an earlier connection.
    pub(super) const fn is_recovered(&self) -> bool {
        self.recovered
    }

    /// Keeps an event until CONNECT is answered. `false`: there are too many.
    pub(super) fn keep_early(&mut self, event: EarlyEvent) -> bool {
        let bytes = event.name.len() + event.args.byte_len();
        if self.early.len() >= MAX_EARLY || self.early_bytes + bytes > MAX_EARLY_BYTES {
            return false;
        }
        self.early_bytes += bytes;
        self.early.push_back(event);
        true
    }

    /// Forgets events that came before an answer that will not come.
    pub(super) fn drop_early(&mut self) {
        self.early = VecDeque::new();
        self.early_bytes = 0;
    }

    /// An event without an ack came: its last argument may be an offset.
    pub(super) fn note(&mut self, args: &RawArgs) {
        // Servers that recover nothing name no id, and their events need not be read for it.
        if self.pid.is_some()
            && args.json().ends_with('"')
            && let Ok(LastText(Some(text))) = serde_json::from_str(&format!("[{}]", args.json()))
            && text.len() <= MAX_TOKEN
        {
            self.offset = Some(text.into());
        }
    }

    /// Adds what the server needs to a CONNECT payload, an object or nothing.
    pub(super) fn auth(&self, auth: Option<&str>) -> Option<String> {
        let own = || auth.map(str::to_owned);
        let (Some(pid), Some(offset)) = (&self.pid, &self.offset) else { return own() };
        let object = serde_json::from_str(auth.unwrap_or("{}"));
        let Ok(serde_json::Value::Object(mut object)) = object else { return own() };
        // What the application says itself wins.
        object.entry("pid").or_insert_with(|| (&**pid).into());
        object.entry("offset").or_insert_with(|| (&**offset).into());
        Some(serde_json::Value::Object(object).to_string())
    }
}

/// The last element of a JSON array, if it is text.
struct LastText(Option<String>);

impl<'de> Deserialize<'de> for LastText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;
        impl<'de> Visitor<'de> for Elements {
            type Value = LastText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<LastText, A::Error> {
                let mut last = None;
                while let Some(MaybeText(text)) = seq.next_element()? {
                    last = text;
                }
                Ok(LastText(last))
            }
        }
        deserializer.deserialize_seq(Elements)
    }
}

/// A text, or anything else.
struct MaybeText(Option<String>);

impl<'de> Deserialize<'de> for MaybeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Element;
        impl<'de> Visitor<'de> for Element {
            type Value = MaybeText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_str<E>(self, text: &str) -> Result<MaybeText, E> {
                Ok(MaybeText(Some(text.to_owned())))
            }

            fn visit_unit<E>(self) -> Result<MaybeText, E> {
                Ok(MaybeText(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<MaybeText, E> {
                Ok(MaybeText(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<MaybeText, E> {
                Ok(MaybeText(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<MaybeText, E> {
                Ok(MaybeText(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<MaybeText, E> {
                Ok(MaybeText(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<MaybeText, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(MaybeText(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MaybeText, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(MaybeText(None))
            }
        }
        deserializer.deserialize_any(Element)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset_of(args: &str) -> Option<String> {
        let mut recovery = Recovery::default();
        recovery.granted(Some("p"));
        recovery.note(&RawArgs::new(args, &[]));
        recovery.offset.map(String::from)
    }

    #[test]
    fn only_a_last_text_is_an_offset() {
        for args in ["]", ",1]", r#","a",1]"#, r#",["a"]]"#, r#",{"a":"b"}]"#, ",null]", ",1.5]"] {
            assert_eq!(offset_of(args), None, "{args}");
        }
        assert_eq!(offset_of(r#","a"]"#).as_deref(), Some("a"));
        assert_eq!(offset_of(r#",{"a":["]"]},[],true,"x\"]"]"#).as_deref(), Some("x\"]"));
        let long = format!(r#","{}"]"#, "x".repeat(MAX_TOKEN + 1));
        assert_eq!(offset_of(&long), None);
    }

    #[test]
    fn without_an_id_nothing_is_kept() {
        let mut recovery = Recovery::default();
        recovery.granted(None);
        recovery.note(&RawArgs::new(r#","a"]"#, &[]));
        assert_eq!(recovery.auth(Some(r#"{"b":1}"#)).as_deref(), Some(r#"{"b":1}"#));
        assert_eq!(recovery.auth(None), None);
    }

    #[test]
    fn the_id_and_the_last_offset_are_sent_beside_the_auth() {
        let mut recovery = Recovery::default();
        recovery.granted(Some("p"));
        assert_eq!(recovery.auth(None), None);
        recovery.note(&RawArgs::new(r#","o"]"#, &[]));
        assert_eq!(recovery.auth(None).as_deref(), Some(r#"{"offset":"o","pid":"p"}"#));
        let auth = recovery.auth(Some(r#"{"a":1,"pid":"mine"}"#));
        assert_eq!(auth.as_deref(), Some(r#"{"a":1,"offset":"o","pid":"mine"}"#));
        recovery.granted(Some("p"));
        assert!(recovery.is_recovered());
        recovery.granted(Some("q"));
        assert!(!recovery.is_recovered());
        assert_eq!(recovery.auth(None), None);
    }

    #[test]
    fn early_events_are_bounded() {
        let mut recovery = Recovery::default();
        let event = |size: usize| EarlyEvent {
            name: "e".into(),
            ack: None,
            args: RawArgs::new(&"x".repeat(size), &[]),
        };
        assert!(recovery.keep_early(event(MAX_EARLY_BYTES - 1)));
        assert!(!recovery.keep_early(event(0)));
        assert_eq!(recovery.granted(None).len(), 1);
        for _ in 0..MAX_EARLY {
            assert!(recovery.keep_early(event(0)));
        }
        assert!(!recovery.keep_early(event(0)));
        recovery.drop_early();
        assert!(recovery.keep_early(event(MAX_EARLY_BYTES - 1)));
    }
}
