//! Long-polling: overlaps, broken and aborted requests (behaviours 6, hostile 5-13).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use integration::{Http, Journal, Polling, Server};
use sio_actix::prelude::*;

fn recorded() -> (Server, Journal) {
    Server::recorded(|io| io, 1)
}

// 6.12
#[test]
fn second_poll_closes_the_session() {
    let (server, journal) = recorded();
    let mut session = Polling::joined(&server);
    session.start_poll();
    // The first poll is waiting once a push, sent after it on the same worker, was answered.
    session.push("3");
    session.pushes.get(session.target().to_owned().as_str()).expect(400, "");
    session.finish_poll().expect(200, "1");
    journal.expect("transport error");
    session.expect_unknown();
}

// 6.13
#[test]
fn second_push_closes_the_session() {
    let (server, journal) = recorded();
    let mut session = Polling::joined(&server);
    let mut first = Http::connect(&server);
    first.write(format!(
        "POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n42[\"m\"",
        session.target()
    ));
    // The server says nothing about a push it is reading; a request on the same connection cannot
    // overtake, so the first push is known to be there when its own worker answers another poll.
    session.start_poll();
    let mut second = Http::connect(&server);
    let answer = loop {
        let answer = second.post(session.target(), "3");
        // Until the head of the first was read, the second is the only one.
        if answer.status != 200 {
            break answer;
        }
    };
    answer.expect(400, "");
    session.finish_poll().expect(200, "1");
    journal.expect("transport error");
    session.expect_unknown();
    let rest = first.wire().take_to_end();
    assert!(!rest.starts_with(b"HTTP/1.1 200"), "{}", rest.escape_ascii());
}

// 6.3
#[test]
fn octet_stream_push_closes_the_session() {
    let (server, journal) = recorded();
    let mut session = Polling::joined(&server);
    let mut http = Http::connect(&server);
    http.send(
        "POST",
        session.target(),
        "Content-Type: application/octet-stream\r\n",
        r#"42["m",1]"#,
    );
    http.response().expect(400, "");
    journal.expect("transport error");
    session.expect_unknown();
}

