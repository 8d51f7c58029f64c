//! What sees the events of a socket before their handlers.

use std::sync::{Arc, Mutex};

use sio_core::handler::{EventCx, EventError};
use sio_core::packet::{Rest, Value};
use sio_core::server::{IncomingEvent, Io, IoConfig, NamespaceBuilder, Socket};

use crate::carrier::Server;
use crate::tools::{Gates, Notes, fails};

fn main_namespace(register: impl FnOnce(&mut NamespaceBuilder)) -> IoConfig {
    Io::builder().namespace("/", register)
}

#[test]
fn a_refused_event_is_dropped_and_only_who_asked_is_told() {
    let notes = Notes::default();
    let (hooked, outer, handled) = (notes.clone(), notes.clone(), notes.clone());
    let config = main_namespace(move |ns| {
        ns.on_error(move |error: &mut EventError, cx: &EventCx<'_>| {
            hooked.add(format!("{} {}", cx.event(), error.code()));
        });
        ns.socket_middleware(|event: &mut IncomingEvent| match event.name() {
            "bad" => Err(EventError::new("refused", "not this")),
            _ => Ok(()),
        });
        ns.socket_middleware(move |event: &mut IncomingEvent| {
            handled.add(format!("second {}", event.name()));
            true
        });
        ns.on("bad", || 1);
        ns.on("good", || 2);
    });
    let server = Server::start(
        config.on_error(move |_: &mut EventError, _: &EventCx<'_>| outer.add("global")),
    );
    let mut client = server.joined();
    assert_eq!(client.exchange("42[\"bad\"]"), [""; 0]);
    assert_eq!(notes.take(), ["bad refused", "global"]);
    assert_eq!(
        client.exchange("421[\"bad\"]"),
        ["431[{\"error\":{\"code\":\"refused\",\"message\":\"not this\"}}]"]
    );
    assert_eq!(notes.take(), ["bad refused", "global"]);
    assert_eq!(client.exchange("422[\"good\"]"), ["432[2]"]);
    assert_eq!(notes.take(), ["second good"]);
}

#[test]
fn false_is_a_refusal_and_a_panic_is_one_that_tells_nothing() {
    let server = Server::start(main_namespace(|ns| {
        ns.socket_middleware(|event: &mut IncomingEvent| {
            if event.name() == "panic" {
                fails();
            }
            event.name() != "no"
        });
        ns.on("no", || 1);
        ns.on("yes", || 1);
    }));
    let mut client = server.joined();
    let refused = client.exchange("421[\"no\"]");
    assert!(refused[0].contains("\"code\":\"forbidden\""), "{refused:?}");
    assert_eq!(
        client.exchange("422[\"panic\"]"),
        ["432[{\"error\":{\"code\":\"internal\",\"message\":\"internal error\"}}]"]
    );
    assert_eq!(client.exchange("423[\"yes\"]"), ["433[1]"]);
}

#[test]
fn broken_packets_end_the_session_before_a_middleware_sees_them() {
    let notes = Notes::default();
    let noted = notes.clone();
    let server = Server::start(main_namespace(move |ns| {
        ns.socket_middleware(move |_: &mut IncomingEvent| {
            noted.add("seen");
            true
        });
    }));
    let frames = server.joined().exchange("42[\"e\",{]");
    assert_eq!(frames.last().unwrap(), "(closed)");
    assert_eq!(notes.take(), [""; 0]);
}

#[test]
fn an_event_is_renamed_and_its_arguments_replaced() {
    let notes = Notes::default();
    let (seen, heard) = (notes.clone(), notes.clone());
    let server = Server::start(main_namespace(move |ns| {
        ns.on_any(move |Rest(args): Rest<Value>| seen.add(format!("any {}", args.len())));
        ns.socket_middleware(|event: &mut IncomingEvent| {
            if event.name() == "old" {
                let n: i64 = event.read()?;
                event.set_name("new");
                event.set_args((n + 1, "more", sio_core::packet::Binary::from(vec![1])))?;
            }
            Ok::<(), EventError>(())
        });
        ns.on("old", || "old");
        ns.on("new", move |Rest(args): Rest<Value>| {
            heard.add(format!("{args:?}"));
            args.len()
        });
    }));
    assert_eq!(server.joined().exchange("421[\"old\",1]"), ["431[3]"]);
    assert_eq!(
        notes.take(),
        ["any 1", "[Number(Number(2)), String(\"more\"), Binary(b\"\\x01\")]"]
    );
}

