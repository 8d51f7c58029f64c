//! Pushes, and input that is held back: handlers, output, idle packets.

use bytes::Bytes;
use sio_core::budget::Share;
use sio_core::server::{Io, IoConfig, Socket};

use crate::carrier::Server;
use crate::polling::push_answer;
use crate::tools::{Gates, Notes};

/// Two handlers at a time; `work` waits at the gate of its name.
fn two_at_a_time(notes: &Notes, gates: &Gates) -> IoConfig {
    let (note, gate) = (notes.clone(), gates.clone());
    let mut config = Io::builder().namespace("/", |ns| {
        ns.on("work", async move |name: String| {
            note.add(name.as_str());
            gate.wait(&name).await;
            name
        });
    });
    config.config_mut().limits.max_handlers = 2;
    config
}

const WORK: [&str; 3] = ["420[\"work\",\"a\"]", "421[\"work\",\"b\"]", "422[\"work\",\"c\"]"];

#[test]
fn a_push_that_is_no_text_ends_the_session() {
    let server = Server::start(Io::builder());
    let client = server.joined_by_polling();
    let body = Bytes::from_static(&[0xff]);
    let mut reply = server.worker.push(&client.session, body, false, Share::default());
    assert_eq!(push_answer(&mut reply).as_deref(), Some("invalid"));
    server.assert_empty();
}

#[test]
fn an_empty_push_ends_the_session() {
    let server = Server::start(Io::builder());
    assert_eq!(server.joined_by_polling().push("").as_deref(), Some("ok"));
    server.assert_empty();
}

#[test]
fn a_push_for_a_session_on_websocket_is_refused_without_harm() {
    let server = Server::start(Io::builder());
    let mut client = server.joined();
    let push = Bytes::from_static(b"42[\"a\"]");
    let mut reply = server.worker.push(client.connection.handle(), push, false, Share::default());
    assert_eq!(push_answer(&mut reply).as_deref(), Some("refused 3"));
    assert_eq!(client.frames(), [""; 0]);
}

#[test]
fn a_push_for_a_session_that_ended_is_refused() {
    let server = Server::start(Io::builder());
    let mut client = server.joined_by_polling();
    assert_eq!(client.push("40").as_deref(), Some("ok"));
    assert_eq!(client.push("42[\"a\"]").as_deref(), Some("refused 1"));
    assert_eq!(client.poll().as_deref(), Some("6\u{1e}1"));
    assert_eq!(client.push("42[\"a\"]").as_deref(), Some("gone"));
}

#[test]
fn one_packet_without_a_message_above_the_limit_ends_the_session() {
    let mut config = Io::builder();
    config.config_mut().limits.max_idle_packets = 3;
    let server = Server::start(config);
    let (mut at, mut above) = (server.joined_by_polling(), server.joined_by_polling());
    assert_eq!(at.push("3\u{1e}6\u{1e}3").as_deref(), Some("ok"));
    assert_eq!(server.io.session_count(), 2);
    assert_eq!(above.push("3\u{1e}6\u{1e}3\u{1e}3").as_deref(), Some("ok"));
    assert_eq!(above.poll().as_deref(), Some("gone"));
    assert_eq!(server.io.session_count(), 1);
}

#[test]
fn packets_behind_a_close_are_ignored() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let server = Server::start(two_at_a_time(&notes, &gates));
    let mut client = server.joined_by_polling();
    assert_eq!(client.push("1\u{1e}42[\"work\",\"a\"]").as_deref(), Some("ok"));
    assert_eq!(notes.take(), [""; 0]);
    server.assert_empty();
}

#[test]
fn packets_of_a_push_are_handled_in_order_and_answered_in_one_poll() {
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on("echo", |number: i64| number);
    }));
    let mut client = server.joined_by_polling();
    let push = "420[\"echo\",1]\u{1e}421[\"echo\",2]\u{1e}422[\"echo\",3]";
    assert_eq!(client.push(push).as_deref(), Some("ok"));
    assert_eq!(client.poll().as_deref(), Some("430[1]\u{1e}431[2]\u{1e}432[3]"));
}

