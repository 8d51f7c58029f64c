//! Bounds of what a session, or all of them together, can make the server hold or do at a time.

use std::time::Duration;

use bytes::Bytes;
use sio_core::close::DisconnectReason;
use sio_core::handler::EventCx;
use sio_core::server::{Io, IoConfig, RoomEvent};

use crate::carrier::{Server, spend};
use crate::polling::push_answer;
use crate::tools::{Gates, Notes};

const ATTACHMENT: &[u8] = &[7; 60_000];

fn noting(notes: &Notes) -> IoConfig {
    let notes = notes.clone();
    Io::builder().namespace("/", |ns| {
        ns.on("bytes", |parts: Vec<Bytes>| parts.len());
        ns.on_disconnect(move |reason: DisconnectReason| notes.add(reason.as_str()));
    })
}

// ---- handlers -----------------------------------------------------------------------------------

#[test]
fn limit_33_leaving_and_joining_again_makes_no_room_for_handlers() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let (note, gate) = (notes.clone(), gates.clone());
    let mut config = Io::builder().namespace("/", |ns| {
        ns.on("work", async move |name: String| {
            note.add(name.as_str());
            gate.wait(&name).await;
        });
    });
    config.config_mut().limits.max_handlers = 2;
    let server = Server::start(config);
    let mut client = server.joined();
    client.send_all(&[r#"42["work","a"]"#, r#"42["work","b"]"#, "41"]);
    client.connect("/");
    client.send_all(&[r#"42["work","c"]"#, r#"42["work","d"]"#]);
    assert_eq!(notes.take(), ["a", "b"]);
    gates.open("a");
    client.frames();
    assert_eq!(notes.take(), ["c"]);
    gates.open("c");
    client.frames();
    assert_eq!(notes.take(), ["d"]);
}

#[test]
fn what_waited_for_room_goes_on_also_when_another_namespace_has_made_some() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let (note, gate) = (notes.clone(), gates.clone());
    let mut config = Io::builder()
        .namespace("/", |ns| {
            ns.on("work", async move |name: String| {
                note.add(name.as_str());
                gate.wait(&name).await;
            });
        })
        .namespace("/other", |_| {});
    config.config_mut().limits.max_handlers = 2;
    let server = Server::start(config);
    let mut client = server.joined();
    client.send_all(&[r#"42["work","a"]"#, "41"]);
    client.connect("/");
    client.send_all(&[r#"42["work","b"]"#, r#"42["work","c"]"#]);
    assert_eq!(notes.take(), ["a", "b"]);
    // The session may have more handlers from now on.
    client.connect("/other");
    gates.open("b");
    client.frames();
    assert_eq!(notes.take(), ["c"]);
}

#[test]
fn promise_09_an_event_whose_guard_waits_goes_with_its_socket() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let (note, gate) = (notes.clone(), gates.clone());
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on("work", move || note.add("handler")).guard(async move |_: &EventCx<'_>| {
            gate.wait("guard").await;
            true
        });
        let note = notes.clone();
        ns.on_disconnect(move || note.add("end"));
    }));
    let mut client = server.joined();
    client.exchange(r#"421["work"]"#);
    client.exchange("41");
    server.run();
    gates.expect_left("guard");
    assert_eq!(notes.take(), ["end"]);
    // The session goes on.
    client.connect("/");
}

// ---- pushes -------------------------------------------------------------------------------------

#[test]
fn a_push_of_many_packets_goes_in_slices_between_which_others_have_their_turn() {
    let notes = Notes::default();
    let note = notes.clone();
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on("count", move |n: u64| note.add(n.to_string()));
    }));
    let mut client = server.joined_by_polling();
    let packets: Vec<String> = (0..1_000).map(|n| format!(r#"42["count",{n}]"#)).collect();
    let mut reply = client.start_push(&packets.join("\x1e"));
    assert_eq!(notes.take().len(), 256);
    assert!(matches!(reply.try_recv(), Ok(None)), "the push is answered too early");
    // A second one breaks the rules, as if the first were still being received.
    server.run();
    let rest = notes.take();
    assert_eq!(rest.len(), 1_000 - 256);
    assert!(rest.iter().map(|n| n.parse::<u64>().unwrap()).eq(256..1_000), "out of order");
    assert!(matches!(reply.try_recv(), Ok(Some(_))));
}

#[test]
fn a_push_with_slow_handlers_goes_in_slices_of_a_millisecond_and_a_look_at_the_clock() {
    let notes = Notes::default();
    let note = notes.clone();
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on("count", move |n: u64| {
            spend(Duration::from_micros(100));
            note.add(n.to_string());
        });
    }));
    let mut client = server.joined_by_polling();
    let packets: Vec<String> = (0..100).map(|n| format!(r#"42["count",{n}]"#)).collect();
    let mut reply = client.start_push(&packets.join("\x1e"));
    // Ten take a millisecond, and the clock is looked at every eighth.
    assert_eq!(notes.take().len(), 16);
    server.run();
    assert_eq!(notes.take().len(), 100 - 16);
    assert!(matches!(reply.try_recv(), Ok(Some(_))));
}

// ---- unfinished input ---------------------------------------------------------------------------

#[test]
fn limit_05_unfinished_packets_of_all_sessions_are_bounded_together() {
    let notes = Notes::default();
    let mut config = noting(&notes);
    config.config_mut().limits.max_pending_input = 200_000;
    let server = Server::start(config);
    let three = format!(r#"453-1["bytes",[{0},{0},{0}]]"#, r#"{"_placeholder":true,"num":0}"#);
    let mut first = server.joined();
    first.send(&three);
    first.send_binary(ATTACHMENT);
    first.send_binary(ATTACHMENT);
    assert!(server.worker.hub().pending_input().taken() > 120_000);
    let mut second = server.joined();
    second.send(&three);
    second.send_binary(ATTACHMENT);
    assert_eq!(second.frames(), [""; 0], "what is small is not counted");
    drop(second);
    notes.take();
    let mut third = server.joined();
    third.send(&three);
    third.send_binary(ATTACHMENT);
    third.send_binary(ATTACHMENT);
    assert_eq!(third.frames(), ["(closed)"]);
    assert_eq!(notes.take(), ["transport error"]);
    // The older one is finished, and what it took is given back.
    first.send_binary(ATTACHMENT);
    assert_eq!(first.frames(), ["431[3]"]);
    assert_eq!(server.worker.hub().pending_input().taken(), 0);
}

/// One handler at a time, which waits for the gate of its name; for `large` there is none.
fn one_at_a_time(notes: &Notes, gates: &Gates) -> IoConfig {
    let gates = gates.clone();
    let mut config = noting(notes).namespace("/work", |ns| {
        ns.on("work", async move |name: String, _filling: Option<String>| {
            if name != "large" {
                gates.wait(&name).await;
            }
            name
        });
    });
    config.config_mut().limits.max_handlers = 1;
    config
}

fn work(name: &str) -> String {
    format!(r#"42/work,["work","{name}"]"#)
}

fn large(ack: u32) -> String {
    format!(r#"42/work,{ack}["work","large","{}"]"#, "x".repeat(70_000))
}

#[test]
fn limit_05_who_holds_events_is_not_read_while_all_sessions_together_hold_too_much() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let mut config = one_at_a_time(&notes, &gates);
    config.config_mut().limits.max_pending_input = 100_000;
    let server = Server::start(config);
    let budget = std::sync::Arc::clone(server.worker.hub().pending_input());
    let (mut first, mut second, mut third) = (server.joined(), server.joined(), server.joined());
    for client in [&mut first, &mut second, &mut third] {
        client.connect("/work");
    }
    first.send_all(&[&work("a"), &large(1)]);
    assert!(server.worker.takes_frames(&first.connection));
    second.send_all(&[&work("b"), &large(2)]);
    assert!(!server.worker.takes_frames(&second.connection), "there is no room for what it holds");
    // Who holds little is read.
    third.send_all(&[&work("c"), r#"42/work,3["work","large"]"#]);
    assert!(server.worker.takes_frames(&third.connection));
    assert!((70_000..100_000).contains(&budget.taken()), "{}", budget.taken());
    // Nothing was lost, and everything goes on.
    gates.open("b");
    assert_eq!(second.frames(), [r#"43/work,2["large"]"#]);
    assert!(server.worker.takes_frames(&second.connection));
    gates.open("a");
    gates.open("c");
    assert_eq!(first.frames(), [r#"43/work,1["large"]"#]);
    assert_eq!(third.frames(), [r#"43/work,3["large"]"#]);
    assert_eq!(budget.taken(), 0);
    assert!(notes.take().is_empty(), "a session has ended");
}

#[test]
fn limit_05_a_push_that_would_have_to_wait_is_refused_while_all_sessions_together_hold_too_much() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let mut config = one_at_a_time(&notes, &gates);
    let limits = &mut config.config_mut().limits;
    limits.max_payload = 1_000;
    limits.max_pending_input = 200_000;
    let server = Server::start(config);
    let budget = std::sync::Arc::clone(server.worker.hub().pending_input());
    let mut clients = [server.joined_by_polling(), server.joined_by_polling()];
    for client in &mut clients {
        assert_eq!(client.push("40/work").as_deref(), Some("ok"));
        assert!(client.poll().unwrap().starts_with("40/work"));
    }
    let [first, second] = &mut clients;
    let body = |name| [work(name), large(1), work("rest")].join("\x1e");
    let mut pushes = [first.start_push(&body("a")), second.start_push(&body("b"))];
    server.run();
    assert_eq!(push_answer(&mut pushes[0]), None, "it waits");
    assert_eq!(push_answer(&mut pushes[1]).as_deref(), Some("exhausted"));
    assert_eq!(notes.take(), ["transport error"]);
    gates.open("a");
    server.run();
    assert_eq!(push_answer(&mut pushes[0]).as_deref(), Some("ok"));
    assert_eq!(first.poll().as_deref(), Some(r#"43/work,1["large"]"#));
    assert_eq!(second.poll().as_deref(), Some("gone"));
    assert_eq!(budget.taken(), 0);
}

// ---- the hook for rooms -------------------------------------------------------------------------

#[test]
fn a_hook_for_rooms_that_is_too_slow_is_told_how_much_it_has_missed() {
    let notes = Notes::default();
    let note = notes.clone();
    let (busy, waits) = std::sync::mpsc::channel::<()>();
    let waits = std::sync::Mutex::new(waits);
    let mut config = Io::builder()
        .on_room_event(move |event| {
            match event {
                RoomEvent::JoinRoom { room, .. } if &*room == "first" => {
                    note.add("busy");
                    waits.lock().unwrap().recv().unwrap();
                }
                RoomEvent::JoinRoom { room, .. } => note.add(&*room),
                RoomEvent::Missed { events } => note.add(format!("missed {events}")),
                _ => {}
            };
        })
        .namespace("/", |_| {});
    config.config_mut().limits.max_room_events = 3;
    let server = Server::start(config);
    let _client = server.joined();
    let socket = server.sockets().pop().unwrap();
    notes.take();
    let joins = socket.clone();
    let slow = std::thread::spawn(move || joins.join("first"));
    while notes.take().is_empty() {
        std::thread::yield_now();
    }
    // Two events each, of which three are kept.
    for room in ["a", "b", "c"] {
        socket.join(room);
    }
    busy.send(()).unwrap();
    slow.join().unwrap();
    assert_eq!(notes.take(), ["a", "missed 3"]);
    socket.join("d");
    assert_eq!(notes.take(), ["d"]);
}
