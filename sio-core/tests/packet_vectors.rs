//! Runs the wire vectors in `tests/data/packets.toml`, decoding and encoding.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a vector that cannot be run is a failed test"
)]

use bytes::Bytes;
use serde::Deserialize;
use sio_core::packet::{
    ArgCursor, ArgError, DecodeError, DecodeLimits, Packet, PacketType, Value, check_placeholders,
    decode, encode_ack_encoded, encode_args, encode_connect, encode_connect_error,
    encode_disconnect, encode_event,
};

#[derive(Deserialize)]
struct Vectors {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    source: String,
    frames: Vec<Frame>,
    packet: Option<Expected>,
    error: Option<String>,
    #[serde(default = "yes")]
    canonical: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Frame {
    Text(String),
    Binary { hex: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    r#type: String,
    #[serde(default)]
    attachments: usize,
    #[serde(default = "main_namespace")]
    namespace: String,
    ack: Option<u64>,
    event: Option<String>,
    args: Option<String>,
    data: Option<String>,
}

fn yes() -> bool {
    true
}

fn main_namespace() -> String {
    "/".to_owned()
}

fn bytes_of(hex: &str) -> Bytes {
    let digits: Vec<u8> =
        hex.chars().map(|c| u8::try_from(c.to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Turns `{"hex":"01"}` in an expected value into the attachment it stands for.
fn resolved(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(resolved).collect()),
        Value::Object(object) => match object.get("hex").and_then(Value::as_str) {
            Some(hex) => Value::Binary(bytes_of(hex)),
            None => Value::Object(
                object
                    .into_entries()
                    .into_iter()
                    .map(|(key, value)| (key, resolved(value)))
                    .collect(),
            ),
        },
        scalar => scalar,
    }
}

struct Wire<'a> {
    text: &'a str,
    bins: Vec<Bytes>,
}

fn wire(case: &Case) -> Wire<'_> {
    let mut frames = case.frames.iter();
    let Some(Frame::Text(text)) = frames.next() else { panic!("{}: no text", case.name) };
    let bins = frames.map(|frame| match frame {
        Frame::Binary { hex } => bytes_of(hex),
        Frame::Text(_) => panic!("{}: second text", case.name),
    });
    Wire { text, bins: bins.collect() }
}

/// Does everything a server does before a handler runs.
fn read<'a>(wire: &'a Wire<'_>) -> Result<(Packet<'a>, Vec<Value>), DecodeError> {
    let packet = decode(wire.text, &DecodeLimits::default())?;
    if packet.kind.is_binary() {
        assert_eq!(packet.attachments, wire.bins.len(), "frames of the vector");
        check_placeholders(packet.data, packet.attachments)?;
    }
    let mut args = Vec::new();
    if packet.event.is_some() || matches!(packet.kind, PacketType::Ack | PacketType::BinaryAck) {
        let mut cursor = ArgCursor::new(packet.args, &wire.bins);
        let malformed = |error| match error {
            ArgError::Malformed(error) => error,
            error => panic!("any value reads as `Value`: {error}"),
        };
        cursor.clone().finish().map_err(malformed)?;
        while let Some(value) = cursor.next().map_err(malformed)? {
            args.push(value);
        }
        cursor.finish().map_err(malformed)?;
    }
    Ok((packet, args))
}

fn type_name(kind: PacketType) -> &'static str {
    match kind {
        PacketType::Connect => "CONNECT",
        PacketType::Disconnect => "DISCONNECT",
        PacketType::Event => "EVENT",
        PacketType::Ack => "ACK",
        PacketType::ConnectError => "CONNECT_ERROR",
        PacketType::BinaryEvent => "BINARY_EVENT",
        PacketType::BinaryAck => "BINARY_ACK",
    }
}

/// Arguments for the encoder, which takes a tuple as list and everything else as one.
struct List<'a>(&'a [Value]);

impl serde::Serialize for List<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeTuple;
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for value in self.0 {
            tuple.serialize_element(value)?;
        }
        tuple.end()
    }
}

fn encode(packet: &Packet<'_>, args: &[Value]) -> (String, Vec<Bytes>) {
    let (mut out, mut bins) = (Vec::new(), Vec::new());
    let namespace = packet.namespace;
    match packet.kind {
        PacketType::Event | PacketType::BinaryEvent => {
            let name = packet.event.as_ref().unwrap().as_str();
            encode_event(&mut out, &mut bins, namespace, packet.ack, name, &List(args)).unwrap();
        }
        PacketType::Ack | PacketType::BinaryAck => {
            let mut text = Vec::new();
            encode_args(&mut text, &mut bins, &List(args)).unwrap();
            encode_ack_encoded(&mut out, namespace, packet.ack.unwrap(), &text, bins.len());
        }
        PacketType::Connect => {
            let data: Value = serde_json::from_str(packet.data).unwrap();
            encode_connect(
                &mut out,
                namespace,
                data.get("sid").and_then(Value::as_str).unwrap(),
                None,
            );
        }
        PacketType::ConnectError => {
            let value: Value = serde_json::from_str(packet.data).unwrap();
            let message = value.get("message").and_then(Value::as_str).unwrap();
            let data = value.get("data").map(|data| serde_json::to_string(data).unwrap());
            encode_connect_error(&mut out, namespace, message, data.as_deref()).unwrap();
        }
        PacketType::Disconnect => encode_disconnect(&mut out, namespace),
    }
    (String::from_utf8(out).unwrap(), bins)
}

fn run(case: &Case) {
    let wire = wire(case);
    let at = format!("{} ({})", case.name, case.source);
    let result = read(&wire);
    if let Some(error) = &case.error {
        assert!(case.packet.is_none(), "{at}: packet and error");
        assert_eq!(result.expect_err(&at).to_string(), *error, "{at}");
        return;
    }
    let expected = case.packet.as_ref().unwrap_or_else(|| panic!("{at}: no expectation"));
    let (packet, args) = result.unwrap_or_else(|error| panic!("{at}: {error}"));
    assert_eq!(type_name(packet.kind), expected.r#type, "{at}");
    assert_eq!(packet.kind.digit(), wire.text.as_bytes()[0], "{at}");
    assert_eq!(packet.attachments, expected.attachments, "{at}");
    assert_eq!(packet.namespace, expected.namespace, "{at}");
    assert_eq!(packet.ack, expected.ack, "{at}");
    assert_eq!(packet.event.as_ref().map(|name| name.as_str()), expected.event.as_deref(), "{at}");
    match &expected.args {
        Some(text) => {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(Value::Array(args.clone()), resolved(value), "{at}");
        }
        None => assert_eq!(packet.data, expected.data.as_deref().unwrap_or_default(), "{at}"),
    }
    if case.canonical {
        let (text, bins) = encode(&packet, &args);
        assert_eq!(text, format!("4{}", wire.text), "{at}");
        assert_eq!(bins, wire.bins, "{at}");
    }
}

#[test]
fn every_vector_decodes_and_encodes_as_stated() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/packets.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let vectors: Vectors = toml::from_str(&text).unwrap();
    let mut names = std::collections::HashSet::new();
    assert!(vectors.case.len() > 100, "the file is complete");
    for case in &vectors.case {
        assert!(names.insert(&case.name), "{} occurs twice", case.name);
        run(case);
    }
}