#[test]
fn binary_in_a_push_may_be_spread_over_several() {
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on("size", |bytes: sio_core::packet::Binary| bytes.0.len());
    }));
    let mut client = server.joined_by_polling();
    let head = "451-0[\"size\",{\"_placeholder\":true,\"num\":0}]";
    assert_eq!(client.push(&format!("{head}\u{1e}bAQIDBA==")).as_deref(), Some("ok"));
    assert_eq!(client.poll().as_deref(), Some("430[4]"));
    client.push(head);
    client.push("bAQ==");
    assert_eq!(client.poll().as_deref(), Some("430[1]"));
}

// ---- input held back ----------------------------------------------------------------------------

#[test]
fn a_push_waits_while_more_is_held_than_may() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let mut config = two_at_a_time(&notes, &gates);
    config.config_mut().limits.max_payload = 120;
    let server = Server::start(config);
    let mut client = server.joined_by_polling();
    // `c` is held and fills what may be; `d` is not even looked at.
    let d = "423[\"work\",\"d\"]";
    let mut reply = client.start_push(&[WORK[0], WORK[1], WORK[2], d].join("\u{1e}"));
    assert_eq!(push_answer(&mut reply), None);
    assert_eq!(notes.take(), ["a", "b"]);
    gates.open("b");
    server.run();
    assert_eq!(notes.take(), ["c"]);
    assert_eq!(push_answer(&mut reply).as_deref(), Some("ok"));
    assert_eq!(client.poll().as_deref(), Some("431[\"b\"]"));
    gates.open("a");
    server.run();
    assert_eq!(notes.take(), ["d"]);
}

#[test]
fn events_above_the_handler_limit_are_held_in_order() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let server = Server::start(two_at_a_time(&notes, &gates));
    let mut client = server.joined_by_polling();
    assert_eq!(client.push(&WORK.join("\u{1e}")).as_deref(), Some("ok"));
    assert_eq!(client.push("423[\"work\",\"d\"]").as_deref(), Some("ok"));
    assert_eq!(notes.take(), ["a", "b"]);
    gates.open("b");
    server.run();
    assert_eq!(notes.take(), ["c"]);
    gates.open("c");
    server.run();
    assert_eq!(notes.take(), ["d"]);
}

#[test]
fn answers_reach_handlers_while_events_are_held() {
    let notes = Notes::default();
    let note = notes.clone();
    let mut config = Io::builder().namespace("/", |ns| {
        ns.on("ask", async move |socket: Socket, name: String| {
            let answer: Result<String, _> = socket.emit_with_ack("q", name, None).await;
            note.add(answer.unwrap());
        });
    });
    config.config_mut().limits.max_handlers = 1;
    let server = Server::start(config);
    let mut client = server.joined();
    assert_eq!(client.send_all(&["42[\"ask\",\"a\"]", "42[\"ask\",\"b\"]"]), ["420[\"q\",\"a\"]"]);
    assert_eq!(client.exchange("430[\"A\"]"), ["421[\"q\",\"b\"]"]);
    client.exchange("431[\"B\"]");
    assert_eq!(notes.take(), ["A", "B"]);
}

#[test]
fn a_push_of_exactly_as_many_handlers_does_not_wait() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let server = Server::start(two_at_a_time(&notes, &gates));
    let mut client = server.joined_by_polling();
    assert_eq!(client.push(&WORK[..2].join("\u{1e}")).as_deref(), Some("ok"));
    assert_eq!(notes.take(), ["a", "b"]);
}

#[test]
fn a_websocket_is_not_read_while_more_is_held_than_may() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let mut config = two_at_a_time(&notes, &gates);
    config.config_mut().limits.max_payload = 120;
    let server = Server::start(config);
    let mut client = server.joined();
    assert_eq!(client.send_all(&WORK), [""; 0]);
    assert_eq!(notes.take(), ["a", "b"]);
    assert!(!server.worker.takes_frames(&client.connection));
    gates.open("a");
    assert_eq!(client.frames(), ["430[\"a\"]"]);
    assert_eq!(notes.take(), ["c"]);
    assert!(server.worker.takes_frames(&client.connection));
}

#[test]
fn handlers_of_one_session_do_not_hold_another_back() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let server = Server::start(two_at_a_time(&notes, &gates));
    let (mut busy, mut other) = (server.joined(), server.joined());
    busy.send_all(&WORK);
    notes.take();
    other.send("42[\"work\",\"other\"]");
    assert_eq!(notes.take(), ["other"]);
}

