//! Packets as they leave.

use std::collections::BTreeMap;

use super::*;
use crate::packet::{ArgCursor, Binary, DecodeLimits, Object, Value, check_placeholders, decode};

fn event<T: Serialize + ?Sized>(args: &T) -> Result<String, EncodeError> {
    let mut out = Vec::new();
    encode_event(&mut out, &mut Vec::new(), "/", None, "a", args)?;
    Ok(String::from_utf8(out).unwrap())
}

/// A type that refuses to be serialized, as some do.
struct Refuses;

impl Serialize for Refuses {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("refused"))
    }
}

#[test]
fn reserved_names_are_refused() {
    for name in crate::packet::RESERVED_EVENTS {
        let (mut out, mut bins) = (b"x".to_vec(), Vec::new());
        let error = encode_event(&mut out, &mut bins, "/", None, name, &()).unwrap_err();
        assert_eq!(error.to_string(), format!("\"{name}\" is a reserved event name"));
        assert_eq!(encode_event_encoded(&mut out, "/", None, name, b"", 0), Err(error));
        assert_eq!(out, b"x");
    }
    assert!(event(&()).is_ok());
}

#[test]
fn nothing_is_left_behind_by_a_failure() {
    let (mut out, mut bins) = (b"before".to_vec(), vec![Bytes::from_static(b"b")]);
    let args = (Binary::from(vec![1]), "x", Refuses);
    let refused = Err(EncodeError::Serialize("refused".to_owned()));
    assert_eq!(encode_event(&mut out, &mut bins, "/n", Some(1), "a", &args), refused);
    assert_eq!(encode_ack(&mut out, &mut bins, "/n", 1, &args), refused);
    assert_eq!(encode_args(&mut out, &mut bins, &args), refused);
    assert!(encode_connect_error(&mut out, "/", "m", Some("{")).is_err());
    assert!(event(&BTreeMap::from([((1, 2), 3)])).is_err());
    assert_eq!((out.as_slice(), bins.len()), (b"before".as_slice(), 1));
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels| (0..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    assert!(event(&nested(127)).is_ok());
    assert!(event(&(nested(127),)).is_ok());
    assert_eq!(event(&nested(128)), Err(EncodeError::NestingTooDeep));
    assert_eq!(event(&(1, nested(128))), Err(EncodeError::NestingTooDeep));
    assert_eq!(event(&nested(5_000)), Err(EncodeError::NestingTooDeep));
}

#[test]
fn attachments_are_bounded() {
    let list = |len| vec![Binary::from(vec![1]); len];
    assert!(event(&list(MAX_OUTGOING_ATTACHMENTS)).is_ok());
    let error = event(&list(MAX_OUTGOING_ATTACHMENTS + 1));
    assert_eq!(error, Err(EncodeError::TooManyAttachments));
}

#[test]
fn tuple_is_a_list_and_everything_else_one_argument() {
    #[derive(Serialize)]
    struct Unit;
    #[derive(Serialize)]
    struct New((u8, u8));
    #[derive(Serialize)]
    struct Pair(u8, u8);
    #[derive(Serialize)]
    struct Named {
        x: u8,
    }
    #[derive(Serialize)]
    enum Choice {
        Unit,
        New(u8),
        Tuple(u8, u8),
        Struct { x: u8 },
    }
    assert_eq!(event(&()).unwrap(), r#"42["a"]"#);
    assert_eq!(event(&(1, "two", [3], ())).unwrap(), r#"42["a",1,"two",[3],null]"#);
    assert_eq!(event(&&Box::new((1, (2, 3)))).unwrap(), r#"42["a",1,[2,3]]"#);
    assert_eq!(event(&[1, 2]).unwrap(), r#"42["a",1,2]"#);
    assert_eq!(event(&[0_u8; 0]).unwrap(), r#"42["a"]"#);
    assert_eq!(event(&vec![1, 2]).unwrap(), r#"42["a",[1,2]]"#);
    assert_eq!(event(&Vec::<u8>::new()).unwrap(), r#"42["a",[]]"#);
    assert_eq!(event(&None::<u8>).unwrap(), r#"42["a",null]"#);
    assert_eq!(event(&Some((1, 2))).unwrap(), r#"42["a",[1,2]]"#);
    assert_eq!(event(&Unit).unwrap(), r#"42["a",null]"#);
    assert_eq!(event(&New((1, 2))).unwrap(), r#"42["a",[1,2]]"#);
    assert_eq!(event(&Pair(1, 2)).unwrap(), r#"42["a",[1,2]]"#);
    assert_eq!(event(&Named { x: 1 }).unwrap(), r#"42["a",{"x":1}]"#);
    assert_eq!(event(&Choice::Unit).unwrap(), r#"42["a","Unit"]"#);
    assert_eq!(event(&Choice::New(1)).unwrap(), r#"42["a",{"New":1}]"#);
    assert_eq!(event(&Choice::Tuple(1, 2)).unwrap(), r#"42["a",{"Tuple":[1,2]}]"#);
    assert_eq!(event(&Choice::Struct { x: 1 }).unwrap(), r#"42["a",{"Struct":{"x":1}}]"#);
    assert_eq!(event("x\n").unwrap(), r#"42["a","x\n"]"#);
    assert_eq!(event(&'c').unwrap(), r#"42["a","c"]"#);
    assert_eq!(event(&(f64::NAN, f32::INFINITY, 1.5)).unwrap(), r#"42["a",null,null,1.5]"#);
}

#[test]
fn header_is_patched_when_attachments_appear() {
    let (mut out, mut bins) = (b"keep".to_vec(), vec![Bytes::from_static(b"other")]);
    let shared = Bytes::from(vec![7; 40]);
    let args = (Binary(shared.clone()), vec![Value::Binary(shared.clone())]);
    encode_event(&mut out, &mut bins, "/n", Some(3), "b", &args).unwrap();
    let text = r#"keep452-/n,3["b",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]"#;
    assert_eq!(String::from_utf8(out).unwrap(), text);
    assert_eq!(bins.len(), 3);
    // Shared, not copied; and twice, as the protocol has it.
    assert!(bins[1..].iter().all(|bytes| bytes.as_ptr() == shared.as_ptr()));

    let (mut out, mut bins) = (Vec::new(), Vec::new());
    encode_ack(&mut out, &mut bins, "/", 12, &vec![Binary::default(); 11]).unwrap();
    assert!(out.starts_with(br#"4611-12[[{"_placeholder":true,"num":0},"#));
    assert_eq!(bins.len(), 11);
}

#[test]
fn acks_and_life_cycle_packets_are_written_in_full() {
    let (mut out, mut bins) = (Vec::new(), Vec::new());
    encode_ack(&mut out, &mut bins, "/", 1, &()).unwrap();
    encode_ack(&mut out, &mut bins, "/n", 2, &(1, "x")).unwrap();
    encode_connect(&mut out, "/", "s\"", None);
    encode_connect_error(&mut out, "/n", "no", Some("[1]")).unwrap();
    encode_disconnect(&mut out, "/n");
    let text = r#"431[]43/n,2[1,"x"]40{"sid":"s\""}44/n,{"message":"no","data":[1]}41/n,"#;
    assert_eq!(String::from_utf8(out).unwrap(), text);
}

#[test]
fn encoded_arguments_serve_many_packets() {
    let (mut args, mut bins) = (Vec::new(), Vec::new());
    encode_args(&mut args, &mut bins, &(1, Binary::from(vec![1]))).unwrap();
    assert_eq!(args, br#",1,{"_placeholder":true,"num":0}"#);
    let mut out = Vec::new();
    encode_event_encoded(&mut out, "/n", Some(5), "e", &args, bins.len()).unwrap();
    encode_ack_encoded(&mut out, "/", 6, &args, bins.len());
    encode_event_encoded(&mut out, "/", None, "e", b"", 0).unwrap();
    let text = concat!(
        r#"451-/n,5["e",1,{"_placeholder":true,"num":0}]"#,
        r#"461-6[1,{"_placeholder":true,"num":0}]42["e"]"#
    );
    assert_eq!(String::from_utf8(out).unwrap(), text);
}

#[test]
fn buffer_with_room_is_not_reallocated() {
    let mut out = Vec::with_capacity(256);
    let at = out.as_ptr();
    encode_event(&mut out, &mut Vec::new(), "/n", Some(u64::MAX), "a", &(1, "two")).unwrap();
    assert_eq!(out.as_ptr(), at);
}

/// A small generator of pseudo-random numbers; tests must give the same result every time.
struct Random(u64);

impl Random {
    fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: u16) -> usize {
        usize::try_from(self.number() % u64::from(limit)).unwrap()
    }

    fn text(&mut self) -> String {
        const LETTERS: [char; 12] =
            ['a', '"', '\\', ']', ',', '{', '\n', '\0', 'é', '\u{2028}', '😀', ' '];
        (0..self.below(6)).map(|_| LETTERS[self.below(12)]).collect()
    }

    fn value(&mut self, depth: u16) -> Value {
        match self.below(if depth == 0 { 8 } else { 10 }) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) == 0),
            2 => Value::from(self.number()),
            3 => Value::from(-i64::try_from(self.number() >> 1).unwrap()),
            // Few digits: without its feature `float_roundtrip` the parser may be off by one bit.
            4 => Value::from(f64::from(u32::try_from(self.number() >> 34).unwrap()) / 4.0),
            5 | 6 => Value::from(self.text()),
            7 => Value::Binary(vec![u8::try_from(self.below(256)).unwrap(); self.below(4)].into()),
            8 => Value::Array((0..self.below(4)).map(|_| self.value(depth - 1)).collect()),
            _ => {
                let entries = (0..self.below(4)).map(|_| (self.text(), self.value(depth - 1)));
                Value::Object(entries.collect::<Object>())
            }
        }
    }
}

#[test]
fn decode_after_encode_is_identity() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let limits = DecodeLimits { max_attachments: 1000, ..DecodeLimits::default() };
    for _ in 0..3_000 {
        let namespace = ["/", "/a", "/a?b=c"][random.below(3)];
        let ack = [None, Some(random.number() >> 11)][random.below(2)];
        let (name, args) = (random.text(), (random.value(4), random.value(4)));
        let (mut out, mut bins) = (Vec::new(), Vec::new());
        encode_event(&mut out, &mut bins, namespace, ack, &name, &args).unwrap();
        let text = std::str::from_utf8(&out[1..]).unwrap();
        let packet = decode(text, &limits).unwrap();
        assert_eq!((packet.namespace, packet.ack), (namespace, ack), "{text}");
        assert_eq!(packet.attachments, bins.len(), "{text}");
        assert_eq!(packet.event.unwrap().as_str(), name, "{text}");
        assert_eq!(check_placeholders(packet.data, bins.len()), Ok(()), "{text}");
        let mut cursor = ArgCursor::new(packet.args, &bins);
        assert_eq!(cursor.require(), Ok(args.0), "{text}");
        assert_eq!(cursor.require(), Ok(args.1), "{text}");
        assert_eq!(cursor.finish(), Ok(()), "{text}");
        // The same text without its attachments, and cut anywhere, must not panic either.
        for at in (0..packet.args.len()).filter(|at| packet.args.is_char_boundary(*at)) {
            for bins in [&bins[..], &[]] {
                let mut cursor = ArgCursor::new(packet.args.get(..at).unwrap(), bins);
                while let Ok(Some(_)) = cursor.next::<Value>() {}
                assert!(cursor.finish().is_err(), "{text} cut at {at}");
            }
        }
    }
}

#[test]
fn a_null_value_is_an_argument_and_unit_is_none() {
    let encode = |args: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        args(&mut out);
        String::from_utf8(out).unwrap()
    };
    let mut bins = Vec::new();
    let null = encode(&|out| encode_args(out, &mut Vec::new(), &serde_json::Value::Null).unwrap());
    assert_eq!(null, ",null");
    let mut out = Vec::new();
    encode_args(&mut out, &mut bins, &Value::Null).unwrap();
    encode_args(&mut out, &mut bins, &()).unwrap();
    encode_args(&mut out, &mut bins, &None::<u8>).unwrap();
    assert_eq!(out, b",null,null");
}

#[test]
fn packets_in_parts_are_what_is_written_at_once() {
    for namespace in ["/", "/chat"] {
        for args in [b"".as_slice(), b",1,\"two\""] {
            for id in [0, 7, 10, 17, u64::MAX] {
                for attachments in [0, 1, 10, 1024] {
                    let mut whole = Vec::new();
                    encode_ack_encoded(&mut whole, namespace, id, args, attachments);
                    let joined =
                        ack_in_parts(namespace, id, args, attachments, |parts| parts.concat());
                    assert_eq!(joined, whole);
                }
            }
            for name in ["a", "ä b", ""] {
                let mut whole = Vec::new();
                encode_event_encoded(&mut whole, namespace, None, name, args, 0).unwrap();
                assert_eq!(
                    event_in_parts(namespace, name, args, |parts| parts.concat()),
                    Some(whole)
                );
            }
        }
        assert_eq!(event_in_parts(namespace, "a\"b", b"", |_| ()), None);
    }
}

#[test]
fn strings_are_written_as_the_json_library_writes_them_at_any_depth() {
    #[derive(Serialize)]
    enum Shape {
        Unit,
        New(String),
        Tuple(String, Vec<String>),
        Struct { text: Option<String> },
    }
    #[derive(Serialize)]
    struct Wrapped(String);
    #[derive(Serialize)]
    struct All {
        text: String,
        letter: char,
        map: BTreeMap<String, (String, Wrapped)>,
        shapes: Vec<Shape>,
        raw: Box<serde_json::value::RawValue>,
        json: serde_json::Value,
    }
    for plain in ["", "a", "0123456789abcdef", "\u{2028}é\u{7f}"] {
        let text = format!("{plain}\"\\/\n\u{1}{plain}");
        let all = All {
            text: text.clone(),
            letter: '"',
            map: BTreeMap::from([(text.clone(), (text.clone(), Wrapped(text.clone())))]),
            shapes: vec![
                Shape::Unit,
                Shape::New(text.clone()),
                Shape::Tuple(text.clone(), vec![text.clone()]),
                Shape::Struct { text: Some(text.clone()) },
            ],
            raw: serde_json::value::RawValue::from_string(r#"{ "b" : "\u0041" }"#.to_owned())
                .unwrap(),
            json: serde_json::json!([text.clone(), { text.as_str(): text }]),
        };
        let expected = serde_json::to_string(&all).unwrap();
        assert_eq!(event(&all).unwrap(), format!("42[\"a\",{expected}]"));
        assert_eq!(event(&(&all, &text)).unwrap(), {
            let text = serde_json::to_string(&text).unwrap();
            format!("42[\"a\",{expected},{text}]")
        });
    }
}

#[test]
fn bytes_next_to_strings_stay_attachments() {
    let (mut out, mut bins) = (Vec::new(), Vec::new());
    let args = ("x", Binary::from(vec![b'x']), vec![("x", Binary::from(vec![2]))]);
    encode_event(&mut out, &mut bins, "/", None, "a", &args).unwrap();
    let expected = concat!(
        r#"452-["a","x",{"_placeholder":true,"num":0},"#,
        r#"[["x",{"_placeholder":true,"num":1}]]]"#
    );
    assert_eq!(std::str::from_utf8(&out), Ok(expected));
    assert_eq!(bins, [&b"x"[..], &[2]]);
}
