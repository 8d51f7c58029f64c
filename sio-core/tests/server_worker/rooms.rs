//! Rooms and broadcasts.

use std::sync::{Arc, Mutex};
use std::thread;

use sio_core::packet::Binary;
use sio_core::server::{EmitError, Io, IoConfig, Socket};

use crate::carrier::{Server, WebSocket};

type Sockets = Arc<Mutex<Vec<Socket>>>;

/// Sockets join and leave rooms by event, and are collected as they connect.
fn rooms(sockets: &Sockets) -> IoConfig {
    let sockets = Arc::clone(sockets);
    Io::builder().namespace("/", |ns| {
        ns.on_connection(move |socket: Socket| sockets.lock().unwrap().push(socket));
        ns.on("join", |socket: Socket, rooms: Vec<String>| socket.join(&rooms));
        ns.on("leave", |socket: Socket, rooms: Vec<String>| socket.leave(&rooms));
        ns.on("say", |socket: Socket, rooms: Vec<String>| socket.to(&rooms).emit("said", ()));
        ns.on("say_all", |socket: Socket| socket.broadcast().emit("said", ()));
    })
}

fn start() -> (Server, Sockets) {
    let sockets = Sockets::default();
    (Server::start(rooms(&sockets)), sockets)
}

fn in_rooms(server: &Server, rooms: &str) -> WebSocket {
    let mut client = server.joined();
    client.exchange(&format!("42[\"join\",{rooms}]"));
    client
}

/// Which clients got one event `x`; any other frame fails.
fn reached(clients: &mut [WebSocket]) -> Vec<usize> {
    let mut reached = Vec::new();
    for (index, client) in clients.iter_mut().enumerate() {
        match &client.frames()[..] {
            [] => {}
            [one] if one == "42[\"x\"]" => reached.push(index),
            other => panic!("client {index} got {other:?}"),
        }
    }
    reached
}

/// Runs something on a thread that has no worker.
fn elsewhere<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    thread::spawn(call).join().unwrap()
}

#[test]
fn an_unknown_room_reaches_nobody() {
    let (server, _) = start();
    let mut clients = [server.joined()];
    server.io.to("nobody").emit("x", ()).unwrap();
    server.io.of("/nobody").emit("x", ()).unwrap();
    assert_eq!(reached(&mut clients), [0; 0]);
}

#[test]
fn leaving_a_room_one_is_not_in_does_nothing() {
    let (server, sockets) = start();
    let client = in_rooms(&server, "[\"a\"]");
    let socket = sockets.lock().unwrap()[0].clone();
    socket.leave("b");
    socket.leave(socket.id());
    assert_eq!(server.members("a"), 1);
    assert_eq!(server.members(client_id(&socket)), 1);
    drop(client);
}

fn client_id(socket: &Socket) -> &str {
    socket.id().as_str()
}

#[test]
fn several_rooms_are_their_union_and_nobody_gets_it_twice() {
    let (server, _) = start();
    let mut clients =
        ["[\"a\"]", "[\"b\"]", "[\"a\",\"b\",\"a\"]", "[]"].map(|rooms| in_rooms(&server, rooms));
    server.io.to("a").to(["b", "a"]).emit("x", ()).unwrap();
    assert_eq!(reached(&mut clients), [0, 1, 2]);
}

#[test]
fn an_exclusion_wins_over_rooms_and_ids() {
    let (server, sockets) = start();
    let mut clients = ["[\"a\"]", "[\"a\",\"b\"]", "[]"].map(|rooms| in_rooms(&server, rooms));
    server.io.to("a").except("b").emit("x", ()).unwrap();
    assert_eq!(reached(&mut clients), [0]);
    let first = sockets.lock().unwrap()[0].id().clone();
    server.io.except(first).except("b").emit("x", ()).unwrap();
    assert_eq!(reached(&mut clients), [2]);
}

#[test]
fn the_id_of_a_socket_is_a_room_of_its_own() {
    let (server, sockets) = start();
    let mut clients = [server.joined(), server.joined()];
    let id = sockets.lock().unwrap()[1].id().clone();
    server.io.to(&id).emit("x", ()).unwrap();
    assert_eq!(reached(&mut clients), [1]);
}

