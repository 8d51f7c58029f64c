//! The user's code that comes back to the server from where it is called.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::json;
use sio_core::close::DisconnectReason;
use sio_core::handler::EventError;
use sio_core::server::{AckSender, Extensions, IncomingEvent, Io, OutgoingEvent, Recovery, Socket};

use crate::carrier::Server;
use crate::tools::{Gates, Notes};

/// A handle of the server for code that was made before it.
type Later = Arc<Mutex<Option<Io>>>;

fn io(later: &Later) -> Option<Io> {
    later.lock().unwrap().clone()
}

#[test]
fn the_form_of_errors_may_end_sockets_while_the_server_closes() {
    let (later, notes) = (Later::default(), Notes::default());
    let (found, waiting, noted) = (Arc::clone(&later), Gates::default(), notes.clone());
    let server = Server::start(
        Io::builder()
            .error_answer(move |error: &EventError, _: Option<&str>| {
                if let Some(io) = io(&found) {
                    io.disconnect_sockets(false);
                }
                json!(error.code())
            })
            .namespace("/", move |ns| {
                ns.on("wait", async move || waiting.wait("handler").await);
                ns.on_disconnect(move |reason: DisconnectReason| noted.add(reason.as_str()));
            }),
    );
    let mut client = server.joined();
    assert_eq!(client.exchange("421[\"wait\"]"), [""; 0]);
    *later.lock().unwrap() = Some(server.io.clone());
    server.io.close();
    assert_eq!(client.frames(), ["431[\"unavailable\"]", "(closed)"]);
    assert_eq!(notes.take(), ["server namespace disconnect"]);
    *later.lock().unwrap() = None;
    drop(client);
    server.assert_empty();
}

/// Emits and joins while it is written.
struct Emits(Socket);
impl Serialize for Emits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.emit("inner", 1).unwrap();
        self.0.everybody().emit("all", 2).unwrap();
        self.0.join("r");
        serializer.serialize_str("outer")
    }
}

#[test]
fn a_value_may_emit_while_it_is_written() {
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on("ask", |socket: Socket, ack: AckSender| ack.send(Emits(socket)));
    }));
    let mut client = server.joined();
    let socket = server.sockets().pop().unwrap();
    socket.emit("e", Emits(socket.clone())).unwrap();
    socket.everybody().emit("e", Emits(socket.clone())).unwrap();
    let (inner, all) = ("42[\"inner\",1]", "42[\"all\",2]");
    assert_eq!(
        client.frames(),
        [inner, all, "42[\"e\",\"outer\"]", inner, all, "42[\"e\",\"outer\"]"]
    );
    assert_eq!(client.exchange("421[\"ask\"]"), [inner, all, "431[\"outer\"]"]);
    drop(socket);
}

/// Acts on everybody when it is dropped.
struct Bomb(Socket);
impl Drop for Bomb {
    fn drop(&mut self) {
        let _unsent = self.0.emit("dropped", ());
        self.0.everybody().disconnect_sockets(true);
        self.0.join("x");
        self.0.everybody().emit("dropped", ()).unwrap();
    }
}

#[test]
fn values_of_sockets_may_come_back_when_they_are_dropped() {
    let server = Server::start(
        Io::builder().connection_state_recovery(Recovery::default()).namespace("/", |ns| {
            ns.on("off", |socket: Socket| {
                socket.off_all();
            });
        }),
    );
    let other = server.joined();
    let mut client = server.joined();
    let sockets = server.sockets();
    sockets[0].set_state(Bomb(sockets[1].clone()));
    sockets[1].set_state(Bomb(sockets[0].clone()));
    for s in &sockets {
        let b = Bomb(sockets[0].clone());
        s.on("x", move || {
            let _kept = &b;
        });
        let b = Arc::new(Mutex::new(Some(Bomb(sockets[1].clone()))));
        s.on_any_outgoing(move |_: &OutgoingEvent| {
            let _kept = &b;
        });
        let b = Arc::new(Mutex::new(Some(Bomb(sockets[1].clone()))));
        s.use_middleware(move |_: &mut IncomingEvent| {
            let _kept = &b;
            true
        });
    }
    drop(sockets);
    client.drop_connection();
    server.run();
    server.advance(Duration::from_secs(600));
    drop(other);
    server.run();
    server.advance(Duration::from_secs(600));
    assert_eq!(server.io.session_count(), 0);
}

/// Comes back to the server when it is dropped, and says that it was.
struct Farewell(Io, Notes);
impl Drop for Farewell {
    fn drop(&mut self) {
        self.1.add(format!("{} sessions", self.0.session_count()));
        self.0.emit("dropped", ()).unwrap();
        self.0.disconnect_sockets(true);
    }
}

#[test]
fn values_of_requests_may_come_back_when_they_are_dropped() {
    let notes = Notes::default();
    let server = Server::start(Io::builder().namespace("/", |_| ()));
    let with_farewell = || {
        let mut values = Extensions::default();
        values.insert(Farewell(server.io.clone(), notes.clone()));
        server.joined_with(values)
    };
    let (mut client, mut other) = (with_farewell(), with_farewell());
    client.drop_connection();
    server.run();
    drop(client);
    server.run();
    assert_eq!(notes.take(), ["1 sessions"]);
    // The first value has ended the session of the second.
    assert_eq!(other.frames(), ["42[\"dropped\"]", "41", "(closed)"]);
    drop(other);
    server.run();
    assert_eq!(notes.take(), ["0 sessions"]);
    server.assert_empty();
}
