//! Sessions that end, workers that stop and requests that give up while a session moves.

use futures_channel::oneshot;
use sio_core::engine::Transport;

use crate::threads::Fetched;
use crate::world::{A, B, C, World};

fn failed(arrival: &mut oneshot::Receiver<()>) -> bool {
    arrival.try_recv() == Err(oneshot::Canceled)
}

fn arrived(arrival: &mut oneshot::Receiver<()>) -> bool {
    arrival.try_recv() == Ok(Some(()))
}

// ---- the session ends ---------------------------------------------------------------------------

#[test]
fn a_session_that_ended_is_not_fetched() {
    let mut world = World::new();
    world.start_push(A, "1");
    world.settle();
    assert!(matches!(world.fetch(A), Fetched::Gone));
    // Another worker has to ask, and is told.
    let mut arrival = world.fetch_from_afar(B);
    world.settle();
    assert!(failed(&mut arrival));
}

#[test]
fn a_session_that_ends_before_it_left_fails_the_fetch() {
    let mut world = World::new();
    world.start_push(A, "1");
    let mut arrival = world.fetch_from_afar(B);
    world.settle();
    assert!(failed(&mut arrival));
    assert_eq!(world.shared.take_notes(), ["transport close"]);
    world.assert_empty();
}

#[test]
fn requests_for_a_session_that_ended_before_it_left_are_told() {
    let mut world = World::new();
    world.start_push(A, "1");
    let _arrival = world.fetch_from_afar(B);
    assert_eq!(world.take_push_answer(), Some("ok"));
    world.start_poll(B);
    world.start_push(C, "42[\"up\",\"x\"]");
    world.settle();
    assert_eq!(world.take_answer().as_deref(), Some("gone"));
    assert_eq!(world.take_push_answer(), Some("gone"));
    assert_eq!(world.shared.take_notes(), ["transport close"]);
}

#[test]
fn a_disconnect_during_the_move_ends_the_session_after_what_was_said_before() {
    for worker in [A, B, C] {
        for close in [false, true] {
            let mut world = World::new();
            let _arrival = world.fetch_from_afar(B);
            world.emit_on(worker, "last words");
            let socket = world.socket.clone();
            world.run(worker, move |_| socket.disconnect(close));
            world.emit_on(worker, "too late");
            let told = world.collect();
            assert_eq!(told[..2], ["last words", "41"], "{worker} {close}");
            assert_eq!(told[2..], if close { vec!["1"] } else { vec![] }, "{worker} {close}");
            assert_eq!(world.shared.take_notes(), ["server namespace disconnect"]);
            assert_eq!(world.io.of("/").socket_count(), 0);
            assert_eq!(world.io.session_count(), usize::from(!close));
        }
    }
}

#[test]
fn a_disconnect_of_everybody_during_the_move_reaches_the_session_once() {
    for worker in [A, B, C] {
        let mut world = World::new();
        let _arrival = world.fetch_from_afar(B);
        let io = world.io.clone();
        world.run(worker, move |_| io.of("/").disconnect_sockets(false));
        assert_eq!(world.collect(), ["41"], "{worker}");
        assert_eq!(world.shared.take_notes(), ["server namespace disconnect"]);
        assert_eq!(world.io.of("/").socket_count(), 0);
    }
}

#[test]
fn a_server_that_closes_during_the_move_ends_the_session() {
    for worker in [A, B, C] {
        let mut world = World::new();
        world.emit_on(A, "dropped");
        let _arrival = world.fetch_from_afar(B);
        let io = world.io.clone();
        world.run(worker, move |_| io.close());
        world.settle();
        assert_eq!(world.shared.take_notes(), ["server shutting down"], "{worker}");
        assert_eq!(world.collect(), ["1"], "{worker}");
        world.assert_empty();
    }
}

// ---- requests that give up, and further moves ---------------------------------------------------

#[test]
fn a_request_that_gave_up_leaves_the_session_on_polling() {
    let mut world = World::new();
    world.request_and_give_up(B);
    world.emit_on(A, "x");
    assert_eq!(world.collect(), ["x"]);
    world.broadcast_on(C, "y");
    assert_eq!(world.collect(), ["y"]);
}

