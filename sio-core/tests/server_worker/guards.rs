//! Connect guards: refusing, waiting, and what a socket may do meanwhile.

use std::sync::{Arc, Mutex};

use serde_json::json;
use sio_core::handler::{Auth, State};
use sio_core::server::{ConnectError, Io, IoConfig, NamespaceBuilder, Socket};

use crate::carrier::Server;
use crate::tools::{Gates, Notes, fails, fails_later};

fn main_namespace(register: impl FnOnce(&mut NamespaceBuilder)) -> IoConfig {
    Io::builder().namespace("/", register)
}

/// A guard that waits at the gate `guard`.
fn slow(gates: &Gates) -> IoConfig {
    let gates = gates.clone();
    main_namespace(|ns| {
        ns.connect_guard(async move || gates.wait("guard").await);
    })
}

#[test]
fn a_refusal_tells_its_message() {
    let server = Server::start(main_namespace(|ns| {
        ns.connect_guard(|| Err::<(), _>(ConnectError::new("not you")));
    }));
    let mut client = server.websocket();
    assert_eq!(client.exchange("40"), ["44{\"message\":\"not you\"}"]);
    assert_eq!(server.io.of("/").socket_count(), 0);
    assert_eq!(client.exchange("40"), ["44{\"message\":\"not you\"}"]);
}

#[test]
fn a_refusal_tells_its_data() {
    let server = Server::start(main_namespace(|ns| {
        ns.connect_guard(|| {
            Err::<(), _>(ConnectError::new("no").with_data(json!({ "retry": true })))
        });
    }));
    assert_eq!(
        server.websocket().exchange("40"),
        ["44{\"message\":\"no\",\"data\":{\"retry\":true}}"]
    );
}

#[test]
fn a_payload_that_does_not_fit_is_refused() {
    let server = Server::start(main_namespace(|ns| {
        ns.connect_guard(|_token: Auth<Vec<u8>>| ());
    }));
    let answers = server.websocket().exchange("40{\"token\":1}");
    assert!(answers[0].starts_with("44{"), "{answers:?}");
    assert!(answers[0].contains("\"code\":\"bad_auth\""), "{answers:?}");
}

#[test]
fn a_guard_that_panics_refuses_without_detail() {
    for waits in [false, true] {
        let server = Server::start(main_namespace(|ns| {
            if waits {
                ns.connect_guard(fails_later);
            } else {
                ns.connect_guard(fails);
            }
        }));
        assert_eq!(
            server.websocket().exchange("40"),
            ["44{\"message\":\"internal error\",\"data\":{\"code\":\"internal\"}}"]
        );
    }
}

#[test]
fn the_first_refusal_ends_the_row_of_guards() {
    let notes = Notes::default();
    let (guard, connection) = (notes.clone(), notes.clone());
    let server = Server::start(main_namespace(|ns| {
        ns.connect_guard(|| Err::<(), _>(ConnectError::new("no")));
        ns.connect_guard(move || guard.add("guard"));
        ns.on_connection(move || connection.add("connection"));
    }));
    server.websocket().exchange("40");
    assert_eq!(notes.take(), [""; 0]);
}

#[test]
fn guards_run_one_after_another_whether_they_wait_or_not() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let note = |name: &'static str| {
        let notes = notes.clone();
        move || notes.add(name)
    };
    let (waiting, gate) = (notes.clone(), gates.clone());
    let server = Server::start(main_namespace(|ns| {
        ns.connect_guard(note("one"));
        ns.connect_guard(async move || {
            waiting.add("two begins");
            gate.wait("guard").await;
            waiting.add("two ends");
        });
        ns.connect_guard(note("three"));
        ns.on_connection(note("connection"));
    }));
    let mut client = server.websocket();
    assert_eq!(client.exchange("40"), [""; 0]);
    assert_eq!(notes.take(), ["one", "two begins"]);
    gates.open("guard");
    assert!(client.frames()[0].starts_with("40{\"sid\""));
    assert_eq!(notes.take(), ["two ends", "three", "connection"]);
}

#[test]
fn a_guard_that_waited_may_refuse() {
    let gates = Gates::default();
    let gate = gates.clone();
    let server = Server::start(main_namespace(|ns| {
        ns.connect_guard(async move || {
            gate.wait("guard").await;
            Err::<(), _>(ConnectError::new("no"))
        });
    }));
    let mut client = server.websocket();
    client.send("40");
    gates.open("guard");
    assert_eq!(client.frames(), ["44{\"message\":\"no\"}"]);
    assert_eq!(server.io.of("/").socket_count(), 0);
}

