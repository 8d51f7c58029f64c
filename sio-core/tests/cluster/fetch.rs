//! Sockets and rooms of all nodes: who answers, who does not, and what is made of it.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use serde_json::{Value, json};
use sio_core::adapter::Room;
use sio_core::cluster::{ClusterError, Data, Message, Response, SocketDescription};
use sio_core::server::{FetchError, RemoteSocket};

use crate::exchange::Parcel;
use crate::world::{World, joining};

type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Vec<RemoteSocket>, FetchError>> + 'a>>;

const SECOND: Duration = Duration::from_secs(1);

/// The id of the newest request.
pub(crate) fn request(world: &World) -> Box<str> {
    let log = world.exchange.take_log();
    let request = log.iter().rev().find_map(|(_, _, parcel)| match parcel {
        Parcel::Message(
            Message::FetchSockets { request, .. }
            | Message::AllRooms { request }
            | Message::Broadcast { request: Some(request), .. }
            | Message::ServerSide { request: Some(request), .. },
        ) => Some(request.clone()),
        _ => None,
    });
    request.expect("nothing was asked")
}

fn pending(world: &World) -> usize {
    world[0].io.cluster_stats().unwrap().pending_requests
}

fn ids(sockets: &[RemoteSocket]) -> BTreeSet<String> {
    sockets.iter().map(|socket| socket.id().to_string()).collect()
}

/// A description as another server may write it.
fn described(id: &str, handshake: Value) -> SocketDescription {
    let mut description = SocketDescription::default();
    description.id = id.into();
    description.handshake = handshake;
    description
}

#[test]
fn a_silent_node_is_named_and_those_that_answered_are_in_the_error() {
    let world = World::of_three(joining);
    let _clients = world.clients("/");
    world.exchange.silence(2, true);
    let operator = world[0].io.except([""; 0]);
    let mut asked: Fetching<'_> = Box::pin(operator.fetch_sockets());
    assert!(world.poll(&mut asked).is_pending());
    world.advance(SECOND * 5 - Duration::from_millis(1));
    assert!(world.poll(&mut asked).is_pending());
    world.advance(Duration::from_millis(1));
    let Poll::Ready(Err(error)) = world.poll(&mut asked) else { panic!("not in time") };
    let missing = vec![world[2].io.node_id().unwrap().to_owned()];
    let text =
        format!("timeout reached: only 1 responses received out of 2 (missing: {})", missing[0]);
    assert_eq!(error.reason, ClusterError::Timeout { received: 1, expected: 2, missing });
    assert_eq!(error.to_string(), text);
    assert_eq!(error.sockets.len(), 2);
    drop(asked);
    assert_eq!(pending(&world), 0);
}

#[test]
fn a_silent_node_without_a_name_is_missed_all_the_same() {
    let world = World::of_three(joining);
    let _clients = world.clients("/");
    world.exchange.set_strangers(&["", ""]);
    let operator = world[0].io.of("/");
    let mut asked: Fetching<'_> = Box::pin(operator.fetch_sockets());
    assert!(world.poll(&mut asked).is_pending());
    // One of the two leaves; it is not known which of those that were asked is left.
    world.exchange.set_strangers(&[""]);
    world.advance(SECOND * 2);
    assert!(world.poll(&mut asked).is_pending());
    world.advance(SECOND * 3);
    let Poll::Ready(Err(error)) = world.poll(&mut asked) else { panic!("not in time") };
    let missing = Vec::new();
    assert_eq!(error.reason, ClusterError::Timeout { received: 2, expected: 4, missing });
    assert_eq!(error.sockets.len(), 3);
}

#[test]
fn a_node_without_a_name_that_leaves_is_not_waited_for() {
    let world = World::of_three(joining);
    let _clients = world.clients("/");
    world.exchange.set_strangers(&[""]);
    let operator = world[0].io.of("/");
    let mut asked: Fetching<'_> = Box::pin(operator.fetch_sockets());
    assert!(world.poll(&mut asked).is_pending());
    world.exchange.set_strangers(&[]);
    world.advance(SECOND);
    let Poll::Ready(Ok(sockets)) = world.poll(&mut asked) else { panic!("still waiting") };
    assert_eq!(sockets.len(), 3);
}

