//! What comes back with a client, and in which order.

use bytes::Bytes;
use sio_core::packet::Binary;
use sio_core::server::ConnectError;

use super::*;
use crate::tools::Gates;

/// Guards run for who comes back, and wait at the gate `back`.
fn waiting(gates: &Gates) -> World {
    World::with(|config| {
        let gates = gates.clone();
        let mut recovery = Recovery::default();
        recovery.skip_guards = false;
        config.connection_state_recovery(recovery).connect_guard(async move |socket: Socket| {
            if socket.is_recovered() {
                gates.wait("back").await;
            }
            Ok::<(), ConnectError>(())
        })
    })
}

// 34.5
#[test]
fn a_client_comes_back_on_another_node_as_who_it_was() {
    let world = World::new();
    let (mut socket, mut client) = world.greeted(A);
    let before = world.socket(A);
    before.join("r1");
    before.set_data(serde_json::json!({ "name": "x" })).unwrap();
    before.set_state(1_u8);
    socket.drop_connection();
    let io = &world[A].io;
    io.emit("all", 1).unwrap();
    io.to("r1").emit("binary", Binary(Bytes::from_static(b"\x01\x02"))).unwrap();
    io.to("base").except("r1").emit("not mine", ()).unwrap();
    io.to("elsewhere").emit("not mine", ()).unwrap();
    before.emit("direct", ()).unwrap();
    world.flush();
    let request = client.request();
    let (_back, mut answers) = world.ask(B, &request);
    assert_eq!(
        answers[..4],
        [
            "42[\"all\",1,\"1795201307261-1\"]",
            "451-[\"binary\",{\"_placeholder\":true,\"num\":0},\"1795201307261-2\"]",
            "<0102>",
            "42[\"direct\",\"1795201307262-2\"]",
        ]
    );
    let missed = client.note_return(answers.split_off(4));
    assert!(missed.is_empty());
    let back = world.socket(B);
    assert!(back.is_recovered());
    assert_eq!(back.rooms(), [&**back.id().as_arc(), "base", "r1"].map(Arc::from));
    assert_eq!(back.data::<serde_json::Value>().unwrap(), serde_json::json!({ "name": "x" }));
    assert!(back.state::<u8>().is_none());
    assert_eq!(world[B].members("r1"), 1);
}

// 34.6
#[test]
fn what_was_on_its_way_is_not_lost() {
    let world = World::new();
    let (mut socket, mut client) = world.greeted(A);
    world[B].io.emit("from b", ()).unwrap();
    world.socket(A).emit("from a", ()).unwrap();
    socket.drop_connection();
    world.stream.take(B, 1);
    world.stream.take(A, 1);
    // What this node has said itself is waited for.
    let (mut back, answers) = world.ask(B, &client.request());
    assert!(answers.is_empty());
    world.read(B, 1);
    let missed = client.note_return(back.frames());
    assert_eq!(missed, ["42[\"from b\"]", "42[\"from a\"]"]);
    // Now this node comes to the rest as well.
    world.flush();
    assert!(back.frames().is_empty());
    world[A].io.emit("next", ()).unwrap();
    world.flush();
    assert_eq!(client.note_events(&back.frames()), ["42[\"next\"]"]);
}

#[test]
fn what_comes_between_the_reading_and_the_answer_comes_with_the_answer() {
    let gates = Gates::default();
    let world = waiting(&gates);
    let (mut socket, mut client) = world.greeted(A);
    socket.drop_connection();
    world[A].io.emit("one", ()).unwrap();
    world.stream.take(A, 1);
    // The log is read, and this node is behind it.
    let (mut back, answers) = world.ask(B, &client.request());
    assert!(answers.is_empty());
    world[A].io.emit("two", ()).unwrap();
    world[A].io.to("elsewhere").emit("not mine", ()).unwrap();
    world.flush();
    world[A].io.emit("three", ()).unwrap();
    world.stream.take(A, 1);
    gates.open("back");
    world[B].run();
    let missed = client.note_return(back.frames());
    assert_eq!(missed, ["42[\"one\"]", "42[\"two\"]"]);
    world.flush();
    assert_eq!(client.note_events(&back.frames()), ["42[\"three\"]"]);
}