#[test]
fn a_socket_never_gets_what_it_says_itself() {
    let (server, sockets) = start();
    let mut clients = [in_rooms(&server, "[\"a\"]"), in_rooms(&server, "[\"a\"]")];
    assert_eq!(clients[0].exchange("42[\"say\",[\"a\"]]"), [""; 0]);
    assert_eq!(clients[1].frames(), ["42[\"said\"]"]);
    assert_eq!(clients[0].exchange("42[\"say_all\"]"), [""; 0]);
    assert_eq!(clients[1].frames(), ["42[\"said\"]"]);
    let socket = sockets.lock().unwrap()[0].clone();
    socket.to(socket.id()).emit("x", ()).unwrap();
    socket.except("a").emit("x", ()).unwrap();
    assert_eq!(reached(&mut clients), [0; 0]);
}

#[test]
fn a_stored_selection_is_not_changed_by_those_derived_from_it() {
    let (server, _) = start();
    let mut clients = [in_rooms(&server, "[\"a\"]"), in_rooms(&server, "[\"b\"]")];
    let stored = server.io.to("a");
    stored.to("b").volatile().emit("x", ()).unwrap();
    assert_eq!(reached(&mut clients), [0, 1]);
    stored.emit("x", ()).unwrap();
    assert_eq!(reached(&mut clients), [0]);
}

#[test]
fn rooms_of_the_same_name_in_two_namespaces_are_two_rooms() {
    let sockets = Sockets::default();
    let server = Server::start(rooms(&sockets).namespace("/a", |ns| {
        ns.on_connection(|socket: Socket| socket.join("r"));
    }));
    let mut client = in_rooms(&server, "[\"r\"]");
    client.connect("/a");
    server.io.of("/a").to("r").emit("x", ()).unwrap();
    assert_eq!(client.frames(), ["42/a,[\"x\"]"]);
    client.send("41/a,");
    server.io.of("/a").to("r").emit("x", ()).unwrap();
    server.io.to("r").emit("x", ()).unwrap();
    assert_eq!(client.frames(), ["42[\"x\"]"]);
}

#[test]
fn a_room_that_was_left_is_not_reached() {
    let (server, _) = start();
    let mut client = in_rooms(&server, "[\"a\",\"b\"]");
    client.exchange("42[\"leave\",[\"a\"]]");
    assert_eq!((server.members("a"), server.members("b")), (0, 1));
    drop(client);
    assert_eq!(server.members("b"), 0);
}

#[test]
fn selected_sockets_join_leave_and_disconnect() {
    let (server, _) = start();
    let mut clients = ["[\"a\"]", "[\"a\"]", "[]"].map(|rooms| in_rooms(&server, rooms));
    server.io.to("a").sockets_join(["b", "c"]);
    assert_eq!((server.members("b"), server.members("c")), (2, 2));
    server.io.to("b").sockets_leave("b");
    assert_eq!(server.members("b"), 0);
    server.io.to("c").emit("last", ()).unwrap();
    server.io.to("c").disconnect_sockets(true);
    assert_eq!(clients[0].frames(), ["42[\"last\"]", "41", "(closed)"]);
    assert_eq!(clients[1].frames(), ["42[\"last\"]", "41", "(closed)"]);
    assert_eq!(clients[2].frames(), [""; 0]);
    assert_eq!(server.io.session_count(), 1);
}

#[test]
fn a_join_after_the_end_has_no_effect() {
    let (server, sockets) = start();
    drop(server.joined());
    let socket = sockets.lock().unwrap()[0].clone();
    socket.join("a");
    elsewhere(move || {
        socket.join("a");
        assert!(socket.rooms().is_empty());
    });
    server.run();
    assert_eq!(server.members("a"), 0);
}

#[test]
fn binary_broadcasts_stay_together() {
    let (server, _) = start();
    let (mut client, mut polling) = (server.joined(), server.joined_by_polling());
    server.io.emit("x", Binary::from(bytes::Bytes::from_static(&[1]))).unwrap();
    server.io.emit("y", ()).unwrap();
    let head = "451-[\"x\",{\"_placeholder\":true,\"num\":0}]";
    assert_eq!(client.frames(), [head, "<01>", "42[\"y\"]"]);
    let payload = format!("{head}\u{1e}bAQ==\u{1e}42[\"y\"]");
    assert_eq!(polling.poll(), Some(payload));
}

