//! What a session may do before others have their turn, and what it holds meanwhile.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sio_core::close::DisconnectReason;
use sio_core::limits::Limit;
use sio_core::server::{Inventory, Io, IoConfig, Socket};

use crate::carrier::{Server, spend};
use crate::polling::{Polling, push_answer};
use crate::tools::{Gates, Notes};

/// Ten of them take the time of a turn, and the clock is looked at every eighth.
const SLOW: Duration = Duration::from_micros(100);
const SLOW_TURN: usize = 16;

/// `count` takes its time and notes its number.
fn counting(notes: &Notes, time: Duration) -> IoConfig {
    let (count, end) = (notes.clone(), notes.clone());
    Io::builder().namespace("/", move |ns| {
        ns.on("count", move |n: u64| {
            spend(time);
            count.add(n.to_string());
            n
        });
        ns.on_disconnect(move |reason: DisconnectReason| end.add(reason.as_str()));
    })
}

fn events(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|n| format!(r#"42["count",{n}]"#)).collect()
}

fn numbers(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|n| n.to_string()).collect()
}

// ---- held events --------------------------------------------------------------------------------

/// The ways to keep events waiting until the gate is opened.
#[derive(Debug, Clone, Copy)]
enum Block {
    Connection,
    Ordered,
    Full,
}

