//! Why sockets end, as their handlers are told (behaviours 35, transcript T7).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::time::Duration;

use integration::{Http, Journal, Polling, Server, Ws, echo, masked};
use sio_actix::IoBuilder;
use sio_actix::prelude::*;

/// Notes the end of every socket of a namespace with its reason and its rooms.
fn register(journal: &Journal, name: &'static str) -> impl FnOnce(&mut NamespaceBuilder) + use<> {
    let (first, second) = (journal.clone(), journal.clone());
    move |ns| {
        echo(ns);
        ns.on("join", |socket: Socket, room: String| socket.join(room));
        ns.on("leave-me", |socket: Socket| socket.disconnect(false));
        ns.on("close-me", |socket: Socket| socket.disconnect(true));
        ns.on("engine-close", |socket: Socket| socket.close_session());
        ns.on("last-words", |socket: Socket| {
            socket.emit("last", 1)?;
            socket.disconnect(true);
            socket.emit("never", 2)
        });
        ns.on_disconnecting(move |socket: Socket, reason: DisconnectReason| {
            let rooms = socket.rooms().len();
            first.note(format!("{name} disconnecting {rooms}: {reason}"));
        });
        ns.on_disconnect(move |socket: Socket, reason: DisconnectReason| {
            let rooms = socket.rooms().len();
            second.note(format!("{name} disconnect {rooms}: {reason}"));
        });
    }
}

fn configured(change: impl FnOnce(IoBuilder) -> IoBuilder) -> (Server, Journal) {
    let journal = Journal::new();
    let server = Server::start(
        |io| {
            change(io)
                .namespace("/", register(&journal, "main"))
                .namespace("/admin", register(&journal, "admin"))
        },
        1,
    );
    (server, journal)
}

fn recorded() -> (Server, Journal) {
    configured(|io| io)
}

/// Both handlers ran once, with this reason.
#[track_caller]
fn ended(journal: &Journal, reason: &str) {
    journal.expect(&format!("main disconnecting 1: {reason}"));
    journal.expect(&format!("main disconnect 0: {reason}"));
    assert_eq!(journal.drain(), [""; 0]);
}

/// Runs `act` on a WebSocket and expects the reason.
#[track_caller]
fn websocket_ends(reason: &str, act: impl FnOnce(&mut Ws)) {
    let (server, journal) = recorded();
    let mut ws = Ws::joined(&server);
    act(&mut ws);
    ended(&journal, reason);
}

/// Runs `act` on a polling session without a poll and expects the reason.
#[track_caller]
fn polling_ends(reason: &str, act: impl FnOnce(&mut Polling)) {
    let (server, journal) = recorded();
    let mut session = Polling::joined(&server);
    act(&mut session);
    ended(&journal, reason);
}

// 35.1
#[test]
fn client_leaves_the_namespace() {
    for packet in ["41", "41/,"] {
        websocket_ends("client namespace disconnect", |ws| ws.text(packet));
        polling_ends("client namespace disconnect", |session| session.push(packet));
    }
}

