//! What a broadcast costs: it is encoded once, its receivers share the bytes, and nobody else is touched.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde::{Serialize, Serializer};
use sio_core::packet::Binary;
use sio_core::server::{Io, IoConfig, Recovery, Socket};

use crate::carrier::{Server, WebSocket};
use crate::tools::split_frames;

const SECOND: Duration = Duration::from_secs(1);
const RECEIVERS: usize = 100;

/// Every third client joins the room `third`.
fn joining(config: IoConfig) -> Server {
    let count = AtomicUsize::new(0);
    Server::start(config.namespace("/", move |ns| {
        ns.on_connection(move |socket: Socket| {
            if count.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) {
                socket.join("third");
            }
        });
        ns.on("join", |socket: Socket, room: String| socket.join(room));
    }))
}

fn clients(server: &Server) -> Vec<WebSocket> {
    (0..RECEIVERS).map(|_| server.joined()).collect()
}

/// A value that counts how often it is written.
struct Counted<T>(T, Arc<AtomicUsize>);

impl<T: Serialize> Serialize for Counted<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.serialize(serializer)
    }
}

/// How often what `say` is given is written, and how many clients got something.
fn written<T>(
    server: &Server,
    clients: &mut [WebSocket],
    value: T,
    say: impl FnOnce(&Io, Counted<T>),
) -> (usize, usize) {
    let count = Arc::new(AtomicUsize::new(0));
    say(&server.io, Counted(value, Arc::clone(&count)));
    let reached =
        clients.iter_mut().filter_map(|client| (!client.frames().is_empty()).then_some(()));
    let reached = reached.count();
    (count.load(Ordering::Relaxed), reached)
}

#[test]
fn a_broadcast_is_encoded_once_for_all_who_get_it() {
    let server = joining(Io::builder());
    let mut clients = clients(&server);
    let mut polling = server.joined_by_polling();
    let result = written(&server, &mut clients, "x", |io, x| io.emit("x", x).unwrap());
    assert_eq!(result, (1, RECEIVERS));
    assert_eq!(polling.poll().as_deref(), Some("42[\"x\",\"x\"]"));
}

#[test]
fn a_broadcast_to_rooms_is_encoded_once() {
    let server = joining(Io::builder());
    let mut clients = clients(&server);
    let say = |io: &Io, x| io.to(["third", "nobody"]).emit("x", x).unwrap();
    assert_eq!(written(&server, &mut clients, 1, say), (1, RECEIVERS.div_ceil(3)));
    let say = |io: &Io, x| io.except("third").emit("x", x).unwrap();
    assert_eq!(written(&server, &mut clients, 1, say), (1, RECEIVERS - RECEIVERS.div_ceil(3)));
    let say = |io: &Io, x| io.to("nobody").emit("x", x).unwrap();
    assert_eq!(written(&server, &mut clients, 1, say), (1, 0));
}

#[test]
fn a_broadcast_with_acks_is_encoded_once() {
    let server = joining(Io::builder());
    let mut clients = clients(&server);
    let result = written(&server, &mut clients, "x", |io, x| {
        drop(io.of("/").emit_with_ack::<()>("x", x, SECOND));
    });
    assert_eq!(result, (1, RECEIVERS));
}

#[test]
fn a_broadcast_that_is_kept_for_those_who_come_back_is_encoded_once() {
    let server = joining(Io::builder().connection_state_recovery(Recovery::default()));
    let mut clients = clients(&server);
    let result = written(&server, &mut clients, "x", |io, x| io.emit("x", x).unwrap());
    assert_eq!(result, (1, RECEIVERS));
}

