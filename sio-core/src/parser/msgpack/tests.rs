//! MessagePack: what is refused, what numbers and extensions become, and the reference's bytes.

use super::*;
use crate::packet::{MAX_ACK_ID, MAX_DEPTH, PacketType, Value};

fn limits() -> DecoderLimits {
    DecoderLimits {
        max_attachments: 10,
        max_namespace_len: 255,
        max_payload: 1_000_000,
        max_depth: MAX_DEPTH,
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().map(|c| u8::try_from(c.to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn decode(message: Vec<u8>) -> Result<Incoming, DecodeError> {
    let packet = MsgpackParser.decoder(&limits()).decode(Message::Binary(message.into()))?;
    Ok(packet.expect("every message is a packet"))
}

fn encoded(packet: &Outgoing<'_>) -> String {
    match MsgpackParser.encode(packet).unwrap().as_slice() {
        [Message::Binary(bytes)] => hex(bytes),
        other => panic!("{other:?}"),
    }
}

/// An EVENT `["e", …]` with these bytes as its arguments.
fn event(count: u8, args: &str) -> Vec<u8> {
    bytes(&format!("83a47479706502a464617461{:02x}a165{args}a36e7370a12f", 0x91 + count))
}

/// What one argument is in JSON.
#[track_caller]
fn argument(hex: &str) -> (String, Vec<Bytes>) {
    let packet = decode(event(1, hex)).unwrap_or_else(|error| panic!("{hex}: {error}"));
    let json = packet.payload.unwrap();
    let inner = json.strip_prefix("[\"e\",").unwrap().strip_suffix(']').unwrap().to_owned();
    (inner, packet.attachments)
}

#[track_caller]
fn refused(hex: &str) -> DecodeError {
    decode(bytes(hex)).expect_err(hex)
}

#[test]
fn text_is_refused() {
    let mut decoder = MsgpackParser.decoder(&limits());
    assert_eq!(decoder.decode(Message::Text("40".to_owned())), Err(DecodeError::Malformed));
}

#[test]
fn what_is_no_whole_message_is_refused() {
    for broken in [
        "",
        "82",
        "82a474797065",
        "c1",
        // Announced, and not there.
        "82a47479706500a36e7370dbffffffff2f",
        "83a47479706500a36e7370a12fa464617461ddffffffff",
        "83a47479706500a36e7370a12fa464617461dfffffffff",
        "83a47479706500a36e7370a12fa464617461c6ffffffff00",
        "83a47479706500a36e7370a12fa464617461c9ffffffff0000",
        "dfffffffff",
        // Something behind it.
        "82a47479706500a36e7370a12f00",
    ] {
        assert_eq!(refused(broken), DecodeError::Malformed, "{broken}");
    }
}

#[test]
fn fields_that_do_not_fit_are_refused() {
    use DecodeError::{InvalidNamespace, InvalidPacketId, InvalidPacketType, InvalidPayload};
    for (broken, error) in [
        // Not a map; without a type; types 5, "0", -1, 1.5 and an array.
        ("00", InvalidPacketType),
        ("c0", InvalidPacketType),
        ("90", InvalidPacketType),
        ("80", InvalidPacketType),
        ("81a36e7370a12f", InvalidPacketType),
        ("82a47479706505a36e7370a12f", InvalidPacketType),
        ("82a474797065a130a36e7370a12f", InvalidPacketType),
        ("82a474797065ffa36e7370a12f", InvalidPacketType),
        ("82a474797065cb3ff8000000000000a36e7370a12f", InvalidPacketType),
        ("82a4747970659100a36e7370a12f", InvalidPacketType),
        // Namespaces: none, undefined, a number, bytes.
        ("81a47479706500", InvalidNamespace),
        ("82a47479706500a36e7370d40000", InvalidNamespace),
        ("82a47479706500a36e737001", InvalidNamespace),
        ("82a47479706500a36e7370c4012f", InvalidNamespace),
        // CONNECT with null, text, an array; DISCONNECT with anything.
        ("83a47479706500a36e7370a12fa464617461c0", InvalidPayload),
        ("83a47479706500a36e7370a12fa464617461a178", InvalidPayload),
        ("83a47479706500a36e7370a12fa46461746190", InvalidPayload),
        ("83a47479706501a36e7370a12fa46461746180", InvalidPayload),
        // EVENT and ACK without data, with a map, with undefined.
        ("82a47479706502a36e7370a12f", InvalidPayload),
        ("83a47479706502a36e7370a12fa46461746180", InvalidPayload),
        ("83a47479706503a36e7370a12fa464617461d40000", InvalidPayload),
        // CONNECT_ERROR without data, with a number.
        ("82a47479706504a36e7370a12f", InvalidPayload),
        ("83a47479706504a36e7370a12fa46461746101", InvalidPayload),
        // Ack ids: text, null, -1, 1.5.
        ("84a47479706503a36e7370a12fa46461746190a26964a130", InvalidPacketId),
        ("84a47479706503a36e7370a12fa46461746190a26964c0", InvalidPacketId),
        ("84a47479706503a36e7370a12fa46461746190a26964ff", InvalidPacketId),
        ("84a47479706503a36e7370a12fa46461746190a26964cb3ff8000000000000", InvalidPacketId),
    ] {
        assert_eq!(refused(broken), error, "{broken}");
    }
}

#[test]
fn namespace_above_the_limit_is_refused() {
    let message = |len: u16| {
        let name = "2f".repeat(len.into());
        format!("82a47479706500a36e7370da{len:04x}{name}")
    };
    assert_eq!(refused(&message(256)), DecodeError::NamespaceTooLong { len: 256, limit: 255 });
    assert_eq!(decode(bytes(&message(255))).unwrap().namespace.len(), 255);
}

#[test]
fn nesting_above_the_limit_is_refused() {
    for container in ["91", "81a161"] {
        for levels in [128, 5_000, 300_000] {
            let deep = format!("{}c0", container.repeat(levels));
            assert_eq!(decode(event(1, &deep)), Err(DecodeError::NestingTooDeep), "{levels}");
        }
        // With the array of the packet, 128.
        let (json, _) = argument(&format!("{}c0", container.repeat(127)));
        let count = json.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count();
        assert_eq!(count, 127);
        // Where nothing is kept, depth costs nothing.
        let ignored = format!("{}c0", container.repeat(300_000));
        let ignored = format!("83a47479706500a36e7370a12fa16f{ignored}");
        assert_eq!(decode(bytes(&ignored)).unwrap().kind, PacketType::Connect);
    }
}

#[test]
fn byte_strings_above_the_limit_are_refused() {
    let many = |count: u16| event(1, &format!("dc{count:04x}{}", "c400".repeat(count.into())));
    let error = DecodeError::TooManyAttachments { announced: 1025, limit: 1024 };
    assert_eq!(decode(many(1025)), Err(error));
    assert_eq!(decode(many(1024)).unwrap().attachments.len(), 1024);
}

#[test]
fn keys_that_are_no_text_become_text_or_are_refused() {
    assert_eq!(
        argument("8701c0ffc0c3c0c0c0d40000c0cb3ff8000000000000c0cb7ff8000000000000c0").0,
        r#"{"1":null,"-1":null,"true":null,"null":null,"undefined":null,"1.5":null,"null":null}"#
    );
    for key in ["90", "80", "c40100", "d7000000000000000000", "d40100"] {
        let message = event(1, &format!("81{key}c0"));
        assert_eq!(decode(message), Err(DecodeError::InvalidPayload), "{key}");
    }
}

#[test]
fn numbers_keep_their_value() {
    for (hex, json) in [
        ("00", "0"),
        ("7f", "127"),
        ("cc80", "128"),
        ("cdffff", "65535"),
        ("ceffffffff", "4294967295"),
        ("cf001fffffffffffff", "9007199254740991"),
        ("cf0020000000000001", "9007199254740993"),
        ("cfffffffffffffffff", "18446744073709551615"),
        ("ff", "-1"),
        ("e0", "-32"),
        ("d080", "-128"),
        ("d1ff7f", "-129"),
        ("d280000000", "-2147483648"),
        ("d38000000000000000", "-9223372036854775808"),
        // Longer than need be.
        ("d30000000000000005", "5"),
        ("d07f", "127"),
        ("cf0000000000000007", "7"),
        ("cb3ff8000000000000", "1.5"),
        ("ca3fc00000", "1.5"),
        ("cb3fb999999999999a", "0.1"),
        ("cb4000000000000000", "2"),
        ("cbc000000000000000", "-2"),
        ("cb8000000000000000", "0"),
        ("cb7e37e43c8800759c", "1e+300"),
        ("cb7ff8000000000000", "null"),
        ("cb7ff0000000000000", "null"),
        ("cbfff0000000000000", "null"),
    ] {
        let (got, _) = argument(hex);
        let same = got == json || serde_json::from_str::<f64>(&got).ok() == json.parse().ok();
        assert!(got == json || (json.contains('e') && same), "{hex}: {got}, not {json}");
    }
}

#[test]
fn extensions_of_the_reference_are_understood() {
    assert_eq!(argument("d40000").0, "null");
    assert_eq!(argument("92d4000001").0, "[null,1]");
    assert_eq!(argument("82a161d40000a16201").0, r#"{"b":1}"#);
    assert_eq!(argument("d7000000018bcfe5687b").0, "\"2023-11-14T22:13:20.123Z\"");
    assert_eq!(argument("d700fffffffffffffc18").0, "\"1969-12-31T23:59:59.000Z\"");
    assert_eq!(argument("d7007fffffffffffffff").0, "null");
    let (placeholder, attachments) = argument("c703000a0b0c");
    assert_eq!(placeholder, r#"{"_placeholder":true,"num":0}"#);
    assert_eq!(attachments, [&[10, 11, 12][..]]);
    assert_eq!(argument("c80001000a").1, [&[10][..]]);
    assert_eq!(argument("c70000").1, [&[][..]]);
    // Others come with their number.
    let (other, attachments) = argument("d5070102");
    assert_eq!(other, r#"[7,{"_placeholder":true,"num":0}]"#);
    assert_eq!(attachments, [&[1, 2][..]]);
    assert_eq!(argument("d6ff6553f100").0, r#"[-1,{"_placeholder":true,"num":0}]"#);
}

#[test]
fn undefined_fields_are_absent_and_unknown_ones_ignored() {
    let connect = "84a47479706500a464617461d40000a26964d40000a36e7370a12f";
    let packet = decode(bytes(connect)).unwrap();
    assert_eq!((packet.payload, packet.ack), (None, None));
    let options = "85a47479706502a46461746192a165d7000000000000000000a76f7074696f6e7381a8636f6d7072657373c3a2696400a36e7370a12f";
    let packet = decode(bytes(options)).unwrap();
    assert_eq!(packet.payload.as_deref(), Some(r#"["e","1970-01-01T00:00:00.000Z"]"#));
    assert_eq!(packet.ack, Some(0));
    // Keys in any order, of any kind; of two the last counts.
    let odd =
        "8690c001c3a36e7370a12fa46461746191c40107a46461746191a165a474797065cb4000000000000000";
    let packet = decode(bytes(odd)).unwrap();
    assert_eq!(packet.payload.as_deref(), Some(r#"["e"]"#));
    assert!(packet.attachments.is_empty());
    assert_eq!(packet.kind, PacketType::Event);
}

#[test]
fn text_is_escaped_and_what_is_none_replaced() {
    assert_eq!(argument("a6225c0a01c3a9").0, r#""\"\\\n\u0001é""#);
    assert_eq!(argument("a361ff62").0, "\"a\u{fffd}b\"");
}

#[test]
fn small_bytes_do_not_keep_a_large_message() {
    let message = Bytes::from(event(2, &format!("c40101c5{:04x}{}", 1000, "00".repeat(1000))));
    let mut decoder = MsgpackParser.decoder(&limits());
    let packet = decoder.decode(Message::Binary(message.clone())).unwrap().unwrap();
    let within = |bytes: &Bytes| message.as_ptr_range().contains(&bytes.as_ptr());
    assert_eq!(packet.attachments.iter().map(within).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn packets_are_the_references_byte_for_byte() {
    let sid = r#"{"sid":"JswW8Gj1HCATzKZlAAAA"}"#;
    let bins = [Bytes::from_static(&[1, 2, 3])];
    let connect = Outgoing::new(PacketType::Connect, "/", sid);
    let event = |payload| Outgoing::new(PacketType::Event, "/", payload);
    let refusal = |payload| Outgoing::new(PacketType::ConnectError, "/admin", payload);
    for (packet, expected) in [
        (
            connect.with_undefined("pid"),
            "83a47479706500a46461746182a3736964b44a73775738476a31484341547a4b5a6c41414141a3706964d40000a36e7370a12f",
        ),
        (Outgoing::new(PacketType::Connect, "/", ""), "82a47479706500a36e7370a12f"),
        (Outgoing::new(PacketType::Disconnect, "/", ""), "82a47479706501a36e7370a12f"),
        (
            event(r#"["m",1,"a",null,true,1.5]"#),
            "83a47479706502a46461746196a16d01a161c0c3cb3ff8000000000000a36e7370a12f",
        ),
        (
            event(r#"["m",{"_placeholder":true,"num":0}]"#).with_attachments(&bins),
            "83a47479706502a46461746192a16dc403010203a36e7370a12f",
        ),
        (event(r#"["q"]"#).with_ack(Some(0)), "84a47479706502a46461746191a171a2696400a36e7370a12f"),
        (
            Outgoing::new(PacketType::Ack, "/", r#"[{"a":1}]"#).with_ack(Some(3)),
            "84a2696403a47479706503a4646174619181a16101a36e7370a12f",
        ),
        (
            Outgoing::new(PacketType::Ack, "/", "[]").with_ack(Some(0)),
            "84a2696400a47479706503a46461746190a36e7370a12f",
        ),
        (
            refusal(r#"{"message":"nope","data":{"c":1}}"#).with_undefined("data"),
            "83a47479706504a46461746182a76d657373616765a46e6f7065a46461746181a16301a36e7370a62f61646d696e",
        ),
        (
            refusal(r#"{"message":"nope"}"#).with_undefined("data"),
            "83a47479706504a46461746182a76d657373616765a46e6f7065a464617461d40000a36e7370a62f61646d696e",
        ),
        (
            Outgoing::new(PacketType::ConnectError, "/none", r#"{"message":"Invalid namespace"}"#)
                .with_namespace_first(),
            "83a47479706504a36e7370a52f6e6f6e65a46461746181a76d657373616765b1496e76616c6964206e616d657370616365",
        ),
    ] {
        assert_eq!(encoded(&packet), expected);
        let packet_again = decode(bytes(expected)).unwrap();
        assert_eq!(packet_again.kind, packet.kind());
        assert_eq!(packet_again.namespace, packet.namespace());
        assert_eq!(packet_again.ack, packet.ack());
        assert_eq!(packet_again.attachments, packet.attachments());
        assert_eq!(packet_again.payload.unwrap_or_default(), packet.payload());
    }
}

#[test]
fn values_are_the_references_byte_for_byte() {
    let sixteen = r#"{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"j":0,"k":0,"l":0,"m":0,"n":0,"o":0,"p":0}"#;
    let zeros = format!("[{}]", vec!["0"; 16].join(","));
    let thousands = format!("[{}]", vec!["0"; 70_000].join(","));
    let x = |count: usize| format!("\"{}\"", "x".repeat(count));
    for (json, expected) in [
        ("0", "00".to_owned()),
        ("-0.0", "00".to_owned()),
        ("127", "7f".to_owned()),
        ("128", "cc80".to_owned()),
        ("256", "cd0100".to_owned()),
        ("65536", "ce00010000".to_owned()),
        ("4294967296", "cf0000000100000000".to_owned()),
        ("9007199254740992", "cf0020000000000000".to_owned()),
        ("9223372036854775808", "cf8000000000000000".to_owned()),
        ("1e19", "cf8ac7230489e80000".to_owned()),
        ("2.0", "02".to_owned()),
        ("1e3", "cd03e8".to_owned()),
        // Differs from the reference, which sends 0.
        ("1e300", "cb7e37e43c8800759c".to_owned()),
        ("18446744073709551616", "cb43f0000000000000".to_owned()),
        ("-1", "ff".to_owned()),
        ("-2.0", "fe".to_owned()),
        ("-33", "d0df".to_owned()),
        ("-129", "d1ff7f".to_owned()),
        ("-32769", "d2ffff7fff".to_owned()),
        ("-2147483649", "d3ffffffff7fffffff".to_owned()),
        ("-9007199254740991", "d3ffe0000000000001".to_owned()),
        ("-1e300", "cbfe37e43c8800759c".to_owned()),
        ("0.1", "cb3fb999999999999a".to_owned()),
        (r#""""#, "a0".to_owned()),
        (r#""\u00e9\ud83d\ude00""#, "a6c3a9f09f9880".to_owned()),
        (&x(31), format!("bf{}", "78".repeat(31))),
        (&x(32), format!("d920{}", "78".repeat(32))),
        (&x(256), format!("da0100{}", "78".repeat(256))),
        (&x(65_536), format!("db00010000{}", "78".repeat(65_536))),
        ("[]", "90".to_owned()),
        ("{}", "80".to_owned()),
        (&zeros, format!("dc0010{}", "00".repeat(16))),
        (&thousands, format!("dd00011170{}", "00".repeat(70_000))),
        (
            sixteen,
            format!("de0010{}", (b'a'..=b'p').map(|c| format!("a1{c:02x}00")).collect::<String>()),
        ),
        (r#"{"_placeholder":true,"num":0}"#, "82ac5f706c616365686f6c646572c3a36e756d00".to_owned()),
    ] {
        let payload = format!("[{json}]");
        let ack = Outgoing::new(PacketType::Ack, "/", &payload).with_ack(Some(0));
        let expected = format!("84a2696400a47479706503a46461746191{expected}a36e7370a12f");
        assert_eq!(encoded(&ack), expected, "{json:.40}");
    }
}

#[test]
fn bytes_of_every_length_have_the_shortest_head() {
    for (len, head) in [(0, "c400"), (255, "c4ff"), (256, "c50100"), (65_536, "c600010000")] {
        let bins = [Bytes::from(vec![0; len])];
        let ack = Outgoing::new(PacketType::Ack, "/", r#"[{"_placeholder":true,"num":0}]"#)
            .with_ack(Some(0));
        let expected = format!("{head}{}a36e7370a12f", "00".repeat(len));
        assert!(encoded(&ack.with_attachments(&bins)).ends_with(&expected), "{len}");
    }
}

#[test]
fn a_packet_at_the_limit_of_depth_is_written_and_read() {
    let payload = format!("[\"e\",{}{}]", "[".repeat(127), "]".repeat(127));
    let hex = encoded(&Outgoing::new(PacketType::Event, "/", &payload));
    assert_eq!(decode(bytes(&hex)).unwrap().payload, Some(payload));
}

/// Numbers for random inputs (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn value(&mut self, depth: usize) -> serde_json::Value {
        let kinds = if depth == 0 { 6 } else { 8 };
        match self.below(kinds) {
            0 => serde_json::Value::Null,
            1 => (self.below(2) == 1).into(),
            2 => (self.0 >> self.below(64)).into(),
            3 => i64::from_ne_bytes((self.0 >> self.below(64)).to_ne_bytes()).wrapping_neg().into(),
            4 => (1.5 * f64::from(u32::try_from(self.below(1 << 30)).unwrap()) + 0.25).into(),
            5 => "\u{0}\"é😀\\xy".chars().cycle().take(self.below(40)).collect::<String>().into(),
            6 => (0..self.below(20)).map(|_| self.value(depth - 1)).collect(),
            _ => {
                let entries = (0..self.below(20)).map(|i| (format!("k{i}"), self.value(depth - 1)));
                serde_json::Value::Object(entries.collect())
            }
        }
    }
}

#[test]
fn what_is_written_is_read_as_it_was() {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for _ in 0..300 {
        let value = chance.value(3);
        let payload = format!("[\"e\",{value}]");
        let hex = encoded(&Outgoing::new(PacketType::Event, "/", &payload));
        let message = bytes(&hex);
        let got = decode(message.clone()).unwrap().payload.unwrap();
        let got: serde_json::Value = serde_json::from_str(&got).unwrap();
        assert_eq!(got[1], value);
        // No cut of it is a packet.
        for _ in 0..20 {
            let cut = chance.below(message.len());
            assert!(decode(message[..cut].to_vec()).is_err());
        }
    }
}

#[test]
fn no_bytes_panic_or_grow() {
    let mut chance = Chance(0x1234_5678_9abc_def1);
    let heads =
        [0x81, 0x82, 0x92, 0xdc, 0xdd, 0xde, 0xdf, 0xc4, 0xc7, 0xd4, 0xd7, 0xd9, 0xa1, 0xcb];
    let mut read = 0;
    for round in 0..60_000 {
        let len = chance.below(60);
        let mut noise: Vec<u8> = (0..len)
            .map(|_| match chance.below(3) {
                0 => heads[chance.below(heads.len())],
                1 => u8::try_from(chance.below(16)).unwrap(),
                _ => u8::try_from(chance.below(256)).unwrap(),
            })
            .collect();
        if round % 2 == 0 {
            // Something in a sound packet.
            let mut packet = bytes("83a47479706502a36e7370a12fa46461746192a165");
            packet.append(&mut noise);
            noise = packet;
        }
        let len = noise.len();
        if let Ok(packet) = decode(noise) {
            read += 1;
            let grown = packet.payload.as_ref().map_or(0, String::len) + packet.namespace.len();
            assert!(grown <= 40 * len + 64, "{grown} of {len}");
            let held: usize = packet.attachments.iter().map(Bytes::len).sum();
            assert!(held <= len);
            // What passes has a form that handlers can read.
            let json = packet.payload.unwrap_or_else(|| "null".to_owned());
            serde_json::from_str::<Value>(&json).unwrap();
        }
    }
    assert!(read > 100, "only {read} inputs were packets");
}

#[test]
fn ack_ids_are_kept_exactly() {
    let id = format!("84a47479706503a36e7370a12fa46461746190a26964cf{MAX_ACK_ID:016x}");
    assert_eq!(decode(bytes(&id)).unwrap().ack, Some(MAX_ACK_ID));
}
