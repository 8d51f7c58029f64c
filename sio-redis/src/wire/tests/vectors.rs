//! Every recorded message is read, and written again as it was.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use sio_core::cluster::Message;

use super::super::channel::{self, RoomChannels};
use super::super::envelope::{Body, Encoding, Said};
use super::super::{Codec, EMITTER, Malformed, Sender, classic, entry, envelope};
use super::generic::{normal, read};

/// Recorded on purpose to see what becomes of it.
const GARBAGE: [(&str, &str, Malformed); 3] = [
    ("malformed_request", "7b6f6f7073", Malformed::Form(2)),
    ("malformed_request", "c1", Malformed::Value(sio_core::packet::DecodeError::Malformed)),
    (
        "unknown_type",
        "7b22756964223a22524157554944222c22726571756573744964223a2272222c2274797065223a39397d",
        Malformed::UnknownType(99),
    ),
];

/// Written in another way than recorded: by hand, by older encoders, with numbers as rooms, dates or NaN; or the
/// keys of descriptions of sockets are in another order.
const OTHER_BYTES: [&str; 17] = [
    "all_rooms_timeout",
    "broadcast_missing_fields",
    "broadcast_nan",
    "broadcast_undefined_ext",
    "broadcast_values",
    "broadcast_values_binary",
    "broadcast_without_nsp",
    "fetch_sockets",
    "fetch_sockets_binary_data",
    "fetch_sockets_room",
    "fetch_sockets_timeout",
    "fetch_sockets_timeout_flag",
    "legacy_fetch",
    "msgpack_request",
    "numeric_room_join",
    "remote_socket_ops",
    "v7_broadcast_values",
];

pub(super) struct File {
    pub(super) name: String,
    pub(super) content: Value,
}

pub(super) fn files() -> Vec<File> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/cluster");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| File {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            content: serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap(),
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(files.len(), 23);
    files
}

fn vectors<'a>(file: &'a File, commands: &'a [&str]) -> impl Iterator<Item = &'a Value> {
    let vectors = file.content["vectors"].as_array().map(Vec::as_slice).unwrap_or_default();
    vectors.iter().filter(|vector| commands.contains(&vector["command"].as_str().unwrap()))
}

