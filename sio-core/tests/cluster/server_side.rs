//! Events for the nodes themselves: the sending side.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use sio_core::cluster::{ClusterError, Data, Message, Response};
use sio_core::server::{AckError, BroadcastAckError};

use crate::exchange::Parcel;
use crate::fetch::request;
use crate::world::{World, joining};

type Asked = Pin<Box<dyn Future<Output = Result<Vec<u8>, BroadcastAckError<u8>>>>>;

fn ask(world: &World) -> Asked {
    let io = world[0].io.clone();
    Box::pin(async move { io.server_side_emit_with_ack("ask", 1).await })
}

fn answer(world: &World, from: usize, request: &str, json: &str) {
    let own = world[0].io.node_id().unwrap().to_owned();
    let value = Some(Data { json: json.into(), attachments: Vec::new() });
    let response = Response::ServerSide { request: request.into(), value };
    let from = world[from].io.node_id().unwrap();
    world.exchange.hand_over("/", from, &Parcel::Response(own, response));
}

#[test]
fn reserved_names_tell_nobody_and_namespaces_of_others_are_not_asked() {
    let world = World::of_three(joining);
    world[0].io.server_side_emit("connection", ()).unwrap_err();
    let asked = world[0].io.of("/none");
    let answers: Vec<u8> = world.now(asked.server_side_emit_with_ack("a", ())).unwrap();
    assert_eq!((answers.len(), world.exchange.take_log().len()), (0, 0));
}

#[test]
fn an_event_is_told_once_and_not_to_this_node() {
    let world = World::of_three(joining);
    world[0].io.server_side_emit("a", (1, "x")).unwrap();
    let log = world.exchange.take_log();
    let [(namespace, _, Parcel::Message(Message::ServerSide { data, request: None }))] = &log[..]
    else {
        panic!("{log:?}")
    };
    assert_eq!((&**namespace, &*data.json), ("/", "[\"a\",1,\"x\"]"));
}

#[test]
fn answers_that_came_are_in_the_error_with_the_names_of_the_others() {
    let world = World::of_three(joining);
    let mut asked = ask(&world);
    assert!(world.poll(&mut asked).is_pending());
    let id = request(&world);
    answer(&world, 1, &id, "7");
    world.advance(Duration::from_secs(5));
    let Poll::Ready(Err(error)) = world.poll(&mut asked) else { panic!("not in time") };
    let missing = vec![world[2].io.node_id().unwrap().to_owned()];
    let reason = ClusterError::Timeout { received: 1, expected: 2, missing };
    assert_eq!(error.reason, AckError::Cluster(reason));
    assert_eq!(error.responses, [7]);
}

#[test]
fn each_of_the_other_nodes_gives_one_answer() {
    let world = World::of_three(joining);
    let mut asked = ask(&world);
    assert!(world.poll(&mut asked).is_pending());
    let id = request(&world);
    answer(&world, 2, &id, "9");
    answer(&world, 2, &id, "9");
    assert!(world.poll(&mut asked).is_pending());
    answer(&world, 1, &id, "8");
    assert_eq!(world.poll(&mut asked), Poll::Ready(Ok(vec![9, 8])));
}

#[test]
fn a_node_that_is_the_only_one_gets_an_empty_list_at_once() {
    let mut world = World::empty();
    world.add(joining(), |_| {});
    assert_eq!(world.poll(&mut ask(&world)), Poll::Ready(Ok(Vec::new())));
    assert_eq!(world.exchange.take_log().len(), 0);
}