/// Answers without a name, as servers of the reference give them in some modes; their ids have another form.
#[test]
fn beside_answers_without_names_nodes_of_this_kind_are_named_and_may_leave() {
    let world = World::of_three(joining);
    let _clients = world.clients("/");
    world.exchange.set_strangers(&["dO35V6"]);
    world.exchange.silence(1, true);
    world.exchange.silence(2, true);
    let operator = world[0].io.of("/");
    let ask = || -> Fetching<'_> {
        let mut asked: Fetching<'_> = Box::pin(operator.fetch_sockets());
        assert!(world.poll(&mut asked).is_pending());
        let answer = Response::Sockets { request: request(&world), sockets: Vec::new() };
        let to = world[0].io.node_id().unwrap().to_owned();
        world.exchange.hand_over("/", "", &Parcel::Response(to, answer));
        asked
    };
    let mut asked = ask();
    world.exchange.remove(1);
    world.advance(SECOND * 5);
    let Poll::Ready(Err(error)) = world.poll(&mut asked) else { panic!("not in time") };
    let missing = vec![world[2].io.node_id().unwrap().to_owned()];
    assert_eq!(error.reason, ClusterError::Timeout { received: 1, expected: 3, missing });
    drop(asked);
    let mut asked = ask();
    world.exchange.remove(2);
    world.advance(SECOND);
    assert!(matches!(world.poll(&mut asked), Poll::Ready(Ok(_))));
}

#[test]
fn a_time_of_the_callers_own_counts() {
    let world = World::of_three(joining);
    world.exchange.silence(1, true);
    let operator = world[0].io.of("/").everybody().timeout(SECOND);
    let mut asked: Fetching<'_> = Box::pin(operator.fetch_sockets());
    assert!(world.poll(&mut asked).is_pending());
    world.advance(SECOND);
    assert!(matches!(world.poll(&mut asked), Poll::Ready(Err(_))));
}

#[test]
fn nodes_that_cannot_be_counted_are_an_error_with_the_own_sockets() {
    let world = World::of_three(joining);
    let _clients = world.clients("/");
    world.exchange.set_unavailable(true);
    let error = world.now(world[0].io.fetch_sockets()).unwrap_err();
    assert_eq!(error.to_string(), "the cluster cannot be reached: refused");
    assert_eq!(error.sockets.len(), 1);
    let error = world.now(world[0].io.all_rooms()).unwrap_err();
    assert_eq!(error, ClusterError::Unavailable("refused".to_owned()));
}

#[test]
fn a_full_table_of_requests_refuses_and_has_room_again_when_one_is_given_up() {
    let world = World::of_three(|| {
        let mut config = joining();
        config.config_mut().limits.max_cluster_requests = 1;
        config
    });
    world.exchange.silence(1, true);
    let operator = world[0].io.of("/");
    let mut first: Fetching<'_> = Box::pin(operator.fetch_sockets());
    assert!(world.poll(&mut first).is_pending());
    let error = world.now(world[0].io.fetch_sockets()).unwrap_err();
    assert_eq!(error.reason, ClusterError::TooManyRequests { limit: 1 });
    let answers = operator.emit_with_ack::<u8>("q", (), SECOND);
    assert!(world.now(answers).unwrap_err().to_string().contains("limit 1"));
    drop(first);
    assert_eq!(pending(&world), 0);
    world.exchange.silence(1, false);
    assert!(world.now(world[0].io.fetch_sockets()).is_ok());
}

#[test]
fn unknown_late_and_repeated_answers_are_ignored() {
    let world = World::of_three(joining);
    let _clients = world.clients("/");
    world.exchange.silence(1, true);
    world.exchange.silence(2, true);
    let operator = world[0].io.of("/");
    let mut asked: Fetching<'_> = Box::pin(operator.fetch_sockets());
    assert!(world.poll(&mut asked).is_pending());
    let (id, own) = (request(&world), world[0].io.node_id().unwrap());
    let answer = |from: &str, request: &str, socket: &str| {
        let sockets = vec![described(socket, Value::Null)];
        let response = Response::Sockets { request: request.into(), sockets };
        world.exchange.hand_over("/", from, &Parcel::Response(own.to_owned(), response));
    };
    let (one, two) = (world[1].io.node_id().unwrap(), world[2].io.node_id().unwrap());
    answer(one, "unknown", "a");
    answer(own, &id, "b");
    answer(one, &id, "c");
    answer(one, &id, "d");
    assert!(world.poll(&mut asked).is_pending());
    answer(two, &id, "e");
    let Poll::Ready(Ok(sockets)) = world.poll(&mut asked) else { panic!("not complete") };
    answer(two, &id, "f");
    let found = ids(&sockets);
    assert!(found.contains("c") && found.contains("e"), "{found:?}");
    assert_eq!(found.len(), 3);
    assert_eq!(world[0].io.cluster_stats().unwrap().garbage, 0);
}

#[test]
fn answers_of_nodes_without_names_are_counted() {
    let world = World::of_three(joining);
    world.exchange.silence(1, true);
    world.exchange.silence(2, true);
    let operator = world[0].io.of("/");
    let mut asked: Fetching<'_> = Box::pin(operator.fetch_sockets());
    assert!(world.poll(&mut asked).is_pending());
    let id = request(&world);
    let own = world[0].io.node_id().unwrap().to_owned();
    let unreadable = Parcel::Response(own, Response::Unreadable { request: id });
    world.exchange.hand_over("/", "", &unreadable);
    world.advance(SECOND * 5);
    let Poll::Ready(Err(error)) = world.poll(&mut asked) else { panic!("not in time") };
    // Nobody knows which of the two has answered.
    let missing = Vec::new();
    assert_eq!(error.reason, ClusterError::Timeout { received: 1, expected: 2, missing });
}

