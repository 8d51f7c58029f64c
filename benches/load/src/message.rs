//! What clients send and what must come back.

use serde_json::Value;

use crate::scenario::{Kind, Scenario, Shape};
use crate::websocket;

/// The ack id of `join`, beyond those of any window.
pub(crate) const JOIN: usize = 1_000_000;

/// The messages of one scenario, ready to be sent.
#[derive(Debug)]
pub(crate) struct Messages {
    /// One for each message in flight, or for each room: frames of a WebSocket.
    pub(crate) frames: Vec<Vec<u8>>,
    /// The same as packets of a polling body.
    pub(crate) packets: Vec<Vec<u8>>,
    /// The arguments of an ack, or the event with them, without attachments.
    expected: Vec<u8>,
    attachment: Vec<u8>,
    kind: Kind,
}

impl Messages {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let attachment: Vec<u8> = (0_u8..251).cycle().take(scenario.payload).collect();
        let payload = match scenario.kind {
            Kind::Text => format!("\"{}\"", letters(scenario.payload)),
            Kind::Json => object(scenario.payload),
            Kind::Binary => "{\"_placeholder\":true,\"num\":0}".to_owned(),
        };
        let is_binary = scenario.kind == Kind::Binary;
        let start = if is_binary { "451-" } else { "42" };
        let event = |ack: &str, words: &str| format!("{start}{ack}[{words},{payload}]");
        let slots = 0..scenario.window;
        let texts: Vec<String> = match scenario.shape {
            Shape::Event => slots.map(|_| event("", "\"echo\"")).collect(),
            Shape::Broadcast => vec![event("", "\"publish\"")],
            Shape::Room { rooms } => {
                (0..rooms).map(|room| event("", &format!("\"publish_room\",\"r{room}\""))).collect()
            }
            _ => slots.map(|slot| event(&slot.to_string(), "\"echo\"")).collect(),
        };
        let expected = match scenario.shape {
            Shape::Event => format!("[\"echo\",{payload}]"),
            Shape::Broadcast | Shape::Room { .. } => format!("[\"news\",{payload}]"),
            _ => format!("[{payload}]"),
        };
        let frames = texts.iter().map(|text| {
            let mut frames = websocket::text(text);
            if is_binary {
                frames.extend(websocket::frame(websocket::BINARY, &attachment));
            }
            frames
        });
        Self {
            frames: frames.collect(),
            packets: texts.into_iter().map(String::into_bytes).collect(),
            expected: expected.into_bytes(),
            attachment,
            kind: scenario.kind,
        }
    }

    pub(crate) fn frames(&self, slot: usize) -> &[u8] {
        self.frames.get(slot).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether these are the arguments of the ack or the event that must come.
    pub(crate) fn is_expected(&self, found: &[u8]) -> bool {
        if found == self.expected {
            return true;
        }
        // A server may write the same value in other words.
        let value = |bytes| serde_json::from_slice::<Value>(bytes).ok();
        self.kind != Kind::Text && value(found).is_some_and(|v| Some(v) == value(&self.expected))
    }

    pub(crate) fn is_attachment(&self, found: &[u8]) -> bool {
        found == self.attachment
    }
}

fn letters(length: usize) -> String {
    let all = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789".chars();
    all.cycle().step_by(7).take(length).collect()
}

/// An object of about `length` bytes, with its keys in the order of the alphabet.
fn object(length: usize) -> String {
    let start = "{\"id\":184467,\"ok\":true,\"pos\":{\"x\":-12,\"y\":340},\"tags\":[\"red\",\"green\",7],\"text\":\"";
    let end = "\",\"user\":\"alice\"}";
    format!("{start}{}{end}", letters(length.saturating_sub(start.len() + end.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(name: &str) -> Messages {
        Messages::new(&Scenario::named(name).unwrap())
    }

    #[test]
    fn what_differs_is_not_expected() {
        let text = messages("ack1");
        assert!(!text.is_expected(b"[]"));
        assert!(!text.is_expected(b"[\"abc\"]"));
        let json = messages("ackjson");
        let other = String::from_utf8(json.expected.clone()).unwrap().replace("340", "341");
        assert!(!json.is_expected(other.as_bytes()));
        assert!(!messages("ackbin").is_attachment(&[0; 1024]));
    }

    #[test]
    fn json_may_be_written_in_other_words() {
        let json = messages("ackjson");
        let spaced = String::from_utf8(json.expected.clone()).unwrap().replace(":340", ": 340");
        assert!(json.is_expected(&json.expected));
        assert!(json.is_expected(spaced.as_bytes()));
    }

    #[test]
    fn payloads_have_the_length_of_the_scenario() {
        assert_eq!(messages("ack1k").expected.len(), 1024 + 4);
        assert_eq!(messages("ackjson").expected.len(), 1024 + 2);
        assert_eq!(messages("ackbin").attachment.len(), 1024);
        assert_eq!(messages("ack16").frames.len(), 16);
        assert_eq!(messages("room").frames.len(), 20);
    }
}