#[test]
fn a_session_that_ends_answers_the_push_that_waits() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let server = Server::start(two_at_a_time(&notes, &gates));
    let mut client = server.joined_by_polling();
    let mut reply = client.start_push(&WORK.join("\u{1e}"));
    server.io.close();
    server.run();
    assert!(push_answer(&mut reply).is_some());
    gates.open("a");
    let unavailable =
        r#"[{"error":{"code":"unavailable","message":"the server is shutting down"}}]"#;
    let answers: Vec<String> = (0..3).map(|id| format!("43{id}{unavailable}")).collect();
    assert_eq!(client.poll(), Some(answers.join("\u{1e}")), "who asked is answered");
    assert_eq!(client.poll().as_deref(), Some("6\u{1e}1"));
    server.assert_empty();
    assert_eq!(notes.take(), ["a", "b"]);
}

#[test]
fn a_second_push_does_not_make_the_waiting_one_disappear() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let server = Server::start(two_at_a_time(&notes, &gates));
    let mut client = server.joined_by_polling();
    let mut first = client.start_push(&WORK.join("\u{1e}"));
    // The connection of the first push is gone before it was answered, and the client goes on.
    first.close();
    let _second = client.start_push("423[\"work\",\"d\"]");
    for name in ["a", "b"] {
        gates.open(name);
        server.run();
    }
    let ran = notes.take();
    let ended = client.session.has_ended();
    assert!(ended || ran == ["a", "b", "c", "d"], "the session goes on without `c`: {ran:?}");
}

#[test]
fn a_push_waits_while_too_much_waits_for_the_peer() {
    let notes = Notes::default();
    let note = notes.clone();
    let mut config = Io::builder().namespace("/", |ns| {
        ns.on("big", move |socket: Socket, number: i64| {
            note.add(number.to_string());
            socket.emit("big", "x".repeat(100))
        });
    });
    config.config_mut().limits.send_buffer_high = 100;
    let server = Server::start(config);
    let mut client = server.joined_by_polling();
    let mut reply = client.start_push("42[\"big\",1]\u{1e}42[\"big\",2]");
    assert_eq!(push_answer(&mut reply), None);
    assert_eq!(notes.take(), ["1"]);
    assert!(client.poll().unwrap().starts_with("42[\"big\""));
    assert_eq!(notes.take(), ["2"]);
    assert_eq!(push_answer(&mut reply).as_deref(), Some("ok"));
}

#[test]
fn a_receiver_that_does_not_read_ends_and_the_others_get_everything() {
    let mut config = Io::builder();
    config.config_mut().limits.send_buffer_max_frames = 10;
    let server = Server::start(config);
    let (mut reading, mut sleeping) = (server.joined(), server.joined_by_polling());
    for number in 0..11 {
        server.io.emit("n", number).unwrap();
        assert_eq!(reading.frames(), [format!("42[\"n\",{number}]")]);
    }
    assert_eq!(server.io.session_count(), 1);
    assert_eq!(sleeping.poll().as_deref(), Some("gone"));
    assert_eq!(server.io.of("/").socket_count(), 1);
}

#[test]
fn a_broken_event_that_was_held_ends_the_session_at_once() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let server = Server::start(two_at_a_time(&notes, &gates));
    let mut client = server.joined();
    client.send_all(&[WORK[0], WORK[1], "42[\"work\",{bad]", "42[\"work\",\"late\"]"]);
    gates.open("a");
    assert_eq!(client.frames(), ["430[\"a\"]", "(closed)"]);
    assert_eq!(notes.take(), ["a", "b"]);
    server.assert_empty();
}

#[test]
fn a_socket_that_ends_gives_the_room_of_its_held_events_back() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let mut config = two_at_a_time(&notes, &gates).namespace("/calm", |ns| {
        ns.on("echo", |number: i64| number);
    });
    config.config_mut().limits.max_payload = 120;
    let server = Server::start(config);
    let mut client = server.joined();
    client.exchange("40/calm,");
    client.send_all(&WORK);
    assert!(!server.worker.takes_frames(&client.connection));
    server.io.of("/").disconnect_sockets(false);
    assert!(server.worker.takes_frames(&client.connection));
    let told = client.exchange("42/calm,5[\"echo\",1]");
    assert_eq!(told.last().map(String::as_str), Some("43/calm,5[1]"));
}