#[test]
fn packets_while_a_guard_waits_end_the_session() {
    for text in ["42[\"a\"]", "40", "41"] {
        let gates = Gates::default();
        let server = Server::start(slow(&gates));
        let mut client = server.websocket();
        assert_eq!(client.send_all(&["40", text]), ["(closed)"], "{text}");
        server.run();
        gates.expect_left("guard");
        server.assert_empty();
    }
}

#[test]
fn a_connection_lost_while_a_guard_waits_leaves_nothing_behind() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let note = notes.clone();
    let gate = gates.clone();
    let server = Server::start(main_namespace(|ns| {
        ns.connect_guard(async move |socket: Socket| {
            socket.join("room");
            gate.wait("guard").await;
        });
        ns.on_connection(move || note.add("connection"));
    }));
    let mut client = server.websocket();
    client.send("40");
    client.drop_connection();
    server.run();
    gates.expect_left("guard");
    server.assert_empty();
    assert_eq!(server.members("room"), 0);
    assert_eq!(notes.take(), [""; 0]);
}

#[test]
fn a_socket_that_is_not_connected_gets_no_broadcast() {
    let gates = Gates::default();
    let server = Server::start(slow(&gates));
    let mut client = server.websocket();
    client.send("40");
    server.io.emit("early", ()).unwrap();
    assert_eq!(client.frames(), [""; 0]);
    gates.open("guard");
    assert_eq!(client.frames().len(), 1);
    server.io.emit("later", ()).unwrap();
    assert_eq!(client.frames(), ["42[\"later\"]"]);
}

#[test]
fn rooms_joined_in_a_guard_count_from_the_answer_on() {
    let gates = Gates::default();
    let gate = gates.clone();
    let server = Server::start(main_namespace(|ns| {
        ns.connect_guard(async move |socket: Socket| {
            socket.join(["a", "b"]);
            gate.wait("guard").await;
            socket.leave("b");
        });
    }));
    let mut client = server.websocket();
    client.send("40");
    server.run();
    assert_eq!(server.members("a"), 0);
    gates.open("guard");
    client.frames();
    assert_eq!((server.members("a"), server.members("b")), (1, 0));
}

#[test]
fn a_refused_socket_is_in_no_room() {
    let server = Server::start(main_namespace(|ns| {
        ns.connect_guard(|socket: Socket| {
            socket.join("a");
            Err::<(), _>(ConnectError::new("no"))
        });
    }));
    server.websocket().exchange("40");
    assert_eq!(server.members("a"), 0);
}

#[test]
fn what_a_guard_stored_is_there_for_handlers() {
    struct User(&'static str);
    let server = Server::start(main_namespace(|ns| {
        ns.connect_guard(|socket: Socket| {
            socket.set_state(User("ann"));
        });
        ns.on("who", |user: State<User>| user.0.0);
    }));
    assert_eq!(server.joined().exchange("420[\"who\"]"), ["430[\"ann\"]"]);
}

#[test]
fn a_socket_disconnected_during_its_guard_never_connects() {
    let gates = Gates::default();
    let seen: Arc<Mutex<Option<Socket>>> = Arc::default();
    let (gate, slot) = (gates.clone(), Arc::clone(&seen));
    let server = Server::start(main_namespace(|ns| {
        ns.connect_guard(async move |socket: Socket| {
            *slot.lock().unwrap() = Some(socket);
            gate.wait("guard").await;
        });
    }));
    let mut client = server.websocket();
    client.send("40");
    let socket = seen.lock().unwrap().take().unwrap();
    socket.disconnect(false);
    client.frames();
    server.run();
    gates.expect_left("guard");
    assert_eq!(client.frames(), [""; 0]);
    assert!(!socket.is_connected());
    assert_eq!(server.io.of("/").socket_count(), 0);
}

#[test]
fn a_guard_whose_connect_is_over_does_not_answer_the_next_one() {
    let gates = Gates::default();
    let sockets: Arc<Mutex<Vec<Socket>>> = Arc::default();
    let (gate, slot) = (gates.clone(), Arc::clone(&sockets));
    let server = Server::start(main_namespace(|ns| {
        ns.connect_guard(async move |socket: Socket| {
            let name = format!("guard {}", slot.lock().unwrap().len());
            slot.lock().unwrap().push(socket);
            gate.wait(&name).await;
        });
    }));
    let mut client = server.websocket();
    client.send("40");
    let first = sockets.lock().unwrap()[0].clone();
    first.disconnect(false);
    client.frames();
    client.send("40");
    server.run();
    gates.expect_left("guard 0");
    assert_eq!(client.frames(), [""; 0]);
    gates.open("guard 1");
    let second = sockets.lock().unwrap()[1].clone();
    assert_eq!(client.frames(), [format!("40{{\"sid\":\"{}\"}}", second.id())]);
    assert_eq!(server.io.of("/").socket_count(), 1);
    drop(client);
    server.assert_empty();
}
