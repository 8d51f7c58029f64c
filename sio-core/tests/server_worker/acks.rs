//! Acks in both directions, with timeouts in virtual time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_core::handler::{EventCx, FromContext as _, Next, Reply};
use sio_core::packet::{Rest, Value};
use sio_core::server::{AckError, AckSender, EmitError, Io, IoConfig, NamespaceBuilder, Socket};

use crate::carrier::Server;
use crate::tools::{Gates, Notes};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);
/// Timers are this late at most.
const TICK: Duration = Duration::from_millis(8);

fn main_namespace(register: impl FnOnce(&mut NamespaceBuilder)) -> IoConfig {
    Io::builder().namespace("/", register)
}

/// Asks each client `q` when it says `go`, and notes what becomes of it.
fn asking(notes: &Notes, timeout: impl Into<Option<Duration>>) -> IoConfig {
    let (notes, timeout) = (notes.clone(), timeout.into());
    main_namespace(|ns| {
        ns.on("go", async move |socket: Socket| {
            notes.add(match socket.emit_with_ack::<i64>("q", 1, timeout).await {
                Ok(answer) => answer.to_string(),
                Err(error) => error.to_string(),
            });
        });
    })
}

#[test]
fn no_answer_within_the_timeout_is_an_error() {
    let notes = Notes::default();
    let server = Server::start(asking(&notes, 5 * SECOND));
    let mut client = server.joined();
    assert_eq!(client.exchange("42[\"go\"]"), ["420[\"q\",1]"]);
    server.advance(5 * SECOND - MS);
    assert_eq!(notes.take(), [""; 0]);
    server.advance(MS + TICK);
    assert_eq!(notes.take(), ["operation has timed out"]);
}

#[test]
fn an_answer_after_the_timeout_is_ignored() {
    let notes = Notes::default();
    let server = Server::start(asking(&notes, SECOND));
    let mut client = server.joined();
    client.exchange("42[\"go\"]");
    server.advance(2 * SECOND);
    assert_eq!(client.exchange("430[7]"), [""; 0]);
    assert_eq!(notes.take(), ["operation has timed out"]);
}

#[test]
fn a_timeout_of_zero_has_passed_before_any_answer() {
    let notes = Notes::default();
    let server = Server::start(asking(&notes, Duration::ZERO));
    let mut client = server.joined();
    assert_eq!(client.exchange("42[\"go\"]"), ["420[\"q\",1]"]);
    assert_eq!(notes.take(), ["operation has timed out"]);
    assert_eq!(client.exchange("430[7]"), [""; 0]);
}

#[test]
fn an_emit_above_the_limit_of_waiting_acks_is_refused_and_not_sent() {
    let notes = Notes::default();
    let mut config = asking(&notes, None);
    config.config_mut().limits.max_pending_acks = 2;
    let server = Server::start(config);
    let mut client = server.joined();
    let sent = client.send_all(&["42[\"go\"]", "42[\"go\"]", "42[\"go\"]"]);
    assert_eq!(sent, ["420[\"q\",1]", "421[\"q\",1]"]);
    assert_eq!(notes.take(), ["2 emits wait for an ack already"]);
    client.exchange("430[7]");
    assert_eq!(client.exchange("42[\"go\"]"), ["423[\"q\",1]"]);
}

#[test]
fn a_refused_emit_says_so_in_its_type() {
    let mut config = main_namespace(|ns| {
        ns.on("go", async |socket: Socket| {
            let refused = socket.emit_with_ack::<()>("q", (), None).await.unwrap_err();
            assert!(matches!(refused, AckError::Emit(EmitError::TooManyAcks(_))), "{refused:?}");
            let refused = socket.emit_with_ack::<()>("connect", (), None).await.unwrap_err();
            assert!(matches!(refused, AckError::Emit(EmitError::Encode(_))), "{refused:?}");
            1
        });
    });
    config.config_mut().limits.max_pending_acks = 0;
    assert_eq!(Server::start(config).joined().exchange("420[\"go\"]"), ["430[1]"]);
}

#[test]
fn a_socket_that_ends_fails_its_acks() {
    let notes = Notes::default();
    let server = Server::start(asking(&notes, None));
    let mut client = server.joined();
    client.send("42[\"go\"]");
    client.exchange("41");
    assert_eq!(notes.take(), ["the socket has been disconnected"]);
    drop(client);
    server.assert_empty();
}