#[test]
fn broadcasts_and_direct_events_keep_their_order() {
    let (server, sockets) = start();
    let mut client = in_rooms(&server, "[\"a\"]");
    let socket = sockets.lock().unwrap()[0].clone();
    for n in 0..3 {
        server.io.emit("all", n).unwrap();
        socket.emit("one", n).unwrap();
        server.io.to("a").emit("room", n).unwrap();
    }
    let names: Vec<String> = client.frames();
    let expected: Vec<String> = (0..3)
        .flat_map(|n| ["all", "one", "room"].map(|name| format!("42[\"{name}\",{n}]")))
        .collect();
    assert_eq!(names, expected);
}

// ---- other threads ------------------------------------------------------------------------------

#[test]
fn an_emit_above_the_limit_of_a_workers_queue_is_refused() {
    let sockets = Sockets::default();
    let mut config = rooms(&sockets);
    config.config_mut().limits.max_worker_queue = 2;
    let server = Server::start(config);
    let mut clients = [server.joined()];
    let (io, socket) = (server.io.clone(), sockets.lock().unwrap()[0].clone());
    elsewhere(move || {
        io.emit("x", ()).unwrap();
        socket.join("a");
        assert_eq!(io.emit("x", ()), Err(EmitError::QueueFull));
        assert_eq!(socket.emit("x", ()), Err(EmitError::QueueFull));
    });
    assert_eq!(reached(&mut clients), [0]);
    let io = server.io.clone();
    elsewhere(move || io.emit("x", ())).unwrap();
    assert_eq!(reached(&mut clients), [0]);
}

#[test]
fn a_socket_that_ends_before_its_leave_arrives_leaves_no_ghost() {
    let (server, sockets) = start();
    let client = in_rooms(&server, "[\"secret\"]");
    let socket = sockets.lock().unwrap()[0].clone();
    elsewhere(move || socket.leave("secret"));
    drop(client);
    let mut stranger = [server.joined()];
    server.run();
    server.io.to("secret").emit("x", ()).unwrap();
    assert_eq!(reached(&mut stranger), [0; 0]);
    assert_eq!(server.members("secret"), 0);
}

#[test]
fn a_join_from_elsewhere_that_was_undone_meanwhile_has_no_effect() {
    let (server, sockets) = start();
    let client = server.joined();
    let socket = sockets.lock().unwrap()[0].clone();
    let handle = socket.clone();
    elsewhere(move || handle.join("secret"));
    socket.leave("secret");
    server.run();
    assert_eq!(socket.rooms().len(), 1);
    assert_eq!(server.members("secret"), 0);
    drop(client);
    let mut stranger = [server.joined()];
    server.io.to("secret").emit("x", ()).unwrap();
    assert_eq!(reached(&mut stranger), [0; 0]);
}

#[test]
fn a_leave_from_elsewhere_that_was_undone_meanwhile_has_no_effect() {
    let (server, sockets) = start();
    let _client = in_rooms(&server, "[\"a\"]");
    let socket = sockets.lock().unwrap()[0].clone();
    let handle = socket.clone();
    elsewhere(move || handle.leave("a"));
    socket.join("a");
    server.run();
    assert_eq!(socket.rooms().len(), 2);
    assert_eq!(server.members("a"), 1);
}

#[test]
fn one_thread_sees_its_own_joins_and_leaves_in_order() {
    let (server, sockets) = start();
    let mut client = server.joined();
    let (io, socket) = (server.io.clone(), sockets.lock().unwrap()[0].clone());
    elsewhere(move || {
        for n in 0..3 {
            io.to("a").emit("x", (n, "before")).unwrap();
            socket.join("a");
            io.to("a").emit("x", (n, "inside")).unwrap();
            socket.leave("a");
            io.to("a").emit("x", (n, "after")).unwrap();
        }
    });
    let expected: Vec<String> = (0..3).map(|n| format!("42[\"x\",{n},\"inside\"]")).collect();
    assert_eq!(client.frames(), expected);
}
