//! Sockets that are connected for a time only (case 77 of `docs/hostile.md`).

use std::time::{Duration, Instant};

use sio_core::close::DisconnectReason;
use sio_core::handler::EventError;
use sio_core::server::{Io, IoConfig, NamespaceBuilder, Socket};

use crate::carrier::Server;
use crate::recovery::{come_back, greeted, recovering};
use crate::tools::Notes;

const SECOND: Duration = Duration::from_secs(1);
/// Credentials are good for so long.
const GOOD: Duration = Duration::from_secs(10);
/// Timers are this late at most.
const TICK: Duration = Duration::from_millis(8);

/// Sockets have [`GOOD`] from `start` on, and as many seconds as they say when they renew it.
fn expiring(ns: &mut NamespaceBuilder, start: Instant, notes: &Notes) {
    ns.connect_guard(move |socket: Socket| socket.disconnect_at(start + GOOD));
    ns.reauthenticate("renew", async move |_: Socket, seconds: u64| match seconds {
        0 => Err(EventError::new("denied", "not valid")),
        seconds => Ok(start + SECOND * u32::try_from(seconds).unwrap()),
    });
    ns.on("for_ever", |socket: Socket| socket.disconnect_at(None));
    let notes = notes.clone();
    ns.on_disconnect(move |reason: DisconnectReason| notes.add(reason.as_str()));
}

fn start(notes: &Notes) -> Server {
    let now = Instant::now();
    Server::start(config(now, notes))
}

fn config(now: Instant, notes: &Notes) -> IoConfig {
    Io::builder().namespace("/", |ns| expiring(ns, now, notes)).namespace("/open", |ns| {
        ns.on("echo", |n: u64| n);
    })
}

#[test]
fn row_77_what_was_said_before_arrives_and_then_the_disconnect() {
    let notes = Notes::default();
    let server = start(&notes);
    let mut client = server.joined();
    client.connect("/open");
    server.advance(GOOD - SECOND);
    server.io.emit("last", ()).unwrap();
    assert_eq!(client.frames(), ["42[\"last\"]"]);
    server.advance(SECOND - 2 * TICK);
    server.io.emit("very_last", ()).unwrap();
    server.advance(3 * TICK);
    assert_eq!(client.frames(), ["42[\"very_last\"]", "41"]);
    assert_eq!(notes.take(), ["server namespace disconnect"]);
    // The session and its other sockets go on.
    assert_eq!(client.exchange("42/open,1[\"echo\",7]"), ["43/open,1[7]"]);
}

#[test]
fn row_77_credentials_that_are_not_renewed_rightly_end_when_they_did() {
    let notes = Notes::default();
    let server = start(&notes);
    let mut client = server.joined();
    let refused = client.exchange("421[\"renew\",0]");
    assert_eq!(refused, ["431[{\"error\":{\"code\":\"denied\",\"message\":\"not valid\"}}]"]);
    assert!(client.exchange("422[\"renew\",\"x\"]")[0].contains("bad_request"));
    server.advance(GOOD + TICK);
    assert_eq!(client.frames(), ["41"]);
    assert_eq!(notes.take(), ["server namespace disconnect"]);
}

#[test]
fn row_77_a_client_renews_its_credentials_by_an_event() {
    let notes = Notes::default();
    let server = start(&notes);
    let mut client = server.joined();
    assert_eq!(client.exchange("421[\"renew\",15]"), ["431[]"]);
    server.advance(GOOD + TICK);
    assert!(client.frames().is_empty());
    // Sooner than was said before.
    assert_eq!(client.exchange("422[\"renew\",12]"), ["432[]"]);
    server.advance(2 * SECOND);
    assert_eq!(client.frames(), ["41"]);
    assert_eq!(notes.take(), ["server namespace disconnect"]);
}

#[test]
fn row_77_what_is_taken_back_or_has_passed() {
    let notes = Notes::default();
    let server = start(&notes);
    let mut client = server.joined();
    client.exchange("42[\"for_ever\"]");
    server.advance(2 * GOOD);
    assert!(client.frames().is_empty());
    let socket = server.sockets().remove(0);
    assert_eq!(socket.disconnects_at(), None);
    // A moment that has passed is now.
    socket.disconnect_at(Instant::now());
    server.advance(TICK);
    assert_eq!(client.frames(), ["41"]);
    assert_eq!(notes.take(), ["server namespace disconnect"]);
    socket.disconnect_at(Instant::now());
    server.advance(TICK);
    assert!(client.frames().is_empty() && notes.take().is_empty());
}

#[test]
fn row_77_who_comes_back_has_the_rest_of_the_time() {
    let notes = Notes::default();
    let now = Instant::now();
    let server = Server::start(recovering(|ns| expiring(ns, now, &notes)));
    let (mut socket, mut client) = greeted(&server);
    server.advance(GOOD / 2);
    socket.drop_connection();
    // Guards are not asked again.
    let (mut back, _missed) = come_back(&server, &mut client);
    server.advance(GOOD / 2 + TICK);
    assert_eq!(back.frames(), ["41"]);
    assert_eq!(notes.take(), ["transport close", "server namespace disconnect"]);
}
