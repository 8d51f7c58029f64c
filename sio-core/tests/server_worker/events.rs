//! Events: refusals, errors, order, and handlers that wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use sio_core::handler::{EventCx, EventError};
use sio_core::packet::{Binary, EncodeError, Rest, Value};
use sio_core::server::{AckSender, EmitError, Io, IoConfig, NamespaceBuilder, Socket};

use crate::carrier::Server;
use crate::tools::{Gates, Notes, fails, fails_later};

fn main_namespace(register: impl FnOnce(&mut NamespaceBuilder)) -> IoConfig {
    Io::builder().namespace("/", register)
}

/// Notes why a socket ended.
fn noting_reasons(notes: &Notes) -> IoConfig {
    let notes = notes.clone();
    main_namespace(|ns| {
        ns.on_disconnect(move |reason: sio_core::close::DisconnectReason| {
            notes.add(reason.as_str());
        });
        ns.on("known", |_number: i64| ());
    })
}

#[test]
fn what_is_no_packet_ends_the_session_with_a_forced_close() {
    for text in [
        "4",
        "4abc",
        "47",
        "42{}",
        "42[]",
        "42[\"a\"",
        "42[\"a\"]x",
        "42[true]",
        "42[\"connect\"]",
        "42-1[\"a\"]",
        "431{}",
        "40[]",
        "45[\"a\"]",
        "450-[\"a\"]",
        "4511-[\"a\"]",
        "42[\"known\",1",
        "42[\"unknown\",1",
    ] {
        let notes = Notes::default();
        let server = Server::start(noting_reasons(&notes));
        assert_eq!(server.joined().exchange(text), ["(closed)"], "{text}");
        assert_eq!(notes.take(), ["forced close"], "{text}");
        server.assert_empty();
    }
}

#[test]
fn a_broken_rule_ends_the_session_with_a_forced_close() {
    for text in ["40", "44", "42/a,[\"a\"]", "41/a", "43/a,1[]"] {
        let notes = Notes::default();
        let server = Server::start(noting_reasons(&notes));
        assert_eq!(server.joined().exchange(text), ["(closed)"], "{text}");
        assert_eq!(notes.take(), ["forced close"], "{text}");
    }
}

#[test]
fn a_broken_rule_on_polling_without_a_poll_is_a_forced_server_close() {
    let notes = Notes::default();
    let server = Server::start(noting_reasons(&notes));
    let mut client = server.joined_by_polling();
    assert_eq!(client.push("40").as_deref(), Some("ok"));
    assert_eq!(notes.take(), ["forced server close"]);
    assert_eq!(client.poll().as_deref(), Some("6\u{1e}1"));
    assert_eq!(client.poll().as_deref(), Some("gone"));
    server.assert_empty();
}

#[test]
fn an_event_nobody_handles_is_ignored_with_its_ack() {
    let server = Server::start(Io::builder());
    let mut client = server.joined();
    assert_eq!(client.exchange("420[\"nobody\",1]"), [""; 0]);
    assert_eq!(client.exchange("439[1]"), [""; 0]);
}

#[test]
fn arguments_that_do_not_fit_answer_bad_request() {
    let server = Server::start(main_namespace(|ns| {
        ns.on("add", |a: i64, b: i64| a + b);
    }));
    let mut client = server.joined();
    for (text, message) in [
        ("420[\"add\",1]", "argument 1 is missing"),
        ("420[\"add\",\"x\",1]", "argument 0 is invalid"),
    ] {
        let answer = client.exchange(text).join("");
        let head = format!("430[{{\"error\":{{\"code\":\"bad_request\",\"message\":\"{message}");
        assert!(answer.starts_with(&head), "{answer}");
    }
    assert_eq!(client.exchange("420[\"add\",1,2]"), ["430[3]"]);
}

#[test]
fn without_an_ack_an_error_is_an_exception_event() {
    let server = Server::start(main_namespace(|ns| {
        ns.on("add", |a: i64, b: i64| a + b);
        ns.on("deny", || Err::<(), _>(EventError::new("denied", "no").with_data(7)));
    }));
    let mut client = server.joined();
    assert_eq!(
        client.exchange("42[\"add\",1]"),
        ["42[\"exception\",{\"code\":\"bad_request\",\"message\":\"argument 1 is missing\",\
             \"event\":\"add\"}]"]
    );
    assert_eq!(
        client.exchange("42[\"deny\"]"),
        [
            "42[\"exception\",{\"code\":\"denied\",\"message\":\"no\",\"data\":7,\"event\":\"deny\"}]"
        ]
    );
}

