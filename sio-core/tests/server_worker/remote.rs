//! Sockets as others see them, ids, maps of rooms, data; and events between nodes.

use std::collections::HashSet;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde_json::{Value, json};
use sio_core::server::{AckError, BroadcastAckError, Io, Socket};

use crate::carrier::{Server, WebSocket};
use crate::tools::Notes;

fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the only worker has not answered"),
    }
}

fn in_room(server: &Server, room: &str) -> (WebSocket, Socket) {
    let client = server.joined();
    let socket = server.sockets().pop().unwrap();
    socket.join(room);
    (client, socket)
}

#[test]
fn a_fetched_socket_is_a_copy_of_what_it_was() {
    let server = Server::start(Io::builder());
    let (mut client, socket) = in_room(&server, "r");
    socket.set_data(json!({ "name": "x" })).unwrap();
    let remote = now(server.io.fetch_sockets()).unwrap().pop().unwrap();
    socket.join("later");
    socket.set_data("later").unwrap();
    assert_eq!(remote.id(), socket.id());
    assert_eq!(remote.handshake().url(), "/socket.io/?EIO=4");
    assert_eq!(remote.auth::<Value>().unwrap(), json!({}));
    assert_eq!(remote.rooms(), [socket.id().as_arc().clone(), "r".into()]);
    assert_eq!(remote.data::<Value>().unwrap(), json!({ "name": "x" }));
    client.exchange("41");
    assert_eq!(remote.rooms().len(), 2);
    assert_eq!(now(server.io.fetch_sockets()).unwrap().len(), 0);
}

#[test]
fn what_is_done_to_one_is_done_to_no_other() {
    let server = Server::start(Io::builder());
    let (mut a, one) = in_room(&server, "r");
    let (mut b, two) = in_room(&server, "r");
    let remote = now(server.io.to(one.id()).fetch_sockets()).unwrap().pop().unwrap();
    remote.emit("x", 1).unwrap();
    remote.send("m").unwrap();
    remote.operator().volatile().emit("v", ()).unwrap();
    assert_eq!(a.frames(), ["42[\"x\",1]", "42[\"message\",\"m\"]"]);
    remote.join(["s", "t"]);
    remote.leave("r");
    let names = |socket: &Socket| socket.rooms().iter().skip(1).map(ToString::to_string).collect();
    let rooms: [Vec<String>; 2] = [names(&one), names(&two)];
    assert_eq!(rooms, [vec!["s".to_owned(), "t".to_owned()], vec!["r".to_owned()]]);
    remote.disconnect(false);
    assert_eq!((a.frames(), b.frames()), (vec!["41".to_owned()], Vec::new()));
    // Whoever is gone is reached no more.
    remote.emit("x", 1).unwrap();
    remote.disconnect(true);
    assert_eq!(a.frames(), [""; 0]);
    now(server.io.fetch_sockets()).unwrap()[0].disconnect(true);
    assert_eq!(b.frames(), ["41", "(closed)"]);
}

#[test]
fn selections_fetch_and_list_ids() {
    let server = Server::start(Io::builder().namespace("/other", |_| {}));
    let (mut a, one) = in_room(&server, "a");
    let (_b, two) = in_room(&server, "b");
    a.connect("/other");
    let ids = |ids: Vec<sio_core::sid::Sid>| ids.into_iter().collect::<HashSet<_>>();
    let both = HashSet::from([one.id().clone(), two.id().clone()]);
    assert_eq!(ids(now(server.io.all_sockets()).unwrap()), both);
    assert_eq!(ids(now(server.io.to(["a", "b"]).all_sockets()).unwrap()), both);
    assert_eq!(now(server.io.except("b").all_sockets()).unwrap(), [one.id().clone()]);
    assert_eq!(now(one.broadcast().fetch_sockets()).unwrap()[0].id(), two.id());
    assert_eq!(now(server.io.local().all_sockets()).unwrap().len(), 2);
    assert_eq!(now(server.io.of("/other").all_sockets()).unwrap().len(), 1);
    assert_eq!(now(server.io.of("/nowhere").all_sockets()).unwrap().len(), 0);
    assert_eq!(now(server.io.of("/nowhere").fetch_sockets()).unwrap().len(), 0);
}

