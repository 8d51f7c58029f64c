//! Polls, pushes and handlers of a session that moves.

use std::sync::Arc;
use std::time::Duration;

use sio_core::server::ConnectError;

use crate::threads::Thread;
use crate::world::{A, B, C, World, config};

fn event(kind: &str, name: &str) -> String {
    format!("42[\"{kind}\",\"{name}\"]")
}

#[test]
fn a_poll_that_waits_at_the_old_worker_is_answered_from_the_new_one() {
    let mut world = World::new();
    world.start_poll(A);
    let _arrival = world.fetch_from_afar(B);
    world.settle();
    assert_eq!(world.take_answer(), None);
    world.emit_on(B, "x");
    assert_eq!(world.take_answer().as_deref(), Some("payload"));
    assert_eq!(world.events(), ["x"]);
}

#[test]
fn a_poll_during_the_move_is_answered_at_every_worker() {
    for worker in [A, B, C] {
        let mut world = World::new();
        world.emit_on(A, "x");
        let _arrival = world.fetch_from_afar(B);
        world.start_poll(worker);
        world.settle();
        assert_eq!(world.take_answer().as_deref(), Some("payload"), "{worker}");
        assert_eq!(world.events(), ["x"]);
    }
}

#[test]
fn a_poll_that_is_under_way_to_the_old_worker_is_answered() {
    let mut world = World::new();
    world.emit_on(A, "x");
    world.start_poll(C);
    let _arrival = world.fetch_from_afar(B);
    world.settle();
    assert_eq!(world.take_answer().as_deref(), Some("payload"));
    assert_eq!(world.events(), ["x"]);
}

#[test]
fn a_poll_lost_during_the_move_ends_the_session() {
    let mut world = World::new();
    world.start_poll(A);
    let arrival = world.fetch_from_afar(B);
    world.lose_poll(A);
    world.settle();
    assert!(world.session.has_ended());
    assert_eq!(world.shared.take_notes(), ["transport error"]);
    world.assert_empty();
    drop(arrival);
}

#[test]
fn a_push_during_the_move_is_handled_once_at_every_worker() {
    for worker in [A, B, C] {
        let mut world = World::new();
        let _arrival = world.fetch_from_afar(B);
        world.start_push(worker, &event("up", "x"));
        world.settle();
        assert_eq!(world.take_push_answer(), Some("ok"), "{worker}");
        assert_eq!(world.shared.take_notes(), ["x"]);
        assert_eq!(world.collect(), ["x"]);
    }
}

#[test]
fn a_push_that_is_under_way_to_the_old_worker_is_handled_once() {
    let mut world = World::new();
    world.start_push(C, &event("up", "x"));
    let _arrival = world.fetch_from_afar(B);
    world.settle();
    assert_eq!(world.take_push_answer(), Some("ok"));
    assert_eq!(world.shared.take_notes(), ["x"]);
    assert_eq!(world.collect(), ["x"]);
}

#[test]
fn events_that_are_held_go_on_at_the_new_worker() {
    let mut world = World::new();
    let body = [event("slow", "a"), event("up", "b"), event("up", "c")].join("\u{1e}");
    world.start_push(A, &body);
    assert_eq!(world.take_push_answer(), Some("ok"));
    let _arrival = world.fetch_from_afar(B);
    world.settle();
    assert_eq!(world.shared.take_notes(), ["a"]);
    assert!(world.shared.open_gate("a"));
    world.settle();
    assert_eq!(world.shared.take_notes(), ["b", "c"]);
    assert_eq!(world.collect(), ["a", "b", "c"]);
}

#[test]
fn a_handler_that_finishes_during_the_move_lets_the_push_go_on() {
    for polled_first in [A, B] {
        let mut world = World::new();
        world.start_push(A, &[event("slow", "a"), event("up", "b")].join("\u{1e}"));
        let _arrival = world.fetch_from_afar(B);
        assert!(world.shared.open_gate("a"));
        world.poll(polled_first);
        world.settle();
        assert_eq!(world.take_push_answer(), Some("ok"));
        assert_eq!(world.shared.take_notes(), ["a", "b"]);
        // Two handlers on two threads: each is heard once, and nothing says who is first.
        let mut told = world.collect();
        told.sort();
        assert_eq!(told, ["a", "b"]);
    }
}

#[test]
fn a_handler_of_the_old_worker_answers_the_client_after_the_move() {
    let mut world = World::new();
    world.start_push(A, &event("slow", "late"));
    let _arrival = world.fetch_from_afar(B);
    world.settle();
    world.upgrade(B);
    assert!(world.shared.open_gate("late"));
    assert_eq!(world.collect(), ["late"]);
}

#[test]
fn a_connect_guard_that_waits_during_the_move_decides_after_it() {
    for refused in [false, true] {
        let threads = vec![Thread::spawn(), Thread::spawn(), Thread::spawn()];
        let mut world = World::with(
            |shared| {
                let gate = shared.clone();
                config(shared).namespace("/a", |ns| {
                    ns.connect_guard(async move || {
                        gate.wait("guard").await;
                        if refused { Err(ConnectError::new("no")) } else { Ok(()) }
                    });
                })
            },
            threads,
        );
        world.start_push(A, "40/a,");
        let _arrival = world.fetch_from_afar(B);
        world.settle();
        assert!(world.shared.open_gate("guard"));
        let answer = world.collect().concat();
        let head = if refused { "44/a,{\"message\":\"no\"}" } else { "40/a,{\"sid\":\"" };
        assert!(answer.starts_with(head), "{answer}");
        world.io.of("/a").emit("x", ()).unwrap();
        let told: &[&str] = if refused { &[] } else { &["42/a,[\"x\"]"] };
        assert_eq!(world.collect(), told);
    }
}

#[test]
fn the_heartbeat_goes_on_at_the_new_worker() {
    let mut world = World::new();
    let _arrival = world.fetch_from_afar(B);
    world.settle();
    world.start_poll(C);
    world.settle();
    world.advance(Duration::from_millis(25_008));
    assert_eq!(world.take_answer().as_deref(), Some("payload"));
    world.advance(Duration::from_millis(20_008));
    assert_eq!(world.shared.take_notes(), ["ping timeout"]);
    world.assert_empty();
}

#[test]
fn a_session_that_moved_is_in_its_handles_hands_on_every_thread() {
    let mut world = World::new();
    let _arrival = world.fetch_from_afar(B);
    world.settle();
    world.upgrade(B);
    let session = Arc::clone(&world.session);
    assert!(world.run(B, move |local| local.worker.local(&session).is_some()));
    let session = Arc::clone(&world.session);
    assert!(world.run(A, move |local| local.worker.local(&session).is_none()));
    assert_eq!(world.io.session_count(), 1);
    assert_eq!(world.io.of("/").socket_count(), 1);
}
