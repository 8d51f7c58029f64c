//! Streams whose session has moved away from their worker.

use futures_util::stream::iter;
use futures_util::{FutureExt as _, StreamExt as _};
use sio_core::handler::Emission;
use sio_core::macros::traits::*;
use sio_core::macros::{Registrar, Ret};
use sio_core::server::{IoConfig, Recovery};

use crate::threads::Thread;
use crate::world::{A, B, Shared, World, config};

const ITEMS: usize = 40;
/// All of them are more than may wait for a session.
const SIZE: usize = 200_000;

/// `items` is a stream that begins when the gate `go` opens.
fn streaming(shared: &Shared, emission: Emission) -> IoConfig {
    let waiting = shared.clone();
    config(shared).namespace("/", |ns| {
        let mut handlers = Registrar::new(ns, "Streaming");
        let items = handlers.event(
            &["items"],
            "items",
            |_| {},
            move |cx, _args| {
                let shared = waiting.clone();
                let go = async move { shared.wait("go").await };
                let items = go
                    .into_stream()
                    .flat_map(|()| iter(0..ITEMS).map(|number| (number, "x".repeat(SIZE))));
                (&&Ret::of(&items)).finish(items, cx.outlet())
            },
        );
        items.emit(emission);
    })
}

#[test]
fn a_stream_waits_for_a_session_that_has_moved() {
    stream_to_a_session_that_has_moved(Emission::emit("item"));
}

#[test]
fn a_stream_to_everybody_waits_for_its_own_session() {
    stream_to_a_session_that_has_moved(Emission::broadcast("item"));
}

#[test]
fn a_stream_waits_for_its_session_where_clients_come_back() {
    for moves in [false, true] {
        stream(moves, |shared| {
            let recovery = Recovery::default();
            streaming(shared, Emission::emit("item")).connection_state_recovery(recovery)
        });
    }
}

fn stream_to_a_session_that_has_moved(emission: Emission) {
    stream(true, |shared| streaming(shared, emission));
}

fn stream(moves: bool, config: impl FnOnce(&Shared) -> IoConfig) {
    let threads = vec![Thread::spawn(), Thread::spawn()];
    let mut world = World::with(config, threads);
    world.start_push(A, "42[\"items\"]");
    assert_eq!(world.take_push_answer(), Some("ok"));
    let _arrival = moves.then(|| world.fetch_from_afar(B));
    world.settle();
    assert!(world.shared.open_gate("go"));
    let mut got = Vec::new();
    while got.len() < ITEMS {
        let more = world.collect();
        assert!(!more.is_empty() && !world.session.has_ended(), "ended after {}", got.len());
        got.extend(more);
    }
    // The names of events, and here everything behind them.
    for (number, item) in got.iter().enumerate() {
        assert!(item.starts_with(&format!("item\",{number},")), "item {number}");
    }
}
