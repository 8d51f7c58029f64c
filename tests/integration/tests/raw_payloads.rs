//! Polling payloads: size limits, transfer codings, order (behaviours 6, hostile 7, 8, 12).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use integration::{Http, Polling, Server, echo};
use sio_actix::prelude::*;

const LIMIT: usize = 1_000;

fn limited() -> Server {
    Server::start(|io| io.max_payload(LIMIT).namespace("/", echo), 1)
}

/// An event whose packet has `size` bytes.
fn event_of(size: usize) -> String {
    let frame = r#"42["m",""]"#;
    format!(r#"42["m","{}"]"#, "x".repeat(size - frame.len()))
}

// 6.14
#[test]
fn push_above_the_limit_gets_413_and_ends_its_session() {
    let (server, journal) = Server::recorded(|io| io.max_payload(LIMIT), 1);
    let mut session = Polling::joined(&server);
    session.try_push(event_of(LIMIT + 1)).expect(413, "");
    journal.expect("transport error");
    session.pushes = Http::connect(&server);
    session.expect_unknown();
    Polling::joined(&server).fence();
}

/// What brings the end must not overtake what tells the reason: they come on two connections.
#[test]
fn the_poll_of_a_session_ends_after_the_413_of_its_push() {
    for workers in [1, 2] {
        let (server, journal) = Server::recorded(|io| io.max_payload(LIMIT), workers);
        let mut session = Polling::joined(&server);
        session.start_poll();
        session.try_push(event_of(LIMIT + 1)).expect(413, "");
        let told = Instant::now();
        session.finish_poll().expect(200, "1");
        // 200 ms after the refusal, which was on its way a little before it was read.
        assert!(told.elapsed() > Duration::from_millis(50), "{:?}", told.elapsed());
        journal.expect("transport error");
        session.pushes = Http::connect(&server);
        session.expect_unknown();
    }
}

#[test]
fn a_client_may_say_goodbye_after_a_413() {
    let (server, journal) = Server::recorded(|io| io.max_payload(LIMIT), 1);
    let mut session = Polling::joined(&server);
    session.try_push(event_of(LIMIT + 1)).expect(413, "");
    session.pushes = Http::connect(&server);
    // Nothing that it says is taken any more.
    session.try_push("1").expect(400, "");
    journal.expect("transport error");
    session.pushes = Http::connect(&server);
    session.expect_unknown();
}

#[test]
fn declared_length_above_the_limit_is_refused_before_the_body() {
    let server = limited();
    let session = Polling::joined(&server);
    let mut http = Http::connect(&server);
    http.write(format!(
        "POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\r\n\r\n",
        session.target()
    ));
    http.response().expect(413, "");
}

#[test]
fn push_of_the_limit_is_accepted() {
    let server = limited();
    let mut session = Polling::joined(&server);
    let event = event_of(LIMIT);
    session.push(&event);
    assert_eq!(session.poll(), event);
}

#[test]
fn limit_counts_bytes_not_characters() {
    let server = limited();
    let mut session = Polling::joined(&server);
    let event = format!(r#"42["m","{}"]"#, "é".repeat(LIMIT / 2));
    assert!(event.chars().count() < LIMIT);
    session.try_push(event).expect(413, "");
}

#[test]
fn chunked_push_above_the_limit_gets_413_without_its_end() {
    let server = limited();
    let session = Polling::joined(&server);
    let mut http = Http::connect(&server);
    http.write(format!(
        "POST {} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        session.target()
    ));
    let chunk = "x".repeat(500);
    // The third chunk passes the limit; the body never ends.
    for _ in 0..3 {
        http.write(format!("1f4\r\n{chunk}\r\n"));
    }
    http.response().expect(413, "");
    http.wire().expect_end();
    Polling::joined(&server).fence();
}

#[test]
fn chunked_push_above_the_limit_that_takes_time_ends_its_session_as_well() {
    let (server, journal) = Server::recorded(|io| io.max_payload(LIMIT), 1);
    let session = Polling::joined(&server);
    let mut http = Http::connect(&server);
    let chunk = "x".repeat(500);
    http.write(format!(
        "POST {} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1f4\r\n{chunk}\r\n",
        session.target()
    ));
    // The server waits for the rest meanwhile; if it does not yet, this shows less, and nothing wrong.
    Polling::joined(&server).fence();
    for _ in 0..2 {
        http.write(format!("1f4\r\n{chunk}\r\n"));
    }
    http.response().expect(413, "");
    http.wire().expect_end();
    journal.expect("transport error");
}

#[test]
fn chunked_push_of_the_limit_is_accepted() {
    let server = limited();
    let mut session = Polling::joined(&server);
    let event = event_of(LIMIT);
    let mut request = format!(
        "POST {} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        session.target()
    );
    for part in event.as_bytes().chunks(7) {
        let part = std::str::from_utf8(part).unwrap();
        write!(request, "{:x}\r\n{part}\r\n", part.len()).unwrap();
    }
    request.push_str("0\r\n\r\n");
    let mut http = Http::connect(&server);
    http.write(request);
    http.response().expect(200, "ok");
    assert_eq!(session.poll(), event);
}

// L16
#[test]
fn body_that_does_not_come_gets_408() {
    let timeout = Duration::from_millis(150);
    let (server, journal) =
        Server::recorded(|io| io.limits(|limits| limits.body_timeout = timeout), 1);
    let mut session = Polling::joined(&server);
    let mut http = Http::connect(&server);
    let start = Instant::now();
    http.write(format!(
        "POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n42[",
        session.target()
    ));
    http.response().expect(408, "");
    assert!(start.elapsed() >= timeout);
    journal.expect("transport error");
    session.expect_unknown();
}

// L22
#[test]
fn session_that_never_polls_is_closed_when_its_buffer_is_full() {
    for over in [false, true] {
        let (server, journal) =
            Server::recorded(|io| io.limits(|limits| limits.send_buffer_max_frames = 10), 1);
        let mut session = Polling::joined(&server);
        let count = if over { 11 } else { 9 };
        for n in 0..count {
            server.io().emit("n", n).unwrap();
        }
        if over {
            journal.expect("transport error");
            session.expect_unknown();
        } else {
            assert_eq!(session.poll_packets(count).len(), count);
            session.fence();
        }
    }
}

// 6.21
#[test]
fn answers_are_not_limited() {
    let server = limited();
    let mut session = Polling::joined(&server);
    let event = event_of(LIMIT);
    session.push(&event);
    session.push(&event);
    session.push(&event);
    assert_eq!(session.poll(), [event.as_str(); 3].join("\x1e"));
}

// 41.2
#[test]
fn default_limit_is_the_announced_one() {
    let server = Server::echo();
    let mut session = Polling::joined(&server);
    let event = event_of(1_000_000);
    session.push(&event);
    assert_eq!(session.poll(), event);
    session.try_push(event_of(1_000_001)).expect(413, "");
}

// 6.4, 5.14
#[test]
fn characters_split_over_pieces_are_joined() {
    let server = Server::echo();
    let mut session = Polling::joined(&server);
    let event = r#"42["m","é€😀"]"#;
    let mut http = Http::connect(&server);
    http.write(format!(
        "POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        session.target(),
        event.len()
    ));
    for byte in event.bytes() {
        http.write([byte]);
    }
    http.response().expect(200, "ok");
    assert_eq!(session.poll(), event);
}

#[test]
fn characters_split_over_chunks_are_joined() {
    let server = Server::echo();
    let mut session = Polling::joined(&server);
    let event = r#"42["m","é€😀"]"#;
    let mut http = Http::connect(&server);
    http.write(format!(
        "POST {} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        session.target()
    ));
    for byte in event.bytes() {
        http.write(b"1\r\n");
        http.write([byte]);
        http.write(b"\r\n");
    }
    http.write("0\r\n\r\n");
    http.response().expect(200, "ok");
    assert_eq!(session.poll(), event);
}

// 6.2
#[test]
fn any_other_content_type_is_text() {
    let server = Server::echo();
    let mut session = Polling::joined(&server);
    for header in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/json\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: ;;;\r\n",
    ] {
        let mut http = Http::connect(&server);
        http.send("POST", session.target(), header, r#"42["m",1]"#);
        http.response().expect(200, "ok");
        assert_eq!(session.poll(), r#"42["m",1]"#, "{header:?}");
    }
}

// 6.18, 6.10
#[test]
fn packets_are_handled_in_payload_order() {
    let server = Server::echo();
    let mut session = Polling::joined(&server);
    for push in 0..10 {
        let payload: Vec<_> = (0..10).map(|n| format!(r#"42["m",{}]"#, push * 10 + n)).collect();
        session.push(payload.join("\x1e"));
    }
    let all: Vec<_> = (0..100).map(|n| format!(r#"42["m",{n}]"#)).collect();
    assert_eq!(session.poll(), all.join("\x1e"));
}

// Hostile 12
#[test]
fn five_thousand_events_of_one_payload_are_answered_in_order() {
    let server = Server::echo();
    let mut session = Polling::joined(&server);
    let payload: Vec<_> = (0..5_000).map(|n| format!(r#"42{n}["echo",{n}]"#)).collect();
    session.push(payload.join("\x1e"));
    let answers = session.poll_packets(5_000);
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(*answer, format!("43{n}[{n}]"));
    }
    session.fence();
}

// 6.11
#[test]
fn pending_poll_is_released_by_a_message() {
    let server = Server::echo();
    let mut session = Polling::joined(&server);
    session.start_poll();
    session.push(r#"42["m",1]"#);
    session.finish_poll().expect(200, r#"42["m",1]"#);
}

// 6.19
#[test]
fn messages_wait_for_the_next_poll() {
    let server = Server::echo();
    let mut session = Polling::joined(&server);
    for n in 0..3 {
        server.io().emit("n", n).unwrap();
    }
    let packets = session.poll_packets(3);
    assert_eq!(packets, [r#"42["n",0]"#, r#"42["n",1]"#, r#"42["n",2]"#]);
    for n in 3..6 {
        session.push(format!(r#"42["m",{n}]"#));
    }
    assert_eq!(session.poll(), "42[\"m\",3]\x1e42[\"m\",4]\x1e42[\"m\",5]");
}

// 18.11
#[test]
fn attachments_may_be_spread_over_pushes() {
    let server = Server::echo();
    let mut session = Polling::joined(&server);
    session.push(r#"452-["m",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#);
    session.push("bAQIDBA==");
    session.push("b");
    assert_eq!(
        session.poll(),
        "452-[\"m\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]\x1ebAQIDBA==\x1eb"
    );
}

// 13.4, 13.5
#[test]
fn server_close_comes_after_what_was_buffered() {
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                ns.on("bye", |socket: Socket| {
                    socket.emit("last", 1)?;
                    socket.close_session();
                    Ok::<_, EventError>(())
                });
            })
        },
        1,
    );
    let mut session = Polling::joined(&server);
    session.push(r#"42["bye"]"#);
    assert_eq!(session.poll(), r#"42["last",1]"#);
    assert_eq!(session.poll(), "6\x1e1");
    session.expect_unknown();
}
