//! Payloads and frames of Engine.IO 3, bytes in and bytes out (behaviours 14.1, 14.2, 14.7-14.12, 14.21).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use integration::{Http, Journal, Legacy, Polling, Server, Ws, masked, sid_of};

const WEBSOCKET: &str = "/socket.io/?EIO=3&transport=websocket";
const UNSUPPORTED: &str = r#"{"code":5,"message":"Unsupported protocol version"}"#;

fn recorded() -> (Server, Journal) {
    Server::recorded(|io| io.allow_eio3(true), 1)
}

/// A WebSocket session that has read that it is in `/`.
#[track_caller]
fn joined(server: &Server, target: &str) -> Ws {
    let mut ws = Ws::connect(server, target);
    let open = ws.next_text();
    assert!(open.starts_with(r#"0{"sid":""#), "{open}");
    ws.expect("40");
    ws
}

// 14.21
#[test]
fn clients_of_revision_3_are_refused_by_default() {
    let server = Server::echo();
    let mut http = Http::connect(&server);
    for query in ["EIO=3&", "", "EIO=abc&"] {
        let answer = http.get(&format!("/socket.io/?{query}transport=polling"));
        answer.expect(400, UNSUPPORTED);
    }
    let (answer, _) = Ws::attempt(&server, WEBSOCKET);
    assert_eq!(answer.status, 400);
}

// 14.11, hostile 23
#[test]
fn a_text_payload_with_a_wrong_length_ends_the_session() {
    let (server, journal) = recorded();
    let digits = "9".repeat(1000);
    let cases = [
        "".to_owned(),
        "abc".to_owned(),
        "5:42".to_owned(),
        "x:42".to_owned(),
        ":4a".to_owned(),
        "-2:4a".to_owned(),
        "+2:4a".to_owned(),
        " 2:4a".to_owned(),
        "2.0:4a".to_owned(),
        // A digit run is refused as such, whatever is behind it.
        format!("{digits}:4a"),
        digits,
        "000000000000000002:4a".to_owned(),
        "18446744073709551618:4a".to_owned(),
        // Bytes are not UTF-16 units, and a length may not end inside of a surrogate pair.
        "5:4é€".to_owned(),
        "2:4😀".to_owned(),
        // A second packet without its length, or cut.
        "1:64b".to_owned(),
        "1:63:4b".to_owned(),
    ];
    for body in cases {
        let mut session = Legacy::joined(&server, "");
        assert_eq!(session.try_push(&body).status, 400, "{body:.40}");
        journal.expect("parse error");
        session.expect_unknown(&server);
    }
    let mut session = Legacy::joined(&server, "");
    assert_eq!(session.try_push(b"2:4\xff").status, 400);
    journal.expect("parse error");
    session.expect_unknown(&server);
}

// 14.11, hostile 23
#[test]
fn a_binary_payload_with_a_wrong_length_ends_the_session() {
    let (server, journal) = recorded();
    let digits = [&b"\x00"[..], &[9; 1000], b"\xff4a"].concat();
    let cases: [&[u8]; 9] = [
        b"\x00",
        b"\x00\xff4a",
        b"\x00\x02",
        b"\x00\x03\xff4a",
        b"\x02\x02\xff4a",
        b"2:4a",
        b"\x00\x0a\xff4a",
        &digits,
        b"\x00\x02\xff4\xff",
    ];
    for body in cases {
        let mut session = Legacy::joined(&server, "");
        assert_eq!(session.try_push_binary(body).status, 400, "{body:?}");
        journal.expect("parse error");
        session.expect_unknown(&server);
    }
}

// 14.11: the payload is whole, a packet in it is none.
#[test]
fn an_unknown_packet_in_a_payload_ends_the_session() {
    let (server, journal) = recorded();
    for body in ["0:", "1:9", "1:b", "2:bA", "5:bAQ==", "3:b4!", "1:61:9", "1:x11:42[\"m\",\"a\"]"]
    {
        let mut session = Legacy::joined(&server, "");
        session.push(body);
        journal.expect("parse error");
        session.expect_unknown(&server);
    }
    for body in [&b"\x00\x01\xff9"[..], b"\x01\x01\xff\x09", b"\x01\x00\xff", b"\x00\x00\xff"] {
        let mut session = Legacy::joined(&server, "");
        session.try_push_binary(body).expect(200, "ok");
        journal.expect("parse error");
        session.expect_unknown(&server);
    }
}

#[test]
fn a_bad_frame_closes_the_websocket() {
    let (server, journal) = recorded();
    for text in ["", "abc", "9", "b", "bAQ==", "b4!"] {
        let mut ws = joined(&server, WEBSOCKET);
        ws.text(text);
        ws.expect_close(None);
        journal.expect("parse error");
    }
    for bytes in [&b""[..], b"\x07", b"4a"] {
        let mut ws = joined(&server, WEBSOCKET);
        ws.binary(bytes);
        ws.expect_close(None);
        journal.expect("parse error");
    }
}

#[test]
fn the_limit_counts_bytes() {
    let (server, journal) = Server::recorded(|io| io.allow_eio3(true).max_payload(100), 1);
    let text = "€".repeat(27);
    let body = format!("37:42[\"m\",\"{text}\"]");
    let mut session = Legacy::joined(&server, "");
    assert_eq!(body.len(), 94);
    session.push(&body);
    assert_eq!(session.poll(), body);
    let text = "€".repeat(30);
    let body = format!("40:42[\"m\",\"{text}\"]");
    assert_eq!(body.len(), 103);
    assert_eq!(session.try_push(body).status, 413);
    journal.expect("transport error");
}

#[test]
fn the_revision_of_a_session_is_fixed() {
    let (server, _) = recorded();
    let mut legacy = Legacy::joined(&server, "");
    let mut polling = Polling::joined(&server);
    let mut http = Http::connect(&server);
    let bad_request = r#"{"code":3,"message":"Bad request"}"#;
    http.get(&legacy.target().replace("EIO=3", "EIO=4")).expect(400, bad_request);
    http.get(&polling.target().replace("EIO=4", "EIO=3")).expect(400, bad_request);
    legacy.fence();
    polling.fence();
}

// 3.15, 14.2
#[test]
fn any_other_revision_counts_as_3() {
    let (server, _) = recorded();
    let mut http = Http::connect(&server);
    for query in ["EIO=3&", "", "EIO=abc&", "EIO=5&"] {
        let answer = http.get(&format!("/socket.io/?{query}transport=polling"));
        assert_eq!(answer.status, 200, "{query}");
        let sid = sid_of(answer.text());
        answer.expect(
            200,
            &format!(
                r#"118:0{{"sid":"{sid}","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#
            ),
        );
    }
    let mut ws = Ws::connect(&server, WEBSOCKET);
    let open = ws.next_text();
    let sid = sid_of(&open);
    assert_eq!(
        open,
        format!(
            r#"0{{"sid":"{sid}","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#
        )
    );
}

// 14.1
#[test]
fn lengths_count_utf16_units_in_both_directions() {
    let (server, _) = recorded();
    let mut session = Legacy::joined(&server, "");
    for body in [
        r#"11:42["m","€"]"#,
        r#"12:42["m","😀"]"#,
        r#"11:42["m","é"]13:42["m","a€b"]"#,
        "11:42[\"m\",\"\u{ffff}\"]12:42[\"m\",\"\u{10000}\"]",
    ] {
        session.push(body);
        assert_eq!(session.poll(), body);
    }
    session.fence();
}

// 14.7
#[test]
fn clients_that_take_no_binary_get_base64() {
    let (server, _) = recorded();
    let body = r#"39:451-["m",{"_placeholder":true,"num":0}]10:b4AQIDBA=="#;
    for b64 in ["&b64=1", "&b64=true", "&b64=0"] {
        let mut session = Legacy::joined(&server, b64);
        session.push(body);
        assert_eq!(session.poll(), body);
    }
    // An empty value asks for nothing.
    let mut session = Legacy::joined(&server, "&b64=");
    session.push(body);
    session.poll_binary();

    let mut ws = joined(&server, "/socket.io/?EIO=3&transport=websocket&b64=1");
    ws.text(r#"451-["m",{"_placeholder":true,"num":0}]"#);
    ws.text("b4AQI=");
    ws.expect(r#"451-["m",{"_placeholder":true,"num":0}]"#);
    ws.expect("b4AQI=");
    // Binary frames are understood all the same.
    ws.text(r#"451-["m",{"_placeholder":true,"num":0}]"#);
    ws.binary(b"\x04\x01\x02");
    ws.expect(r#"451-["m",{"_placeholder":true,"num":0}]"#);
    ws.expect("b4AQI=");
}

// 14.8
#[test]
fn a_payload_with_binary_is_binary_as_a_whole() {
    let (server, _) = recorded();
    let mut session = Legacy::joined(&server, "");
    session.push(
        r#"11:42["m","a"]39:451-["m",{"_placeholder":true,"num":0}]10:b4AQIDBA==11:42["m","b"]"#,
    );
    let expected = [
        &b"\x00\x01\x01\xff42[\"m\",\"a\"]"[..],
        b"\x00\x03\x09\xff451-[\"m\",{\"_placeholder\":true,\"num\":0}]",
        b"\x01\x05\xff\x04\x01\x02\x03\x04",
        b"\x00\x01\x01\xff42[\"m\",\"b\"]",
    ];
    assert_eq!(session.poll_binary(), expected.concat());
    // Without binary it is text again.
    session.push(r#"11:42["m","c"]"#);
    assert_eq!(session.poll(), r#"11:42["m","c"]"#);
}

// 14.8: lengths of the binary form are bytes.
#[test]
fn the_binary_form_counts_bytes() {
    let (server, _) = recorded();
    let mut session = Legacy::joined(&server, "");
    session.push(r#"43:451-["m",{"_placeholder":true,"num":0},"€"]6:b4AQID"#);
    let expected = [
        "\x00\x04\x05".as_bytes(),
        b"\xff",
        r#"451-["m",{"_placeholder":true,"num":0},"€"]"#.as_bytes(),
        b"\x01\x04\xff\x04\x01\x02\x03",
    ];
    let body = expected.concat();
    assert_eq!(session.poll_binary(), body);
    // 14.9: the same is understood.
    session.try_push_binary(&body).expect(200, "ok");
    assert_eq!(session.poll_binary(), body);
}

// 14.9
#[test]
fn a_push_may_have_either_form_whatever_the_session_takes() {
    let (server, _) = recorded();
    for b64 in ["", "&b64=1"] {
        let mut session = Legacy::joined(&server, b64);
        session.try_push_binary(b"\x00\x01\x01\xff").expect(400, "");
        let mut session = Legacy::joined(&server, b64);
        session.try_push_binary(b"\x00\x01\x01\xff42[\"m\",\"a\"]\x00\x01\xff2").expect(200, "ok");
        assert_eq!(session.poll(), r#"11:42["m","a"]1:3"#);
        session.fence();
    }
}

// 14.10
#[test]
fn binary_frames_begin_with_the_packet_type() {
    let (server, _) = recorded();
    let mut ws = joined(&server, WEBSOCKET);
    ws.text(r#"452-["m",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#);
    ws.binary(b"\x04");
    ws.binary(b"\x04\x04\x00\xff");
    ws.expect(r#"452-["m",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#);
    ws.expect_binary(b"\x04");
    ws.expect_binary(b"\x04\x04\x00\xff");
    // A ping in binary is a ping.
    ws.binary(b"\x02");
    ws.expect("3");
    ws.fence();
}

// 14.12
#[test]
fn a_close_packet_releases_the_waiting_poll() {
    let (server, journal) = recorded();
    let mut session = Legacy::joined(&server, "");
    session.start_poll();
    session.push("1:1");
    session.finish_poll().expect(200, "1:6");
    journal.expect("transport close");
    session.expect_unknown(&server);

    let mut session = Legacy::joined(&server, "");
    session.push("1:111:42[\"m\",\"a\"]");
    journal.expect("transport close");
    session.expect_unknown(&server);

    let mut ws = joined(&server, WEBSOCKET);
    ws.text("1");
    ws.expect_close(None);
    journal.expect("transport close");
}

// 6.12 in revision 3
#[test]
fn a_second_poll_ends_the_session() {
    let (server, journal) = recorded();
    let mut session = Legacy::joined(&server, "");
    session.start_poll();
    session.push("1:0");
    let mut http = Http::connect(&server);
    http.get(session.target()).expect(400, "");
    session.finish_poll().expect(200, "1:1");
    journal.expect("transport error");
    session.expect_unknown(&server);
}

#[test]
fn masked_control_frames_are_untouched() {
    let (server, _) = recorded();
    let mut ws = joined(&server, WEBSOCKET);
    ws.wire().write(masked(0x89, "beat"));
    let pong = ws.next_frame();
    assert_eq!((pong.head, &pong.payload[..]), (0x8a, &b"beat"[..]));
    ws.fence();
}
