//! One thread per worker, which does what the test tells it, one command at a time.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::Bytes;
use futures_channel::oneshot;
use sio_core::budget::Share;
use sio_core::close::CloseReason;
use sio_core::engine::{ProbeReply, Transport};
use sio_core::server::{
    Answer, Connection, Handshake, HandshakeParts, Io, Opening, PushReply, SessionHandle, Upgrade,
    Worker,
};

/// A clock that all threads of a test share and only the test moves.
#[derive(Clone)]
pub(crate) struct Clock {
    origin: Instant,
    passed: Arc<AtomicU64>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { origin: Instant::now(), passed: Arc::default() }
    }

    pub(crate) fn now(&self) -> Instant {
        self.origin + Duration::from_millis(self.passed.load(Ordering::Acquire))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.passed.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::AcqRel);
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// What came of asking a worker for a session.
#[derive(Debug)]
pub(crate) enum Fetched {
    Here,
    Coming(oneshot::Receiver<()>),
    Busy,
    Gone,
}

/// What one thread owns: a worker, and the WebSockets it carries.
pub(crate) struct Local {
    pub(crate) worker: Rc<Worker>,
    sockets: HashMap<String, Rc<Connection>>,
    wakes: Arc<Wakes>,
}

impl Local {
    fn start(io: &Io, clock: Clock) -> Self {
        let (worker, started) = Worker::start(io, move || clock.now());
        assert!(started);
        let local = Self { worker, sockets: HashMap::new(), wakes: Arc::default() };
        local.poll();
        local
    }

    /// Polls the worker once.
    pub(crate) fn poll(&self) {
        self.wakes.0.store(0, Ordering::Release);
        let waker = Waker::from(Arc::clone(&self.wakes));
        assert_eq!(self.worker.poll(&mut Context::from_waker(&waker)), Poll::Pending);
        self.worker.next_deadline();
    }

    /// Polls the worker if something woke it.
    pub(crate) fn poll_if_woken(&self) -> bool {
        let woken = self.wakes.0.load(Ordering::Acquire) > 0 || self.worker.has_more();
        if woken {
            self.poll();
        }
        woken
    }

    /// A push arrives.
    pub(crate) fn push(&self, session: &Arc<SessionHandle>, body: Bytes) -> Answer<PushReply> {
        self.worker.push(session, body, false, Share::default())
    }

    /// Opens a session.
    pub(crate) fn open(&mut self, transport: Transport) -> Arc<SessionHandle> {
        let handshake = Handshake::new(&HandshakeParts {
            headers: &[],
            url: "/socket.io/?EIO=4",
            address: None,
            secure: false,
            time: UNIX_EPOCH,
        });
        let connection = self.worker.open(Opening::new(handshake, transport)).unwrap();
        let session = Arc::clone(connection.handle());
        if transport == Transport::Websocket {
            self.sockets.insert(session.sid().to_string(), connection);
        }
        session
    }

    /// What a WebSocket request does first.
    pub(crate) fn fetch(&self, session: &Arc<SessionHandle>) -> Fetched {
        match self.worker.fetch(session) {
            Upgrade::Here(_) => Fetched::Here,
            Upgrade::Coming(arrival) => Fetched::Coming(arrival),
            Upgrade::Busy => Fetched::Busy,
            Upgrade::Gone => Fetched::Gone,
        }
    }

    /// What a WebSocket request does when the session is here; `false`: it is not, or not to be tried.
    pub(crate) fn open_probe(&mut self, session: &Arc<SessionHandle>) -> bool {
        let Some(connection) = self.worker.local(session) else { return false };
        let opened = self.worker.probe_opened(&connection);
        if opened {
            self.sockets.insert(session.sid().to_string(), connection);
        }
        opened
    }

    /// The WebSocket that carries the session is lost.
    pub(crate) fn lose(&mut self, session: &SessionHandle) {
        let connection = self.sockets.remove(session.sid().as_str()).unwrap();
        self.worker.transport_closed(&connection, CloseReason::TransportClose);
    }

    /// The sessions whose WebSockets this thread carries.
    pub(crate) fn sessions(&self) -> Vec<Arc<SessionHandle>> {
        self.sockets.values().map(|connection| Arc::clone(connection.handle())).collect()
    }

