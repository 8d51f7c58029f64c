//! Guards before a client that comes back, and connections that it takes over.

use std::sync::Arc;

use sio_core::handler::Auth;
use sio_core::server::{ConnectError, Io, IoConfig, Recovery, Socket};

use super::*;
use crate::tools::{Gates, Notes};

/// A connect guard that wants a token.
fn guarded(skip_guards: bool, notes: &Notes) -> IoConfig {
    let mut recovery = Recovery::default();
    recovery.skip_guards = skip_guards;
    let (guard, connected) = (notes.clone(), notes.clone());
    let global = notes.clone();
    Io::builder()
        .connection_state_recovery(recovery)
        .connect_guard(move |socket: Socket| {
            global.add(format!("global {}", socket.is_recovered()))
        })
        .namespace("/", |ns| {
            ns.connect_guard(move |socket: Socket, Auth(auth): Auth<serde_json::Value>| {
                guard.add(format!("guard {}", socket.is_recovered()));
                if auth["token"] == "good" { Ok(()) } else { Err(ConnectError::new("no")) }
            });
            ns.on_connection(move |socket: Socket| {
                connected.add(format!("connected {}", socket.is_recovered()));
            });
        })
}

// 34.9, 34.10
#[test]
fn guards_are_skipped_for_who_comes_back_unless_they_shall_run() {
    for skips in [true, false] {
        let notes = Notes::default();
        let server = Server::start(guarded(skips, &notes));
        let mut client = Client::default();
        let mut socket = server.websocket();
        client.note_connect(&socket.exchange("40{\"token\":\"good\"}")[0]);
        server.io.emit("hello", ()).unwrap();
        client.note_events(&socket.frames());
        socket.drop_connection();
        assert_eq!(notes.take(), ["global false", "guard false", "connected false"]);
        if skips {
            come_back(&server, &mut client);
            assert_eq!(notes.take(), ["connected true"]);
            continue;
        }
        let (_, answers) = ask(&server, &client.request());
        assert_eq!(answers, ["44{\"message\":\"no\"}"]);
        assert_eq!(notes.take(), ["global true", "guard true"]);
        // It was not let in, so it has used nothing up.
        let request = client.request().replace('{', "{\"token\":\"good\",");
        let (_, answers) = ask(&server, &request);
        assert!(answers.len() == 1 && answers[0].contains(&client.id), "{answers:?}");
        assert_eq!(notes.take(), ["global true", "guard true", "connected true"]);
    }
}

/// A server whose guards wait at the gate `guard` for who comes back.
fn waiting(gates: &Gates, then: impl Fn(Socket) + Send + Sync + 'static) -> IoConfig {
    let mut recovery = Recovery::default();
    recovery.skip_guards = false;
    let gates = gates.clone();
    let then = Arc::new(then);
    Io::builder().connection_state_recovery(recovery).namespace("/", |ns| {
        ns.connect_guard(async move |socket: Socket| {
            if socket.is_recovered() {
                gates.wait("guard").await;
                then(socket);
            }
        });
    })
}

#[test]
fn what_is_said_while_guards_wait_comes_in_order_and_once() {
    let gates = Gates::default();
    let server = Server::start(waiting(&gates, |socket| socket.emit("guard", ()).unwrap()));
    let (mut socket, mut client) = greeted(&server);
    socket.drop_connection();
    server.io.emit("before", ()).unwrap();
    let mut back = server.websocket();
    assert!(back.exchange(&format!("40{}", client.request())).is_empty());
    server.io.emit("meanwhile", ()).unwrap();
    gates.open("guard");
    let frames = client.note_events(&back.frames());
    assert_eq!(frames[..3], ["42[\"before\"]", "42[\"meanwhile\"]", "42[\"guard\"]"]);
    assert!(frames[3].contains(&client.id) && frames.len() == 4, "{frames:?}");
}

#[test]
fn a_connection_lost_while_guards_wait_uses_nothing_up() {
    let gates = Gates::default();
    let server = Server::start(waiting(&gates, |_| ()));
    let (mut socket, mut client) = greeted(&server);
    socket.drop_connection();
    let mut lost = server.websocket();
    assert!(lost.exchange(&format!("40{}", client.request())).is_empty());
    // Nobody else gets it meanwhile.
    is_new(&server, &client, &client.request());
    lost.drop_connection();
    gates.open("guard");
    server.run();
    let mut back = server.websocket();
    assert!(back.exchange(&format!("40{}", client.request())).is_empty());
    gates.open("guard");
    client.note_connect(&back.frames()[0]);
}

#[test]
fn what_was_given_back_is_freed_in_time() {
    let gates = Gates::default();
    let mut config = waiting(&gates, |_| ());
    config.config_mut().connect_timeout = 10 * WINDOW;
    let server = Server::start(config);
    let (mut socket, client) = greeted(&server);
    let token = Arc::new(());
    server.sockets()[0].set_shared_state(Arc::clone(&token));
    socket.drop_connection();
    server.advance(WINDOW - SECOND);
    let mut lost = server.websocket();
    assert!(lost.exchange(&format!("40{}", client.request())).is_empty());
    // Nothing else is kept for so long.
    for _ in 0..10 {
        server.advance(10 * SECOND);
        if lost.frames().contains(&"2".to_owned()) {
            lost.send("3");
        }
    }
    assert_eq!(Arc::strong_count(&token), 3);
    lost.drop_connection();
    gates.open("guard");
    drop((lost, socket));
    server.run();
    assert_eq!(Arc::strong_count(&token), 2);
    server.advance(2 * SECOND);
    assert_eq!(Arc::strong_count(&token), 1);
}

#[test]
fn who_misses_too_much_while_guards_wait_joins_as_a_new_one() {
    let gates = Gates::default();
    let server = limited(waiting(&gates, |_| ()), |limits| limits.max_recovery_packets = 3);
    let (mut socket, client) = greeted(&server);
    socket.drop_connection();
    let mut back = server.websocket();
    assert!(back.exchange(&format!("40{}", client.request())).is_empty());
    (0..4).for_each(|n| server.io.emit("meanwhile", n).unwrap());
    gates.open("guard");
    let frames = back.frames();
    assert!(frames.len() == 1 && !frames[0].contains(&client.id), "{frames:?}");
    drop(back);
    server.assert_empty();
}

// P14
#[test]
fn a_connection_that_is_dead_without_knowing_is_taken_over_once() {
    let sockets = Sockets::default();
    let server = Server::start(joining(&sockets));
    let (mut dead, mut client) = greeted(&server);
    server.io.emit("lost on the way", ()).unwrap();
    dead.frames();
    let (mut back, missed) = come_back(&server, &mut client);
    assert_eq!(missed, ["42[\"lost on the way\"]"]);
    assert_eq!(dead.frames(), ["(closed)"]);
    assert_eq!(server.io.of("/").socket_count(), 1);
    // It has been used: one who has stolen it gets nothing, and does no harm.
    is_new(&server, &client, &client.request());
    server.io.emit("more", ()).unwrap();
    assert_eq!(client.note_events(&back.frames()), ["42[\"more\"]"]);
    drop((dead, back));
    server.assert_empty();
}

#[test]
fn an_unknown_offset_takes_nothing_over() {
    let server = Server::start(recovering(|_| {}));
    let (mut alive, client) = greeted(&server);
    is_new(&server, &client, &format!("{{\"pid\":\"{}\",\"offset\":\"x\"}}", client.pid));
    assert!(alive.frames().is_empty());
    assert_eq!(server.io.of("/").socket_count(), 1);
}
