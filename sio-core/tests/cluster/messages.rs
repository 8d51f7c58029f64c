//! What is told to the other nodes, and what is done with it there.

use bytes::Bytes;
use sio_core::adapter::{BroadcastOptions, Room};
use sio_core::cluster::{Data, Message};
use sio_core::packet::Binary;
use sio_core::server::{Io, Recovery};

use crate::exchange::Parcel;
use crate::world::{World, joining};

fn broadcast(json: &str, attachments: &[&'static [u8]]) -> Parcel {
    let attachments = attachments.iter().map(|bytes| Bytes::from_static(bytes)).collect();
    let data = Data { json: json.into(), attachments };
    let options = BroadcastOptions::default();
    Parcel::Message(Message::Broadcast { data, id: None, options, request: None })
}

#[test]
fn what_is_no_event_is_counted_and_reaches_nobody() {
    let world = World::of_three(joining);
    let mut clients = world.clients("/");
    let garbage: [(&str, &[&'static [u8]]); 11] = [
        ("", &[]),
        ("{}", &[]),
        ("[]", &[]),
        ("[null]", &[]),
        ("[\"a\"", &[]),
        ("[\"a\",]", &[]),
        ("[\"a\" 1]", &[]),
        ("[\"connect\"]", &[]),
        ("[\"a\",1]]", &[]),
        ("[\"a\",{\"_placeholder\":true,\"num\":1}]", &[b"x"]),
        (&format!("[\"a\",{}{}]", "[".repeat(200), "]".repeat(200)), &[]),
    ];
    for (json, attachments) in &garbage {
        world.exchange.hand_over("/", "elsewhere", &broadcast(json, attachments));
    }
    assert_eq!(world.frames(&mut clients), ["", "", ""]);
    assert_eq!(world[0].io.cluster_stats().unwrap().garbage, garbage.len() as u64);
    world.exchange.hand_over("/", "elsewhere", &broadcast("[7,1]", &[]));
    assert_eq!(world.frames(&mut clients), ["42[\"7\",1]", "42[\"7\",1]", "42[\"7\",1]"]);
}

#[test]
fn names_of_rooms_count_among_the_bytes_that_wait_for_a_worker() {
    let names: Vec<Room> = (0..100).map(|number| Room::from(number.to_string())).collect();
    let to_all = BroadcastOptions::default;
    let mut to_many = to_all();
    to_many.rooms = names.clone();
    let Parcel::Message(Message::Broadcast { data, .. }) = broadcast("[\"a\"]", &[]) else {
        panic!()
    };
    let messages = [
        Message::Join { options: to_all(), rooms: names.clone() },
        Message::Leave { options: to_all(), rooms: names },
        Message::Disconnect { options: to_many.clone(), close: false },
        Message::Broadcast { data, id: None, options: to_many, request: None },
    ];
    for message in messages {
        let world = World::of_three(|| {
            let mut config = joining();
            config.config_mut().limits.max_worker_queue_bytes = 10_000;
            config
        });
        // The workers do not run.
        let (exchange, parcel) = (world.exchange.clone(), Parcel::Message(message.clone()));
        let adapter = std::thread::spawn(move || {
            (0..10).for_each(|_| exchange.hand_over("/", "elsewhere", &parcel));
        });
        adapter.join().unwrap();
        let lost = world[0].io.cluster_stats().unwrap().lost;
        assert!((1..10).contains(&lost), "{lost} of {message:?}");
    }
}

#[test]
fn an_own_message_and_one_for_an_unknown_namespace_are_ignored() {
    let world = World::of_three(joining);
    let mut clients = world.clients("/");
    let own = world[0].io.node_id().unwrap().to_owned();
    world.exchange.hand_over("/", &own, &broadcast("[\"a\"]", &[]));
    assert_eq!(world.frames(&mut clients), ["", "42[\"a\"]", "42[\"a\"]"]);
    world.exchange.hand_over("/none", "elsewhere", &broadcast("[\"a\"]", &[]));
    assert_eq!(world.frames(&mut clients), ["", "", ""]);
    assert_eq!(world[0].io.cluster_stats().unwrap().garbage, 0);
}

#[test]
fn a_broadcast_is_told_once_and_reaches_each_socket_once() {
    let world = World::of_three(joining);
    let mut clients = world.clients("/");
    world[0].io.emit("a", (1, "x")).unwrap();
    assert_eq!(world.exchange.take_log().len(), 1);
    assert_eq!(world.frames(&mut clients), ["42[\"a\",1,\"x\"]"; 3]);
    for client in &mut clients[..2] {
        client.send("42[\"join\",\"r\"]");
        client.send("42[\"join\",\"s\"]");
    }
    world[2].io.to(["r", "s"]).emit("b", ()).unwrap();
    assert_eq!(world.frames(&mut clients), ["42[\"b\"]", "42[\"b\"]", ""]);
    world[0].io.except("s").emit("c", ()).unwrap();
    assert_eq!(world.frames(&mut clients), ["", "", "42[\"c\"]"]);
    clients[1].send("42[\"others\"]");
    assert_eq!(world.frames(&mut clients), ["42[\"hi\"]", "", "42[\"hi\"]"]);
    assert_eq!(world.exchange.take_log().len(), 3);
}

#[test]
fn bytes_travel_as_bytes() {
    let world = World::of_three(joining);
    let mut clients = world.clients("/");
    let bytes = Binary(Bytes::from_static(&[1, 2]));
    world[1].io.emit("a", (&bytes, 5, &bytes)).unwrap();
    let placed = |n| format!("{{\"_placeholder\":true,\"num\":{n}}}");
    let frames = format!("452-[\"a\",{},5,{}] <0102> <0102>", placed(0), placed(1));
    assert_eq!(world.frames(&mut clients), vec![frames; 3]);
}

#[test]
fn what_is_local_and_what_goes_to_one_socket_stays_here() {
    let world = World::of_three(joining);
    let mut clients = world.clients("/");
    world[0].io.local().emit("a", ()).unwrap();
    world[0].io.local().sockets_join("r");
    world[0].sockets()[0].emit("b", ()).unwrap();
    assert_eq!(world.exchange.take_log().len(), 0);
    assert_eq!(world.frames(&mut clients), ["42[\"a\"] 42[\"b\"]", "", ""]);
}

#[test]
fn joining_leaving_and_disconnecting_reach_the_sockets_of_all_nodes() {
    let world = World::of_three(joining);
    let mut clients = world.clients("/");
    world[0].io.sockets_join(["r", "s"]);
    world.settle();
    assert_eq!([0, 1, 2].map(|n| world[n].members("r")), [1, 1, 1]);
    let two = world[1].sockets()[0].id().clone();
    world[2].io.to(&two).sockets_leave("r");
    world.settle();
    assert_eq!([0, 1, 2].map(|n| world[n].members("r")), [1, 0, 1]);
    world[1].io.to("r").disconnect_sockets(false);
    assert_eq!(world.frames(&mut clients), ["41", "", "41"]);
    world[0].io.disconnect_sockets(true);
    assert_eq!(world.frames(&mut clients), ["", "41 (closed)", ""]);
}

#[test]
fn an_adapter_that_panics_does_not_disturb_local_sockets() {
    let mut world = World::empty();
    world.add(joining(), |joint| joint.panics = true);
    let mut clients = world.clients("/");
    world[0].io.emit("a", ()).unwrap();
    world[0].io.sockets_join("r");
    world[0].io.to("r").emit("b", ()).unwrap();
    assert_eq!(world.frames(&mut clients), ["42[\"a\"] 42[\"b\"]"]);
}

#[test]
fn what_another_node_says_can_be_recovered_here() {
    let config = || joining().connection_state_recovery(Recovery::default());
    let world = World::of_three(config);
    let mut client = world[0].websocket();
    let answer = client.exchange("40").pop().unwrap();
    let (_, pid) = answer.split_once("\"pid\":\"").unwrap();
    let pid = pid.trim_end_matches("\"}").to_owned();
    world[1].io.emit("a", 1).unwrap();
    world.settle();
    let frame = client.frames().pop().unwrap();
    let offset = frame.strip_prefix("42[\"a\",1,\"").unwrap().trim_end_matches("\"]").to_owned();
    client.drop_connection();
    world[1].io.emit("b", 2).unwrap();
    world[2].io.volatile().emit("c", 3).unwrap();
    world.settle();
    let mut client = world[0].websocket();
    let back = client.exchange(&format!("40{{\"pid\":\"{pid}\",\"offset\":\"{offset}\"}}"));
    assert!(back[0].starts_with("42[\"b\",2,\""), "{back:?}");
    assert!(back[1].starts_with("40{\"sid\":\""), "{back:?}");
    assert_eq!(back.len(), 2);
}

#[test]
fn each_namespace_of_a_pattern_is_told_for_itself() {
    let world = World::of_three(|| Io::builder().namespace("/org/{org}", |_| {}));
    let mut clients = world.clients("/org/a");
    clients[0].connect("/org/b");
    world.settle();
    world.exchange.take_log();
    world[0].io.of_pattern("/org/{org}").emit("x", ()).unwrap();
    assert_eq!(world.exchange.take_log().len(), 2);
    let frames = world.frames(&mut clients);
    assert_eq!(frames[1..], ["42/org/a,[\"x\"]", "42/org/a,[\"x\"]"]);
}

#[test]
fn what_is_said_to_a_namespace_that_only_others_have_reaches_them() {
    let world = World::of_three(|| Io::builder().namespace("/org/{org}", |_| {}));
    let mut client = world[1].websocket();
    client.connect("/org/a");
    world.settle();
    client.frames();
    world.exchange.take_log();
    let absent = world[0].io.of("/org/a");
    assert!(absent.emit("connect", ()).is_err(), "a name that no event has");
    absent.everybody().local().emit("here", ()).unwrap();
    assert_eq!(world.exchange.take_log().len(), 0);
    absent.sockets_join("room");
    absent.to("room").emit("x", (1, Binary(Bytes::from_static(b"b")))).unwrap();
    absent.except("room").emit("y", ()).unwrap();
    absent.server_side_emit("z", ()).unwrap();
    assert_eq!(world.exchange.take_log().len(), 4, "one message each");
    world.settle();
    let frames = client.frames();
    assert!(frames[0].starts_with("451-/org/a,[\"x\",1,"), "{frames:?}");
    assert!(!frames.iter().any(|frame| frame.contains("\"y\"")), "{frames:?}");
    absent.disconnect_sockets(false);
    world.settle();
    assert_eq!(client.frames(), ["41/org/a,"]);
    assert!(!world[0].io.namespaces().contains(&"/org/a".to_owned()), "being spoken to makes none");
}