    fn carried(&self, session: &SessionHandle) -> &Rc<Connection> {
        &self.sockets[session.sid().as_str()]
    }

    /// A frame of the WebSocket that is tried.
    pub(crate) fn probe_frame(&self, session: &SessionHandle, text: &str) -> ProbeReply {
        self.worker.probe_frame(self.carried(session), text, false, false)
    }

    /// The WebSocket that was tried is gone.
    pub(crate) fn drop_probe(&mut self, session: &SessionHandle) {
        let connection = self.sockets.remove(session.sid().as_str()).unwrap();
        self.worker.probe_closed(&connection);
    }

    /// The bytes of a broadcast, if the WebSocket has nothing else to write.
    pub(crate) fn ready(&self, session: &SessionHandle) -> Option<Bytes> {
        self.worker.take_ready(self.carried(session))
    }

    /// A turn of the WebSocket that carries the session: takes a frame, gives what it writes.
    pub(crate) fn turn(&mut self, session: &SessionHandle, input: Option<&str>) -> Vec<String> {
        let connection = Rc::clone(self.carried(session));
        self.worker.tick();
        self.worker.begin_turn(&connection);
        if let Some(text) = input {
            self.worker.receive_text(&connection, text);
        }
        let mut written = self.worker.end_turn(&connection);
        while connection.has_output() {
            self.worker.begin_turn(&connection);
            written.extend_from_slice(&self.worker.end_turn(&connection));
        }
        if connection.is_ending() {
            self.worker.transport_closed(&connection, CloseReason::TransportClose);
        } else {
            connection.set_waiting(Waker::noop());
        }
        texts(&written)
    }
}

/// The text frames a server wrote, all of them short.
fn texts(mut wire: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    while let [0x81, len, rest @ ..] = wire {
        let (extended, len) = match len {
            126 => (2, usize::from(u16::from_be_bytes([rest[0], rest[1]]))),
            len => (0, usize::from(*len)),
        };
        let (text, rest) = rest[extended..].split_at(len);
        texts.push(String::from_utf8(text.to_vec()).unwrap());
        wire = rest;
    }
    assert!(wire.is_empty(), "{:?}", Bytes::copy_from_slice(wire));
    texts
}

type Command = Box<dyn FnOnce(&mut Option<Local>) + Send>;

/// A thread that waits for commands.
pub(crate) struct Thread {
    commands: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl Thread {
    pub(crate) fn spawn() -> Self {
        let (commands, receiver) = mpsc::channel::<Command>();
        let thread = thread::spawn(move || {
            let mut local = None;
            for command in receiver {
                command(&mut local);
            }
        });
        Self { commands: Some(commands), thread: Some(thread) }
    }

    fn command<R: Send + 'static>(
        &self,
        command: impl FnOnce(&mut Option<Local>) -> R + Send + 'static,
    ) -> R {
        let (reply, result) = mpsc::sync_channel(1);
        let command: Command = Box::new(move |local| {
            let _test_is_gone = reply.send(command(local));
        });
        self.commands.as_ref().unwrap().send(command).expect("a worker's thread has panicked");
        result.recv().expect("a worker's thread has panicked")
    }

    /// Starts a server's worker on this thread.
    pub(crate) fn start(&self, io: &Io, clock: &Clock) {
        let (io, clock) = (io.clone(), clock.clone());
        self.command(move |local| *local = Some(Local::start(&io, clock)));
    }

    /// Stops the worker.
    pub(crate) fn stop(&self) {
        self.command(|local| {
            if let Some(local) = local.take() {
                local.worker.stop();
            }
        });
    }

    /// Runs something on the thread and waits for it.
    pub(crate) fn run<R: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Local) -> R + Send + 'static,
    ) -> R {
        self.command(|local| call(local.as_mut().expect("the worker was stopped")))
    }

    pub(crate) fn is_running(&self) -> bool {
        self.command(|local| local.is_some())
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.commands.take());
        if let Some(thread) = self.thread.take() {
            // A panic was reported where its command was given.
            let _reported = thread.join();
        }
    }
}