#[test]
fn an_unknown_id_answers_nothing() {
    let notes = Notes::default();
    let server = Server::start(asking(&notes, None));
    let mut client = server.joined();
    client.send("42[\"go\"]");
    assert_eq!(client.send_all(&["431[7]", "43[7]", "43"]), ["420[\"q\",1]"]);
    assert_eq!(notes.take(), [""; 0]);
}

#[test]
fn the_second_answer_is_ignored() {
    let notes = Notes::default();
    let server = Server::start(asking(&notes, None));
    let mut client = server.joined();
    client.send("42[\"go\"]");
    client.send_all(&["430[7]", "430[8]"]);
    assert_eq!(notes.take(), ["7"]);
}

#[test]
fn one_socket_cannot_answer_for_another() {
    let notes = Notes::default();
    let server = Server::start(asking(&notes, None));
    let (mut asked, mut other) = (server.joined(), server.joined());
    asked.send("42[\"go\"]");
    other.exchange("430[666]");
    assert_eq!(notes.take(), [""; 0]);
    asked.exchange("430[7]");
    assert_eq!(notes.take(), ["7"]);
}

#[test]
fn an_answer_of_the_wrong_type_is_an_error() {
    let notes = Notes::default();
    let server = Server::start(asking(&notes, None));
    let mut client = server.joined();
    client.send_all(&["42[\"go\"]", "42[\"go\"]"]);
    client.send_all(&["430[\"x\"]", "431[]"]);
    let errors = notes.take();
    assert!(errors[0].starts_with("argument 0 is invalid"), "{errors:?}");
    assert_eq!(errors[1], "argument 0 is missing");
}

#[test]
fn ids_count_from_zero_per_namespace() {
    let notes = Notes::default();
    let server = Server::start(asking(&notes, None).namespace("/a", |ns| {
        ns.on("go", async |socket: Socket| {
            let _never = socket.emit_with_ack::<()>("q", (), None).await;
        });
    }));
    let (mut first, mut second) = (server.joined(), server.joined());
    second.connect("/a");
    assert_eq!(first.exchange("42[\"go\"]"), ["420[\"q\",1]"]);
    assert_eq!(second.exchange("42[\"go\"]"), ["421[\"q\",1]"]);
    assert_eq!(second.exchange("42/a,[\"go\"]"), ["42/a,0[\"q\"]"]);
}

#[test]
fn all_arguments_of_an_answer_can_be_had_or_none() {
    let notes = Notes::default();
    let note = notes.clone();
    let server = Server::start(main_namespace(|ns| {
        ns.on("go", async move |socket: Socket| {
            let all = socket.emit_with_ack::<Rest<Value>>("q", (), None).await.unwrap();
            note.add(all.0.len().to_string());
            socket.emit_with_ack::<()>("q", (), None).await.unwrap();
            note.add("any");
        });
    }));
    let mut client = server.joined();
    client.send("42[\"go\"]");
    client.exchange("430[1,[2],null]");
    client.exchange("431[]");
    assert_eq!(notes.take(), ["3", "any"]);
}

#[test]
fn the_timeouts_of_many_acks_pass_one_by_one() {
    let notes = Notes::default();
    let note = notes.clone();
    let server = Server::start(main_namespace(|ns| {
        ns.on("go", async move |socket: Socket, seconds: u64| {
            let timeout = Duration::from_secs(seconds);
            let result = socket.emit_with_ack::<i64>("q", (), timeout).await;
            note.add(format!("{seconds} {}", result.is_ok()));
        });
    }));
    let mut client = server.joined();
    client.send_all(&["42[\"go\",3]", "42[\"go\",1]", "42[\"go\",2]"]);
    client.send("432[1]");
    server.advance(SECOND + TICK);
    assert_eq!(notes.take(), ["2 true", "1 false"]);
    server.advance(2 * SECOND);
    assert_eq!(notes.take(), ["3 false"]);
}

#[test]
fn a_dropped_wait_sends_its_event_all_the_same() {
    let server = Server::start(main_namespace(|ns| {
        ns.on("go", |socket: Socket| drop(socket.emit_with_ack::<()>("q", (), SECOND)));
    }));
    let mut client = server.joined();
    assert_eq!(client.exchange("42[\"go\"]"), ["420[\"q\"]"]);
    server.advance(2 * SECOND);
    assert_eq!(client.exchange("430[]"), [""; 0]);
}