#[test]
fn a_renamed_event_finds_listeners_the_fallback_or_nobody() {
    let server = Server::start(main_namespace(|ns| {
        ns.socket_middleware(|event: &mut IncomingEvent| {
            let name = event.name().trim_start_matches("to-").to_owned();
            event.set_name(name);
            true
        });
    }));
    let mut client = server.joined();
    server.sockets()[0].on("own", || "listener");
    assert_eq!(client.exchange("421[\"to-own\"]"), ["431[\"listener\"]"]);
    assert_eq!(client.exchange("422[\"to-nobody\"]"), [""; 0]);
}

#[test]
fn those_of_the_namespace_run_before_the_sockets_own_and_know_the_socket() {
    let notes = Notes::default();
    let (first, own) = (notes.clone(), notes.clone());
    let server = Server::start(main_namespace(move |ns| {
        ns.socket_middleware(move |event: &mut IncomingEvent| {
            first.add(format!("namespace {}", event.wants_ack()));
            true
        });
        ns.on_connection(move |socket: Socket| {
            let (own, id) = (own.clone(), socket.id().clone());
            socket.use_middleware(async move |event: &mut IncomingEvent| {
                assert_eq!(*event.socket().id(), id);
                own.add("own");
                true
            });
        });
        ns.on("e", || 1);
    }));
    assert_eq!(server.joined().exchange("421[\"e\"]"), ["431[1]"]);
    assert_eq!(notes.take(), ["namespace true", "own"]);
}

/// Events named `slow` wait at the gate of the same name.
fn waiting(notes: &Notes, gates: &Gates) -> IoConfig {
    let (notes, gates) = (notes.clone(), gates.clone());
    main_namespace(move |ns| {
        ns.socket_middleware(async move |event: &mut IncomingEvent| {
            if event.name().starts_with("slow") {
                gates.wait("slow").await;
            }
            event.name() != "slow-no"
        });
        for name in ["slow", "slow-no", "quick"] {
            let notes = notes.clone();
            ns.on(name, move || {
                notes.add(name);
                name
            });
        }
    })
}

#[test]
fn events_wait_in_order_behind_one_that_a_middleware_makes_wait() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let server = Server::start(waiting(&notes, &gates));
    let mut client = server.joined();
    let frames = client.send_all(&["421[\"slow\"]", "422[\"quick\"]", "423[\"quick\"]"]);
    assert_eq!(frames, [""; 0]);
    assert_eq!(notes.take(), [""; 0]);
    gates.open("slow");
    assert_eq!(client.frames(), ["431[\"slow\"]", "432[\"quick\"]", "433[\"quick\"]"]);
    assert_eq!(notes.take(), ["slow", "quick", "quick"]);
    client.exchange("424[\"slow-no\"]");
    client.send("425[\"quick\"]");
    gates.open("slow");
    let frames = client.frames();
    assert!(frames[0].starts_with("434[{\"error\":{\"code\":\"forbidden\""), "{frames:?}");
    assert_eq!(frames[1], "435[\"quick\"]");
}

#[test]
fn the_end_of_the_socket_drops_an_event_that_waits() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let server = Server::start(waiting(&notes, &gates));
    let mut client = server.joined();
    client.send("421[\"slow\"]");
    client.exchange("41");
    gates.expect_left("slow");
    assert_eq!(client.frames(), [""; 0]);
    client.connect("/");
    assert_eq!(client.exchange("422[\"quick\"]"), ["432[\"quick\"]"]);
    assert_eq!(notes.take(), ["quick"]);
}

#[test]
fn an_event_that_waits_is_answered_when_the_server_closes() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let server = Server::start(waiting(&notes, &gates));
    let mut client = server.joined();
    client.send("421[\"slow\"]");
    server.io.close();
    let frames = client.frames();
    assert!(frames[0].contains("\"code\":\"unavailable\""), "{frames:?}");
    server.run();
    gates.expect_left("slow");
    assert_eq!(notes.take(), [""; 0]);
}

#[test]
fn connect_disconnect_and_acks_are_not_seen() {
    let seen = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&seen);
    let server = Server::start(main_namespace(move |ns| {
        ns.socket_middleware(move |_: &mut IncomingEvent| {
            *counted.lock().unwrap() += 1;
            true
        });
    }));
    let mut client = server.joined();
    drop(server.sockets()[0].emit_with_ack::<()>("q", (), None));
    client.send_all(&["430[]", "41"]);
    assert_eq!(*seen.lock().unwrap(), 0);
}
