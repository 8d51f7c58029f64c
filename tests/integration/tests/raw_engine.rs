//! A bare Engine.IO server: its path, and what it is told of its sessions (behaviours 1.6, 6, 10, 12, 35.6).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::time::Duration;

use actix_web::web::Bytes;
use integration::{Http, Journal, Server, Ws, masked, sid_of};
use sio_actix::{CloseReason, EngineHandler, EngineSocket, Io};

const POLLING: &str = "/engine.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/engine.io/?EIO=4&transport=websocket";

/// Echoes, and notes how sessions begin and end.
struct Echo(Journal);

impl EngineHandler for Echo {
    fn opened(&self, session: &EngineSocket) {
        self.0.note(format!("opened on {:?}", session.transport()));
    }

    fn text(&self, session: &EngineSocket, text: &str) {
        session.send_text(text);
        if text == "close" {
            session.close();
        }
    }

    fn binary(&self, session: &EngineSocket, bytes: Bytes) {
        session.send_binary(bytes);
    }

    fn closed(&self, _: &EngineSocket, reason: CloseReason) {
        self.0.note(format!("{reason:?}"));
    }
}

const LIMIT: usize = 100;

fn server() -> (Server, Journal) {
    let journal = Journal::new();
    let io = Io::engine(Echo(journal.clone()))
        .max_payload(LIMIT)
        .ping_interval(Duration::from_millis(150))
        .ping_timeout(Duration::from_millis(120));
    (Server::run(io.build(), 1, |_| {}), journal)
}

/// A session on polling, and its address.
#[track_caller]
fn polling(server: &Server, journal: &Journal) -> (Http, String) {
    let mut http = Http::connect(server);
    let sid = sid_of(http.get(POLLING).text());
    journal.expect("opened on Polling");
    (http, format!("{POLLING}&sid={sid}"))
}

#[track_caller]
fn websocket(server: &Server, journal: &Journal) -> Ws {
    let mut ws = Ws::connect(server, WEBSOCKET);
    assert!(ws.next_text().starts_with(r#"0{"sid":""#));
    journal.expect("opened on Websocket");
    ws
}

/// The session has ended once, for this reason, and is unknown.
#[track_caller]
fn ended(server: &Server, journal: &Journal, target: &str, reason: &str) {
    journal.expect(reason);
    let unknown = r#"{"code":1,"message":"Session ID unknown"}"#;
    Http::connect(server).get(target).expect(400, unknown);
    assert_eq!(journal.drain(), [""; 0]);
}

// 6.12, 6.13, 6.3, 6.14, 6.15, 6.16, 12.6: the details of a transport error
#[test]
fn second_poll_is_an_overlap() {
    let (server, journal) = server();
    let (mut first, target) = polling(&server, &journal);
    first.send("GET", &target, "", "");
    Http::connect(&server).post(&target, "3").expect(200, "ok");
    Http::connect(&server).get(&target).expect(400, "");
    first.response().expect(200, "1");
    ended(&server, &journal, &target, r#"TransportError("overlap from client")"#);
}

#[test]
fn second_push_is_an_overlap() {
    let (server, journal) = server();
    let (_, target) = polling(&server, &journal);
    let mut first = Http::connect(&server);
    first.write(format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n4"));
    // Until the first has been read, the second is the only one.
    let refused = |_| Http::connect(&server).post(&target, "3").status != 200;
    assert!((0..1_000).any(refused));
    ended(&server, &journal, &target, r#"TransportError("data request overlap from client")"#);
}

#[test]
fn octet_stream_is_invalid_content() {
    let (server, journal) = server();
    let (mut http, target) = polling(&server, &journal);
    http.send("POST", &target, "Content-Type: application/octet-stream\r\n", "4a");
    http.response().expect(400, "");
    ended(&server, &journal, &target, r#"TransportError("invalid content")"#);
}

#[test]
fn push_above_the_limit_is_too_large() {
    let (server, journal) = server();
    let (mut http, target) = polling(&server, &journal);
    http.post(&target, format!("4{}", "x".repeat(LIMIT))).expect(413, "");
    ended(&server, &journal, &target, r#"TransportError("payload too large")"#);
}

#[test]
fn aborted_requests_are_closed_prematurely() {
    let (server, journal) = server();
    let (mut http, target) = polling(&server, &journal);
    http.send("GET", &target, "", "");
    Http::connect(&server).post(&target, "3").expect(200, "ok");
    http.into_wire().drop_connection();
    let reason = r#"TransportError("poll connection closed prematurely")"#;
    ended(&server, &journal, &target, reason);

    let (mut http, target) = polling(&server, &journal);
    http.write(format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n4"));
    http.into_wire().drop_connection();
    let reason = r#"TransportError("data request connection closed prematurely")"#;
    ended(&server, &journal, &target, reason);
}

#[test]
fn ping_of_a_client_has_the_wrong_direction() {
    let (server, journal) = server();
    let (mut http, target) = polling(&server, &journal);
    http.post(&target, "2").expect(200, "ok");
    ended(&server, &journal, &target, r#"TransportError("invalid heartbeat direction")"#);

    let mut ws = websocket(&server, &journal);
    ws.text("2");
    ws.expect_close(None);
    journal.expect(r#"TransportError("invalid heartbeat direction")"#);
}

#[test]
fn message_above_the_limit_is_too_large() {
    let (server, journal) = server();
    let mut ws = websocket(&server, &journal);
    ws.wire().write(masked(0x82, [0; LIMIT + 1]));
    ws.expect_close(Some(1009));
    journal.expect(r#"TransportError("message too large")"#);
}

// 13.1
#[test]
fn every_other_end_has_its_reason() {
    let (server, journal) = server();
    for (packet, reason) in [("1", "TransportClose"), ("abc", "ParseError")] {
        let (mut http, target) = polling(&server, &journal);
        assert!(matches!(http.post(&target, packet).status, 200 | 400));
        ended(&server, &journal, &target, reason);
        let mut ws = websocket(&server, &journal);
        ws.text(packet);
        ws.expect_close(None);
        journal.expect(reason);
    }
    websocket(&server, &journal).into_wire().drop_connection();
    journal.expect("TransportClose");

    let (mut http, target) = polling(&server, &journal);
    http.get(&target).expect(200, "2");
    http.get(&target).expect(200, "1");
    ended(&server, &journal, &target, "PingTimeout");

    let (mut http, target) = polling(&server, &journal);
    http.post(&target, "4close").expect(200, "ok");
    http.get(&target).expect(200, "4close");
    http.get(&target).expect(200, "6\x1e1");
    ended(&server, &journal, &target, "ForcedClose");

    let mut ws = websocket(&server, &journal);
    server.io().close();
    ws.expect_close(Some(1001));
    journal.expect("ServerShuttingDown");
}

// 1.6, 5.5, 5.8, 5.9
#[test]
fn messages_are_echoed_at_the_path_of_engine_io() {
    let (server, journal) = server();
    let (mut http, target) = polling(&server, &journal);
    http.post(&target, "4hello\x1ebAQIDBA==\x1e4\x1eb").expect(200, "ok");
    http.get(&target).expect(200, "4hello\x1ebAQIDBA==\x1e4\x1eb");

    let mut ws = websocket(&server, &journal);
    ws.text("4é€😀");
    ws.expect("4é€😀");
    ws.binary([1, 2, 3, 4]);
    ws.expect_binary(&[1, 2, 3, 4]);
    assert_eq!(http.get("/socket.io/?EIO=4&transport=polling").status, 404);
}