#[test]
fn an_error_of_a_handler_answers_its_ack() {
    let server = Server::start(main_namespace(|ns| {
        ns.on("deny", || Err::<(), _>(EventError::new("denied", "no")));
    }));
    assert_eq!(
        server.joined().exchange("420[\"deny\"]"),
        ["430[{\"error\":{\"code\":\"denied\",\"message\":\"no\"}}]"]
    );
}

#[test]
fn a_panic_answers_internal_and_harms_nobody_else() {
    let gates = Gates::default();
    let gate = gates.clone();
    let server = Server::start(main_namespace(|ns| {
        ns.on("fails", fails);
        ns.on("fails_later", fails_later);
        ns.on("fails_last", async move || {
            gate.wait("panic").await;
            fails();
        });
        ns.on("ok", || 1);
    }));
    let (mut client, mut other) = (server.joined(), server.joined());
    let internal = "[{\"error\":{\"code\":\"internal\",\"message\":\"internal error\"}}]";
    assert_eq!(client.exchange("420[\"fails\"]"), [format!("430{internal}")]);
    assert_eq!(client.exchange("421[\"fails_later\"]"), [format!("431{internal}")]);
    assert_eq!(client.exchange("422[\"fails_last\"]"), [""; 0]);
    gates.open("panic");
    assert_eq!(client.frames(), [format!("432{internal}")]);
    assert_eq!(client.exchange("423[\"ok\"]"), ["433[1]"]);
    assert_eq!(other.exchange("420[\"ok\"]"), ["430[1]"]);
}

#[test]
fn a_panic_while_an_ack_is_held_answers_once() {
    let server = Server::start(main_namespace(|ns| {
        ns.on("fails", |ack: AckSender| {
            assert!(ack.is_wanted());
            fails();
        });
    }));
    let answers = server.joined().exchange("420[\"fails\"]");
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(answers[0].starts_with("430[{\"error\""), "{answers:?}");
}

#[test]
fn reserved_names_are_not_emitted() {
    let server = Server::start(main_namespace(|ns| {
        ns.on("try", |socket: Socket| {
            let refused = socket.emit("connect_error", 1).unwrap_err();
            assert_eq!(refused, EmitError::Encode(EncodeError::ReservedEvent("connect_error")));
            refused.to_string()
        });
    }));
    let mut client = server.joined();
    assert_eq!(
        client.exchange("420[\"try\"]"),
        ["430[\"\\\"connect_error\\\" is a reserved event name\"]"]
    );
    assert!(server.io.emit("disconnect", ()).is_err());
    assert_eq!(client.frames(), [""; 0]);
}

/// A value that cannot be written.
struct Refuses;

impl Serialize for Refuses {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("refused"))
    }
}

#[test]
fn what_cannot_be_encoded_is_an_error_and_nothing_is_sent() {
    let server = Server::start(main_namespace(|ns| {
        ns.on("try", async |socket: Socket| {
            let refused = EmitError::Encode(EncodeError::Serialize("refused".to_owned()));
            let before = Binary::from(Bytes::from_static(&[1]));
            assert_eq!(socket.emit("x", (&before, Refuses)), Err(refused.clone()));
            assert_eq!(socket.emit_volatile("x", Refuses), Err(refused.clone()));
            assert_eq!(socket.everybody().emit("x", (&before, Refuses)), Err(refused));
            assert!(socket.emit_with_ack::<()>("x", Refuses, None).await.is_err());
            1
        });
    }));
    let mut client = server.joined();
    assert_eq!(client.exchange("420[\"try\"]"), ["430[1]"]);
}

#[test]
fn an_event_after_leaving_reaches_no_handler() {
    let notes = Notes::default();
    let note = notes.clone();
    let server = Server::start(main_namespace(|ns| {
        ns.on("a", move || note.add("a"));
    }));
    let mut client = server.joined();
    assert_eq!(client.send_all(&["42[\"a\"]", "41", "42[\"a\"]"]), ["(closed)"]);
    assert_eq!(notes.take(), ["a"]);
}