#[test]
fn a_binary_broadcast_is_encoded_once() {
    let server = joining(Io::builder());
    let mut clients = clients(&server);
    let count = Arc::new(AtomicUsize::new(0));
    let value = Counted(Binary(Bytes::from_static(&[1, 2, 3])), Arc::clone(&count));
    server.io.emit("x", value).unwrap();
    for client in &mut clients {
        let frames = ["451-[\"x\",{\"_placeholder\":true,\"num\":0}]", "<010203>"];
        assert_eq!(client.frames(), frames);
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[test]
fn what_is_not_one_packet_for_many_needs_a_turn() {
    let server = joining(Io::builder());
    let mut client = server.joined();
    assert_eq!(client.ready(), None);
    let socket = server.sockets().remove(0);
    socket.emit("own", ()).unwrap();
    assert_eq!(client.ready(), None);
    assert_eq!(client.frames(), ["42[\"own\"]"]);
    server.io.emit("a", ()).unwrap();
    server.io.emit("b", ()).unwrap();
    assert_eq!(client.ready(), None);
    assert_eq!(client.frames(), ["42[\"a\"]", "42[\"b\"]"]);
    server.io.emit("large", "x".repeat(64 * 1024)).unwrap();
    assert_eq!(client.ready(), None);
    assert_eq!(client.frames().len(), 1);
    server.io.emit("last", ()).unwrap();
    socket.disconnect(true);
    assert_eq!(client.ready(), None);
    assert_eq!(client.frames(), ["42[\"last\"]", "41", "(closed)"]);
}

#[test]
fn a_session_that_has_too_much_to_say_needs_a_turn() {
    let mut config = Io::builder();
    config.config_mut().limits.send_buffer_high = 8;
    let server = joining(config);
    let mut client = server.joined();
    server.io.emit("long", ()).unwrap();
    assert_eq!(client.ready(), None);
    assert_eq!(client.frames(), ["42[\"long\"]"]);
}

#[test]
fn a_poll_is_never_answered_with_bytes_of_a_websocket() {
    let server = joining(Io::builder());
    let mut polling = server.joined_by_polling();
    server.io.emit("x", ()).unwrap();
    let connection = server.worker.local(&polling.session).unwrap();
    assert_eq!(server.worker.take_ready(&connection), None);
    assert_eq!(polling.poll().as_deref(), Some("42[\"x\"]"));
}

#[test]
fn all_receivers_write_the_same_bytes() {
    let server = joining(Io::builder());
    let clients = clients(&server);
    let attached = ["451-[\"x\",{\"_placeholder\":true,\"num\":0}]", "<01>"];
    for expected in [&["42[\"x\",\"y\"]"][..], &attached] {
        if expected.len() == 1 {
            server.io.emit("x", "y").unwrap();
        } else {
            server.io.emit("x", Binary(Bytes::from_static(&[1]))).unwrap();
        }
        let first = clients[0].ready().unwrap();
        assert_eq!(split_frames(&first), expected);
        for client in &clients[1..] {
            assert_eq!(client.ready().unwrap().as_ptr(), first.as_ptr());
            assert!(!client.connection.has_output());
        }
    }
}

/// Queued for a worker, a broadcast is the same as one that its own thread delivers.
#[test]
fn bytes_from_another_thread_are_shared_as_well() {
    let server = joining(Io::builder());
    let clients = clients(&server);
    let io = server.io.clone();
    std::thread::spawn(move || io.emit("x", ()).unwrap()).join().unwrap();
    server.run();
    let mut bytes: Vec<_> = clients.iter().map(|client| client.ready().unwrap().as_ptr()).collect();
    bytes.dedup();
    assert_eq!(bytes.len(), 1);
}

#[test]
fn nobody_outside_of_a_room_is_woken_or_given_anything() {
    let server = joining(Io::builder());
    let mut clients = clients(&server);
    for to in [server.io.to("third"), server.io.to("third").except(["nobody", "else"])] {
        to.emit("x", ()).unwrap();
        for (index, client) in clients.iter_mut().enumerate() {
            let inside = index.is_multiple_of(3);
            assert_eq!(client.connection.has_output(), inside, "{index}");
            if inside {
                assert_eq!(client.frames(), ["42[\"x\"]"]);
            } else {
                assert_eq!(client.wakes(), 0, "{index}");
            }
        }
    }
}
