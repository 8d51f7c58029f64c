//! Who is woken, when, and how often.

use std::thread;
use std::time::Duration;

use sio_core::server::{Io, Socket};

use crate::carrier::Server;
use crate::tools::Gates;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_worker_is_woken_once_by_other_threads_until_it_runs() {
    let server = Server::start(Io::builder());
    let _client = server.joined();
    server.run();
    let io = server.io.clone();
    let say = move || (0..5).for_each(|n| io.emit("n", n).unwrap());
    thread::spawn(say.clone()).join().unwrap();
    assert_eq!(server.wakes(), 1);
    server.run();
    thread::spawn(say).join().unwrap();
    assert_eq!(server.wakes(), 1);
}

#[test]
fn a_worker_is_woken_by_a_deadline_before_the_one_it_sleeps_for() {
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on("ask", |socket: Socket, seconds: u64| {
            drop(socket.emit_with_ack::<()>("q", (), Duration::from_secs(seconds)));
        });
    }));
    let mut client = server.joined();
    let before = server.worker.next_deadline().unwrap();
    server.wakes();
    client.send("42[\"ask\",60]");
    assert_eq!(server.wakes(), 0);
    client.send("42[\"ask\",1]");
    assert_eq!(server.wakes(), 1);
    assert!(server.worker.next_deadline().unwrap() < before);
}

/// There is no timer per session: however many are idle, the worker sleeps once for all of them.
#[test]
fn idle_sessions_share_the_turns_of_their_worker() {
    let server = Server::start(Io::builder());
    let mut clients: Vec<_> = (0..200).map(|_| server.joined()).collect();
    let end = server.worker.tick() + 26 * SECOND;
    let mut turns = 0;
    while let Some(due) = server.worker.next_deadline().filter(|due| *due <= end) {
        server.advance(due - server.worker.tick());
        turns += 1;
    }
    assert_eq!(turns, 1);
    server.wakes();
    for client in &mut clients {
        assert_eq!(client.frames(), ["2"]);
        client.send("3");
    }
    // Their next pings are on the wheel already, or wait for the turn that the worker sleeps for.
    assert!(server.wakes() <= 1);
}

/// The deadline of a missing pong is far behind the next ping.
fn frequent_pings() -> Server {
    let mut config = Io::builder();
    config.config_mut().engine.ping_interval = SECOND;
    config.config_mut().engine.ping_timeout = 20 * SECOND;
    Server::start(config)
}

#[test]
fn pings_come_at_their_interval_where_the_timeout_is_longer() {
    let server = frequent_pings();
    let mut client = server.joined();
    for ping in 0..60 {
        server.advance(SECOND + Duration::from_millis(20));
        assert_eq!(client.frames(), ["2"], "ping {ping}");
        client.send("3");
    }
}

#[test]
fn polls_bring_pings_at_their_interval_where_the_timeout_is_longer() {
    let server = frequent_pings();
    let mut client = server.joined_by_polling();
    for ping in 0..60 {
        server.advance(SECOND + Duration::from_millis(20));
        assert_eq!(client.poll().as_deref(), Some("2"), "ping {ping}");
        assert_eq!(client.push("3").as_deref(), Some("ok"));
    }
}

#[test]
fn a_worker_without_sessions_has_no_deadline() {
    let server = Server::start(Io::builder());
    assert_eq!(server.worker.next_deadline(), None);
    drop(server.joined());
    server.advance(100 * SECOND);
    assert_eq!(server.worker.next_deadline(), None);
}

#[test]
fn a_waiting_websocket_is_woken_once_until_it_has_its_turn() {
    let server = Server::start(Io::builder());
    let mut client = server.joined();
    (0..5).for_each(|n| server.io.emit("n", n).unwrap());
    assert_eq!(client.wakes(), 1);
    client.send("3");
    assert_eq!(client.frames().len(), 5);
    server.io.emit("n", 5).unwrap();
    assert_eq!(client.wakes(), 1);
}

#[test]
fn a_websocket_is_not_woken_by_what_it_says_itself() {
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on("echo", |socket: Socket| socket.emit("echo", ()));
        ns.on("all", |io: Io| io.emit("all", ()));
    }));
    let mut client = server.joined();
    client.wakes();
    client.send("42[\"echo\"]");
    client.send("42[\"all\"]");
    assert_eq!(client.wakes(), 0);
    assert_eq!(client.frames(), ["42[\"echo\"]", "42[\"all\"]"]);
}

#[test]
fn nobody_is_woken_by_what_is_not_for_him() {
    let server = Server::start(Io::builder());
    let client = server.joined();
    client.wakes();
    server.io.to("nobody").emit("x", ()).unwrap();
    server.run();
    assert_eq!(client.wakes(), 0);
}

#[test]
fn every_end_wakes_the_websocket() {
    let ends: [fn(&Server, &Socket); 4] = [
        |_, socket| socket.disconnect(true),
        |_, socket| socket.close_session(),
        |server, _| server.io.of("/").disconnect_sockets(true),
        |server, _| server.io.close(),
    ];
    for end in ends {
        let gates = Gates::default();
        let gate = gates.clone();
        let server = Server::start(Io::builder().namespace("/", |ns| {
            ns.on("wait", async move || gate.wait("gate").await);
        }));
        let mut client = server.joined();
        client.exchange("42[\"wait\"]");
        let socket = server.sockets().remove(0);
        end(&server, &socket);
        assert_eq!(client.frames().last().map(String::as_str), Some("(closed)"));
        gates.open("gate");
        server.assert_empty();
    }
}