#[test]
fn answers_with_more_bytes_than_a_request_takes_are_dropped_and_counted() {
    let text = |bytes: usize| "x".repeat(bytes);
    let data =
        |bytes| Data { json: format!("\"{}\"", text(bytes)).into(), attachments: Vec::new() };
    let makes: [&dyn Fn(Box<str>) -> Response; 5] = [
        &|request| Response::Sockets {
            request,
            sockets: vec![described("s", json!({ "headers": [text(1000)] }))],
        },
        &|request| Response::Ack { request, value: Some(data(1000)) },
        &|request| Response::ServerSide { request, value: Some(data(1000)) },
        &|request| Response::Rooms { request, rooms: vec![text(1000).into()] },
        &|request| Response::Ids { request, ids: vec![text(1000).into()] },
    ];
    for make in makes {
        let world = World::of_three(|| {
            let mut config = joining();
            config.config_mut().limits.max_cluster_answer_bytes = 2500;
            config
        });
        world.exchange.silence(1, true);
        world.exchange.silence(2, true);
        let operator = world[0].io.of("/");
        let mut asked: Fetching<'_> = Box::pin(operator.fetch_sockets());
        assert!(world.poll(&mut asked).is_pending());
        let request = request(&world);
        let to = world[0].io.node_id().unwrap().to_owned();
        for expected in [0, 0, 1] {
            let parcel = Parcel::Response(to.clone(), make(request.clone()));
            world.exchange.hand_over("/", "elsewhere", &parcel);
            assert_eq!(world[0].io.cluster_stats().unwrap().garbage, expected);
        }
    }
}

#[test]
fn more_answers_than_a_request_takes_are_dropped_and_counted() {
    let world = World::of_three(|| {
        let mut config = joining();
        config.config_mut().limits.max_cluster_answers = 1;
        config
    });
    let operator = world[0].io.of("/");
    let mut asked: Fetching<'_> = Box::pin(operator.fetch_sockets());
    assert!(world.poll(&mut asked).is_pending());
    assert_eq!(world[0].io.cluster_stats().unwrap().garbage, 1);
}

#[test]
fn a_node_that_leaves_is_not_waited_for() {
    let world = World::of_three(joining);
    let _clients = world.clients("/");
    world.exchange.silence(2, true);
    let operator = world[0].io.of("/");
    let mut asked: Fetching<'_> = Box::pin(operator.fetch_sockets());
    assert!(world.poll(&mut asked).is_pending());
    world.exchange.remove(2);
    world.advance(SECOND);
    let Poll::Ready(Ok(sockets)) = world.poll(&mut asked) else { panic!("still waiting") };
    assert_eq!(sockets.len(), 2);
}

#[test]
fn a_node_that_is_not_back_yet_after_an_outage_has_not_left() {
    let world = World::of_three(joining);
    world.exchange.silence(2, true);
    let operator = world[0].io.of("/");
    let mut asked: Fetching<'_> = Box::pin(operator.fetch_sockets());
    assert!(world.poll(&mut asked).is_pending());
    world.exchange.remove(2);
    world.exchange.reconnect();
    for _ in 0..4 {
        world.advance(SECOND);
        assert!(world.poll(&mut asked).is_pending());
    }
    world.advance(SECOND);
    let Poll::Ready(Err(error)) = world.poll(&mut asked) else { panic!("not in time") };
    let missing = Vec::new();
    assert_eq!(error.reason, ClusterError::Timeout { received: 1, expected: 2, missing });
}

