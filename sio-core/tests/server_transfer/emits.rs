//! What is said while a session moves arrives once and in order, wherever it is said.

use std::time::Duration;

use sio_core::server::AckError;

use crate::world::{A, B, C, World};

/// Polls workers in the given order, then brings the session to B's WebSocket and collects.
fn finish(world: &mut World, order: &[usize]) -> Vec<String> {
    for worker in order {
        world.poll(*worker);
    }
    world.settle();
    world.upgrade(B);
    world.collect()
}

#[test]
fn an_emit_that_is_under_way_to_the_old_worker_is_delivered() {
    let mut world = World::new();
    world.socket.emit("third", ()).unwrap();
    world.emit_on(C, "c");
    let _arrival = world.fetch_from_afar(B);
    assert_eq!(finish(&mut world, &[A, B]), ["third", "c"]);
}

#[test]
fn a_broadcast_that_is_under_way_to_the_old_worker_is_delivered_once() {
    for order in [[A, B], [B, A]] {
        let mut world = World::new();
        world.io.emit("third", ()).unwrap();
        world.broadcast_on(C, "c");
        world.broadcast_on(B, "b");
        let _arrival = world.fetch_from_afar(B);
        assert_eq!(finish(&mut world, &order), ["third", "c", "b"]);
    }
}

#[test]
fn what_the_old_worker_says_before_the_move_is_delivered_once() {
    let mut world = World::new();
    world.broadcast_on(A, "all");
    world.emit_on(A, "one");
    let _arrival = world.fetch_from_afar(B);
    assert_eq!(finish(&mut world, &[A, B]), ["all", "one"]);
}

#[test]
fn what_the_old_worker_says_before_it_lets_go_is_delivered_once() {
    for order in [[A, B], [B, A]] {
        let mut world = World::new();
        let _arrival = world.fetch_from_afar(B);
        world.broadcast_on(A, "all");
        world.emit_on(A, "one");
        world.broadcast_on(A, "all again");
        assert_eq!(finish(&mut world, &order), ["all", "one", "all again"]);
    }
}

#[test]
fn what_the_old_worker_says_after_it_let_go_is_delivered_once() {
    let mut world = World::new();
    let _arrival = world.fetch_from_afar(B);
    world.poll(A);
    world.broadcast_on(A, "all");
    world.emit_on(A, "one");
    assert_eq!(finish(&mut world, &[B]), ["all", "one"]);
}

#[test]
fn what_the_new_worker_says_before_the_session_arrived_is_delivered_once() {
    for order in [[A, B], [B, A]] {
        let mut world = World::new();
        let _arrival = world.fetch_from_afar(B);
        world.broadcast_on(B, "all");
        world.emit_on(B, "one");
        world.broadcast_on(B, "all again");
        assert_eq!(finish(&mut world, &order), ["all", "one", "all again"]);
    }
}

#[test]
fn what_others_say_during_the_move_is_delivered_once_and_in_order() {
    for order in [[A, B, C], [B, A, C], [C, B, A]] {
        let mut world = World::new();
        let _arrival = world.fetch_from_afar(B);
        world.io.emit("1", ()).unwrap();
        world.socket.emit("2", ()).unwrap();
        world.io.to("base").emit("3", ()).unwrap();
        world.io.to(world.socket.id()).emit("4", ()).unwrap();
        assert_eq!(finish(&mut world, &order), ["1", "2", "3", "4"]);
    }
}

#[test]
fn what_is_said_after_the_move_is_delivered_once() {
    let mut world = World::new();
    let mut arrival = world.fetch_from_afar(B);
    world.settle();
    assert_eq!(arrival.try_recv(), Ok(Some(())));
    for worker in [A, B, C] {
        world.broadcast_on(worker, "all");
        world.emit_on(worker, "one");
        world.settle();
    }
    assert_eq!(finish(&mut world, &[]), ["all", "one"].repeat(3));
}

#[test]
fn a_bystander_on_each_worker_gets_every_broadcast_once() {
    use sio_core::engine::Transport;
    let mut world = World::new();
    let sessions = [A, B, C].map(|worker| {
        world.run(worker, |local| {
            let session = local.open(Transport::Websocket);
            local.turn(&session, Some("40"));
            session
        })
    });
    let _arrival = world.fetch_from_afar(B);
    for worker in [A, B, C] {
        world.broadcast_on(worker, "all");
    }
    finish(&mut world, &[B, A]);
    for (worker, session) in [A, B, C].into_iter().zip(sessions) {
        let texts = world.run(worker, move |local| local.turn(&session, None));
        assert_eq!(texts, ["42[\"all\"]"; 3], "{worker}");
    }
}

#[test]
fn a_broadcast_to_an_expected_session_reaches_only_what_it_selects() {
    let mut world = World::new();
    let _arrival = world.fetch_from_afar(B);
    world.io.to("nobody").emit("no", ()).unwrap();
    world.io.except("base").emit("no", ()).unwrap();
    world.socket.broadcast().emit("no", ()).unwrap();
    world.io.of("/other").emit("no", ()).unwrap();
    assert_eq!(finish(&mut world, &[]), [""; 0]);
}

#[test]
fn an_ack_timeout_armed_during_the_move_passes() {
    let mut world = World::new();
    let _arrival = world.fetch_from_afar(B);
    let timeout = Duration::from_secs(1);
    let mut answer = Box::pin(world.socket.emit_with_ack::<i64>("q", (), timeout));
    assert_eq!(finish(&mut world, &[]), ["420[\"q\"]"]);
    world.advance(timeout + Duration::from_millis(8));
    assert_eq!(poll(&mut answer), Some(Err(AckError::Timeout)));
}

#[test]
fn an_ack_timeout_armed_before_the_move_passes_after_it() {
    let mut world = World::new();
    let timeout = Duration::from_secs(1);
    let socket = world.socket.clone();
    let answer = world.run(A, move |_| socket.emit_with_ack::<i64>("q", (), timeout));
    let mut answer = Box::pin(answer);
    let _arrival = world.fetch_from_afar(B);
    assert_eq!(finish(&mut world, &[]), ["420[\"q\"]"]);
    world.advance(timeout + Duration::from_millis(8));
    assert_eq!(poll(&mut answer), Some(Err(AckError::Timeout)));
}

#[test]
fn an_emit_asked_for_before_the_move_is_answered_after_it() {
    let mut world = World::new();
    let mut answer = Box::pin(world.socket.emit_with_ack::<i64>("q", (), None));
    world.settle();
    let _arrival = world.fetch_from_afar(B);
    assert_eq!(finish(&mut world, &[]), ["420[\"q\"]"]);
    world.turn(Some("430[7]".to_owned()));
    assert_eq!(poll(&mut answer), Some(Ok(7)));
}

fn poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut cx) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}
