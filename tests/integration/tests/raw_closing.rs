//! How sessions are closed by the application and by the server's end (behaviours 13 and 36).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::net::TcpListener;

use integration::{Http, Journal, Polling, Server, Ws, echo};
use sio_actix::prelude::*;

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// `close` ends the session below the sockets; the journal gets the reason of every socket that ends.
fn server() -> (Server, Journal) {
    let journal = Journal::new();
    let noted = journal.clone();
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                echo(ns);
                ns.on("close", |socket: Socket| {
                    socket.emit("last", 1)?;
                    socket.close_session();
                    socket.close_session();
                    socket.emit("never", 2)
                });
                ns.on("close-at-once", |socket: Socket| socket.close_session());
                ns.on_disconnect(move |reason: DisconnectReason| noted.note(reason.as_str()));
            })
        },
        1,
    );
    (server, journal)
}

// 13.2, 13.4, 13.8, 13.9
#[test]
fn websocket_gets_what_was_said_and_an_empty_close_frame() {
    let (server, journal) = server();
    let mut ws = Ws::joined(&server);
    ws.text(r#"42["close"]"#);
    ws.expect(r#"42["last",1]"#);
    ws.expect_close(None);
    ws.wire().expect_end();
    journal.expect("forced close");
    let mut other = Ws::joined(&server);
    other.fence();
    assert_eq!(journal.drain(), [""; 0]);
}

// 13.3
#[test]
fn waiting_poll_gets_a_close_packet() {
    let (server, journal) = server();
    let mut session = Polling::joined(&server);
    session.start_poll();
    // The poll is waiting once a push that came after it was answered.
    session.push("3");
    session.push(r#"42["close-at-once"]"#);
    session.finish_poll().expect(200, "1");
    journal.expect("forced close");
    session.expect_unknown();
}

// 13.4, 13.5
#[test]
fn next_poll_gets_noop_and_close() {
    let (server, journal) = server();
    let mut session = Polling::joined(&server);
    session.push(r#"42["close-at-once"]"#);
    journal.expect("forced close");
    assert_eq!(session.poll(), "6\x1e1");
    session.expect_unknown();

    let mut session = Polling::joined(&server);
    session.push(r#"42["close"]"#);
    assert_eq!(session.poll(), r#"42["last",1]"#);
    assert_eq!(session.poll(), "6\x1e1");
    session.expect_unknown();
}

// 13.8
#[test]
fn packets_after_a_close_by_the_server_are_ignored() {
    let (server, journal) = server();
    let mut ws = Ws::joined(&server);
    ws.wire().write(
        [r#"42["close-at-once"]"#, r#"42["m",1]"#, "abc"]
            .map(|packet| integration::masked(0x81, packet))
            .concat(),
    );
    ws.expect_close(None);
    journal.expect("forced close");
    let mut other = Ws::joined(&server);
    other.fence();
    assert_eq!(journal.drain(), [""; 0]);
}

// 13.10
#[test]
fn push_that_is_being_received_ends_with_its_connection() {
    let (server, journal) = server();
    let session = Polling::joined(&server);
    let mut push = Http::connect(&server);
    push.write(format!(
        "POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n42[\"m\"",
        session.target()
    ));
    server.io().close();
    journal.expect("server shutting down");
    assert_eq!(push.response().status, 400);
    push.wire().expect_end();
    assert_eq!(journal.drain(), [""; 0]);
}

// 36.1, 36.3
#[test]
fn port_of_a_server_that_stopped_is_free() {
    let (server, journal) = server();
    let address = server.address();
    let mut ws = Ws::joined(&server);
    let mut polling = Polling::joined(&server);
    polling.start_poll();
    polling.push("3");
    server.io().close();
    ws.expect_close(Some(1001));
    polling.finish_poll().expect(200, "1");
    for _ in 0..2 {
        journal.expect("server shutting down");
    }
    assert_eq!(server.io().session_count(), 0);
    drop(server);
    TcpListener::bind(address).unwrap();
}

// 36.4
#[test]
fn server_may_be_closed_again_and_before_any_session() {
    let (server, journal) = server();
    server.io().close();
    server.io().close();
    assert_eq!(Http::connect(&server).get(POLLING).status, 503);
    assert!(server.io().is_closing());
    assert_eq!(server.io().session_count(), 0);
    assert_eq!(journal.drain(), [""; 0]);

    // Nobody has ever served this one.
    let io = Io::builder().namespace("/", echo).build();
    io.close();
    io.emit("x", 1).unwrap();
}
