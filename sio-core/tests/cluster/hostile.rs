//! What other nodes ask too much, or do not answer: cases 83, 85 and 86 of `docs/hostile.md`.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use serde_json::Value;
use sio_core::adapter::{BroadcastOptions, Room};
use sio_core::cluster::{ClusterError, Message, Response, SocketDescription};
use sio_core::server::{FetchError, RemoteSocket};

use crate::exchange::Parcel;
use crate::fetch::request;
use crate::world::{World, joining};

type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Vec<RemoteSocket>, FetchError>> + 'a>>;

const TIMEOUT: Duration = Duration::from_secs(5);

#[test]
fn row_83_a_join_of_another_node_is_bound_by_the_limit_of_rooms() {
    let world = World::of_three(|| {
        let mut config = joining();
        config.config_mut().limits.max_rooms = 100;
        config
    });
    let mut clients = world.clients("/");
    let rooms = |count: u32| (0..count).map(|number| Room::from(number.to_string())).collect();
    for (count, joined) in [(100_000, 1), (101, 1), (100, 101)] {
        let options = BroadcastOptions::default();
        let join = Parcel::Message(Message::Join { options, rooms: rooms(count) });
        world.exchange.hand_over("/", "elsewhere", &join);
        world.frames(&mut clients);
        let sockets = world.now(world[0].io.local().fetch_sockets()).unwrap();
        assert_eq!(sockets[0].rooms().len(), joined, "{count} rooms");
    }
}

#[test]
fn row_85_an_answer_counts_once_and_only_while_it_is_waited_for() {
    let world = World::of_three(joining);
    world.exchange.silence(1, true);
    world.exchange.silence(2, true);
    let operator = world[0].io.of("/");
    let mut asked: Fetching<'_> = Box::pin(operator.fetch_sockets());
    assert!(world.poll(&mut asked).is_pending());
    let (id, own) = (request(&world), world[0].io.node_id().unwrap());
    let answer = |from: &str, request: &str, socket: &str| {
        let mut description = SocketDescription::default();
        description.id = socket.into();
        description.handshake = Value::Null;
        let response = Response::Sockets { request: request.into(), sockets: vec![description] };
        world.exchange.hand_over("/", from, &Parcel::Response(own.to_owned(), response));
    };
    let (one, two) = (world[1].io.node_id().unwrap(), world[2].io.node_id().unwrap());
    answer(one, "unknown", "a");
    // Under our own id, which another node may have drawn.
    answer(own, &id, "b");
    for _ in 0..100 {
        answer(one, &id, "c");
    }
    assert!(world.poll(&mut asked).is_pending(), "the other has not answered");
    answer(two, &id, "d");
    let Poll::Ready(Ok(sockets)) = world.poll(&mut asked) else { panic!("not complete") };
    answer(two, &id, "e");
    let mut found: Vec<_> = sockets.iter().map(|socket| socket.id().to_string()).collect();
    found.sort();
    assert_eq!(found, ["c", "d"]);
    assert_eq!(world[0].io.cluster_stats().unwrap().pending_requests, 0);
}

#[test]
fn row_86_a_thousand_requests_to_a_dead_node_end_in_time_and_leave_nothing() {
    let world = World::of_three(joining);
    let _clients = world.clients("/");
    world.exchange.silence(2, true);
    let operator = world[0].io.of("/");
    let mut asked: Vec<Fetching<'_>> =
        (0..1_000).map(|_| operator.fetch_sockets()).map(|asked| Box::pin(asked) as _).collect();
    for asked in &mut asked {
        assert!(world.poll(asked).is_pending());
    }
    assert_eq!(world[0].io.cluster_stats().unwrap().pending_requests, 1_000);
    world.advance(TIMEOUT);
    let missing = vec![world[2].io.node_id().unwrap().to_owned()];
    for asked in &mut asked {
        let Poll::Ready(Err(error)) = world.poll(asked) else { panic!("not in time") };
        let missing = missing.clone();
        assert_eq!(error.reason, ClusterError::Timeout { received: 1, expected: 2, missing });
        assert_eq!(error.sockets.len(), 2, "those that came are there");
    }
    assert_eq!(world[0].io.cluster_stats().unwrap().pending_requests, 0);
}
