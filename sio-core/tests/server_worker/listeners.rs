//! Listeners of one socket, in both directions, and flags of one emit.

use std::sync::{Arc, Mutex};

use sio_core::handler::EventError;
use sio_core::packet::{Binary, Rest, Value};
use sio_core::server::{
    AckSender, Io, IoConfig, ListenerId, NamespaceBuilder, OutgoingEvent, PollReply, Socket,
};

use crate::carrier::{Server, WebSocket};
use crate::tools::{Gates, Notes, fails};

fn main_namespace(register: impl FnOnce(&mut NamespaceBuilder)) -> IoConfig {
    Io::builder().namespace("/", register)
}

/// A client that has joined `/`, and its socket.
fn joined(server: &Server) -> (WebSocket, Socket) {
    let client = server.joined();
    let socket = server.sockets().pop().unwrap();
    (client, socket)
}

fn bare() -> (Server, WebSocket, Socket) {
    let server = Server::start(Io::builder());
    let (client, socket) = joined(&server);
    (server, client, socket)
}

// ---- named events ---------------------------------------------------------------------------------

#[test]
fn a_removed_listener_hears_nothing() {
    let (_server, mut client, socket) = bare();
    let notes = Notes::default();
    let add = |name: &'static str| {
        let notes = notes.clone();
        socket.on("e", move || notes.add(name))
    };
    let (a, b) = (add("a"), add("b"));
    assert_eq!(socket.listeners("e"), [a, b]);
    assert!(socket.off(a));
    assert!(!socket.off(a));
    client.exchange("42[\"e\"]");
    assert_eq!(notes.take(), ["b"]);
    assert!(socket.off_event("e"));
    assert!(!socket.off_event("e"));
    add("c");
    assert!(socket.off_all());
    client.exchange("42[\"e\"]");
    assert_eq!(notes.take(), [""; 0]);
    assert_eq!(socket.listeners("e"), [] as [ListenerId; 0]);
}

#[test]
fn a_socket_that_has_ended_takes_no_listener() {
    let (server, mut client, socket) = bare();
    client.exchange("41");
    let held = Arc::new(());
    let kept = Arc::clone(&held);
    socket.on("e", move || drop(Arc::clone(&kept)));
    let kept = Arc::clone(&held);
    socket.on_any_outgoing(move |_| drop(Arc::clone(&kept)));
    assert_eq!(Arc::strong_count(&held), 1);
    assert_eq!(socket.listeners("e"), [] as [ListenerId; 0]);
    drop(client);
    server.assert_empty();
}

