//! What is refused, and what is taken although it is odd.

use bytes::Bytes;
use serde_json::json;
use sio_core::adapter::Room;
use sio_core::cluster::{Message, Offset, Response, SavedSession};
use sio_core::packet::{DecodeError, MAX_DEPTH};

use super::super::envelope::{self, Body};
use super::super::{MAX_CONTAINERS_IN_VALUES, MAX_MESSAGE, Malformed, classic, entry};

fn broadcast(text: &str) -> Result<Message, Malformed> {
    let payload = Bytes::copy_from_slice(text.as_bytes());
    classic::decode_broadcast(&payload, "/").map(|received| received.unwrap().message)
}

fn request(text: &str) -> Result<Message, Malformed> {
    classic::decode_request(&Bytes::copy_from_slice(text.as_bytes())).map(|it| it.message)
}

fn response(text: &str) -> Result<Response, Malformed> {
    classic::decode_response(&Bytes::copy_from_slice(text.as_bytes())).map(|it| it.1)
}

fn envelope(kind: u64, data: &str) -> Result<Body, Malformed> {
    let text = format!(r#"{{"type":{kind},"data":{data},"uid":"u","nsp":"/"}}"#);
    envelope::decode(&text.into(), "/").map(|envelope| envelope.unwrap().body)
}

#[test]
fn an_empty_message_is_refused() {
    assert_eq!(broadcast(""), Err(Malformed::Value(DecodeError::Malformed)));
}

#[test]
fn limit_34_a_message_above_the_limit_is_refused() {
    let event = |len: usize| format!(r#"["u",{{"type":2,"data":["{}"]}},{{}}]"#, "x".repeat(len));
    let most = MAX_MESSAGE - event(0).len();
    assert!(broadcast(&event(most)).is_ok());
    assert_eq!(broadcast(&event(most + 1)), Err(Malformed::TooLarge(MAX_MESSAGE + 1)));
}

#[test]
fn limit_34_nesting_above_the_limit_is_refused_in_both_encodings() {
    let nested = |depth: usize| format!(r#"["e",{}{}]"#, "[".repeat(depth), "]".repeat(depth));
    let too_deep = Err(Malformed::Value(DecodeError::NestingTooDeep));
    let event = |depth| format!(r#"["u",{{"type":2,"data":{}}},{{}}]"#, nested(depth));
    assert!(broadcast(&event(MAX_DEPTH - 1)).is_ok());
    assert_eq!(broadcast(&event(MAX_DEPTH)), too_deep);
    assert_eq!(broadcast(&event(1_000_000)), too_deep);

    let event = |depth: usize| {
        let mut bytes = b"\x93\xa1u\x82\xa4type\x02\xa4data\x92\xa1e".to_vec();
        bytes.resize(bytes.len() + depth, 0x91);
        bytes.extend(b"\xc0\x80");
        classic::decode_broadcast(&bytes.into(), "/").map(drop)
    };
    assert_eq!(event(MAX_DEPTH - 1), Ok(()));
    assert_eq!(event(MAX_DEPTH), too_deep.clone().map(drop));
    assert_eq!(event(1_000_000), too_deep.map(drop));
}

#[test]
fn announced_lengths_are_not_believed() {
    for head in [
        &b"\xdd\xff\xff\xff\xff"[..],
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x00",
    ] {
        let malformed = Err(Malformed::Value(DecodeError::Malformed));
        assert_eq!(classic::decode_request(&Bytes::from_static(head)), malformed);
    }
}

#[test]
fn byte_strings_above_the_limit_are_refused() {
    let event = |count: u16| {
        let mut bytes = b"\x93\xa1u\x82\xa4type\x02\xa4data\xdc".to_vec();
        bytes.extend((count + 1).to_be_bytes());
        bytes.extend(b"\xa1e");
        bytes.extend(b"\xc4\x00".repeat(count.into()));
        bytes.push(0x80);
        classic::decode_broadcast(&bytes.into(), "/")
    };
    assert!(event(1024).is_ok());
    let refused = DecodeError::TooManyAttachments { announced: 1025, limit: 1024 };
    assert_eq!(event(1025), Err(refused.into()));
}

#[test]
fn a_map_that_looks_like_a_placeholder_names_bytes_of_its_own_message_only() {
    let event = |num: u8| {
        let mut bytes = b"\x93\xa1u\x82\xa4type\x02\xa4data\x93\xa1e\xc4\x01\x09".to_vec();
        bytes.extend(b"\x82\xac_placeholder\xc3\xa3num");
        bytes.push(num);
        bytes.push(0x80);
        classic::decode_broadcast(&bytes.into(), "/").map(|received| received.unwrap().message)
    };
    let Message::Broadcast { data, .. } = event(0).unwrap() else { panic!() };
    assert_eq!(data.attachments, [&b"\x09"[..], b"\x09"]);
    assert_eq!(event(1), Err(DecodeError::IllegalAttachments.into()));
}

#[test]
fn other_packets_than_events_do_not_reach_clients() {
    for packet in [
        r#"{"type":1}"#,
        r#"{"type":0,"data":["e"]}"#,
        r#"{"type":3,"data":["e"]}"#,
        r#"{"type":2}"#,
        r#"{"type":2,"data":null}"#,
        r#"{"type":2,"data":"e"}"#,
        r#"{"type":2,"data":{"0":"e"}}"#,
        r#"{"type":2,"data":[]}"#,
        r#"{"type":2,"data":[1]}"#,
        r#"{"type":2,"data":[null,"e"]}"#,
    ] {
        let text = format!(r#"["u",{packet},{{}}]"#);
        assert_eq!(broadcast(&text), Err(Malformed::NoEvent), "{packet}");
        let text = format!(r#"{{"packet":{packet},"opts":{{}}}}"#);
        assert_eq!(envelope(3, &text), Err(Malformed::NoEvent), "{packet}");
    }
}

#[test]
fn wrong_shapes_are_refused() {
    for text in [
        "[]",
        "{}",
        r#"["u"]"#,
        r#"["u",{"type":2,"data":["e"]}]"#,
        r#"["u",null,{}]"#,
        r#"["u",[],{}]"#,
        r#"[1,{"type":2,"data":["e"]},{}]"#,
        r#"["u",{"data":["e"]},{}]"#,
        r#"["u",{"type":2,"data":["e"],"id":-1},{}]"#,
        r#"["u",{"type":2,"data":["e"]},[1]]"#,
        r#"["u",{"type":2,"data":["e"]},{"rooms":{}}]"#,
        r#"["u",{"type":2,"data":["e"]},{"rooms":[[]]}]"#,
        r#"["u",{"type":2,"data":["e"]},{"except":[null]}]"#,
        r#"["u",{"type":2,"data":["e"]},{"flags":3}]"#,
        r#"["u",{"type":2,"data":["e"]},{}] x"#,
        r#"["u",{"type":2,"data":["e"]},{}"#,
    ] {
        assert!(matches!(broadcast(text), Err(Malformed::Form(_))), "{text}");
    }
    for (kind, data) in [
        (3, "{}"),
        (3, r#"{"opts":{}}"#),
        (4, r#"{"rooms":["a"]}"#),
        (5, r#"{"rooms":["a"]}"#),
        (6, r#"{"close":true}"#),
        (7, r#"{"opts":{}}"#),
        (8, r#"{"sockets":[]}"#),
        (9, "{}"),
        (10, r#"{"packet":1}"#),
        (11, r#"{"clientCount":1}"#),
        (12, r#"{"packet":1}"#),
    ] {
        let refused = envelope(kind, data);
        assert!(matches!(refused, Err(Malformed::Missing(_) | Malformed::NoEvent)), "{data}");
    }
    assert_eq!(envelope(14, "{}"), Err(Malformed::UnknownType(14)));
    assert!(matches!(envelope(3, "[]"), Err(Malformed::Form(_))));
    for text in [
        r#"{"type":0}"#,
        r#"{"type":1}"#,
        r#"{"type":2,"rooms":["a"]}"#,
        r#"{"type":2,"sid":"s","room":"r"}"#,
        r#"{"type":3,"sid":"s","requestId":"q"}"#,
        r#"{"type":4}"#,
        r#"{"type":5,"opts":{}}"#,
        r#"{"type":7,"packet":{"type":2,"data":["e"]},"opts":{}}"#,
        r#"{"type":7,"requestId":"q"}"#,
    ] {
        assert!(matches!(request(text), Err(Malformed::Missing(_))), "{text}");
    }
    assert_eq!(request(r#"{"type":6}"#), Err(Malformed::NoEvent));
    assert!(matches!(response(r#"{"sockets":[]}"#), Err(Malformed::Form(_))));
}

#[test]
fn a_text_that_is_not_utf8_is_refused() {
    let bytes = Bytes::from_static(b"[\"\xff\"]");
    assert_eq!(classic::decode_broadcast(&bytes, "/"), Err(Malformed::Text));
}

#[test]
fn an_answer_without_what_was_asked_for_still_counts() {
    let request: Box<str> = "q".into();
    for text in [
        r#"{"requestId":"q","sockets":5}"#,
        r#"{"requestId":"q","sockets":null}"#,
        r#"{"requestId":"q","sockets":[{"id":1}]}"#,
        r#"{"requestId":"q","rooms":"r"}"#,
        r#"{"requestId":"q","rooms":{}}"#,
        r#"{"requestId":"q","type":8}"#,
        r#"{"requestId":"q","type":8,"clientCount":-1}"#,
        r#"{"requestId":"q","type":8,"clientCount":"9"}"#,
    ] {
        assert_eq!(response(text), Ok(Response::Unreadable { request: request.clone() }), "{text}");
    }
    assert_eq!(response(r#"{"requestId":"q"}"#), Ok(Response::Done { request }));
}

#[test]
fn values_with_more_containers_than_fit_into_memory_are_refused() {
    let answer = |containers: usize| {
        let data = vec!["{}"; containers - 4].join(",");
        format!(r#"{{"requestId":"q","sockets":[{{"id":"s","data":[{data}],"rooms":[]}}]}}"#)
    };
    let most = MAX_CONTAINERS_IN_VALUES;
    assert!(matches!(response(&answer(most)), Ok(Response::Sockets { .. })));
    assert_eq!(response(&answer(most + 1)), Err(Malformed::TooManyContainers(most + 1)));
}

#[test]
fn an_answer_of_nothing_differs_from_null() {
    let nothing = Response::ServerSide { request: "q".into(), value: None };
    assert_eq!(response(r#"{"type":6,"requestId":"q"}"#), Ok(nothing));
    let value = |text: &str| match response(text) {
        Ok(Response::ServerSide { value: Some(value), .. }) => value.json,
        other => panic!("{other:?}"),
    };
    assert_eq!(&*value(r#"{"type":6,"requestId":"q","data":null}"#), "null");
}

#[test]
fn unknown_keys_are_ignored_and_missing_ones_have_a_meaning() {
    let text =
        r#"["u",{"type":2,"data":["e"],"x":1},{"rooms":[1,"a",-2],"flags":{"y":[]},"z":{}}]"#;
    let Message::Broadcast { options, .. } = broadcast(text).unwrap() else { panic!() };
    assert_eq!(options.rooms, ["1", "a", "-2"].map(Room::from));
    let text = r#"[null,{"type":5,"data":["e"]},null]"#;
    let Message::Broadcast { options, .. } = broadcast(text).unwrap() else { panic!() };
    assert!(options.rooms.is_empty() && options.except.is_empty());
}

#[test]
fn flags_are_what_javascript_takes_for_true() {
    let text =
        r#"["u",{"type":2,"data":["e"]},{"flags":{"volatile":1,"compress":0,"timeout":1e99}}]"#;
    let Message::Broadcast { options, .. } = broadcast(text).unwrap() else { panic!() };
    assert!(options.flags.volatile);
    assert_eq!(options.flags.compress, Some(false));
    assert_eq!(options.flags.timeout.unwrap().as_millis(), 2_147_483_647);
    let text = r#"["u",{"type":2,"data":["e"]},{"flags":{"timeout":-1,"volatile":null}}]"#;
    let Message::Broadcast { options, .. } = broadcast(text).unwrap() else { panic!() };
    assert_eq!(options.flags, Default::default());
}

#[test]
fn broken_entries_and_sessions_are_refused() {
    assert_eq!(entry::decode("u", "x", Some("{}")), Err(Malformed::Missing("type")));
    assert_eq!(entry::decode("u", "-1", Some("{}")), Err(Malformed::Missing("type")));
    assert_eq!(entry::decode("u", "3", Some("???")), Err(Malformed::Base64));
    assert_eq!(entry::decode("u", "3", None), Err(Malformed::Missing("packet")));
    assert_eq!(entry::decode("u", "3", Some("")).map(drop), Err(DecodeError::Malformed.into()));
    assert_eq!(entry::decode_session("{}"), Err(Malformed::Base64));
    assert!(matches!(entry::decode_session("gA=="), Err(Malformed::Form(_))));
}

#[test]
fn bytes_in_the_data_of_a_session_come_through() {
    let session = SavedSession {
        sid: "s".into(),
        pid: "p".into(),
        rooms: vec!["s".into()],
        data: json!({ "bin": { "type": "Buffer", "data": [1, 255] }, "n": [-1, 1.5, u64::MAX] }),
        since: Offset { millis: 1_795_201_307_261, sequence: 2 },
    };
    let text = entry::encode_session("/a", &session).unwrap();
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &text).unwrap();
    assert!(bytes.windows(4).any(|window| window == b"\xc4\x02\x01\xff"));
    assert_eq!(entry::decode_session(&text), Ok((Some("/a".into()), session)));
}