#[test]
fn dropped_waits_do_not_use_up_the_limit() {
    let mut config = main_namespace(|ns| {
        ns.on("go", |socket: Socket| drop(socket.emit_with_ack::<()>("q", (), None)));
    });
    config.config_mut().limits.max_pending_acks = 1;
    let server = Server::start(config);
    let mut client = server.joined();
    assert_eq!(client.exchange("42[\"go\"]"), ["420[\"q\"]"]);
    assert_eq!(client.exchange("42[\"go\"]"), ["421[\"q\"]"]);
}

// ---- answering by hand --------------------------------------------------------------------------

#[test]
fn an_ack_that_is_dropped_answers_no_answer() {
    let server = Server::start(main_namespace(|ns| {
        ns.on("drop", |ack: AckSender| drop(ack));
    }));
    let mut client = server.joined();
    assert_eq!(
        client.exchange("420[\"drop\"]"),
        ["430[{\"error\":{\"code\":\"no_answer\",\"message\":\"the handler gave no answer\"}}]"]
    );
    assert_eq!(client.exchange("42[\"drop\"]"), [""; 0]);
}

#[test]
fn arguments_that_do_not_fit_answer_once_although_an_ack_was_taken() {
    let server = Server::start(main_namespace(|ns| {
        ns.on("take", |ack: AckSender, number: i64| ack.send(number));
    }));
    let answers = server.joined().exchange("420[\"take\",\"x\"]");
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(answers[0].starts_with("430[{\"error\":{\"code\":\"bad_request\""), "{answers:?}");
}

#[test]
fn an_ack_answers_later_than_its_handler() {
    let held: Arc<Mutex<Option<AckSender>>> = Arc::default();
    let slot = Arc::clone(&held);
    let server = Server::start(main_namespace(|ns| {
        ns.on("hold", move |ack: AckSender| {
            *slot.lock().unwrap() = Some(ack);
            "not this"
        });
    }));
    let mut client = server.joined();
    assert_eq!(client.exchange("427[\"hold\"]"), [""; 0]);
    let ack = held.lock().unwrap().take().unwrap();
    ack.send(("a", 1)).unwrap();
    assert_eq!(client.frames(), ["437[\"a\",1]"]);
}

#[test]
fn an_answer_to_a_socket_that_ended_is_dropped() {
    let (held, gates) = (Arc::<Mutex<Option<AckSender>>>::default(), Gates::default());
    let (slot, gate) = (Arc::clone(&held), gates.clone());
    let server = Server::start(main_namespace(|ns| {
        ns.on("hold", move |ack: AckSender| *slot.lock().unwrap() = Some(ack));
        ns.on("slow", async move || gate.wait("slow").await);
    }));
    let mut client = server.joined();
    client.send_all(&["420[\"hold\"]", "421[\"slow\"]", "41"]);
    held.lock().unwrap().take().unwrap().send(()).unwrap();
    gates.open("slow");
    assert_eq!(client.frames(), [""; 0]);
}

#[test]
fn a_timeout_beyond_the_clock_is_never() {
    let server = Server::start(main_namespace(|ns| {
        ns.on("go", |socket: Socket| drop(socket.emit_with_ack::<()>("q", (), Duration::MAX)));
    }));
    let mut client = server.joined();
    assert_eq!(client.exchange("42[\"go\"]"), ["420[\"q\"]"]);
    let socket = client.exchange("42[\"go\"]");
    assert_eq!(socket, ["421[\"q\"]"]);
}

#[test]
fn an_ack_is_given_to_the_first_who_takes_it_and_answered_once() {
    async fn answers(cx: &EventCx<'_>, next: Next) -> Reply {
        let ack = AckSender::from_context(cx).unwrap();
        ack.send("middleware").unwrap();
        next.run().await
    }
    let server = Server::start(main_namespace(|ns| {
        ns.on("twice", |first: AckSender, second: AckSender| {
            second.send("second").unwrap();
            first.send("first").unwrap();
        });
        ns.on("value", || "handler").middleware(answers);
        ns.on("sender", |ack: AckSender| ack.send("handler").unwrap()).middleware(answers);
    }));
    let mut client = server.joined();
    assert_eq!(client.exchange("421[\"twice\"]"), ["431[\"first\"]"]);
    assert_eq!(client.exchange("422[\"value\"]"), ["432[\"middleware\"]"]);
    // Parameters are taken before middleware runs.
    assert_eq!(client.exchange("423[\"sender\"]"), ["433[\"handler\"]"]);
}
