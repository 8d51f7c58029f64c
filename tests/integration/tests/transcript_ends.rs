//! Ends of sockets and sessions, volatile packets, refusals and times, byte for byte (transcripts T7,
//! T12-T14).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::time::{Duration, Instant};

use integration::{Http, Journal, Polling, Server, Ws, echo};
use sio_actix::prelude::*;

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The journal gets the reasons of `/`.
fn server(build: impl FnOnce(sio_actix::IoBuilder) -> sio_actix::IoBuilder) -> (Server, Journal) {
    let journal = Journal::new();
    let noted = journal.clone();
    let server = Server::start(
        |io| {
            build(io)
                .namespace("/", |ns| {
                    echo(ns);
                    ns.on("kick", |socket: Socket, close: bool| socket.disconnect(close));
                    ns.on("a", |socket: Socket| {
                        socket.emit("a", 1)?;
                        socket.emit_volatile("a", 2)?;
                        socket.emit("a", 3)
                    });
                    ns.on("v", |socket: Socket| {
                        socket.emit_volatile("v", 1)?;
                        socket.emit_volatile("v", 2)
                    });
                    ns.on_disconnect(move |reason: DisconnectReason| noted.note(reason.as_str()));
                })
                .namespace("/admin", |_| {})
                .namespace("/dyn-12", |_| {})
        },
        1,
    );
    (server, journal)
}

