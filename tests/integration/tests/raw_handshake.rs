//! The opening of a session (behaviours 4, transcripts T1 and T3).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::collections::HashSet;
use std::time::Duration;

use integration::{Http, Journal, Polling, Server, Ws, echo, sid_of};
use sio_actix::prelude::*;

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

// 4.1
#[test]
fn polling_handshake_answers_the_open_packet() {
    let server = Server::echo();
    let answer = Http::connect(&server).get(POLLING);
    let sid = sid_of(answer.text());
    let open = format!(
        r#"0{{"sid":"{sid}","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#
    );
    answer
        .expect(200, &open)
        .expect_header("content-type", "text/plain; charset=UTF-8")
        .expect_header("content-length", "118")
        .expect_header("cache-control", "no-store")
        .expect_no_header("set-cookie")
        .expect_no_header("access-control-allow-origin")
        .expect_no_header("content-encoding");
    assert_eq!(server.io().session_count(), 1);
}

// 4.2
#[test]
fn websocket_handshake_sends_the_open_packet_first() {
    let server = Server::echo();
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

// 4.3, 4.6
#[test]
fn open_packet_tells_the_configured_values() {
    let server = Server::start(
        |io| {
            io.ping_interval(Duration::from_millis(1_234))
                .ping_timeout(Duration::from_millis(567))
                .max_payload(89)
                .allow_upgrades(false)
        },
        1,
    );
    let answer = Http::connect(&server).get(POLLING);
    let rest = r#","upgrades":[],"pingInterval":1234,"pingTimeout":567,"maxPayload":89}"#;
    assert!(answer.text().ends_with(rest), "{answer:?}");
}

#[test]
fn upgrades_are_empty_without_websocket() {
    let server = Server::start(|io| io.transports(&[sio_actix::Transport::Polling]), 1);
    let answer = Http::connect(&server).get(POLLING);
    assert!(answer.text().contains(r#""upgrades":[],"#), "{answer:?}");
}

// 4.4
#[test]
fn session_ids_are_unique_and_fit_a_url() {
    let server = Server::echo();
    let mut http = Http::connect(&server);
    let sids: HashSet<String> = (0..200).map(|_| sid_of(http.get(POLLING).text())).collect();
    assert_eq!(sids.len(), 200);
    for sid in &sids {
        assert_eq!(sid.len(), 20, "{sid}");
        let urlsafe = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        assert!(sid.chars().all(urlsafe), "{sid}");
    }
}

// 4.7
#[test]
fn query_is_decoded_for_the_application() {
    let journal = Journal::new();
    let noted = journal.clone();
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                ns.on_connection(move |socket: Socket| {
                    let query: Vec<_> = socket.handshake().query().collect();
                    noted.note(format!("{query:?} {:?}", socket.handshake().query_value("a")));
                });
            })
        },
        1,
    );
    let mut ws = Ws::connect(&server, &format!("{WEBSOCKET}&t=x&%26a=%26%3D%3Fa&a=1&a=2"));
    ws.next_text();
    ws.join();
    journal.expect(
        r#"[("EIO", "4"), ("transport", "websocket"), ("t", "x"), ("&a", "&=?a"), ("a", "1"), ("a", "2")] Some("2")"#,
    );
}

// 4.9
#[test]
fn first_request_stays_available_after_an_upgrade() {
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                ns.on("who", |socket: Socket| {
                    let handshake = socket.handshake();
                    (
                        handshake.url().to_owned(),
                        handshake.header("x-key").map(str::to_owned),
                        handshake.address().map(|address| address.ip().to_string()),
                        handshake.is_secure(),
                    )
                });
            })
        },
        1,
    );
    let mut http = Http::connect(&server);
    http.send("GET", &format!("{POLLING}&k=v"), "X-Key: 7\r\n", "");
    let sid = sid_of(http.response().text());
    let mut ws = Ws::connect(&server, &format!("{WEBSOCKET}&sid={sid}"));
    ws.text("2probe");
    ws.expect("3probe");
    ws.text("5");
    ws.join();
    ws.text(r#"421["who"]"#);
    ws.expect(r#"431["/socket.io/?EIO=4&transport=polling&k=v","7","127.0.0.1",false]"#);
}

// 4.10
#[test]
fn sessions_are_counted_while_they_live() {
    let journal = Journal::new();
    let noted = journal.clone();
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                ns.on_disconnect(move |_: Socket| noted.note("gone"));
            })
        },
        1,
    );
    let mut polling = Polling::joined(&server);
    let ws = Ws::joined(&server);
    assert_eq!(server.io().session_count(), 2);
    polling.push("1");
    journal.expect("gone");
    drop(ws);
    journal.expect("gone");
    polling.expect_unknown();
    Ws::joined(&server);
    assert!(server.io().session_count() <= 1);
}

// T1
#[test]
fn polling_session_joins_and_echoes() {
    let server = Server::start(|io| io.namespace("/", echo), 1);
    let mut session = Polling::open(&server);
    session
        .try_push("40")
        .expect(200, "ok")
        .expect_header("content-type", "text/html")
        .expect_header("content-length", "2")
        .expect_header("cache-control", "no-store");
    let connect = session.try_poll();
    assert_eq!((connect.status, connect.body.len()), (200, 32), "{connect:?}");
    connect
        .expect_header("content-type", "text/plain; charset=UTF-8")
        .expect_header("content-length", "32")
        .expect_header("cache-control", "no-store");
    let echo = "42[\"m\",1]\x1e42[\"m\",\"é€\"]";
    session.push(echo);
    session.try_poll().expect(200, echo).expect_header("content-length", "25");
    let binary = "451-[\"m\",{\"_placeholder\":true,\"num\":0}]\x1ebAQIDBA==";
    session.push(binary);
    session.try_poll().expect(200, binary).expect_header("content-length", "49");
}

// 1.12
#[test]
fn requests_with_connection_close_are_served() {
    let server = Server::echo();
    let mut session = Polling::joined(&server);
    session.push(r#"42["m",1]"#);
    let mut poll = Http::connect(&server);
    poll.send("GET", session.target(), "Connection: close\r\n", "");
    poll.response().expect(200, r#"42["m",1]"#);
    poll.wire().expect_end();
    session.fence();
}