// 35.2, 35.13
#[test]
fn server_disconnects_the_socket() {
    websocket_ends("server namespace disconnect", |ws| {
        ws.text(r#"42["leave-me"]"#);
        ws.expect("41");
        // The connection stays open.
        ws.text("40/admin,");
        assert!(ws.next_text().starts_with("40/admin,"));
    });
    polling_ends("server namespace disconnect", |session| {
        session.push(r#"42["leave-me"]"#);
        assert_eq!(session.poll(), "41");
        session.push("40/admin,");
        assert!(session.poll().starts_with("40/admin,"));
    });
}

#[test]
fn server_disconnects_many_sockets() {
    let (server, journal) = recorded();
    let mut ws = Ws::joined(&server);
    let mut session = Polling::joined(&server);
    server.io().of("/").disconnect_sockets(false);
    ws.expect("41");
    assert_eq!(session.poll(), "41");
    for _ in 0..2 {
        assert!(journal.next().ends_with("disconnecting 1: server namespace disconnect"));
        assert!(journal.next().ends_with("disconnect 0: server namespace disconnect"));
    }
    ws.join();
    ws.fence();
}

// 35.3
#[test]
fn server_shuts_down() {
    let (server, journal) = recorded();
    let mut ws = Ws::joined(&server);
    server.io().close();
    ws.expect_close(Some(1001));
    ended(&journal, "server shutting down");

    let (server, journal) = recorded();
    let mut session = Polling::joined(&server);
    session.start_poll();
    session.push("3");
    server.io().close();
    session.finish_poll().expect(200, "1");
    ended(&journal, "server shutting down");

    let mut http = Http::connect(&server);
    let answer = http.get("/socket.io/?EIO=4&transport=polling");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("retry-after").is_some());
}

// 35.4
#[test]
fn pong_is_missing() {
    let (server, journal) = configured(|io| {
        io.ping_interval(Duration::from_millis(100)).ping_timeout(Duration::from_millis(80))
    });
    let mut ws = Ws::joined(&server);
    ws.expect("2");
    ws.expect_close(None);
    ended(&journal, "ping timeout");
}

// 35.5
#[test]
fn client_closes_the_transport() {
    websocket_ends("transport close", |ws| ws.wire().write(masked(0x88, "")));
    websocket_ends("transport close", |ws| ws.wire().finish_writing());
    websocket_ends("transport close", |ws| ws.text("1"));
    polling_ends("transport close", |session| session.push("1"));
    let (server, journal) = recorded();
    Ws::joined(&server).into_wire().drop_connection();
    ended(&journal, "transport close");
}

// 35.6
#[test]
fn transport_fails() {
    let oversize = masked(0x81, "x".repeat(1_000_001));
    websocket_ends("transport error", |ws| ws.wire().write(oversize));
    websocket_ends("transport error", |ws| ws.wire().write(b"\x81\x0242"));
    websocket_ends("transport error", |ws| ws.text("2"));
    polling_ends("transport error", |session| session.push("2"));

    let (server, journal) = recorded();
    let mut session = Polling::joined(&server);
    session.start_poll();
    session.push("3");
    Http::connect(&server).get(session.target()).expect(400, "");
    ended(&journal, "transport error");
}

// 35.7
#[test]
fn engine_packet_cannot_be_decoded() {
    websocket_ends("parse error", |ws| ws.text("abc"));
    polling_ends("parse error", |session| _ = session.try_push("abc"));
}

// 35.8, 35.9
#[test]
fn rules_of_socket_io_are_broken() {
    websocket_ends("forced close", |ws| ws.text("4abc"));
    websocket_ends("forced close", |ws| ws.text("40"));
    websocket_ends("forced close", |ws| ws.text(r#"42["engine-close"]"#));
    polling_ends("forced close", |session| session.push("4abc"));
    polling_ends("forced close", |session| session.push(r#"42["engine-close"]"#));
    polling_ends("forced server close", |session| session.push("40"));

    let (server, journal) = recorded();
    let mut session = Polling::joined(&server);
    session.start_poll();
    session.push("3");
    session.push("40");
    session.finish_poll().expect(200, "1");
    ended(&journal, "forced close");
}

// 35.14, T7
#[test]
fn disconnect_with_close_leaves_every_namespace_first() {
    let (server, journal) = recorded();
    let mut ws = Ws::joined(&server);
    ws.text("40/admin,");
    ws.next_text();
    ws.text(r#"42["close-me"]"#);
    let mut farewells = [ws.next_text(), ws.next_text()];
    farewells.sort();
    assert_eq!(farewells, ["41", "41/admin,"]);
    ws.expect_close(None);
    let mut lines: Vec<_> = (0..4).map(|_| journal.next()).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "admin disconnect 0: server namespace disconnect",
            "admin disconnecting 1: server namespace disconnect",
            "main disconnect 0: server namespace disconnect",
            "main disconnecting 1: server namespace disconnect",
        ]
    );

    let mut session = Polling::joined(&server);
    session.push("40/admin,");
    session.poll();
    session.push(r#"42["close-me"]"#);
    let mut farewells = session.poll_packets(2);
    farewells.sort();
    assert_eq!(farewells, ["41", "41/admin,"]);
    assert_eq!(session.poll(), "6\x1e1");
    session.expect_unknown();
}

// 35.15, 35.16, 29.4
#[test]
fn every_socket_of_a_lost_connection_is_told() {
    let (server, journal) = recorded();
    let mut ws = Ws::joined(&server);
    ws.text("40/admin,");
    ws.next_text();
    ws.text(r#"42/admin,0["join","a"]"#);
    ws.expect("43/admin,0[]");
    ws.into_wire().drop_connection();
    let mut lines: Vec<_> = (0..4).map(|_| journal.next()).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "admin disconnect 0: transport close",
            "admin disconnecting 2: transport close",
            "main disconnect 0: transport close",
            "main disconnecting 1: transport close",
        ]
    );
}

#[test]
fn refused_socket_is_never_told() {
    let journal = Journal::new();
    let noted = journal.clone();
    let server = Server::start(
        |io| {
            io.namespace("/", echo).namespace("/closed", |ns| {
                ns.connect_guard(|_: Socket| Err::<(), _>(ConnectError::new("no")));
                let first = noted.clone();
                ns.on_disconnecting(move |_: Socket| first.note("disconnecting"));
                ns.on_disconnect(move |_: Socket| noted.note("disconnect"));
            })
        },
        1,
    );
    let mut ws = Ws::joined(&server);
    ws.text("40/closed,");
    ws.expect(r#"44/closed,{"message":"no"}"#);
    ws.wire().write(masked(0x88, ""));
    ws.expect_close(None);
    Ws::joined(&server).fence();
    assert_eq!(journal.drain(), [""; 0]);
}

// 35.17, 25.10
#[test]
fn what_was_emitted_before_the_disconnect_is_delivered() {
    let (server, _) = recorded();
    let mut ws = Ws::joined(&server);
    ws.text(r#"42["last-words"]"#);
    ws.expect(r#"42["last",1]"#);
    ws.expect("41");
    ws.expect_close(None);

    let mut session = Polling::joined(&server);
    session.push(r#"42["last-words"]"#);
    assert_eq!(session.poll(), "42[\"last\",1]\x1e41");
    assert_eq!(session.poll(), "6\x1e1");
}

// 41.6
#[test]
fn leaving_one_namespace_leaves_the_others() {
    let (server, journal) = recorded();
    let mut ws = Ws::joined(&server);
    ws.text("40/admin,");
    ws.next_text();
    ws.text("41/admin,");
    journal.expect("admin disconnecting 1: client namespace disconnect");
    journal.expect("admin disconnect 0: client namespace disconnect");
    ws.fence();
    assert_eq!(journal.drain(), [""; 0]);
}
