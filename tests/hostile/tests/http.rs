//! Hostile HTTP and polling requests: cases 1 to 13 of `docs/hostile.md`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::time::{Duration, Instant};

use hostile::{Bystander, Target};
use integration::{DEADLINE, Http, Journal, Polling, Server, Wire, sid_of};

const UNKNOWN: &str = r#"{"code":1,"message":"Session ID unknown"}"#;

fn target() -> Target {
    Target::start(env!("CARGO_BIN_EXE_target"), &[])
}

/// A server whose journal gets the reason of every socket that ends, and its bystander.
fn recorded() -> (Server, Journal, Bystander) {
    let (server, journal) = Server::recorded(|io| io, 1);
    let bystander = Bystander::watch(server.address());
    (server, journal, bystander)
}

#[test]
fn row_01_an_unknown_transport_is_code_0() {
    let target = target();
    let bystander = target.bystander();
    for name in ["__proto__", "constructor", "carrier%20pigeon", ""] {
        let mut http = Http::connect_to(target.address());
        let refused = http.get(&format!("/socket.io/?EIO=4&transport={name}"));
        refused.expect(400, r#"{"code":0,"message":"Transport unknown"}"#);
    }
    bystander.unharmed();
}

#[test]
fn row_02_a_session_id_that_is_none_is_code_1() {
    let target = target();
    let bystander = target.bystander();
    let long = "a".repeat(8_000);
    for sid in ["x", "__proto__", "%00", "%FF%FE", "../../etc", "%0d%0aSet-Cookie:a=1", &*long] {
        let mut http = Http::connect_to(target.address());
        let refused = http.get(&format!("/socket.io/?EIO=4&transport=polling&sid={sid}"));
        refused.expect(400, UNKNOWN).expect_no_header("set-cookie");
    }
    // Of two the first counts: nobody can replace it by appending.
    let mut session = Polling::joined_at(target.address());
    let appended = format!("{}&sid=x", session.target());
    session.pushes.post(&appended, "42[\"echo\",1]").expect(200, "ok");
    assert_eq!(session.poll(), "42[\"echo\",1]");
    let prefixed = session.target().replace("&sid=", "&sid=x&sid=");
    session.pushes.get(&prefixed).expect(400, UNKNOWN);
    // An empty one is none.
    let opened = Http::connect_to(target.address()).get("/socket.io/?EIO=4&transport=polling&sid=");
    assert!(opened.text().starts_with("0{"), "{opened:?}");
    bystander.unharmed();
}

#[test]
fn row_03_a_handshake_by_another_method_opens_nothing() {
    let server = Server::echo();
    let bystander = Bystander::watch(server.address());
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        let mut http = Http::connect(&server);
        let refused = http.request(method, "/socket.io/?EIO=4&transport=polling");
        refused.expect(400, r#"{"code":2,"message":"Bad handshake method"}"#);
    }
    let head = Http::connect(&server).request("HEAD", "/socket.io/?EIO=4&transport=polling");
    assert_eq!(head.status, 400);
    assert_eq!(server.io().session_count(), 1, "only the bystander's");
    bystander.unharmed();
}

#[test]
fn row_04_sessions_that_never_poll_are_small_and_go_in_time() {
    const SESSIONS: usize = 2_000;
    let options = r#"{"pingInterval": 2000, "pingTimeout": 1000}"#;
    let target = Target::start(env!("CARGO_BIN_EXE_target"), &["--options", options]);
    let bystander = target.bystander();
    let before = target.memory();
    let mut http = Http::connect_to(target.address());
    let mut last = String::new();
    for _ in 0..SESSIONS {
        last = sid_of(http.get("/socket.io/?EIO=4&transport=polling").text());
    }
    let each = target.memory().saturating_sub(before) / SESSIONS;
    assert!(each < 16 << 10, "{each} bytes each");
    // What no transport asks tells whether a session is there, and does not keep it.
    let target_of_last = format!("/socket.io/?EIO=4&transport=polling&sid={last}");
    let end = Instant::now() + DEADLINE;
    while http.request("PUT", &target_of_last).text() != UNKNOWN {
        assert!(Instant::now() < end, "the last session lives on");
        std::thread::yield_now();
    }
    bystander.unharmed();
}

#[test]
fn row_05_a_second_poll_ends_the_session() {
    let (server, journal, bystander) = recorded();
    let mut session = Polling::joined(&server);
    session.start_poll();
    let second = session.target().to_owned();
    session.pushes.get(&second).expect(400, "");
    session.finish_poll().expect(200, "1");
    journal.expect("transport error");
    session.expect_unknown();
    bystander.unharmed();
}

#[test]
fn row_06_a_second_push_ends_the_session() {
    let (server, journal, bystander) = recorded();
    let mut session = Polling::joined(&server);
    let mut first = Http::connect(&server);
    let head =
        format!("POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n", session.target());
    first.write(head + "42[\"echo\"");
    first.wire().wait_until_read();
    session.try_push("42[\"echo\",2]").expect(400, "");
    journal.expect("transport error");
    session.pushes = Http::connect(&server);
    session.expect_unknown();
    bystander.unharmed();
}

#[test]
fn row_07_post_above_the_limit_is_413() {
    let (server, journal, bystander) = recorded();
    let mut session = Polling::joined(&server);
    let event = format!("42[\"m\",\"{}\"]", "x".repeat(1_100_000));
    session.try_push(event).expect(413, "");
    journal.expect("transport error");
    // Nothing of a length that cannot be is waited for.
    let session = Polling::joined(&server);
    let mut http = Http::connect(&server);
    let length = u64::MAX;
    let target = session.target();
    http.write(format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"));
    http.response().expect(413, "");
    http.wire().expect_end();
    bystander.unharmed();
}

#[test]
fn row_08_chunks_without_end_are_413_at_the_limit() {
    let target = target();
    let bystander = target.bystander();
    let session = Polling::joined_at(target.address());
    let before = target.memory();
    let mut http = Http::connect_to(target.address());
    let head = format!("POST {} HTTP/1.1\r\nHost: a\r\n", session.target());
    http.write(head + "Transfer-Encoding: chunked\r\n\r\n");
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..1_000 {
        // It stops reading some time behind the limit.
        if http.wire().try_write(&chunk).is_err() {
            break;
        }
    }
    let grown = target.memory().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes for a body of one million");
    http.wire().take_to_end();
    bystander.unharmed();
}

#[test]
fn row_09_a_binary_body_ends_the_session_and_its_connection_is_answered() {
    let (server, journal, bystander) = recorded();
    let mut session = Polling::joined(&server);
    let target = session.target().to_owned();
    let mut http = Http::connect(&server);
    http.send("POST", &target, "Content-Type: application/octet-stream\r\n", b"\x04\x00\xff");
    http.response().expect(400, "");
    http.wire().expect_end();
    journal.expect("transport error");
    session.expect_unknown();
    bystander.unharmed();
}

#[test]
fn row_10_a_compressed_body_is_415_and_the_session_goes_on() {
    let (server, journal, bystander) = recorded();
    let mut session = Polling::joined(&server);
    let target = session.target().to_owned();
    for coding in ["gzip", "deflate", "br", "zstd", "identity, gzip", "x"] {
        let mut http = Http::connect(&server);
        let header = format!("Content-Encoding: {coding}\r\n");
        http.send("POST", &target, &header, b"\x1f\x8b\x08\x00");
        http.response().expect(415, "").expect_header("connection", "close");
    }
    session.fence();
    assert!(journal.drain().is_empty());
    bystander.unharmed();
}

#[test]
fn row_11_a_million_separators_end_at_the_first() {
    let (server, journal, bystander) = recorded();
    for payload in ["\x1e".repeat(1_000_000), format!("42[\"m\"]{}", "\x1e".repeat(999_000))] {
        let mut session = Polling::joined(&server);
        let began = Instant::now();
        let answer = session.try_push(payload);
        assert!(matches!(answer.status, 200 | 400), "{answer:?}");
        journal.expect("parse error");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        session.pushes = Http::connect(&server);
        session.expect_unknown();
    }
    bystander.unharmed();
}

#[test]
fn row_12_thousands_of_events_in_one_payload_are_served_in_order() {
    let target = target();
    let bystander = target.bystander();
    let mut session = Polling::joined_at(target.address());
    let event = |n: u32| format!("42{n}[\"echo\",{n}]");
    session.push((0..5_000).map(event).collect::<Vec<_>>().join("\x1e"));
    let answers = session.poll_packets(5_000);
    assert!(answers.iter().enumerate().all(|(n, answer)| *answer == format!("43{n}[{n}]")));
    bystander.unharmed();
}

#[test]
fn row_13_text_that_is_no_utf_8_is_refused_and_not_altered() {
    let (server, journal, bystander) = recorded();
    for body in
        [&b"42[\"m\",\"\xff\xfe\"]"[..], b"42[\"m\",\"\xed\xa0\x80\"]", b"42[\"m\",\"\xc0\x80\"]"]
    {
        let mut session = Polling::joined(&server);
        assert_eq!(session.try_push(body).status, 400);
        journal.expect("parse error");
        session.pushes = Http::connect(&server);
        session.expect_unknown();
    }
    bystander.unharmed();
}

#[test]
fn limit_01_at_the_limit_a_message_is_taken_by_either_transport() {
    let target = target();
    let bystander = target.bystander();
    let frame = "42[\"echo\",\"\"]";
    let event = format!("42[\"echo\",\"{}\"]", "x".repeat(1_000_000 - frame.len()));
    let mut session = Polling::joined_at(target.address());
    session.push(&event);
    assert_eq!(session.poll(), event);
    let mut ws = integration::Ws::joined_at(target.address());
    ws.text(&event);
    ws.expect(&event);
    bystander.unharmed();
}

#[test]
fn limit_01_above_the_limit_a_message_is_413_or_1009() {
    let target = target();
    let bystander = target.bystander();
    let frame = "42[\"echo\",\"\"]";
    let event = format!("42[\"echo\",\"{}\"]", "x".repeat(1_000_001 - frame.len()));
    let mut session = Polling::joined_at(target.address());
    session.try_push(&event).expect(413, "");
    let mut ws = integration::Ws::joined_at(target.address());
    ws.text(&event);
    let close = ws.next_frame();
    assert_eq!((close.head, &close.payload[..2]), (0x88, &[0x03, 0xf1][..]));
    bystander.unharmed();
}

#[test]
fn limit_06_64_packets_without_a_message_are_taken_and_one_more_is_not() {
    let (server, journal, bystander) = recorded();
    let mut session = Polling::joined(&server);
    session.push(vec!["3"; 64].join("\x1e"));
    session.fence();
    let answer = session.try_push(vec!["3"; 65].join("\x1e"));
    assert!(matches!(answer.status, 200 | 400), "{answer:?}");
    journal.expect("parse error");
    bystander.unharmed();
}

#[test]
fn limit_06_no_empty_packet_is_taken() {
    let (server, journal, bystander) = recorded();
    for payload in ["", "\x1e", "3\x1e", "3\x1e\x1e3"] {
        let mut session = Polling::joined(&server);
        session.try_push(payload);
        journal.expect("parse error");
    }
    bystander.unharmed();
}

#[test]
fn limit_28_only_identity_is_a_coding() {
    let target = target();
    let mut session = Polling::joined_at(target.address());
    let push = session.target().to_owned();
    for (coding, status) in [("identity", 200), ("Identity", 200), ("gzip", 415), ("", 415)] {
        let mut http = Http::over(Wire::connect_to(target.address()));
        http.send("POST", &push, &format!("Content-Encoding: {coding}\r\n"), "42[\"echo\",1]");
        assert_eq!(http.response().status, status, "{coding}");
        if status == 200 {
            assert_eq!(session.poll(), "42[\"echo\",1]");
        }
    }
}
