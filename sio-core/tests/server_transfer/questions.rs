//! Broadcasts with acks, listeners, middleware and rooms of a session that moves.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use serde_json::Value;
use sio_core::engine::Transport;
use sio_core::handler::EventError;
use sio_core::server::{
    BroadcastAckError, BroadcastAckFuture, IncomingEvent, IoConfig, Pattern, RoomEvent,
    SessionHandle,
};

use crate::threads::Thread;
use crate::world::{A, B, C, Shared, World, config};

const SECOND: Duration = Duration::from_secs(1);

type Asked = Pin<Box<BroadcastAckFuture<String>>>;

fn threads() -> Vec<Thread> {
    vec![Thread::spawn(), Thread::spawn(), Thread::spawn()]
}

/// Asks everybody from a worker's thread.
fn ask_on(world: &World, worker: usize) -> Asked {
    let io = world.io.clone();
    world.run(worker, move |_| {
        Box::pin(io.of("/").emit_with_ack::<String>("q", (), SECOND)) as Asked
    })
}

fn answered(asked: &mut Asked) -> Poll<Result<Vec<String>, BroadcastAckError<String>>> {
    asked.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Somebody else, on a worker.
fn stranger(world: &World, worker: usize) -> Arc<SessionHandle> {
    world.run(worker, |local| {
        let session = local.open(Transport::Websocket);
        local.turn(&session, Some("40"));
        session
    })
}

fn says(world: &World, worker: usize, session: &Arc<SessionHandle>, text: &'static str) {
    let session = Arc::clone(session);
    world.run(worker, move |local| local.turn(&session, Some(text)));
}

#[test]
fn a_question_before_during_and_behind_the_move_is_asked_and_answered_once() {
    for worker in [A, B, C] {
        for moment in 0..3 {
            let mut world = World::new();
            let on_c = stranger(&world, C);
            let early = (moment == 0).then(|| ask_on(&world, worker));
            let _arrival = world.fetch_from_afar(B);
            let during = (moment == 1).then(|| ask_on(&world, worker));
            world.settle();
            let late = (moment == 2).then(|| ask_on(&world, worker));
            let mut asked = early.or(during).or(late).unwrap();
            world.upgrade(B);
            let what = format!("worker {worker}, moment {moment}");
            assert_eq!(world.collect(), ["420[\"q\"]"], "{what}");
            world.turn(Some("430[\"moved\"]".to_owned()));
            assert_eq!(answered(&mut asked), Poll::Pending, "{what}");
            says(&world, C, &on_c, "430[\"stranger\"]");
            let answers = vec!["moved".to_owned(), "stranger".to_owned()];
            assert_eq!(answered(&mut asked), Poll::Ready(Ok(answers)), "{what}");
        }
    }
}

#[test]
fn the_timeout_of_a_question_moves_with_its_session() {
    let mut world = World::new();
    let mut asked = ask_on(&world, A);
    let _arrival = world.fetch_from_afar(B);
    world.settle();
    world.upgrade(B);
    assert_eq!(world.collect(), ["420[\"q\"]"]);
    world.advance(SECOND - Duration::from_millis(1));
    assert_eq!(answered(&mut asked), Poll::Pending);
    world.advance(Duration::from_millis(20));
    assert!(matches!(answered(&mut asked), Poll::Ready(Err(_))));
    world.turn(Some("430[\"late\"]".to_owned()));
    assert_eq!(world.collect(), [""; 0]);
}

#[test]
fn a_question_to_a_session_that_ends_on_its_way_is_not_waited_for() {
    let mut world = World::new();
    let mut asked = ask_on(&world, C);
    let _arrival = world.fetch_from_afar(B);
    let threads = world.stop();
    assert!(matches!(answered(&mut asked), Poll::Ready(_)), "a receiver is waited for for ever");
    drop(threads);
}

#[test]
fn one_that_is_dropped_while_workers_have_not_heard_it_leaves_nothing() {
    let world = World::new();
    let asked = ask_on(&world, C);
    drop(asked);
    world.settle();
    let io = world.io.clone();
    let mut count = Box::pin(async move { io.inventory().await.pending_acks });
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(count.as_mut().poll(&mut cx), Poll::Pending);
    world.settle();
    assert_eq!(count.as_mut().poll(&mut cx), Poll::Ready(0));
}

#[test]
fn broadcasts_are_shown_to_listeners_once_wherever_they_are_made() {
    for worker in [A, B, C] {
        let mut world = World::new();
        let shared = world.shared.clone();
        world.socket.on_any_outgoing(move |event| {
            shared.notes.lock().unwrap().push(event.name().to_owned());
        });
        world.broadcast_on(worker, "before");
        let _arrival = world.fetch_from_afar(B);
        world.broadcast_on(worker, "during");
        world.emit_on(worker, "direct");
        world.settle();
        world.broadcast_on(worker, "behind");
        assert_eq!(world.collect(), ["before", "during", "direct", "behind"]);
        let mut seen = world.shared.take_notes();
        seen.sort();
        assert_eq!(seen, ["before", "behind", "direct", "during"], "{worker}");
    }
}

/// Events named `up` wait at the gate `middleware` before they are told.
fn waiting(shared: &Shared) -> IoConfig {
    let waiting = shared.clone();
    config(shared).namespace("/", |ns| {
        ns.socket_middleware(async move |event: &mut IncomingEvent| {
            if event.read::<String>()? == "slow" {
                waiting.wait("middleware").await;
            }
            Ok::<(), EventError>(())
        });
    })
}

#[test]
fn events_behind_a_middleware_that_waits_stay_in_order_across_the_move() {
    for late in [false, true] {
        let mut world = World::with(waiting, threads());
        world.start_push(A, "42[\"up\",\"slow\"]\u{1e}42[\"up\",\"quick\"]");
        assert_eq!(world.take_push_answer(), Some("ok"));
        let _arrival = world.fetch_from_afar(B);
        if late {
            world.settle();
        }
        assert!(world.shared.open_gate("middleware"));
        world.settle();
        world.upgrade(B);
        assert_eq!(world.collect(), ["slow", "quick"], "{late}");
        assert_eq!(world.shared.take_notes(), ["slow", "quick"], "{late}");
        world.turn(Some("42[\"up\",\"more\"]".to_owned()));
        assert_eq!(world.collect(), ["more"]);
    }
}

/// Every name is good, once the gate `pattern` is open.
fn deciding(shared: &Shared) -> IoConfig {
    let waiting = shared.clone();
    let pattern = Pattern::deciding(async move |_: &str, _: &Value| {
        waiting.wait("pattern").await;
        true
    });
    config(shared).namespace(pattern, |_| {})
}

#[test]
fn a_namespace_is_joined_although_the_session_moved_while_its_pattern_decided() {
    let mut world = World::with(deciding, threads());
    world.start_push(A, "40/made,");
    assert_eq!(world.take_push_answer(), Some("ok"));
    let _arrival = world.fetch_from_afar(B);
    world.settle();
    assert!(world.shared.open_gate("pattern"));
    world.settle();
    world.upgrade(B);
    let got = world.collect();
    assert!(got.len() == 1 && got[0].starts_with("40/made,{\"sid\":"), "{got:?}");
    assert_eq!(world.io.of("/made").socket_count(), 1);
    world.io.of("/made").emit("e", ()).unwrap();
    assert_eq!(world.collect(), ["42/made,[\"e\"]"]);
}

/// Notes rooms that come and go, those of ids left out.
fn noting_rooms(shared: &Shared) -> IoConfig {
    let shown = shared.clone();
    config(shared).on_room_event(move |event| {
        let note = match event {
            RoomEvent::CreateRoom { room, .. } => format!("+{room}"),
            RoomEvent::DeleteRoom { room, .. } => format!("-{room}"),
            _ => return,
        };
        if note.len() < 10 {
            shown.notes.lock().unwrap().push(note);
        }
    })
}

#[test]
fn a_room_with_members_on_several_workers_is_created_and_deleted_once() {
    let mut world = World::with(noting_rooms, threads());
    let on_c = stranger(&world, C);
    world.io.sockets_join("r");
    world.settle();
    let _arrival = world.fetch_from_afar(B);
    world.settle();
    assert_eq!(world.shared.take_notes(), ["+base", "+r"]);
    world.socket.leave("r");
    world.settle();
    assert_eq!(world.shared.take_notes(), [""; 0]);
    says(&world, C, &on_c, "41");
    world.settle();
    // Of the end itself there is a note as well.
    assert_eq!(world.shared.take_notes(), ["-r", "client namespace disconnect"]);
    world.start_push(A, "41");
    world.settle();
    assert_eq!(world.shared.take_notes(), ["-base", "client namespace disconnect"]);
}
