//! Rooms of a session that moves.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use sio_core::engine::Transport;
use sio_core::server::SessionHandle;

use crate::world::{A, B, C, World};

/// What a thread without a worker does to its own room, in its own order.
fn own_room(world: &World) -> sio_core::server::BroadcastOperator {
    world.io.to("own")
}

/// A stranger who joins nothing, on a worker.
fn stranger(world: &World, worker: usize) -> Arc<SessionHandle> {
    world.run(worker, |local| {
        let session = local.open(Transport::Websocket);
        local.turn(&session, Some("40"));
        session
    })
}

#[test]
fn a_room_joined_before_the_move_is_kept() {
    let mut world = World::new();
    let socket = world.socket.clone();
    world.run(A, move |_| socket.join("own"));
    let _arrival = world.fetch_from_afar(B);
    own_room(&world).emit("x", ()).unwrap();
    world.settle();
    own_room(&world).emit("y", ()).unwrap();
    assert_eq!(world.collect(), ["x", "y"]);
}

#[test]
fn a_join_that_is_under_way_to_the_old_worker_takes_effect() {
    let mut world = World::new();
    world.socket.join("own");
    own_room(&world).emit("before", ()).unwrap();
    let _arrival = world.fetch_from_afar(B);
    own_room(&world).emit("after", ()).unwrap();
    assert_eq!(world.collect(), ["before", "after"]);
}

#[test]
fn a_leave_that_is_under_way_to_the_old_worker_takes_effect() {
    let mut world = World::new();
    world.socket.join("own");
    world.settle();
    own_room(&world).emit("before", ()).unwrap();
    world.socket.leave("own");
    let _arrival = world.fetch_from_afar(B);
    own_room(&world).emit("after", ()).unwrap();
    assert_eq!(world.collect(), ["before"]);
    assert_eq!(world.socket.rooms().len(), 2);
}

#[test]
fn a_join_during_the_move_counts_for_what_comes_behind_it() {
    for worker in [A, B, C] {
        let mut world = World::new();
        let _arrival = world.fetch_from_afar(B);
        let (io, socket) = (world.io.clone(), world.socket.clone());
        world.run(worker, move |_| {
            io.to("own").emit("before", ()).unwrap();
            socket.join("own");
            io.to("own").emit("after", ()).unwrap();
        });
        assert_eq!(world.collect(), ["after"], "{worker}");
    }
}

#[test]
fn a_leave_during_the_move_does_not_count_for_what_was_said_before_it() {
    for worker in [A, B, C] {
        let mut world = World::new();
        world.socket.join("own");
        world.settle();
        let _arrival = world.fetch_from_afar(B);
        let (io, socket) = (world.io.clone(), world.socket.clone());
        world.run(worker, move |_| {
            io.to("own").emit("before", ()).unwrap();
            socket.leave("own");
            io.to("own").emit("after", ()).unwrap();
        });
        assert_eq!(world.collect(), ["before"], "{worker}");
    }
}

#[test]
fn a_room_left_during_the_move_has_no_ghost_at_the_old_worker() {
    let mut world = World::new();
    world.socket.join("secret");
    world.settle();
    let _arrival = world.fetch_from_afar(B);
    world.socket.leave("secret");
    world.settle();
    let stranger = stranger(&world, A);
    world.io.to("secret").emit("x", ()).unwrap();
    world.settle();
    let told = world.run(A, move |local| local.turn(&stranger, None));
    assert_eq!(told, [""; 0], "a stranger got what a room he never joined was told");
    assert_eq!(world.collect(), [""; 0]);
}

#[test]
fn a_session_that_moved_leaves_no_room_behind() {
    let mut world = World::new();
    world.socket.join(["a", "b"]);
    let _arrival = world.fetch_from_afar(B);
    world.settle();
    let stranger = stranger(&world, A);
    world.io.to(["a", "b", "base"]).emit("x", ()).unwrap();
    assert_eq!(world.collect(), ["x"]);
    let told = world.run(A, move |local| local.turn(&stranger, None));
    // The stranger's connection handler joined `base`, and nothing else.
    assert_eq!(told, ["42[\"x\"]"]);
}

#[test]
fn selected_sockets_join_and_leave_during_the_move() {
    for worker in [A, B, C] {
        let mut world = World::new();
        let _arrival = world.fetch_from_afar(B);
        let io = world.io.clone();
        world.run(worker, move |_| {
            io.to("base").sockets_join("own");
            io.to("own").emit("1", ()).unwrap();
            io.to("own").sockets_leave("own");
            io.to("own").emit("2", ()).unwrap();
        });
        assert_eq!(world.collect(), ["1"], "{worker}");
    }
}

#[test]
fn a_selection_under_way_to_the_old_worker_counts_for_what_comes_behind_it() {
    for order in [[A, B], [B, A]] {
        let mut world = World::new();
        let (io, other) = (world.io.clone(), world.io.clone());
        world.run(C, move |_| io.to("base").sockets_join("own"));
        let _arrival = world.fetch_from_afar(B);
        world.run(C, move |_| {
            other.to("own").emit("1", ()).unwrap();
            other.to("base").sockets_leave("own");
            other.to("own").emit("2", ()).unwrap();
        });
        order.into_iter().for_each(|worker| world.poll(worker));
        assert_eq!(world.collect(), ["1"], "{order:?}");
    }
}

#[test]
fn the_sockets_of_a_selection_are_found_once_during_the_move() {
    for worker in [A, B, C] {
        let world = World::new();
        let _arrival = world.fetch_from_afar(B);
        let base = world.io.to("base");
        let mut search: Pin<Box<dyn Future<Output = usize> + Send>> =
            Box::pin(async move { base.sockets().await.len() });
        let mut cx = Context::from_waker(Waker::noop());
        let (mut search, early) = world.run(worker, move |_| {
            let early = search.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            (search, early)
        });
        assert_eq!(early, Poll::Pending, "{worker}");
        world.settle();
        assert_eq!(search.as_mut().poll(&mut cx), Poll::Ready(1), "{worker}");
    }
}