#[test]
fn events_of_other_namespaces_reach_their_own_handlers() {
    let config = main_namespace(|ns| {
        ns.on("where", || "main");
    });
    let server = Server::start(config.namespace("/a", |ns| {
        ns.on("where", || "a");
    }));
    let mut client = server.joined();
    client.connect("/a");
    assert_eq!(client.exchange("42/a,5[\"where\"]"), ["43/a,5[\"a\"]"]);
    assert_eq!(client.exchange("425[\"where\"]"), ["435[\"main\"]"]);
}

#[test]
fn arguments_round_trip() {
    let server = Server::start(main_namespace(|ns| {
        ns.on("echo", |Rest(values): Rest<Value>, socket: Socket| {
            let [value] = &values[..] else { panic!("{values:?}") };
            socket.emit("echo", value)
        });
    }));
    let mut client = server.joined();
    for value in ["null", "false", "0", "-1.5", "\"é€😀\"", "[[],{}]", "{\"a\":[1,null]}"] {
        let event = format!("42[\"echo\",{value}]");
        assert_eq!(client.exchange(&event), [event.as_str()]);
    }
}

#[test]
fn replies_are_empty_single_or_several_arguments() {
    let server = Server::start(main_namespace(|ns| {
        ns.on("none", || ());
        ns.on("one", || vec![1, 2]);
        ns.on("two", || ("a", vec![1]));
    }));
    let mut client = server.joined();
    let answers = client.send_all(&["420[\"none\"]", "421[\"one\"]", "422[\"two\"]"]);
    assert_eq!(answers, ["430[]", "431[[1,2]]", "432[\"a\",[1]]"]);
}

#[test]
fn binary_events_are_handled_with_their_last_attachment() {
    let server = Server::start(main_namespace(|ns| {
        ns.on("swap", |a: Binary, b: Binary| (b, a));
    }));
    let mut client = server.joined();
    let num = |n| format!("{{\"_placeholder\":true,\"num\":{n}}}");
    client.send(&format!("452-0[\"swap\",{},{}]", num(1), num(0)));
    client.send_binary(&[1]);
    assert_eq!(client.frames(), [""; 0]);
    client.send_binary(&[2]);
    let head = format!("462-0[{},{}]", num(0), num(1));
    assert_eq!(client.frames(), [head.as_str(), "<01>", "<02>"]);
}

#[test]
fn attachments_that_do_not_come_end_the_session_after_their_timeout() {
    let server = Server::start(Io::builder());
    let mut client = server.joined();
    client.send("451-[\"a\",{\"_placeholder\":true,\"num\":0}]");
    server.advance(std::time::Duration::from_secs(24));
    assert_eq!(client.frames(), [""; 0]);
    client.send("3");
    server.advance(std::time::Duration::from_millis(6_010));
    assert_eq!(client.frames(), ["(closed)"]);
    server.assert_empty();
}

#[test]
fn handlers_that_wait_start_in_order_and_finish_in_any() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let (note, gate) = (notes.clone(), gates.clone());
    let server = Server::start(main_namespace(|ns| {
        ns.on("work", async move |name: String| {
            note.add(name.as_str());
            gate.wait(&name).await;
            name
        });
    }));
    let mut client = server.joined();
    let events = ["420[\"work\",\"a\"]", "421[\"work\",\"b\"]", "422[\"work\",\"c\"]"];
    assert_eq!(client.send_all(&events), [""; 0]);
    assert_eq!(notes.take(), ["a", "b", "c"]);
    gates.open("b");
    assert_eq!(client.frames(), ["431[\"b\"]"]);
    gates.open("c");
    gates.open("a");
    let mut rest = client.frames();
    rest.sort();
    assert_eq!(rest, ["430[\"a\"]", "432[\"c\"]"]);
}

#[test]
fn an_async_handler_that_need_not_wait_answers_in_its_turn() {
    let gates = Gates::default();
    let server = Server::start(main_namespace(|ns| {
        ns.on("now", async |number: i64| number);
        ns.on("wait", async move || gates.wait("never").await);
    }));
    let mut client = server.joined();
    let events = ["420[\"wait\"]", "421[\"now\",1]", "422[\"now\",2]"];
    assert_eq!(client.send_all(&events), ["431[1]", "432[2]"]);
}

#[test]
fn a_handler_that_outlives_its_session_runs_to_its_end_and_answers_nobody() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let (note, gate) = (notes.clone(), gates.clone());
    let server = Server::start(main_namespace(|ns| {
        ns.on("work", async move || {
            gate.wait("gate").await;
            note.add("done");
        });
    }));
    let mut client = server.joined();
    client.send("420[\"work\"]");
    client.drop_connection();
    gates.open("gate");
    server.assert_empty();
    assert_eq!(notes.take(), ["done"]);
}

