//! A carrier in memory: one worker, and sessions that are driven by hand.
//!
//! The measurements are in `benches/`; what they share is here. A carrier's turn is `begin_turn`, what came
//! in, `end_turn`; what a turn wrote is thrown away, as a socket that never blocks would take it.
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::unreachable,
    reason = "a server that was just built does what it should"
)]

use std::cell::Cell;
use std::fmt;
use std::hint::black_box;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use sio_actix::core::budget::Share;
use sio_actix::core::close::CloseReason;
use sio_actix::core::server::{
    Connection, Handshake, HandshakeParts, Opening, PollReply, PushReply, SessionHandle, Worker,
};
use sio_actix::{Io, Transport};

/// A server with one worker on this thread, and a clock that moves when it is told to.
pub struct Server {
    worker: Rc<Worker>,
    clock: Rc<Cell<Instant>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.worker.stop();
    }
}

impl Server {
    /// Starts the only worker of a server.
    #[must_use]
    pub fn start(io: &Io) -> Self {
        let clock = Rc::new(Cell::new(Instant::now()));
        let shown = Rc::clone(&clock);
        let (worker, _) = Worker::start(io, move || shown.get());
        let server = Self { worker, clock };
        server.run();
        server
    }

    /// Lets the worker do what waits.
    pub fn run(&self) {
        let polled = self.worker.poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending(), "the worker ended");
    }

    /// Lets time pass up to the next timer, and runs those that are due then.
    pub fn next_timer(&self) {
        let due = self.worker.next_deadline().expect("a heartbeat is always planned");
        // Timers of one moment are spread over a little time.
        self.clock.set(due.max(self.clock.get()) + Duration::from_millis(500));
        self.run();
    }

    /// A session over a transport, up to its open packet.
    #[must_use]
    pub fn open(&self, transport: Transport) -> Rc<Connection> {
        let parts = HandshakeParts {
            headers: &[("host", "localhost")],
            url: "/socket.io/?EIO=4",
            address: None,
            secure: false,
            time: SystemTime::UNIX_EPOCH,
        };
        let opening = Opening::new(Handshake::new(&parts), transport);
        self.worker.open(opening).expect("the server is open")
    }

    /// A WebSocket whose CONNECT to `/` was answered.
    #[must_use]
    pub fn connect(&self) -> Rc<Connection> {
        let connection = self.open(Transport::Websocket);
        self.say(&connection, "40");
        connection
    }

    /// As many as that.
    #[must_use]
    pub fn connect_all(&self, count: usize) -> Vec<Rc<Connection>> {
        (0..count).map(|_| self.connect()).collect()
    }

    /// A turn in which one text frame came in.
    pub fn say(&self, connection: &Rc<Connection>, text: &str) {
        self.worker.begin_turn(connection);
        self.worker.receive_text(connection, black_box(text));
        self.write(connection);
    }

    /// A turn in which nothing came in, taken as the carriers take it.
    pub fn turn(&self, connection: &Rc<Connection>) {
        if let Some(ready) = self.worker.take_ready(connection) {
            black_box(ready);
            return connection.set_waiting(Waker::noop());
        }
        self.worker.begin_turn(connection);
        self.write(connection);
    }

    fn write(&self, connection: &Rc<Connection>) {
        self.worker.keep_buffer(black_box(self.worker.end_turn(connection)));
        connection.set_waiting(Waker::noop());
    }

    /// The connection is lost.
    pub fn lose(&self, connection: &Rc<Connection>) {
        self.worker.transport_closed(connection, CloseReason::TransportClose);
    }

    /// A poll of a session on polling, which is answered at once.
    #[must_use]
    pub fn poll(&self, session: &Arc<SessionHandle>) -> PollReply {
        answered(self.worker.poll_session(session))
    }

    /// A push to a session on polling.
    #[must_use]
    pub fn push(&self, session: &Arc<SessionHandle>, body: &'static str) -> PushReply {
        let body = Bytes::from_static(body.as_bytes());
        answered(self.worker.push(session, body, false, Share::default()))
    }

    /// The worker itself.
    #[must_use]
    pub const fn worker(&self) -> &Rc<Worker> {
        &self.worker
    }
}

/// What is known at once, for the worker is on this thread.
fn answered<T, E: fmt::Debug>(mut reply: impl Future<Output = Result<T, E>> + Unpin) -> T {
    match Pin::new(&mut reply).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer.expect("the session is there"),
        Poll::Pending => unreachable!("the worker waits for nobody"),
    }
}