#[test]
fn t07_namespaces_are_left() {
    let (server, journal) = server(|io| io);
    let mut ws = Ws::joined(&server);
    ws.text("40/admin,");
    ws.next_text();
    ws.text("41");
    journal.expect("client namespace disconnect");
    ws.text("40");
    assert!(ws.next_text().starts_with("40{"));
    ws.text(r#"42["kick",false]"#);
    ws.expect("41");
    journal.expect("server namespace disconnect");
    ws.text("41/admin,");
    ws.text("40");
    assert!(ws.next_text().starts_with("40{"));
    ws.fence();
}

#[test]
fn t07_the_server_ends_the_connection() {
    let (server, journal) = server(|io| io);
    let mut ws = Ws::joined(&server);
    for namespace in ["/dyn-12", "/admin"] {
        ws.text(&format!("40{namespace},"));
        ws.next_text();
    }
    ws.text(r#"42["kick",true]"#);
    let mut left = [ws.next_text(), ws.next_text(), ws.next_text()];
    left.sort_unstable();
    assert_eq!(left, ["41", "41/admin,", "41/dyn-12,"]);
    ws.expect_close(None);
    journal.expect("server namespace disconnect");

    let mut session = Polling::joined(&server);
    session.push(r#"42["kick",true]"#);
    assert_eq!(session.poll(), "41");
    assert_eq!(session.poll(), "6\x1e1");
    session.expect_unknown();
    journal.expect("server namespace disconnect");
}

#[test]
fn t07_broken_rules() {
    let (server, journal) = server(|io| io);
    let mut session = Polling::joined(&server);
    session.start_poll();
    session.push("3");
    session.push("40");
    session.finish_poll().expect(200, "1");
    journal.expect("forced close");

    let mut session = Polling::joined(&server);
    session.push("40");
    assert_eq!(session.poll(), "6\x1e1");
    journal.expect("forced server close");

    let mut session = Polling::joined(&server);
    session.push("4abc");
    assert_eq!(session.poll(), "6\x1e1");
    journal.expect("forced close");

    let mut session = Polling::joined(&server);
    session.start_poll();
    session.push("1");
    session.finish_poll().expect(200, "6");
    journal.expect("transport close");
}

#[test]
fn t07_the_server_closes() {
    let (server, journal) = server(|io| io);
    let mut ws = Ws::joined(&server);
    let mut session = Polling::joined(&server);
    session.start_poll();
    session.push("3");
    server.io().close();
    ws.expect_close(Some(1001));
    session.finish_poll().expect(200, "1");
    journal.expect("server shutting down");
    journal.expect("server shutting down");
}

#[test]
fn t07_silence() {
    let (server, journal) = server(|io| io.ping_interval(millis(100)).ping_timeout(millis(80)));
    let start = Instant::now();
    let mut ws = Ws::joined(&server);
    ws.expect("2");
    ws.expect_close(None);
    assert!(start.elapsed() >= millis(180));
    journal.expect("ping timeout");
    let mut session = Polling::joined(&server);
    assert_eq!(session.poll(), "2");
    assert_eq!(session.poll(), "1");
    journal.expect("ping timeout");
}

#[test]
fn t07_nothing_joined() {
    let (server, journal) = server(|io| io.connect_timeout(millis(150)));
    let start = Instant::now();
    let mut ws = Ws::open(&server);
    ws.expect_close(None);
    assert!(start.elapsed() >= millis(150));
    let mut session = Polling::open(&server);
    assert_eq!(session.poll(), "1");
    assert_eq!(journal.drain(), [""; 0]);
}

#[test]
fn t12_volatile_packets() {
    let (server, _) = server(|io| io);
    let mut ws = Ws::joined(&server);
    ws.text(r#"42["a"]"#);
    ws.expect(r#"42["a",1]"#);
    ws.expect(r#"42["a",3]"#);
    ws.text(r#"42["v"]"#);
    ws.expect(r#"42["v",1]"#);
    ws.fence();

    let mut session = Polling::joined(&server);
    session.push(r#"42["v"]"#);
    session.fence();
    session.start_poll();
    session.push("3");
    session.push(r#"42["v"]"#);
    session.finish_poll().expect(200, r#"42["v",1]"#);
    session.fence();
}

#[test]
fn t13_refusals() {
    let (server, _) = server(|io| {
        io.allow_request(async |handshake: std::sync::Arc<Handshake>| {
            let text = handshake.query_value("refuse").map(|text| text.into_owned());
            match text.as_deref() {
                None => Ok(()),
                Some("") => Err(sio_actix::Forbidden::default()),
                Some(text) => Err(text.into()),
            }
        })
    });
    let mut http = Http::connect(&server);
    let cases = [
        ("GET", "", 400, r#"{"code":0,"message":"Transport unknown"}"#),
        (
            "GET",
            "?EIO=4&transport=polling&sid=unknown",
            400,
            r#"{"code":1,"message":"Session ID unknown"}"#,
        ),
        ("POST", "?EIO=4&transport=polling", 400, r#"{"code":2,"message":"Bad handshake method"}"#),
        ("GET", "?EIO=4&transport=websocket", 400, r#"{"code":3,"message":"Bad request"}"#),
        ("GET", "?EIO=4&transport=polling&refuse=", 403, r#"{"code":4,"message":"Forbidden"}"#),
        (
            "GET",
            "?EIO=3&transport=polling",
            400,
            r#"{"code":5,"message":"Unsupported protocol version"}"#,
        ),
    ];
    for (method, query, status, body) in cases {
        let answer = http.request(method, &format!("/socket.io/{query}"));
        answer.expect(status, body).expect_header("content-type", "application/json");
    }
    for (query, text) in [("sid=unknown", "Session ID unknown"), ("refuse=no+entry", "no entry")] {
        let target = format!("/socket.io/?EIO=4&transport=websocket&{query}");
        let (answer, _) = Ws::attempt(&server, &target);
        answer.expect(400, text).expect_header("content-type", "text/html");
        answer.expect_header("content-length", &text.len().to_string());
    }
}

#[test]
fn t14_pings() {
    let interval = millis(150);
    let (server, _) = server(|io| io.ping_interval(interval).ping_timeout(millis(5_000)));
    let start = Instant::now();
    let mut ws = Ws::joined(&server);
    ws.expect("2");
    assert!(start.elapsed() >= interval);
    let pong = Instant::now();
    ws.text("3");
    ws.expect("2");
    assert!(pong.elapsed() >= interval);
}