#[test]
fn a_second_request_at_the_same_worker_gets_the_session() {
    let mut world = World::new();
    world.request_and_give_up(B);
    match world.request_until_heard(B) {
        Fetched::Here => {}
        Fetched::Coming(mut arrival) => {
            world.settle();
            assert!(arrived(&mut arrival));
        }
        Fetched::Busy | Fetched::Gone => panic!("the session lives and has come to rest"),
    }
    world.upgrade(B);
}

#[test]
fn a_request_at_a_third_worker_gets_the_session_before_or_after_it_arrived() {
    for order in [[A, B, C], [B, A, C], [C, B, A]] {
        let mut world = World::new();
        world.request_and_give_up(B);
        world.io.emit("1", ()).unwrap();
        let request = world.request_until_heard(C);
        let Fetched::Coming(mut arrival) = request else { panic!("{request:?}") };
        world.io.emit("2", ()).unwrap();
        order.into_iter().for_each(|worker| world.poll(worker));
        world.settle();
        assert!(arrived(&mut arrival), "{order:?}");
        world.upgrade(C);
        assert_eq!(world.collect(), ["1", "2"], "{order:?}");
    }
}

#[test]
fn a_session_moves_on_after_a_failed_probe() {
    let mut world = World::new();
    assert!(matches!(world.request(B), Some(Fetched::Coming(_))));
    world.settle();
    assert!(world.open_probe(B));
    world.drop_probe(B);
    world.broadcast_on(A, "1");
    let Some(Fetched::Coming(mut second)) = world.request(C) else { panic!("not coming") };
    world.broadcast_on(B, "2");
    world.emit_on(A, "3");
    world.settle();
    assert!(arrived(&mut second));
    world.upgrade(C);
    let mut told = world.collect();
    told.sort();
    assert_eq!(told, ["1", "2", "3"]);
}

#[test]
fn a_session_moves_there_and_back() {
    let mut world = World::new();
    world.request_and_give_up(B);
    world.settle();
    world.broadcast_on(B, "1");
    let Fetched::Coming(mut back) = world.request_until_heard(A) else { panic!("not coming") };
    world.broadcast_on(B, "2");
    world.broadcast_on(B, "3");
    world.settle();
    assert!(arrived(&mut back));
    world.upgrade(A);
    assert_eq!(world.collect(), ["1", "2", "3"]);
}

#[test]
fn a_worker_the_session_only_passes_through_does_not_deliver_for_the_next_one() {
    let mut world = World::new();
    let other = world.run(B, |local| local.open(Transport::Polling));
    world.request_and_give_up(B);
    world.poll(A);
    // B's queue: the session, then a push whose handler shouts, then the order to give it away.
    let _pushed =
        world.run(A, move |local| local.push(&other, "40\u{1e}42[\"shout\",\"x\"]".into()));
    let request = world.request_until_heard(C);
    let Fetched::Coming(mut arrival) = request else { panic!("{request:?}") };
    world.settle();
    assert!(arrived(&mut arrival));
    world.upgrade(C);
    assert_eq!(world.collect(), ["x"]);
}

// ---- workers that stop --------------------------------------------------------------------------

#[test]
fn a_session_on_its_way_to_a_worker_that_stops_ends() {
    for left_before in [false, true] {
        let world = World::new();
        let mut arrival = world.fetch_from_afar(B);
        if left_before {
            world.poll(A);
        }
        world.threads[B].stop();
        world.settle();
        // Told that it came or that it did not; there is nothing to be found either way.
        assert_ne!(arrival.try_recv(), Ok(None), "{left_before}: the request would wait for ever");
        assert_eq!(world.shared.take_notes(), ["transport close"], "{left_before}");
        world.assert_empty();
    }
}

#[test]
fn a_fetch_from_a_worker_that_stops_fails() {
    let world = World::new();
    let mut arrival = world.fetch_from_afar(B);
    world.threads[A].stop();
    world.settle();
    assert_eq!(world.shared.take_notes(), ["transport close"]);
    world.assert_empty();
    assert!(failed(&mut arrival), "the request would wait for ever");
}
