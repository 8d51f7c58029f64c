//! Packet headers and payloads: what is refused, then what is read.

use super::*;
use crate::packet::{ArgCursor, ArgError, Value, check_placeholders, encode_event};

fn run(text: &str) -> Result<Packet<'_>, DecodeError> {
    decode(text, &DecodeLimits::default())
}

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

#[test]
fn nesting_above_the_limit_is_refused_in_every_type() {
    for levels in [129, 5_000, 400_000] {
        let deep = nested(levels);
        assert_eq!(validate(&deep), Err(DecodeError::NestingTooDeep));
        let inner = nested(levels - 1);
        for text in [
            format!("31[{inner}]"),
            format!("51-[\"a\",{inner}]"),
            format!("0{{\"a\":{inner}}}"),
            format!("4{{\"a\":{inner}}}"),
        ] {
            assert_eq!(run(&text), Err(DecodeError::NestingTooDeep));
        }
        let event = format!("2[\"a\",{inner}]");
        let packet = run(&event).unwrap();
        let too_deep = ArgError::Malformed(DecodeError::NestingTooDeep);
        assert_eq!(ArgCursor::new(packet.args, &[]).finish(), Err(too_deep.clone()));
        assert_eq!(ArgCursor::new(packet.args, &[]).next::<Value>(), Err(too_deep.clone()));
        assert_eq!(ArgCursor::new(packet.args, &[]).next::<u8>(), Err(too_deep));
    }
}

#[test]
fn nesting_at_the_limit_is_read_and_echoed() {
    assert_eq!(validate(&nested(128)), Ok(()));
    let text = format!("2[\"a\",{}]", nested(127));
    let packet = run(&text).unwrap();
    let mut cursor = ArgCursor::new(packet.args, &[]);
    let value: Value = cursor.require().unwrap();
    assert_eq!(cursor.finish(), Ok(()));
    let mut out = Vec::new();
    encode_event(&mut out, &mut Vec::new(), "/", None, "a", &(value,)).unwrap();
    assert_eq!(out, format!("4{text}").into_bytes());
}

#[test]
fn brackets_in_strings_are_not_nesting() {
    let text = format!("[\"{}\\\"[\"]", "[".repeat(300));
    assert_eq!(validate(&text), Ok(()));
}

#[test]
fn namespace_above_the_limit_is_refused() {
    let limits = DecodeLimits { max_namespace_len: 4, ..DecodeLimits::default() };
    let error = DecodeError::NamespaceTooLong { len: 5, limit: 4 };
    assert_eq!(decode("0/abcd", &limits), Err(error));
    assert_eq!(error.to_string(), "namespace too long (5 bytes, limit 4)");
    assert_eq!(decode("0/abc", &limits).unwrap().namespace, "/abc");
}

#[test]
fn default_namespace_limit_is_255_bytes() {
    let name = "n".repeat(254);
    assert_eq!(run(&format!("0/{name}")).unwrap().namespace.len(), 255);
    let error = DecodeError::NamespaceTooLong { len: 256, limit: 255 };
    assert_eq!(run(&format!("0/{name}n,")), Err(error));
}

#[test]
fn attachment_limit_is_configurable() {
    let limits = DecodeLimits { max_attachments: 1, ..DecodeLimits::default() };
    let error = DecodeError::TooManyAttachments { announced: 2, limit: 1 };
    assert_eq!(decode("52-[\"a\"]", &limits), Err(error));
    assert_eq!(decode("51-[\"a\"]", &limits).unwrap().attachments, 1);
}

#[test]
fn plain_name_is_borrowed_and_arguments_are_left_unread() {
    let packet = run("2[\"a\",{broken]").unwrap();
    assert_eq!(packet.args, ",{broken]");
    assert_eq!(packet.data, "[\"a\",{broken]");
    assert!(matches!(packet.event.unwrap().into_inner(), Cow::Borrowed("a")));
}

#[test]
fn numeric_names_are_normalised_like_property_names() {
    for (text, name) in
        [("7", "7"), ("-7", "-7"), ("-0", "0"), ("1.0", "1"), ("10e-1", "1"), ("0.50", "0.5")]
    {
        let packet = format!("2[{text},1]");
        assert_eq!(run(&packet).unwrap().event.unwrap(), name);
    }
    for text in ["01", "-", "1.", "+1", ".5", "NaN", "1e400"] {
        assert_eq!(run(&format!("2[{text}]")), Err(DecodeError::InvalidPayload), "{text}");
    }
}

#[test]
fn ack_ids_keep_every_digit() {
    let packet = run("2009007199254740991[\"a\"]").unwrap();
    assert_eq!(packet.ack, Some(MAX_ACK_ID));
    assert_eq!(run("29007199254740992[\"a\"]"), Err(DecodeError::AckIdTooLarge));
}

#[test]
fn messages_do_not_repeat_the_payload() {
    for text in ["secret", "2[\"secret\"", "5secret-", "0/x,[\"secret\"]", "2secret[\"a\"]"] {
        assert!(!run(text).unwrap_err().to_string().contains("secret"));
    }
}