#[test]
fn garbage_in_descriptions_is_left_out_and_what_is_missing_is_empty() {
    let world = World::of_three(joining);
    world.exchange.silence(1, true);
    world.exchange.silence(2, true);
    let operator = world[0].io.of("/");
    let mut asked: Fetching<'_> = Box::pin(operator.fetch_sockets());
    assert!(world.poll(&mut asked).is_pending());
    let (id, own) = (request(&world), world[0].io.node_id().unwrap());
    let good = json!({
        "headers": { "host": "h", "set-cookie": ["a", 1, "b"], "n": 5, "x": "a\nb" },
        "address": "::1", "secure": true, "issued": 1_500, "url": "/s/?a=1", "auth": { "t": 1 },
    });
    let bad = json!({ "headers": 1, "address": [], "secure": 1, "issued": -1, "url": null });
    let huge = json!({ "issued": u64::MAX, "address": "nowhere" });
    let sockets = vec![
        described("", Value::Null),
        described("a\nb", Value::Null),
        described(&"x".repeat(2_000), Value::Null),
        described("/org#good", good),
        described("bad", bad),
        described("huge", huge),
    ];
    for from in [world[1].io.node_id().unwrap(), world[2].io.node_id().unwrap()] {
        let sockets = if from == world[1].io.node_id().unwrap() { sockets.clone() } else { vec![] };
        let response = Response::Sockets { request: id.clone(), sockets };
        world.exchange.hand_over("/", from, &Parcel::Response(own.to_owned(), response));
    }
    let Poll::Ready(Ok(sockets)) = world.poll(&mut asked) else { panic!("not complete") };
    assert_eq!(world[0].io.cluster_stats().unwrap().garbage, 3);
    let [good, bad, huge] = &sockets[..] else { panic!("{sockets:?}") };
    assert_eq!(good.id().as_str(), "/org#good");
    let headers: Vec<_> = good.handshake().headers().collect();
    assert_eq!(headers, [("host", "h"), ("set-cookie", "a"), ("set-cookie", "b")]);
    assert_eq!(good.handshake().query_value("a").as_deref(), Some("1"));
    assert!(good.handshake().is_secure());
    assert_eq!(good.handshake().address().unwrap().ip().to_string(), "::1");
    assert_eq!(good.auth::<Value>().unwrap(), json!({ "t": 1 }));
    assert_eq!(bad.handshake().headers().count(), 0);
    assert_eq!((bad.handshake().url(), bad.handshake().address()), ("", None));
    assert_eq!(bad.auth::<Value>().unwrap(), json!({}));
    assert_eq!(bad.data::<Value>().unwrap(), json!({}));
    assert_eq!(huge.handshake().address(), None);
}

#[test]
fn a_fetched_socket_is_what_it_is_at_its_node_and_can_be_acted_on() {
    let world = World::of_three(joining);
    let mut clients = world.clients("/");
    let there = world[2].sockets().pop().unwrap();
    there.set_data(json!({ "name": "x" })).unwrap();
    there.join("r");
    let found = world.now(world[0].io.to("r").fetch_sockets()).unwrap();
    let [remote] = &found[..] else { panic!("{found:?}") };
    assert_eq!(remote.id(), there.id());
    assert_eq!(remote.handshake().url(), "/socket.io/?EIO=4");
    assert_eq!(remote.handshake().header("host"), Some("a"));
    assert_eq!(remote.rooms(), [there.id().as_arc().clone(), "r".into()]);
    assert_eq!(remote.data::<Value>().unwrap(), json!({ "name": "x" }));
    remote.emit("hello", 1).unwrap();
    assert_eq!(world.frames(&mut clients), ["", "", "42[\"hello\",1]"]);
    remote.join("s");
    world.settle();
    assert_eq!(world[2].members("s"), 1);
    remote.leave("r");
    remote.disconnect(true);
    assert_eq!(world.frames(&mut clients), ["", "", "41 (closed)"]);
}

#[test]
fn sockets_and_ids_of_all_nodes_or_of_this_one_alone() {
    let world = World::of_three(joining);
    let _clients = world.clients("/");
    let io = &world[0].io;
    assert_eq!(world.now(io.all_sockets()).unwrap().len(), 3);
    assert_eq!(world.now(io.of("/none").fetch_sockets()).unwrap().len(), 0);
    world.exchange.take_log();
    assert_eq!(world.now(io.local().fetch_sockets()).unwrap().len(), 1);
    world.exchange.remove(1);
    world.exchange.remove(2);
    assert_eq!(world.now(io.fetch_sockets()).unwrap().len(), 1);
    assert_eq!(world.exchange.take_log().len(), 0);
}

#[test]
fn rooms_of_all_nodes_are_asked_for_or_read_from_their_sockets() {
    for asks_for_rooms in [false, true] {
        let mut world = World::empty();
        for _ in 0..3 {
            world.add(joining(), |joint| joint.asks_for_rooms = asks_for_rooms);
        }
        let _clients = world.clients("/");
        world[1].io.local().sockets_join(["r", "s"]);
        world[2].io.local().sockets_join("r");
        world.exchange.take_log();
        let rooms = world.now(world[0].io.all_rooms()).unwrap();
        let named: Vec<&Room> = rooms.iter().filter(|room| room.len() == 1).collect();
        assert_eq!(named, [&Arc::from("r"), &Arc::from("s")]);
        assert_eq!(rooms.len(), 5);
        let asked = world.exchange.take_log();
        let by_rooms = matches!(asked[0].2, Parcel::Message(Message::AllRooms { .. }));
        assert_eq!(by_rooms, asks_for_rooms);
        assert_eq!(asked.len(), 3);
    }
}