pub(super) fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().map(|c| u8::try_from(c.to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn generic(bytes: &[u8]) -> Value {
    match bytes.first() {
        Some(b'{' | b'[') => serde_json::from_slice(bytes).unwrap(),
        _ => read(bytes),
    }
}

/// `prefix`, its ending and the namespace in a channel's name; namespaces of the recordings have no `#`.
fn parts(channel: &str) -> (&str, &str, &str) {
    let (prefix, rest) = channel.split_once('#').unwrap();
    let namespace = rest.split_once('#').unwrap().0;
    for kind in ["-request", "-response"] {
        if let Some(prefix) = prefix.strip_suffix(kind) {
            return (prefix, kind, namespace);
        }
    }
    (prefix, "", namespace)
}

fn sender(from: &str) -> Sender<'_> {
    if from == EMITTER || from.is_empty() { Sender::Emitter } else { Sender::Node(from) }
}

/// Reads and writes a message of the classic adapter.
fn classic_again(file: &File, vector: &Value, payload: &Bytes) -> Result<Vec<u8>, Malformed> {
    let channel = vector["channel"].as_str().unwrap();
    let (prefix, kind, namespace) = parts(channel);
    let is_json = file.name == "classic-json-parser" || vector["operation"] == "emit_json_parser";
    let codec = if is_json { Codec::Json } else { Codec::Msgpack };
    if kind == "-response" {
        let (from, response) = classic::decode_response(payload)?;
        let shared = channel::response(prefix, namespace);
        assert!(channel == shared || channel.starts_with(&shared), "{channel}");
        return Ok(classic::encode_response(codec, from.as_deref(), &response).unwrap());
    }
    let received = match kind {
        "-request" => classic::decode_request(payload)?,
        _ => classic::decode_broadcast(payload, namespace)?.unwrap(),
    };
    let by_hand = ["broadcast_wrong_room_channel", "broadcast_missing_fields"];
    if !by_hand.contains(&vector["operation"].as_str().unwrap()) {
        assert_eq!(channel, channel::classic(prefix, namespace, &received.message));
    }
    let from = sender(&received.from);
    let again = classic::encode(codec, from, namespace, &received.message).unwrap();
    let own = classic::own_prefix(codec, &received.from);
    let is_broadcast = matches!(&received.message, Message::Broadcast { request: None, .. });
    assert_eq!(again.starts_with(&own), is_broadcast);
    Ok(again)
}

/// Reads and writes a message of the sharded adapter, or what the streams adapter says on channels.
fn envelope_again(file: &File, vector: &Value, payload: &Bytes) -> Result<Vec<u8>, Malformed> {
    let channel = vector["channel"].as_str().unwrap();
    let (prefix, _, namespace) = parts(channel);
    let is_sharded = file.name.starts_with("sharded");
    let envelope = envelope::decode(payload, namespace)?.unwrap();
    assert_eq!(envelope::decode(payload, "/other"), Ok(None));
    let said = match &envelope.body {
        Body::Message(message) => {
            let rooms = match file.name.as_str() {
                "sharded-static" => RoomChannels::Never,
                "sharded-dynamic-private" => RoomChannels::All,
                name if name.starts_with("sharded") => RoomChannels::Public,
                _ => RoomChannels::Never,
            };
            assert_eq!(channel, channel::sharded(prefix, namespace, message, rooms));
            Said::Message(message)
        }
        Body::Response(response) => {
            let requester = channel.split('#').nth(2).unwrap();
            assert_eq!(requester.len(), 16);
            assert_eq!(channel, channel::part(prefix, namespace, requester));
            Said::Response(response)
        }
        Body::Presence => panic!("not recorded on channels"),
    };
    let encoding = if is_sharded { Encoding::Smallest } else { Encoding::Msgpack };
    let from = sender(&envelope.from);
    let again = envelope::encode(from, namespace, said, encoding).unwrap();
    let own = envelope::OwnMark::new(&envelope.from, namespace);
    assert!(own.is_on(&again) && own.is_on(payload));
    assert!(!envelope::OwnMark::new("0123456789abcdef", namespace).is_on(payload));
    Ok(again)
}

#[test]
fn every_recorded_message_on_a_channel_is_read_and_written_as_it_was() {
    let (mut count, mut garbage, mut others) = (0, 0, HashSet::new());
    for file in files() {
        for vector in vectors(&file, &["PUBLISH", "SPUBLISH"]) {
            let what = format!("{} {}", file.name, vector["operation"]);
            let hex = vector["payload_hex"].as_str().unwrap();
            let payload = Bytes::from(unhex(hex));
            let is_classic = file.name.starts_with("classic") || file.name == "redis-emitter";
            let again = match is_classic {
                true => classic_again(&file, vector, &payload),
                false => envelope_again(&file, vector, &payload),
            };
            count += 1;
            let known = GARBAGE
                .iter()
                .find(|(name, bytes, _)| vector["operation"] == *name && hex == *bytes);
            if let Some((.., reason)) = known {
                assert_eq!(again.as_ref(), Err(reason), "{what}");
                garbage += 1;
                continue;
            }
            let again = again.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(normal(&generic(&again)), normal(&vector["decoded"]), "{what}");
            if again != payload {
                others.insert(vector["operation"].as_str().unwrap().to_owned());
            }
        }
    }
    assert_eq!((count, garbage), (432, 3));
    assert_eq!(others, OTHER_BYTES.map(str::to_owned).into());
}

#[test]
fn every_recorded_entry_of_a_stream_is_read_and_written_as_it_was() {
    let (mut count, mut others, mut presence) = (0, 0, 0);
    for file in files() {
        for vector in vectors(&file, &["XADD"]) {
            let what = format!("{} {}", file.name, vector["operation"]);
            let fields = &vector["fields"];
            let (uid, namespace) =
                (fields["uid"].as_str().unwrap(), fields["nsp"].as_str().unwrap());
            let (kind, data) = (fields["type"].as_str().unwrap(), fields["data"].as_str());
            let envelope = entry::decode(uid, kind, data).unwrap();
            count += 1;
            let streams = match file.name.as_str() {
                _ if vector["operation"] == "emit_options" => "other".to_owned(),
                "streams-options" => channel::stream("mystream", 3, namespace),
                "streams-negative-hash" => channel::stream("socket.io", 3, namespace),
                _ => channel::stream("socket.io", 1, namespace),
            };
            assert_eq!(vector["stream"], streams, "{what}");
            let message = match envelope.body {
                Body::Message(message) => message,
                Body::Presence => {
                    presence += 1;
                    continue;
                }
                Body::Response(_) => {
                    assert_eq!(file.name, "streams-v02");
                    others += 1;
                    continue;
                }
            };
            let plain = file.name == "streams-options";
            let again = entry::encode(sender(uid), namespace, &message, plain).unwrap();
            assert_eq!(again.kind.to_string(), kind, "{what}");
            let bytes = match again.data.starts_with('{') {
                true => again.data.clone().into_bytes(),
                false => STANDARD.decode(&again.data).unwrap(),
            };
            assert_eq!(normal(&generic(&bytes)), normal(&vector["decoded"]), "{what}");
            // Dates are texts.
            if vector["operation"] != "broadcast_values_binary" {
                assert_eq!(again.data, data.unwrap(), "{what}");
            }
        }
    }
    assert_eq!((count, others, presence), (117, 5, 23));
}

#[test]
fn every_recorded_session_is_read_and_written_as_it_was() {
    let mut count = 0;
    for file in files() {
        for vector in vectors(&file, &["SET"]) {
            let text = vector["args"][1].as_str().unwrap();
            let (namespace, session) = entry::decode_session(text).unwrap();
            assert_eq!(namespace, None);
            assert_eq!(vector["args"][0], format!("sio:session:{}", session.pid));
            let again = entry::encode_session("/", &session).unwrap();
            let bytes = STANDARD.decode(again);
            let mut expected = vector["decoded"].clone();
            expected["nsp"] = "/".into();
            assert_eq!(normal(&read(&bytes.unwrap())), normal(&expected));
            count += 1;
        }
    }
    assert_eq!(count, 6);
}

#[test]
fn changed_bytes_are_refused_or_read_but_never_break_anything() {
    let mut seed = 42_u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 40).unwrap()
    };
    let mut read = [0, 0];
    for file in files() {
        for vector in vectors(&file, &["PUBLISH", "SPUBLISH"]) {
            let payload = unhex(vector["payload_hex"].as_str().unwrap());
            for _ in 0..20 {
                let mut bytes = payload.clone();
                for _ in 0..=random() % 3 {
                    let at = random() % bytes.len();
                    bytes[at] = u8::try_from(random() % 256).unwrap();
                }
                bytes.truncate(bytes.len() - random() % 2 * (random() % bytes.len()));
                let bytes = Bytes::from(bytes);
                for result in [
                    classic::decode_broadcast(&bytes, "/").is_ok(),
                    classic::decode_request(&bytes).is_ok(),
                    classic::decode_response(&bytes).is_ok(),
                    envelope::decode(&bytes, "/").is_ok(),
                ] {
                    read[usize::from(result)] += 1;
                }
            }
        }
    }
    assert!(read[0] > 1000 && read[1] > 1000, "{read:?}");
}