#[test]
fn who_missed_more_in_between_than_may_be_kept_is_new() {
    let gates = Gates::default();
    let world = waiting(&gates);
    let (mut socket, client) = world.greeted(A);
    socket.drop_connection();
    let (mut back, _) = world.ask(B, &client.request());
    for round in 0..20_000 {
        world[A].io.emit("event", round).unwrap();
        if round % 5_000 == 0 {
            world.flush();
        }
    }
    world.flush();
    gates.open("back");
    client.assert_new(&back.frames());
}

#[test]
fn an_event_without_an_offset_in_between_makes_a_new_socket() {
    let gates = Gates::default();
    let world = waiting(&gates);
    let (mut socket, client) = world.greeted(A);
    socket.drop_connection();
    let (mut back, _) = world.ask(B, &client.request());
    world[B].io.emit("doubtful", ()).unwrap();
    world.stream.give_up(B);
    world[B].io.emit("sure", ()).unwrap();
    world.flush();
    gates.open("back");
    client.assert_new(&back.frames());
}

// 34.11
#[test]
fn a_connection_that_is_dead_without_knowing_is_taken_over() {
    let world = World::new();
    let (mut dead, mut client) = world.greeted(A);
    world[B].io.emit("unheard", ()).unwrap();
    world.flush();
    let (_back, missed) = world.come_back(A, &mut client);
    assert_eq!(missed, ["42[\"unheard\"]"]);
    dead.drop_connection();
    assert!(world.socket(A).is_connected());
}

// 34.12
#[test]
fn one_poll_holds_what_was_missed_and_the_answer() {
    let world = World::new();
    let (mut socket, client) = world.greeted(A);
    socket.drop_connection();
    world[A].io.emit("missed", ()).unwrap();
    world.flush();
    let mut back = world[B].polling();
    assert_eq!(back.push(&format!("40{}", client.request())).as_deref(), Some("ok"));
    world[B].run();
    let answer = back.poll().unwrap();
    let (missed, connect) = answer.split_once('\x1e').unwrap();
    assert_eq!(missed, "42[\"missed\",\"1795201307261-1\"]");
    assert!(connect.starts_with("40{\"sid\""), "{connect}");
}

#[test]
fn the_volatile_and_what_wanted_an_ack_come_again_as_plain_events() {
    use sio_core::adapter::BroadcastOptions;
    use sio_core::cluster::{Data, Message};

    let world = World::new();
    let (mut socket, mut client) = world.greeted(A);
    socket.drop_connection();
    let data = Data { json: "[\"asked\",1]".into(), attachments: Vec::new() };
    let options = BroadcastOptions::default();
    world.stream.add(Message::Broadcast { data, id: Some(3), options, request: None });
    world[A].io.volatile().emit("volatile", ()).unwrap();
    world.flush();
    let (_back, missed) = world.come_back(B, &mut client);
    assert_eq!(missed, ["42[\"asked\",1]", "42[\"volatile\"]"]);
}

#[test]
fn a_dynamic_namespace_is_made_for_who_comes_back() {
    let world = World::with(|config| {
        config.namespace("/room/{name}", |ns| {
            ns.on("say", |socket: Socket| socket.broadcast().emit("said", ()));
        })
    });
    let (mut socket, mut client) = (world[A].websocket(), Client::default());
    client.note_connect(&socket.exchange("40/room/x,")[0].replace("/room/x,", ""));
    world[A].io.of("/room/x").emit("hello", ()).unwrap();
    world.flush();
    let hello = socket.frames();
    client.note_events(&hello);
    assert_eq!(hello, ["42/room/x,[\"hello\",\"1795201307261-0\"]"]);
    socket.drop_connection();
    assert!(!world[A].io.of("/room/x").exists() && !world[B].io.of("/room/x").exists());
    let mut back = world[B].websocket();
    let answers = back.exchange(&format!("40/room/x,{}", client.request()));
    let answers = answers.iter().map(|answer| answer.replace("/room/x,", "")).collect();
    assert!(client.note_return(answers).is_empty());
    drop(back);
    world[B].run();
    assert!(!world[B].io.of("/room/x").exists());
}
