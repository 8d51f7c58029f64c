//! Packets for many that the worker writes to connections at rest.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::Waker;

use bytes::Bytes;
use sio_core::server::{Io, Outlet};

use crate::carrier::{Server, WebSocket};
use crate::tools::{Wakes, split_frames};

/// A stream that takes what it is given, or nothing.
#[derive(Default)]
struct Pipe {
    written: RefCell<Vec<Bytes>>,
    blocked: Cell<bool>,
}

impl Outlet for Pipe {
    fn write(&self, take: &mut dyn FnMut() -> Option<Bytes>) -> bool {
        if self.blocked.get() {
            return false;
        }
        take().map(|bytes| self.written.borrow_mut().push(bytes)).is_some()
    }
}

impl Pipe {
    /// What was written since it was asked last.
    fn frames(&self) -> Vec<String> {
        self.written.take().iter().flat_map(|bytes| split_frames(bytes)).collect()
    }
}

fn with_pipe(server: &Server) -> (WebSocket, Rc<Pipe>) {
    let client = server.joined();
    let pipe = Rc::new(Pipe::default());
    let outlet: Weak<dyn Outlet> = Rc::<Pipe>::downgrade(&pipe);
    client.connection.set_outlet(outlet);
    (client, pipe)
}

/// One turn of the task that writes; `true`: there is more.
fn write(server: &Server, wakes: &Arc<Wakes>) -> bool {
    server.worker.write_directly(&Waker::from(Arc::clone(wakes)))
}

#[test]
fn nothing_is_written_past_what_a_stream_has_still_to_take() {
    let server = Server::start(Io::builder());
    let (mut client, pipe) = with_pipe(&server);
    pipe.blocked.set(true);
    server.io.emit("x", ()).unwrap();
    assert_eq!(client.wakes(), 0);
    assert!(!write(&server, &Default::default()));
    assert!(pipe.frames().is_empty());
    assert_eq!(client.frames(), ["42[\"x\"]"]);
}

#[test]
fn what_is_not_one_packet_for_many_is_left_to_the_connection() {
    let server = Server::start(Io::builder());
    let (mut client, pipe) = with_pipe(&server);
    server.io.emit("a", ()).unwrap();
    server.io.emit("b", ()).unwrap();
    assert!(!write(&server, &Default::default()));
    assert!(pipe.frames().is_empty());
    assert_eq!(client.frames(), ["42[\"a\"]", "42[\"b\"]"]);
    // Queued for the worker first, and then for the connection's own turn.
    server.io.emit("a", ()).unwrap();
    server.sockets().remove(0).emit("own", ()).unwrap();
    assert_eq!(client.frames(), ["42[\"a\"]", "42[\"own\"]"]);
    assert!(!write(&server, &Default::default()));
    assert_eq!((pipe.frames(), client.wakes()), (Vec::new(), 0));
}

#[test]
fn nothing_is_written_to_a_session_that_ended_meanwhile() {
    let server = Server::start(Io::builder());
    let (mut client, pipe) = with_pipe(&server);
    server.io.emit("last", ()).unwrap();
    server.sockets().remove(0).disconnect(true);
    assert!(!write(&server, &Default::default()));
    assert!(pipe.frames().is_empty());
    assert_eq!(client.frames(), ["42[\"last\"]", "41", "(closed)"]);
    server.assert_empty();
}

#[test]
fn who_has_no_stream_any_more_is_woken() {
    let server = Server::start(Io::builder());
    let (mut client, pipe) = with_pipe(&server);
    drop(pipe);
    server.io.emit("x", ()).unwrap();
    assert!(!write(&server, &Default::default()));
    assert_eq!(client.wakes(), 1);
    client.connection.clear_waker();
    server.io.emit("y", ()).unwrap();
    assert_eq!(client.exchange("3"), ["42[\"x\"]", "42[\"y\"]"]);
}

#[test]
fn connections_at_rest_are_written_to_without_being_woken() {
    let server = Server::start(Io::builder());
    let clients: Vec<_> = (0..100).map(|_| with_pipe(&server)).collect();
    let wakes = Arc::<Wakes>::default();
    assert!(!write(&server, &wakes));
    for text in ["x", "y"] {
        server.io.emit(text, ()).unwrap();
        assert_eq!(wakes.take(), 1);
        // Others have their turn between.
        assert!(write(&server, &wakes));
        assert!(!write(&server, &wakes));
        for (client, pipe) in &clients {
            assert_eq!(client.wakes(), 0);
            assert!(!client.connection.has_output());
            assert_eq!(pipe.frames(), [format!("42[\"{text}\"]")]);
        }
    }
}

#[test]
fn what_another_thread_says_is_written_as_well() {
    let server = Server::start(Io::builder());
    let (client, pipe) = with_pipe(&server);
    let wakes = Arc::<Wakes>::default();
    assert!(!write(&server, &wakes));
    let io = server.io.clone();
    std::thread::spawn(move || io.emit("x", ()).unwrap()).join().unwrap();
    server.run();
    assert_eq!((wakes.take(), client.wakes()), (1, 0));
    assert!(!write(&server, &wakes));
    assert_eq!(pipe.frames(), ["42[\"x\"]"]);
}
