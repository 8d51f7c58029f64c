//! The hook for rooms.

use std::sync::{Arc, Mutex};

use sio_core::handler::EventError;
use sio_core::server::{Io, IoConfig, RoomEvent, Socket};

use crate::carrier::Server;
use crate::tools::Notes;

/// Notes events in short; ids of sockets are replaced by `me`.
fn noting(notes: &Notes) -> IoConfig {
    let notes = notes.clone();
    Io::builder().on_room_event(move |event| notes.add(short(&event)))
}

fn short(event: &RoomEvent) -> String {
    match event {
        RoomEvent::CreateRoom { namespace, room } => format!("{namespace} +{room}"),
        RoomEvent::DeleteRoom { namespace, room } => format!("{namespace} -{room}"),
        RoomEvent::JoinRoom { namespace, room, id } => format!("{namespace} {id} in {room}"),
        RoomEvent::LeaveRoom { namespace, room, id } => format!("{namespace} {id} out {room}"),
        other => panic!("{other:?}"),
    }
}

fn told(notes: &Notes, id: &str) -> Vec<String> {
    notes.take().iter().map(|note| note.replace(id, "me")).collect()
}

#[test]
fn the_room_of_the_own_id_comes_and_goes_with_the_socket() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes).namespace("/a", |_| {}));
    let mut client = server.websocket();
    let id = client.connect("/a");
    assert_eq!(told(&notes, &id), ["/a +me", "/a me in me"]);
    client.exchange("41/a,");
    assert_eq!(told(&notes, &id), ["/a me out me", "/a -me"]);
}

#[test]
fn joining_twice_and_leaving_what_one_is_not_in_are_no_events() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes));
    let _client = server.joined();
    let socket = server.sockets().pop().unwrap();
    let id = socket.id().to_string();
    notes.take();
    socket.join(["r", "r"]);
    socket.join("r");
    socket.join(socket.id());
    assert_eq!(told(&notes, &id), ["/ +r", "/ me in r"]);
    socket.leave("other");
    socket.leave("r");
    socket.leave("r");
    assert_eq!(told(&notes, &id), ["/ me out r", "/ -r"]);
}

#[test]
fn a_room_is_created_by_its_first_member_and_deleted_by_its_last() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes).namespace("/other", |_| {}));
    let (mut a, b) = (server.joined(), server.joined());
    a.connect("/other");
    let (one, two) = (server.sockets().remove(0), server.sockets().remove(1));
    notes.take();
    server.io.sockets_join("r");
    server.io.of("/other").sockets_join("r");
    let all: Vec<String> = notes.take();
    assert_eq!(all.iter().filter(|note| note.contains('+')).count(), 2, "{all:?}");
    assert_eq!(all.len(), 5);
    one.leave("r");
    assert_eq!(told(&notes, one.id().as_str()), ["/ me out r"]);
    let id = two.id().to_string();
    drop(b);
    assert_eq!(told(&notes, &id), ["/ me out r", "/ -r", "/ me out me", "/ -me"]);
}

#[test]
fn rooms_of_guards_count_when_the_socket_is_connected_and_a_refused_one_was_in_none() {
    let notes = Notes::default();
    let server = Server::start(
        noting(&notes)
            .namespace("/", |ns| {
                ns.connect_guard(|socket: Socket| {
                    socket.join("r");
                    let refused: bool = socket.auth().unwrap_or_default();
                    if refused { Err(EventError::new("no", "no")) } else { Ok(()) }
                });
            })
            .namespace("/no", |ns| {
                ns.connect_guard(|socket: Socket| {
                    socket.join("r");
                    Err::<(), _>(EventError::new("no", "no"))
                });
            }),
    );
    let mut client = server.websocket();
    client.exchange("40/no,");
    assert_eq!(notes.take(), [""; 0]);
    let id = client.connect("/");
    assert_eq!(told(&notes, &id), ["/ +r", "/ me in r", "/ +me", "/ me in me"]);
}

#[test]
fn the_hook_may_change_rooms_and_panic() {
    let notes = Notes::default();
    let noted = notes.clone();
    let known = Arc::new(Mutex::new(None::<Socket>));
    let found = Arc::clone(&known);
    let server = Server::start(Io::builder().on_room_event(move |event| {
        noted.add(short(&event));
        match &event {
            RoomEvent::JoinRoom { room, .. } if &**room == "a" => {
                let socket = found.lock().unwrap().clone().unwrap();
                socket.join("b");
                socket.io().to("b").emit("joined", ()).unwrap();
            }
            RoomEvent::JoinRoom { room, .. } if &**room == "b" => panic!("secret"),
            _ => {}
        }
    }));
    let mut client = server.joined();
    let socket = server.sockets().pop().unwrap();
    *known.lock().unwrap() = Some(socket.clone());
    notes.take();
    socket.join("a");
    let id = socket.id().to_string();
    assert_eq!(told(&notes, &id), ["/ +a", "/ me in a", "/ +b", "/ me in b"]);
    socket.leave("a");
    assert_eq!(told(&notes, &id), ["/ me out a", "/ -a"]);
    assert_eq!(client.frames(), ["42[\"joined\"]"]);
    *known.lock().unwrap() = None;
}

#[test]
fn changes_of_many_threads_are_told_in_one_order() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes));
    let _client = server.joined();
    let socket = server.sockets().pop().unwrap();
    notes.take();
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let socket = socket.clone();
            std::thread::spawn(move || {
                for _ in 0..100 {
                    socket.join("r");
                    socket.leave("r");
                    socket.join(format!("own-{n}"));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    server.run();
    socket.leave("r");
    let told = told(&notes, socket.id().as_str());
    let of_r: Vec<_> = told.iter().filter(|note| !note.contains("own-")).collect();
    for events in of_r.chunks(4) {
        assert_eq!(events, ["/ +r", "/ me in r", "/ me out r", "/ -r"]);
    }
    assert_eq!(told.len() - of_r.len(), 8);
}

#[test]
fn a_hook_that_ends_a_socket_with_its_first_room_does_not_overtake_the_connection_handlers() {
    for close in [false, true] {
        let notes = Notes::default();
        let (connected, gone) = (notes.clone(), notes.clone());
        let io = Arc::new(Mutex::new(None::<Io>));
        let found = Arc::clone(&io);
        let server = Server::start(
            Io::builder()
                .on_room_event(move |event| {
                    if let RoomEvent::JoinRoom { id, .. } = event
                        && let Some(io) = &*found.lock().unwrap()
                    {
                        io.to(&id).disconnect_sockets(close);
                    }
                })
                .namespace("/", |ns| {
                    ns.on_connection(move || connected.add("connection"));
                    ns.on_disconnect(move || gone.add("disconnect"));
                }),
        );
        *io.lock().unwrap() = Some(server.io.clone());
        let mut client = server.websocket();
        let answers = client.exchange("40");
        assert!(answers[0].starts_with("40{") && answers[1] == "41", "{answers:?}");
        assert_eq!(notes.take(), ["connection", "disconnect"]);
        *io.lock().unwrap() = None;
        drop(client);
        server.assert_empty();
    }
}