#[test]
fn who_is_in_which_room_is_told_both_ways() {
    let server = Server::start(Io::builder());
    let (_a, one) = in_room(&server, "r");
    let (_b, two) = in_room(&server, "r");
    two.join("s");
    let map = now(server.io.of("/").rooms());
    let members = |room: &str| map.rooms[room].iter().cloned().collect::<HashSet<_>>();
    assert_eq!(map.rooms.len(), 4);
    assert_eq!(members("r"), HashSet::from([one.id().clone(), two.id().clone()]));
    assert_eq!(members("s"), HashSet::from([two.id().clone()]));
    assert_eq!(members(one.id().as_str()), HashSet::from([one.id().clone()]));
    assert_eq!(map.sids[two.id()].len(), 3);
    assert_eq!(now(server.io.of("/nowhere").rooms()), Default::default());
}

#[test]
fn data_is_seen_from_guards_to_disconnect_handlers() {
    let notes = Notes::default();
    let (connected, ended) = (notes.clone(), notes.clone());
    let server = Server::start(Io::builder().namespace("/", move |ns| {
        ns.connect_guard(|socket: Socket| {
            assert_eq!(socket.data::<Value>().unwrap(), json!({}));
            socket
                .set_data(json!({ "n": 1 }))
                .map_err(|error| sio_core::handler::EventError::internal(error.to_string()))
        });
        ns.on_connection(move |socket: Socket| {
            connected.add(socket.data::<Value>().unwrap().to_string());
        });
        ns.on("set", |socket: Socket, data: Value| socket.set_data(data).is_ok());
        ns.on_disconnect(move |socket: Socket| {
            ended.add(socket.data::<Value>().unwrap().to_string());
        });
    }));
    let mut client = server.joined();
    assert_eq!(client.exchange("421[\"set\",[2]]"), ["431[true]"]);
    assert!(server.sockets()[0].data::<String>().is_err());
    client.exchange("41");
    assert_eq!(notes.take(), ["{\"n\":1}", "[2]"]);
}

#[test]
fn operations_on_everybody_have_short_forms() {
    let server = Server::start(Io::builder());
    let (mut client, socket) = in_room(&server, "r");
    server.io.send("a").unwrap();
    server.io.write("b").unwrap();
    server.io.of("/").write("c").unwrap();
    server.io.to("r").write("d").unwrap();
    socket.everybody().compress(false).send("e").unwrap();
    let frames: Vec<String> =
        ["a", "b", "c", "d", "e"].map(|name| format!("42[\"message\",\"{name}\"]")).into();
    assert_eq!(client.frames(), frames);
    server.io.sockets_join(["s", "t"]);
    server.io.sockets_leave("r");
    assert_eq!((server.members("s"), server.members("r")), (1, 0));
    // What was emitted before comes first.
    server.io.emit("last", ()).unwrap();
    server.io.disconnect_sockets(true);
    assert_eq!(client.frames(), ["42[\"last\"]", "41", "(closed)"]);
}

#[test]
fn a_node_that_stands_alone_tells_nobody() {
    let server = Server::start(Io::builder().namespace("/a", |_| {}));
    let mut client = server.joined();
    for name in ["connect", "connection", "new_namespace"] {
        let error = server.io.server_side_emit(name, ()).unwrap_err();
        assert_eq!(error.to_string(), format!("\"{name}\" is a reserved event name"));
        let asked: Result<Vec<u8>, BroadcastAckError<u8>> =
            now(server.io.of("/a").server_side_emit_with_ack(name, ()));
        assert!(matches!(asked.unwrap_err().reason, AckError::Emit(_)));
    }
    server.io.server_side_emit("hello", 1).unwrap();
    server.io.of("/a").server_side_emit("disconnect", 1).unwrap();
    let answers: Vec<u8> = now(server.io.server_side_emit_with_ack("hello", 1)).unwrap();
    assert_eq!(answers, [0; 0]);
    assert_eq!(client.frames(), [""; 0]);
}