/// Everything done with untrusted text; nothing of it may panic.
fn exercise(text: &str) {
    let bins = [bytes::Bytes::from_static(b"12"), bytes::Bytes::new()];
    let _ = validate(text);
    let _ = check_placeholders(text, 1);
    let Ok(packet) = run(text) else { return };
    let bins: &[bytes::Bytes] = if packet.attachments > 0 { &bins } else { &[] };
    let broken = ArgCursor::new(packet.args, bins).finish().is_err();
    let mut cursor = ArgCursor::new(packet.args, bins);
    let mut met_broken = false;
    for _ in 0..20 {
        match cursor.next::<Value>() {
            Ok(None) => break,
            Ok(Some(_)) | Err(ArgError::Invalid { .. }) => {}
            Err(_) => {
                met_broken = true;
                break;
            }
        }
    }
    let met_broken = met_broken || cursor.finish().is_err();
    let placeholders = packet.attachments == 0 || check_placeholders(packet.data, 2).is_ok();
    if packet.event.is_some() && placeholders {
        assert_eq!(met_broken, broken, "{text}");
    }
    let _ = ArgCursor::new(packet.args, bins).next::<(u8, String)>();
    let _ = ArgCursor::new(packet.args, bins).rest();
}

const SAMPLES: [&str; 8] = [
    r#"0/admin?x=1,{"token":"12é3"}"#,
    r#"1/admin,"#,
    r#"2/é,13["né\u00e9\n",{"a":[1.5e3,-0,true,null,"😀"]},"x"]"#,
    r#"2[ 1 , "a" , {} ]"#,
    r#"3/admin,13["bar",[],{"":{}}]"#,
    r#"4{"message":"no","data":{"c":1}}"#,
    r#"52-/a,7["baz",{"_placeholder":true,"num":0},[{"num":1,"_placeholder":true}]]"#,
    r#"61-15[{"n":{"_placeholder":true,"num":0}},{"_placeholder":false}]"#,
];

#[test]
fn no_truncation_panics() {
    for sample in SAMPLES {
        for at in 0..sample.len() {
            if let Some((before, behind)) = sample.split_at_checked(at) {
                exercise(before);
                exercise(behind);
            }
        }
    }
}

#[test]
fn no_mutation_of_one_byte_panics() {
    for sample in SAMPLES {
        for at in 0..sample.len() {
            for byte in 0..=255 {
                let mut bytes = sample.as_bytes().to_vec();
                bytes[at] = byte;
                if let Ok(text) = std::str::from_utf8(&bytes) {
                    exercise(text);
                }
            }
        }
    }
}

/// What [`decode`] finds in a text that is read in one step.
fn decoded<'a>(packet: &'a Packet<'a>) -> PlainEvent<'a> {
    let name = packet.event.as_ref().unwrap().as_str();
    PlainEvent { namespace: packet.namespace, ack: packet.ack, name, args: packet.args }
}

#[test]
fn what_is_no_usual_event_is_left_to_the_decoder() {
    for text in [
        "",
        "2",
        "2[",
        "2[]",
        "2[1]",
        "2[\"a\"",
        "2[\"a\",1",
        "2[\"a\"1]",
        "2[\"a\" ]",
        "2[ \"a\"]",
        " 2[\"a\"]",
        "2[\"a\"] ",
        "2[\"a\"]]",
        "2[\"a\n\"]",
        "2[\"\\u0061\"]",
        "2[\"connect\"]",
        "2[\"disconnecting\",1]",
        "2/chat[\"a\"]",
        "29999999999999999[\"a\"]",
        "2-1[\"a\"]",
        "2null",
        "3[\"a\"]",
        "51-[\"a\"]",
        "0",
        "1",
        "é",
    ] {
        assert_eq!(plain_event(text, &DecodeLimits::default()), None, "{text}");
    }
    let long = format!("2/{},[\"a\"]", "n".repeat(255));
    assert_eq!(plain_event(&long, &DecodeLimits::default()), None);
    let shallow = DecodeLimits { max_depth: 5, ..DecodeLimits::default() };
    assert_eq!(plain_event("2[\"a\"]", &shallow), None);
}

#[test]
fn a_usual_event_is_what_the_decoder_makes_of_it() {
    for text in [
        "2[\"a\"]",
        "20[\"a\"]",
        "2007[\"a\",1]",
        "2999999999999999[\"a\",]",
        "2/chat,[\"a\",{\"b\":[]}]",
        "2/,[\"a\"]",
        "2/chat,12[\"ä b\",\"]\"]",
        "2[\"\"]",
        "2[\"nobody\",x]",
    ] {
        let found = plain_event(text, &DecodeLimits::default()).unwrap();
        assert_eq!(found, decoded(&run(text).unwrap()), "{text}");
    }
}

#[test]
fn whatever_comes_the_decoder_agrees_with_the_one_step() {
    let tokens = [
        "2", "/", "/n,", "7", "[", "\"", "a", "\"a\"", ",", "]", " ", "\\", "0", "connect", "{}",
        "é", "\n", "[\"",
    ];
    let (mut state, mut found) = (3_u32, 0);
    for _ in 0..300_000 {
        let mut text = String::from("2");
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        for _ in 0..(state >> 24) % 9 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.push_str(tokens[(state >> 16) as usize % tokens.len()]);
        }
        if let Some(event) = plain_event(&text, &DecodeLimits::default()) {
            assert_eq!(event, decoded(&run(&text).unwrap()), "{text}");
            found += 1;
        }
    }
    assert!(found > 20, "{found}");
}