/// A client of which events from 0 on wait behind a handler.
fn blocked(
    block: Block,
    events: &[String],
    time: Duration,
) -> (Server, crate::carrier::WebSocket, Notes, Gates) {
    let (notes, gates) = (Notes::default(), Gates::default());
    let gate = gates.clone();
    let mut config = counting(&notes, time).namespace("/", |ns| match block {
        Block::Connection => {
            ns.on_connection(async move || gate.wait("gate").await);
        }
        Block::Ordered => {
            ns.on("wait", async move || gate.wait("gate").await).ordered();
        }
        Block::Full => {
            ns.on("wait", async move || gate.wait("gate").await);
        }
    });
    if matches!(block, Block::Full) {
        config.config_mut().limits.max_handlers = 1;
    }
    let server = Server::start(config);
    let mut client = server.joined();
    if !matches!(block, Block::Connection) {
        client.send(r#"42["wait"]"#);
    }
    let texts: Vec<&str> = events.iter().map(String::as_str).collect();
    client.send_all(&texts);
    assert_eq!(notes.take(), [""; 0], "{block:?}: nothing keeps the events waiting");
    (server, client, notes, gates)
}

const BLOCKS: [Block; 3] = [Block::Connection, Block::Ordered, Block::Full];

#[test]
fn held_events_go_in_slices_between_which_others_have_their_turn() {
    for block in BLOCKS {
        let (server, mut client, notes, gates) = blocked(block, &events(0..1_000), Duration::ZERO);
        gates.open("gate");
        server.poll();
        assert_eq!(notes.take(), numbers(0..256), "{block:?}");
        server.poll();
        assert_eq!(notes.take(), numbers(256..512), "{block:?}");
        client.frames();
        assert_eq!(notes.take(), numbers(512..1_000), "{block:?}");
        // The client is read again.
        assert_eq!(client.exchange(r#"421["count",1000]"#), ["431[1000]"], "{block:?}");
    }
}

#[test]
fn held_events_with_slow_handlers_go_in_slices_of_a_millisecond() {
    for block in BLOCKS {
        let (server, mut client, notes, gates) = blocked(block, &events(0..100), SLOW);
        gates.open("gate");
        server.poll();
        assert_eq!(notes.take().len(), SLOW_TURN, "{block:?}");
        client.frames();
        assert_eq!(notes.take().len(), 100 - SLOW_TURN, "{block:?}");
    }
}

#[test]
fn what_comes_while_held_events_go_in_slices_waits_behind_them() {
    let (server, mut client, notes, gates) =
        blocked(Block::Ordered, &events(0..1_000), Duration::ZERO);
    gates.open("gate");
    server.poll();
    // A socket that leaves loses what is held for it: this must not be read yet.
    client.send_all(&[r#"42["count",1000]"#, "41"]);
    let mut expected = numbers(0..1_001);
    expected.push("client namespace disconnect".to_owned());
    assert_eq!(notes.take(), expected);
    client.connect("/");
}

#[test]
fn a_push_behind_held_events_that_go_in_slices_keeps_its_place() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let gate = gates.clone();
    let config = counting(&notes, SLOW).namespace("/", |ns| {
        ns.on("wait", async move || gate.wait("gate").await).ordered();
    });
    let server = Server::start(config);
    let mut client = server.joined_by_polling();
    let mut body = events(0..100);
    body.insert(0, r#"42["wait"]"#.to_owned());
    assert_eq!(client.push(&body.join("\x1e")).as_deref(), Some("ok"));
    gates.open("gate");
    server.poll();
    let mut push = client.start_push(&events(100..200).join("\x1e"));
    assert_eq!(push_answer(&mut push), None);
    server.poll();
    // One turn, not one for what is held and one for the push.
    assert_eq!(notes.take().len(), 2 * SLOW_TURN);
    server.run();
    assert_eq!(notes.take(), numbers(2 * SLOW_TURN as u64..200));
    assert_eq!(push_answer(&mut push).as_deref(), Some("ok"));
}

fn inventory(io: &Io) -> Inventory {
    match pin!(io.inventory()).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(inventory) => inventory,
        Poll::Pending => panic!("the only worker has not answered"),
    }
}

#[test]
fn held_events_that_wait_for_their_turn_count_as_unfinished_handlers() {
    let (server, mut client, _notes, gates) =
        blocked(Block::Ordered, &events(0..300), Duration::ZERO);
    assert_eq!(inventory(&server.io).handlers, 1);
    gates.open("gate");
    server.poll();
    assert_eq!(inventory(&server.io).handlers, 300 - 256);
    client.frames();
    assert_eq!(inventory(&server.io).handlers, 0);
}

#[test]
fn held_events_of_a_session_that_ends_between_its_turns_do_not_run() {
    let (server, mut client, notes, gates) =
        blocked(Block::Ordered, &events(0..1_000), Duration::ZERO);
    gates.open("gate");
    server.poll();
    assert_eq!(notes.take().len(), 256);
    client.drop_connection();
    server.run();
    assert_eq!(notes.take(), ["transport close"]);
    server.assert_empty();
}

// ---- one turn -----------------------------------------------------------------------------------

#[test]
fn polls_during_a_push_give_it_no_more_turns() {
    let notes = Notes::default();
    let server = Server::start(counting(&notes, SLOW));
    let mut client = server.joined_by_polling();
    let mut push = client.start_push(&events(0..500).join("\x1e"));
    assert_eq!(notes.take().len(), SLOW_TURN);
    let socket = server.sockets().pop().unwrap();
    for round in 0..4 {
        // Each answer may be what the push has waited for.
        for _ in 0..5 {
            socket.emit("news", ()).unwrap();
            let mut poll = server.worker.poll_session(&client.session);
            assert!(poll.try_recv().unwrap().is_some(), "nothing to say");
        }
        server.poll();
        assert_eq!(notes.take().len(), SLOW_TURN, "round {round}");
    }
    server.run();
    assert_eq!(notes.take(), numbers(5 * SLOW_TURN as u64..500));
    assert_eq!(push_answer(&mut push).as_deref(), Some("ok"));
}

// ---- what waits for its turn --------------------------------------------------------------------

/// Larger than what is not counted.
fn large_body() -> String {
    events(0..5_000).join("\x1e")
}

fn with_room_for_one(notes: &Notes) -> Server {
    let mut config = counting(notes, SLOW);
    config.config_mut().limits.max_pending_input = large_body().len() + 1_000;
    Server::start(config)
}

fn reached(server: &Server) -> u64 {
    server.worker.hub().limits_reached().of(Limit::MaxPendingInput)
}

#[test]
fn limit_05_a_push_that_waits_for_its_turn_counts_until_it_is_through() {
    let notes = Notes::default();
    let server = with_room_for_one(&notes);
    let budget = Arc::clone(server.worker.hub().pending_input());
    let mut clients = [server.joined_by_polling(), server.joined_by_polling()];
    let [first, second] = &mut clients;
    let mut waits = first.start_push(&large_body());
    assert_eq!(push_answer(&mut waits), None);
    assert_eq!((budget.taken(), reached(&server)), (large_body().len(), 0));
    assert_eq!(notes.take().len(), SLOW_TURN);
    // There is room for one of them.
    let mut refused = second.start_push(&large_body());
    assert_eq!(push_answer(&mut refused).as_deref(), Some("exhausted"));
    assert_eq!(notes.take().last().map(String::as_str), Some("transport error"));
    assert_eq!((budget.taken(), reached(&server)), (large_body().len(), 1));
    for _ in 0..5 {
        server.poll();
        assert_eq!(budget.taken(), large_body().len());
    }
    server.run();
    assert_eq!(push_answer(&mut waits).as_deref(), Some("ok"));
    assert_eq!(budget.taken(), 0);
    assert_eq!(second.poll().as_deref(), Some("gone"));
}

#[test]
fn limit_05_a_push_that_waits_for_its_turn_is_given_back_once_however_its_session_ends() {
    type End = fn(&Server, &mut Polling);
    let ends: [(&str, End); 5] = [
        ("server shutting down", |server, _| server.io.close()),
        ("transport error", |_, client| drop(client.start_push("2"))),
        ("transport error", |server, client| server.worker.push_failed(&client.session, "lost")),
        ("server namespace disconnect", |server, _| {
            server.sockets().pop().unwrap().disconnect(true);
        }),
        ("transport close", |server, _| server.worker.stop()),
    ];
    for (reason, end) in ends {
        let notes = Notes::default();
        let server = with_room_for_one(&notes);
        let budget = Arc::clone(server.worker.hub().pending_input());
        let mut client = server.joined_by_polling();
        let mut waits = client.start_push(&large_body());
        assert_eq!(push_answer(&mut waits), None);
        assert_eq!(budget.taken(), large_body().len());
        notes.take();
        end(&server, &mut client);
        assert_eq!(budget.taken(), 0, "{reason}");
        server.run();
        assert_eq!(notes.take(), [reason]);
        assert_eq!(budget.taken(), 0, "{reason}");
    }
}

#[test]
fn limit_05_a_push_whose_handler_ends_the_session_is_given_back() {
    let notes = Notes::default();
    let mut config = counting(&notes, SLOW).namespace("/", |ns| {
        ns.on("end", |socket: Socket| socket.disconnect(true));
    });
    config.config_mut().limits.max_pending_input = 1 << 20;
    let server = Server::start(config);
    let budget = Arc::clone(server.worker.hub().pending_input());
    let mut client = server.joined_by_polling();
    let mut body = events(0..5_000);
    body.insert(100, r#"42["end"]"#.to_owned());
    let mut push = client.start_push(&body.join("\x1e"));
    assert_eq!(push_answer(&mut push), None);
    assert!(budget.taken() > 0);
    server.run();
    assert!(push_answer(&mut push).is_some());
    assert_eq!(budget.taken(), 0);
}
