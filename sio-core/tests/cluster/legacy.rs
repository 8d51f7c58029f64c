//! What older nodes ask: ids, and things done to one socket.

use sio_core::cluster::{Message, Response};

use crate::exchange::Parcel;
use crate::world::{World, joining};

fn ask(world: &World, message: Message) -> Vec<Response> {
    world.exchange.take_log();
    world.exchange.hand_over("/", "elsewhere", &Parcel::Message(message));
    world.settle();
    let log = world.exchange.take_log();
    let answers = log.into_iter().filter_map(|(_, _, parcel)| match parcel {
        Parcel::Response(to, response) => {
            assert_eq!(to, "elsewhere");
            Some(response)
        }
        Parcel::Message(_) => None,
    });
    answers.collect()
}

#[test]
fn only_the_node_that_has_the_socket_answers() {
    let world = World::of_three(joining);
    let mut clients = world.clients("/");
    let id: Box<str> = world[1].sockets()[0].id().as_str().into();
    // One that has joined the room of this id is not the socket.
    world[0].io.local().sockets_join(&*id);
    let request: Box<str> = "r".into();
    let done = [Response::Done { request: request.clone() }];
    let join = Message::JoinOne { id: id.clone(), room: "x".into(), request: request.clone() };
    assert_eq!(ask(&world, join.clone()), done);
    assert_eq!([0, 1, 2].map(|n| world[n].members("x")), [0, 1, 0]);
    let leave = Message::LeaveOne { id: id.clone(), room: "x".into(), request: request.clone() };
    assert_eq!(ask(&world, leave), done);
    assert_eq!(world[1].members("x"), 0);
    let end = Message::DisconnectOne { id, close: true, request };
    assert_eq!(ask(&world, end), done);
    assert_eq!(world.frames(&mut clients), ["", "41 (closed)", ""]);
    assert_eq!(ask(&world, join), []);
}

#[test]
fn ids_are_those_of_the_members_of_any_room_or_of_all() {
    let world = World::of_three(joining);
    let mut client = world[0].websocket();
    let id: Box<str> = client.connect("/").into();
    let ids = |rooms: &[&str]| {
        let rooms = rooms.iter().map(|room| (*room).into()).collect();
        let answers = ask(&world, Message::SocketIds { rooms, request: "r".into() });
        assert_eq!(answers.len(), 3);
        let found = answers.into_iter().flat_map(|response| match response {
            Response::Ids { ids, .. } => ids,
            other => panic!("{other:?}"),
        });
        found.collect::<Vec<_>>()
    };
    assert_eq!(ids(&[]), *std::slice::from_ref(&id));
    assert_eq!(ids(&["none", &id]), *std::slice::from_ref(&id));
    assert_eq!(ids(&["none"]), [] as [Box<str>; 0]);
}