#[test]
fn volatile_events_go_only_while_nothing_else_was_said() {
    let server = Server::start(main_namespace(|ns| {
        ns.on("mixed", |socket: Socket| {
            socket.emit("n", 1).unwrap();
            socket.emit_volatile("n", 2).unwrap();
            socket.emit("n", 3).unwrap();
        });
        ns.on("volatile", |socket: Socket| {
            let bytes = Binary::from(Bytes::from_static(&[1]));
            socket.emit_volatile("b", bytes).unwrap();
            socket.emit_volatile("n", 2).unwrap();
        });
    }));
    let mut client = server.joined();
    assert_eq!(client.exchange("42[\"mixed\"]"), ["42[\"n\",1]", "42[\"n\",3]"]);
    let binary = "451-[\"b\",{\"_placeholder\":true,\"num\":0}]";
    assert_eq!(client.exchange("42[\"volatile\"]"), [binary, "<01>"]);
}

#[test]
fn volatile_broadcasts_are_decided_per_receiver() {
    let server = Server::start(Io::builder());
    let (mut idle, mut away) = (server.joined(), server.joined_by_polling());
    let mut polling = server.joined_by_polling();
    assert_eq!(polling.poll(), None);
    server.io.of("/").everybody().volatile().emit("v", ()).unwrap();
    assert_eq!(idle.frames(), ["42[\"v\"]"]);
    assert_eq!(polling.answer().as_deref(), Some("42[\"v\"]"));
    assert_eq!(away.poll(), None);
}

#[test]
fn an_event_that_is_refused_takes_the_place_of_none() {
    let gates = Gates::default();
    let open = Arc::new(AtomicBool::new(true));
    let (handler, guard, is_open) = (gates.clone(), gates.clone(), Arc::clone(&open));
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on("a", async move |name: String| {
            handler.wait(&name).await;
            name
        })
        .latest()
        .guard(async move |_: &EventCx<'_>| {
            guard.wait("guard").await;
            is_open.load(Ordering::Relaxed)
        });
    }));
    let mut client = server.joined();
    client.exchange("421[\"a\",\"one\"]");
    gates.open("guard");
    client.exchange("422[\"a\",\"two\"]");
    open.store(false, Ordering::Relaxed);
    gates.open("guard");
    let forbidden = "432[{\"error\":{\"code\":\"forbidden\",\"message\":\"not allowed\"}}]";
    assert_eq!(client.frames(), [forbidden]);
    gates.open("one");
    assert_eq!(client.frames(), ["431[\"one\"]"]);
}

#[test]
fn a_handler_that_is_replaced_answers_cancelled_although_it_has_taken_its_ack() {
    let gates = Gates::default();
    let gate = gates.clone();
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on("a", async move |ack: AckSender, name: String| {
            gate.wait(&name).await;
            ack.send(name).unwrap();
        })
        .latest();
    }));
    let mut client = server.joined();
    client.exchange("421[\"a\",\"one\"]");
    let answers = client.exchange("422[\"a\",\"two\"]");
    assert!(answers.len() == 1 && answers[0].contains("\"cancelled\""), "{answers:?}");
    gates.open("two");
    assert_eq!(client.frames(), ["432[\"two\"]"]);
}

#[test]
fn hooks_see_a_packet_that_cannot_be_decoded_once_for_each_socket() {
    let notes = Notes::default();
    let (own, global) = (notes.clone(), notes.clone());
    let note = |notes: Notes, who: &'static str| {
        move |error: &mut EventError, cx: &EventCx<'_>| {
            let namespace = cx.socket().namespace().path().to_owned();
            notes.add(format!("{who} {namespace} {} {}", error.code(), error.message()));
        }
    };
    let config = Io::builder().on_error(note(global, "global")).namespace("/", |_| {}).namespace(
        "/a",
        |ns| {
            ns.on_error(note(own, "own"));
        },
    );
    let server = Server::start(config);
    let mut client = server.joined();
    client.connect("/a");
    assert_eq!(client.exchange("42[\"a\""), ["(closed)"]);
    assert_eq!(
        notes.take(),
        [
            "global / parse_error invalid payload",
            "own /a parse_error invalid payload",
            "global /a parse_error invalid payload"
        ]
    );
}