#[test]
fn listeners_end_with_their_socket_also_if_they_hold_it() {
    let (_server, mut client, socket) = bare();
    let held = Arc::new(());
    let (kept, itself) = (Arc::clone(&held), socket.clone());
    socket.on("e", move || drop((itself.clone(), Arc::clone(&kept))));
    let (kept, itself) = (Arc::clone(&held), socket.clone());
    socket.on_any_outgoing(move |_| drop((itself.clone(), Arc::clone(&kept))));
    let kept = Arc::clone(&held);
    socket.use_middleware(move |_: &mut sio_core::server::IncomingEvent| {
        Arc::strong_count(&kept) > 0
    });
    assert_eq!(Arc::strong_count(&held), 4);
    client.exchange("41");
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn listeners_of_a_refused_socket_are_gone() {
    let held = Arc::new(());
    let kept = Arc::clone(&held);
    let server = Server::start(main_namespace(move |ns| {
        ns.connect_guard(move |socket: Socket| {
            let (kept, itself) = (Arc::clone(&kept), socket.clone());
            socket.on("e", move || drop((itself.clone(), Arc::clone(&kept))));
            Err::<(), _>(EventError::new("no", "no"))
        });
    }));
    server.websocket().exchange("40");
    // The guard's own.
    assert_eq!(Arc::strong_count(&held), 2);
}

#[test]
fn the_first_listener_answers_where_the_namespace_has_no_handler() {
    let (_server, mut client, socket) = bare();
    let notes = Notes::default();
    socket.on("add", |a: i64, b: i64| a + b);
    let noted = notes.clone();
    socket.on("add", move |a: i64| {
        noted.add(a.to_string());
        "second"
    });
    assert_eq!(client.exchange("427[\"add\",1,2]"), ["437[3]"]);
    assert_eq!(notes.take(), ["1"]);
}

#[test]
fn a_listener_that_waits_or_takes_the_ack_over_answers_too() {
    let gates = Gates::default();
    let (_server, mut client, socket) = bare();
    let gate = gates.clone();
    socket.on("later", async move || {
        gate.wait("later").await;
        1
    });
    socket.on("by_hand", |ack: AckSender| ack.send(2).unwrap());
    assert_eq!(client.exchange("421[\"later\"]"), [""; 0]);
    assert_eq!(client.exchange("422[\"by_hand\"]"), ["432[2]"]);
    gates.open("later");
    assert_eq!(client.frames(), ["431[1]"]);
}

#[test]
fn beside_a_handler_of_the_namespace_listeners_only_hear() {
    let notes = Notes::default();
    let noted = notes.clone();
    let server = Server::start(main_namespace(move |ns| {
        let fallback = noted.clone();
        ns.on("e", move || {
            noted.add("handler");
            "answer"
        });
        ns.fallback(move || fallback.add("fallback"));
    }));
    let (mut client, socket) = joined(&server);
    for event in ["e", "own"] {
        let notes = notes.clone();
        socket.on(event, move || {
            notes.add("listener");
            "another"
        });
    }
    assert_eq!(client.exchange("421[\"e\"]"), ["431[\"answer\"]"]);
    assert_eq!(notes.take(), ["handler", "listener"]);
    assert_eq!(client.exchange("422[\"own\"]"), ["432[\"another\"]"]);
    assert_eq!(notes.take(), ["listener"]);
    client.exchange("42[\"unknown\"]");
    assert_eq!(notes.take(), ["fallback"]);
}

#[test]
fn listeners_hear_the_events_of_their_socket_only() {
    let (server, mut client, socket) = bare();
    let notes = Notes::default();
    let noted = notes.clone();
    socket.on("e", move |n: i64| noted.add(n.to_string()));
    let mut other = server.joined();
    other.exchange("42[\"e\",1]");
    client.exchange("42[\"e\",2]");
    assert_eq!(notes.take(), ["2"]);
}

#[test]
fn once_is_once_also_if_the_handler_says_it_again() {
    let notes = Notes::default();
    let (_server, mut client, socket) = bare();
    let noted = notes.clone();
    socket.once("e", move |socket: Socket, n: i64| {
        noted.add(format!("once {n}"));
        let noted = noted.clone();
        socket.once("e", move |n: i64| noted.add(format!("again {n}")));
    });
    client.send_all(&["42[\"e\",1]", "42[\"e\",2]", "42[\"e\",3]"]);
    assert_eq!(notes.take(), ["once 1", "again 2"]);
    let id = socket.once("e", || ());
    assert!(socket.off(id));
}

#[test]
fn a_listener_may_remove_itself_and_others_and_end_the_socket() {
    let (server, mut client, socket) = bare();
    let notes = Notes::default();
    let own = Arc::new(Mutex::new(None::<ListenerId>));
    let (noted, known) = (notes.clone(), Arc::clone(&own));
    let id = socket.on("e", move |socket: Socket| {
        noted.add("first");
        assert!(socket.off(known.lock().unwrap().unwrap()));
    });
    *own.lock().unwrap() = Some(id);
    let noted = notes.clone();
    socket.on("e", move || noted.add("second"));
    client.send_all(&["42[\"e\"]", "42[\"e\"]"]);
    assert_eq!(notes.take(), ["first", "second", "second"]);
    socket.off_all();
    socket.on("e", |socket: Socket| socket.disconnect(false));
    let noted = notes.clone();
    socket.on("e", move || noted.add("behind the end"));
    assert_eq!(client.exchange("42[\"e\"]"), ["41"]);
    assert_eq!(notes.take(), [""; 0]);
    drop(client);
    server.assert_empty();
}

#[test]
fn a_listener_that_panics_takes_nothing_else_down() {
    let (_server, mut client, socket) = bare();
    let notes = Notes::default();
    socket.on("e", fails);
    let noted = notes.clone();
    socket.on("e", move || noted.add("second"));
    let answer = client.exchange("421[\"e\"]");
    assert_eq!(answer, ["431[{\"error\":{\"code\":\"internal\",\"message\":\"internal error\"}}]"]);
    assert_eq!(notes.take(), ["second"]);
}

#[test]
fn guards_of_all_namespaces_are_asked_for_listeners_too() {
    let server = Server::start(
        Io::builder().guard(|cx: &sio_core::handler::EventCx<'_>| cx.event() != "forbidden"),
    );
    let (mut client, socket) = joined(&server);
    socket.on("forbidden", || 1);
    socket.on("allowed", || 1);
    assert_eq!(client.exchange("421[\"allowed\"]"), ["431[1]"]);
    let refused = client.exchange("422[\"forbidden\"]");
    assert!(refused[0].contains("\"code\":\"forbidden\""), "{refused:?}");
}

#[test]
fn a_reserved_name_never_comes() {
    let (_server, mut client, socket) = bare();
    let notes = Notes::default();
    let noted = notes.clone();
    let id = socket.on("disconnect", move || noted.add("called"));
    assert!(socket.off(id));
    client.exchange("41");
    assert_eq!(notes.take(), [""; 0]);
}

// ---- all events -----------------------------------------------------------------------------------

#[test]
fn catch_all_listeners_run_first_in_their_order_and_are_listed() {
    let notes = Notes::default();
    let (of_namespace, of_event) = (notes.clone(), notes.clone());
    let server = Server::start(main_namespace(move |ns| {
        ns.on_any(move || of_namespace.add("namespace"));
        ns.on("e", move || of_event.add("event"));
    }));
    let (mut client, socket) = joined(&server);
    let add = |name: &'static str, first: bool| {
        let notes = notes.clone();
        let called = move |Rest(args): Rest<Value>| notes.add(format!("{name} {}", args.len()));
        if first { socket.prepend_any(called) } else { socket.on_any(called) }
    };
    let (b, c, a) = (add("b", false), add("c", false), add("a", true));
    assert_eq!(socket.listeners_any(), [a, b, c]);
    client.exchange("42[\"e\",1,2]");
    assert_eq!(notes.take(), ["namespace", "a 2", "b 2", "c 2", "event"]);
    assert!(socket.off_any(b));
    assert!(!socket.off_any(b));
    client.exchange("42[\"unknown\"]");
    assert_eq!(notes.take(), ["namespace", "a 0", "c 0"]);
    assert!(socket.off_any(None));
    assert_eq!(client.exchange("421[\"e\"]"), ["431[]"]);
    assert_eq!(notes.take(), ["namespace", "event"]);
    assert_eq!(socket.listeners_any(), [] as [ListenerId; 0]);
}

#[test]
fn a_catch_all_listener_answers_nothing_and_may_end_the_socket() {
    let (_server, mut client, socket) = bare();
    socket.on("e", || "listener");
    let id = socket.on_any(|| "catch-all");
    assert_eq!(client.exchange("421[\"e\"]"), ["431[\"listener\"]"]);
    socket.off_any(id);
    socket.on_any(|socket: Socket| socket.disconnect(false));
    assert_eq!(client.exchange("422[\"e\"]"), ["41"]);
}

// ---- what is sent ---------------------------------------------------------------------------------

/// Notes what is sent to a socket.
fn watch(socket: &Socket, notes: &Notes) -> ListenerId {
    let notes = notes.clone();
    socket.on_any_outgoing(move |event| notes.add(shown(event)))
}

fn shown(event: &OutgoingEvent) -> String {
    let Rest(args) = event.read::<Rest<Value>>().unwrap();
    format!("{} {args:?}", event.name())
}

#[test]
fn emits_and_broadcasts_are_shown_and_acks_are_not() {
    let server = Server::start(main_namespace(|ns| {
        ns.on("ask", || 7);
    }));
    let (mut client, socket) = joined(&server);
    let notes = Notes::default();
    let id = watch(&socket, &notes);
    socket.emit("direct", (1, "a")).unwrap();
    server.io.emit("all", true).unwrap();
    server.io.to("nobody").emit("others", ()).unwrap();
    socket.broadcast().emit("others", ()).unwrap();
    drop(socket.emit_with_ack::<()>("asked", (), None));
    assert_eq!(client.exchange("421[\"ask\"]").last().unwrap(), "431[7]");
    let seen = notes.take();
    assert_eq!(seen, ["direct [Number(Number(1)), String(\"a\")]", "all [Bool(true)]", "asked []"]);
    assert!(socket.off_any_outgoing(id));
    server.io.emit("all", ()).unwrap();
    socket.emit("direct", ()).unwrap();
    assert_eq!(notes.take(), [""; 0]);
}

#[test]
fn bytes_are_shown_as_bytes() {
    let (server, _client, socket) = bare();
    let notes = Notes::default();
    watch(&socket, &notes);
    socket.emit("direct", Binary::from(vec![1, 2])).unwrap();
    server.io.emit("all", ("x", Binary::from(vec![3]))).unwrap();
    let seen = notes.take();
    assert_eq!(seen[0], "direct [Binary(b\"\\x01\\x02\")]");
    assert_eq!(seen[1], "all [String(\"x\"), Binary(b\"\\x03\")]");
}

#[test]
fn outgoing_listeners_are_called_in_order_listed_and_removed() {
    let (server, _client, socket) = bare();
    let notes = Notes::default();
    let noted = notes.clone();
    let b = socket.on_any_outgoing(move |_| noted.add("b"));
    let noted = notes.clone();
    let a = socket.prepend_any_outgoing(move |_| noted.add("a"));
    assert_eq!(socket.listeners_any_outgoing(), [a, b]);
    server.io.emit("e", ()).unwrap();
    assert_eq!(notes.take(), ["a", "b"]);
    assert!(socket.off_any_outgoing(None));
    assert!(!socket.off_any_outgoing(a));
    server.io.emit("e", ()).unwrap();
    assert_eq!(notes.take(), [""; 0]);
}

#[test]
fn an_outgoing_listener_may_emit_end_sockets_and_panic() {
    let (server, mut client, socket) = bare();
    let itself = socket.clone();
    socket.on_any_outgoing(move |event| {
        itself.emit("seen", event.name()).unwrap();
        itself.io().emit("all-seen", event.name()).unwrap();
    });
    socket.on_any_outgoing(|_| panic!("secret"));
    server.io.emit("one", ()).unwrap();
    socket.emit("two", ()).unwrap();
    let mut frames = client.frames();
    frames.sort();
    assert_eq!(
        frames,
        [
            "42[\"all-seen\",\"one\"]",
            "42[\"all-seen\",\"two\"]",
            "42[\"one\"]",
            "42[\"seen\",\"one\"]",
            "42[\"seen\",\"two\"]",
            "42[\"two\"]",
        ]
    );
    let itself = socket.clone();
    socket.on_any_outgoing(move |_| itself.disconnect(false));
    server.io.emit("three", ()).unwrap();
    assert_eq!(client.frames().last().unwrap(), "41");
    drop(client);
    server.assert_empty();
}

// ---- flags of one emit ----------------------------------------------------------------------------

#[test]
fn flags_belong_to_one_emit_and_not_to_the_socket() {
    let (_server, mut client, socket) = bare();
    // Something is being written: the transport takes nothing volatile.
    socket.emit("a", 1).unwrap();
    socket.volatile().emit("b", 2).unwrap();
    socket.emit("c", 3).unwrap();
    socket.volatile().send(4).unwrap();
    socket.compress(false).send("m").unwrap();
    socket.write("w").unwrap();
    assert_eq!(
        client.frames(),
        ["42[\"a\",1]", "42[\"c\",3]", "42[\"message\",\"m\"]", "42[\"message\",\"w\"]"]
    );
    socket.volatile().emit("d", ()).unwrap();
    assert_eq!(client.frames(), ["42[\"d\"]"]);
}

/// Whether the transport may compress what a poll gets.
fn compressible(server: &Server, emit: impl FnOnce(&Io, &Socket)) -> bool {
    let client = server.joined_by_polling();
    let socket = server.sockets().pop().unwrap();
    let mut poll = server.worker.poll_session(&client.session);
    emit(&server.io, &socket);
    match poll.try_recv() {
        Ok(Some(PollReply::Payload(payload))) => payload.compressible,
        other => panic!("{other:?}"),
    }
}

#[test]
fn compress_is_a_flag_of_the_emit_and_on_by_default() {
    let server = Server::start(Io::builder());
    assert!(compressible(&server, |_, socket| socket.emit("e", ()).unwrap()));
    assert!(compressible(&server, |io, _| io.emit("e", ()).unwrap()));
    assert!(compressible(&server, |io, _| io.compress(true).emit("e", ()).unwrap()));
    assert!(!compressible(&server, |_, socket| socket.compress(false).emit("e", ()).unwrap()));
    assert!(!compressible(&server, |io, _| io.compress(false).emit("e", ()).unwrap()));
}

#[test]
fn an_event_whose_listener_ends_the_socket_does_not_follow_the_disconnect() {
    let (_server, mut client, socket) = bare();
    socket.on_any_outgoing({
        let socket = socket.clone();
        move |_| socket.disconnect(false)
    });
    socket.emit("secret", ()).unwrap();
    assert_eq!(client.frames(), ["41"]);
}
