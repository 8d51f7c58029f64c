//! Sessions that move while what they hold waits for their turn.

use crate::world::{A, B, C, World};

const EVENTS: usize = 600;

fn event(kind: &str, name: &str) -> String {
    format!("42[\"{kind}\",\"{name}\"]")
}

/// Names of events in their order, which are as many as more than two turns have.
fn names() -> Vec<String> {
    (0..EVENTS).map(|n| n.to_string()).collect()
}

fn body(first: Option<String>) -> String {
    let events = names().into_iter().map(|name| event("up", &name));
    first.into_iter().chain(events).collect::<Vec<_>>().join("\u{1e}")
}

#[test]
fn held_events_that_wait_for_their_turn_run_once_and_in_order_at_the_new_worker() {
    // So many turns were at the old worker.
    for turns in 0..=2 {
        for late in [A, B, C] {
            let mut world = World::new();
            world.start_push(A, &body(Some(event("slow", "a"))));
            world.settle();
            assert_eq!(world.take_push_answer(), Some("ok"));
            assert_eq!(world.shared.take_notes(), ["a"]);
            assert!(world.shared.open_gate("a"));
            (0..turns).for_each(|_| world.poll(A));
            let mut noted = world.shared.take_notes();
            assert_eq!(noted.len(), turns * 256);
            let _arrival = world.fetch_from_afar(B);
            world.start_push(late, &event("up", "late"));
            world.poll(A);
            assert_eq!(world.shared.take_notes(), [""; 0], "the session has left");
            world.poll(B);
            let slice = world.shared.take_notes();
            assert!(slice.len() <= 256, "{} at once", slice.len());
            noted.extend(slice);
            world.settle();
            noted.extend(world.shared.take_notes());
            let expected: Vec<_> = names().into_iter().chain(["late".to_owned()]).collect();
            assert_eq!(noted, expected, "{turns} turns, {late}");
            assert_eq!(world.take_push_answer(), Some("ok"));
            let mut told = world.collect();
            // The first handler is answered on its own thread, and nothing says when.
            let position = told.iter().position(|name| name == "a").unwrap();
            told.remove(position);
            assert_eq!(told, expected);
        }
    }
}

#[test]
fn limit_05_a_push_that_waits_for_its_turn_moves_with_what_it_counts() {
    let mut world = World::new();
    let filling = "x".repeat(200);
    let events = names().into_iter().map(|name| format!("42[\"up\",\"{name}\",\"{filling}\"]"));
    let body = events.collect::<Vec<_>>().join("\u{1e}");
    world.start_push(A, &body);
    assert_eq!(world.take_push_answer(), None);
    let taken = world.run(A, |local| local.worker.hub().pending_input().taken());
    assert_eq!(taken, body.len());
    let _arrival = world.fetch_from_afar(B);
    world.poll(A);
    let taken = world.run(B, |local| local.worker.hub().pending_input().taken());
    assert_eq!(taken, body.len());
    world.settle();
    assert_eq!(world.take_push_answer(), Some("ok"));
    assert_eq!(world.shared.take_notes(), names());
    assert_eq!(world.run(B, |local| local.worker.hub().pending_input().taken()), 0);
    assert_eq!(world.collect(), names());
}