// Hostile 10
#[test]
fn encoded_push_gets_415_and_leaves_the_session() {
    let (server, _) = recorded();
    let mut session = Polling::joined(&server);
    for encoding in ["gzip", "deflate", "br", "zstd", "identity, gzip"] {
        let mut http = Http::connect(&server);
        let header = format!("Content-Encoding: {encoding}\r\n");
        http.send("POST", session.target(), &header, b"\x1f\x8b\x08\x00");
        http.response().expect(415, "");
    }
    let mut http = Http::connect(&server);
    http.send("POST", session.target(), "Content-Encoding: identity\r\n", r#"42["m",1]"#);
    http.response().expect(200, "ok");
    assert_eq!(session.poll(), r#"42["m",1]"#);
}

// 6.5
#[test]
fn empty_push_is_a_parse_error() {
    let (server, journal) = recorded();
    let mut session = Polling::joined(&server);
    session.try_push("").expect(200, "ok");
    journal.expect("parse error");
    session.expect_unknown();
}

// 6.6, 5.12
#[test]
fn undecodable_packet_is_a_parse_error() {
    for payload in ["abc", "{", "9", "a123", "4x\x1e\x1e4x", "3\x1e7", "é"] {
        let (server, journal) = recorded();
        let mut session = Polling::joined(&server);
        let answer = session.try_push(payload.replace("4x", "42[\"fence\"]"));
        assert!(matches!(answer.status, 200 | 400), "{payload:?}: {answer:?}");
        journal.expect("parse error");
        session.expect_unknown();
    }
}

// 5.15
#[test]
fn invalid_base64_does_no_harm() {
    for payload in ["b*", "bAQI", "bAQIDBA=", "b\0"] {
        let (server, journal) = recorded();
        let mut session = Polling::joined(&server);
        let answer = session.try_push(payload);
        assert!(matches!(answer.status, 200 | 400), "{payload:?}: {answer:?}");
        journal.next();
        Polling::joined(&server).fence();
    }
}

// Hostile 13
#[test]
fn invalid_utf8_is_refused_and_never_delivered() {
    let (server, journal) = recorded();
    let mut session = Polling::joined(&server);
    let answer = session.try_push(b"42[\"m\",\"\xff\xfe\"]");
    assert_eq!(answer.status, 400);
    journal.expect("parse error");
    session.expect_unknown();
}

// L6
#[test]
fn sixty_four_idle_packets_are_accepted() {
    let (server, _) = recorded();
    let mut session = Polling::joined(&server);
    session.push(format!("{}\x1e42[\"m\",1]", vec!["3"; 64].join("\x1e")));
    assert_eq!(session.poll(), r#"42["m",1]"#);
}

#[test]
fn sixty_five_idle_packets_are_a_parse_error() {
    let (server, journal) = recorded();
    let mut session = Polling::joined(&server);
    let answer = session.try_push(vec!["6"; 65].join("\x1e"));
    assert!(matches!(answer.status, 200 | 400), "{answer:?}");
    journal.expect("parse error");
    session.expect_unknown();
}

// Hostile 11
#[test]
fn million_separators_end_only_their_session() {
    let (server, journal) = recorded();
    let mut bystander = Polling::joined(&server);
    let mut session = Polling::joined(&server);
    let answer = session.try_push("\x1e".repeat(1_000_000));
    assert!(matches!(answer.status, 200 | 400), "{answer:?}");
    journal.expect("parse error");
    session.expect_unknown();
    bystander.fence();
}

// 6.7
#[test]
fn close_packet_releases_the_pending_poll() {
    let (server, journal) = recorded();
    let mut session = Polling::joined(&server);
    session.start_poll();
    session.push("3");
    session.push("1");
    session.finish_poll().expect(200, "6");
    journal.expect("transport close");
    session.expect_unknown();
}

#[test]
fn close_packet_without_a_poll_closes_the_session() {
    let (server, journal) = recorded();
    let mut session = Polling::joined(&server);
    session.push("1");
    journal.expect("transport close");
    session.expect_unknown();
}

// 6.8
#[test]
fn packets_after_a_close_packet_are_ignored() {
    let journal = Journal::new();
    let (events, ends) = (journal.clone(), journal.clone());
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                ns.on("note", move |n: u32| events.note(n.to_string()));
                ns.on_disconnect(move |reason: DisconnectReason| ends.note(reason.as_str()));
            })
        },
        1,
    );
    let mut session = Polling::joined(&server);
    session.push("42[\"note\",1]\x1e1\x1e42[\"note\",2]\x1eabc");
    journal.expect("1");
    journal.expect("transport close");
    session.expect_unknown();
    assert_eq!(journal.drain(), [""; 0]);
}

// 6.15
#[test]
fn aborted_poll_closes_the_session() {
    let (server, journal) = recorded();
    let mut session = Polling::joined(&server);
    session.start_poll();
    session.push("3");
    std::mem::replace(&mut session.polls, Http::connect(&server)).into_wire().drop_connection();
    journal.expect("transport error");
    session.expect_unknown();
}

// 6.16
#[test]
fn aborted_push_closes_the_session() {
    let (server, journal) = recorded();
    let mut session = Polling::joined(&server);
    let mut push = Http::connect(&server);
    push.write(format!(
        "POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n42[\"m\"",
        session.target()
    ));
    push.into_wire().drop_connection();
    journal.expect("transport error");
    session.expect_unknown();
}

// 6.17, hostile 21
#[test]
fn other_methods_leave_the_session() {
    let (server, _) = recorded();
    let mut session = Polling::joined(&server);
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"] {
        let answer = Http::connect(&server).request(method, session.target());
        assert!(matches!(answer.status, 400 | 405 | 500), "{method}: {answer:?}");
        assert!(answer.body.is_empty(), "{method}: {answer:?}");
    }
    session.fence();
}

// 6.9
#[test]
fn open_upgrade_and_noop_of_a_client_are_ignored() {
    let (server, _) = recorded();
    let mut session = Polling::joined(&server);
    session.push("0\x1e5\x1e6\x1e42[\"m\",1]");
    assert_eq!(session.poll(), r#"42["m",1]"#);
}

// 12.6
#[test]
fn ping_of_a_client_closes_the_session() {
    let (server, journal) = recorded();
    let mut session = Polling::joined(&server);
    session.try_push("2").expect(200, "ok");
    journal.expect("transport error");
    session.expect_unknown();
}
