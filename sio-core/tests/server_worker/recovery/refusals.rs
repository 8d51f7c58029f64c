//! Who does not come back, and what is not kept.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use sio_core::engine::{Revision, Transport};
use sio_core::server::{Handshake, HandshakeParts, Io, Opening, Recovery};

use super::*;
use crate::tools::Counter;

const MILLI: Duration = Duration::from_millis(1);

// 34.1
#[test]
fn a_server_that_does_not_recover_shows_nothing_of_it() {
    let server = Server::start(Io::builder());
    let (mut socket, answers) = ask(&server, r#"{"pid":"a","offset":"b"}"#);
    assert!(answers[0].starts_with("40{\"sid\":\"") && !answers[0].contains("pid"), "{answers:?}");
    server.io.emit("hello", 1).unwrap();
    assert_eq!(socket.frames(), ["42[\"hello\",1]"]);
    assert!(!server.sockets()[0].is_recovered());
}

#[test]
fn a_heartbeat_that_never_comes_is_no_reason_to_panic() {
    let mut config = recovering(|_| {});
    config.config_mut().engine.ping_interval = Duration::MAX;
    let server = Server::start(config);
    let (_socket, answers) = ask(&server, "");
    assert!(answers[0].contains("pid"), "{answers:?}");
}

// 34.14
#[test]
fn clients_of_revision_3_get_no_pid_and_are_not_kept() {
    let mut config = recovering(|_| {});
    config.config_mut().engine.allow_eio3 = true;
    let server = Server::start(config);
    let handshake = Handshake::new(&HandshakeParts {
        headers: &[],
        url: "/socket.io/?EIO=3",
        address: None,
        secure: false,
        time: UNIX_EPOCH,
    });
    let mut opening = Opening::new(handshake, Transport::Websocket);
    opening.revision = Revision::V3;
    let connection = server.worker.open(opening).unwrap();
    let mut socket = WebSocket::new(server.clone(), connection);
    socket.send("2");
    let frames = socket.frames();
    assert!(frames.contains(&"40".to_owned()), "{frames:?}");
    server.io.emit("hello", 1).unwrap();
    let events = socket.frames();
    // The same packet goes to all.
    assert!(events[0].starts_with("42[\"hello\",1,\""), "{events:?}");
    drop(socket);
    server.assert_empty();
}

#[test]
fn a_window_of_no_time_is_refused() {
    let mut recovery = Recovery::default();
    recovery.max_disconnection_duration = Duration::ZERO;
    let config = Io::builder().connection_state_recovery(recovery);
    let error = config.build(Box::new(Counter::default())).unwrap_err();
    assert_eq!(error.to_string(), "`max_disconnection_duration` must be above zero");
}

// 34.7
#[test]
fn what_is_unknown_or_no_text_makes_a_new_socket() {
    let server = Server::start(recovering(|_| {}));
    let (mut socket, client) = greeted(&server);
    socket.drop_connection();
    server.io.emit("missed", ()).unwrap();
    let Client { pid, offset, .. } = &client;
    for request in [
        String::new(),
        format!("{{\"pid\":\"{pid}\"}}"),
        format!("{{\"offset\":\"{offset}\"}}"),
        format!("{{\"pid\":\"{pid}\",\"offset\":1}}"),
        format!("{{\"pid\":[\"{pid}\"],\"offset\":\"{offset}\"}}"),
        format!("{{\"pid\":\"{pid}\",\"offset\":null}}"),
        format!("{{\"pid\":\"{pid}\",\"offset\":\"\"}}"),
        format!("{{\"pid\":\"{pid}\",\"offset\":\"{offset}A\"}}"),
        format!(
            "{{\"pid\":\"{pid}\",\"offset\":\"{}\"}}",
            offset.chars().rev().collect::<String>()
        ),
        format!("{{\"pid\":\"{pid}x\",\"offset\":\"{offset}\"}}"),
        format!("{{\"pid\":\"{}\",\"offset\":\"{offset}\"}}", client.id),
    ] {
        is_new(&server, &client, &request);
    }
    // None of them has used it up.
    let (_, missed) = come_back(&server, &mut client.clone());
    assert_eq!(missed, ["42[\"missed\"]"]);
}

// 34.8
#[test]
fn limit_30_the_window_is_exact_to_the_millisecond() {
    for (waits, recovers) in [(WINDOW, true), (WINDOW + MILLI, false)] {
        let server = Server::start(recovering(|_| {}));
        let (mut socket, mut client) = greeted(&server);
        server.advance(3 * SECOND);
        socket.drop_connection();
        server.advance(waits);
        if recovers {
            come_back(&server, &mut client);
        } else {
            is_new(&server, &client, &client.request());
        }
    }
}

// 34.11, row 70
#[test]
fn a_pid_is_used_once_for_each_disconnection() {
    let server = Server::start(recovering(|_| {}));
    let (mut socket, mut client) = greeted(&server);
    socket.drop_connection();
    let stolen = client.request();
    let (mut second, _) = come_back(&server, &mut client);
    is_new(&server, &client, &stolen);
    // The socket itself is unharmed, and can be recovered again.
    server.io.emit("more", ()).unwrap();
    assert_eq!(client.note_events(&second.frames()), ["42[\"more\"]"]);
    second.drop_connection();
    server.io.emit("again", ()).unwrap();
    let (_third, missed) = come_back(&server, &mut client);
    assert_eq!(missed, ["42[\"again\"]"]);
}

#[test]
fn a_pid_belongs_to_its_namespace() {
    let server = Server::start(recovering(|_| {}).namespace("/other", |_| {}));
    let (mut socket, mut client) = greeted(&server);
    socket.drop_connection();
    let mut thief = server.websocket();
    let answers = thief.exchange(&format!("40/other,{}", client.request()));
    assert!(answers.len() == 1 && !answers[0].contains(&client.id), "{answers:?}");
    come_back(&server, &mut client);
}

// P15
#[test]
fn nothing_is_recovered_once_an_event_is_gone_that_may_have_been_missed() {
    let server = limited(recovering(|_| {}), |limits| limits.max_recovery_packets = 3);
    for (missed, recovers) in [(3, true), (4, false)] {
        let (mut socket, mut client) = greeted(&server);
        socket.drop_connection();
        (0..missed).for_each(|n| server.io.emit("missed", n).unwrap());
        if recovers {
            let (_, missed) = come_back(&server, &mut client);
            assert_eq!(missed, ["42[\"missed\",0]", "42[\"missed\",1]", "42[\"missed\",2]"]);
        } else {
            is_new(&server, &client, &client.request());
        }
    }
}

// L30
#[test]
fn limit_30_the_bytes_that_are_kept_are_bounded() {
    let large = "x".repeat(1_000);
    for total in [false, true] {
        let server = limited(recovering(|_| {}), |limits| {
            let max = if total {
                &mut limits.max_recovery_bytes_total
            } else {
                &mut limits.max_recovery_bytes
            };
            *max = 4_000;
        });
        let (mut socket, mut client) = greeted(&server);
        socket.drop_connection();
        (0..3).for_each(|_| server.io.emit("missed", &large).unwrap());
        let (mut socket, missed) = come_back(&server, &mut client);
        assert_eq!(missed.len(), 3);
        socket.drop_connection();
        (0..4).for_each(|_| server.io.emit("missed", &large).unwrap());
        is_new(&server, &client, &client.request());
        // Larger than all that may be kept.
        server.io.emit("missed", "x".repeat(5_000)).unwrap();
    }
}

#[test]
fn the_oldest_sockets_give_way_when_too_many_are_kept() {
    let server = limited(recovering(|_| {}), |limits| limits.max_recovery_sockets = 2);
    let mut all: Vec<_> = (0..3).map(|_| greeted(&server)).collect();
    for (socket, client) in &mut all {
        client.note_events(&socket.frames());
        socket.drop_connection();
    }
    let mut clients: Vec<_> = all.into_iter().map(|(_, client)| client).collect();
    let _new = is_new(&server, &clients[0], &clients[0].request());
    let _last = come_back(&server, &mut clients[2]);
    come_back(&server, &mut clients[1]);
}

/// A session that could not take what was missed would end, and come back, for ever.
#[test]
fn more_than_a_session_may_have_waiting_is_not_recovered() {
    let server = limited(recovering(|_| {}), |limits| limits.send_buffer_max = 20_000);
    let (mut socket, mut client) = greeted(&server);
    socket.drop_connection();
    (0..9).for_each(|_| server.io.emit("missed", "x".repeat(2_000)).unwrap());
    let (mut socket, missed) = come_back(&server, &mut client);
    assert_eq!(missed.len(), 9);
    socket.drop_connection();
    (0..10).for_each(|_| server.io.emit("missed", "x".repeat(2_000)).unwrap());
    is_new(&server, &client, &client.request());
}

// 34.4
#[test]
fn only_who_left_by_accident_is_kept() {
    for (how, kept) in [
        ("41", false),
        ("42[\"leave\"]", false),
        ("9", false),
        ("1", true),
        ("2", true),
        ("4x", true),
        ("", true),
    ] {
        let server = Server::start(joining(&Sockets::default()));
        let (mut socket, mut client) = greeted(&server);
        if how.is_empty() {
            server.advance(46 * SECOND);
        } else {
            socket.send(how);
        }
        server.run();
        assert_eq!(server.io.of("/").socket_count(), 0, "{how}");
        if kept {
            come_back(&server, &mut client);
        } else {
            is_new(&server, &client, &client.request());
        }
    }
}

#[test]
fn nobody_is_kept_when_the_server_closes() {
    let sockets = Sockets::default();
    let server = Server::start(joining(&sockets));
    let (mut socket, _) = greeted(&server);
    let token = Arc::new(());
    let stored = sockets.lock().unwrap().pop().unwrap();
    stored.set_shared_state(Arc::clone(&token));
    drop(stored);
    server.io.close();
    socket.frames();
    server.assert_empty();
    drop(socket);
    assert_eq!(Arc::strong_count(&token), 1);
}
