//! A carrier in memory: one worker with a clock that stands still, and clients made of frames.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::ops::Deref;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::Bytes;
use sio_core::close::CloseReason;
use sio_core::engine::Transport;
use sio_core::server::{
    Connection, Extensions, Handshake, HandshakeParts, Io, IoConfig, Opening, Socket, Worker,
};
use sio_core::sid::SidSource;

use crate::polling::Polling;
use crate::tools::{Counter, Wakes, split_frames};

thread_local! {
    /// Time that handlers have spent.
    static SPENT: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// A handler takes so long; nobody else has a turn meanwhile.
pub(crate) fn spend(time: Duration) {
    SPENT.set(SPENT.get() + time);
}

pub(crate) struct Inner {
    pub(crate) io: Io,
    pub(crate) worker: Rc<Worker>,
    clock: Rc<Cell<Instant>>,
    wakes: Arc<Wakes>,
}

/// A server with one worker on this thread.
#[derive(Clone)]
pub(crate) struct Server(Rc<Inner>);

impl Deref for Server {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.worker.stop();
    }
}

impl Server {
    pub(crate) fn start(config: IoConfig) -> Self {
        Self::start_with(config, Box::new(Counter::default()))
    }

    /// As [`Self::start`], with ids from elsewhere.
    pub(crate) fn start_with(config: IoConfig, sids: Box<dyn SidSource>) -> Self {
        let io = config.build(sids).unwrap();
        let clock = Rc::new(Cell::new(Instant::now()));
        let shown = Rc::clone(&clock);
        let (worker, started) = Worker::start(&io, move || shown.get() + SPENT.get());
        assert!(started);
        let server = Self(Rc::new(Inner { io, worker, clock, wakes: Arc::default() }));
        server.run();
        server
    }

    /// How often the worker asked to be polled since it was polled last.
    pub(crate) fn wakes(&self) -> usize {
        self.wakes.take()
    }

    /// Polls the worker once.
    pub(crate) fn poll(&self) {
        let waker = Waker::from(Arc::clone(&self.wakes));
        assert_eq!(self.worker.poll(&mut Context::from_waker(&waker)), Poll::Pending);
    }

    /// Polls the worker until it has nothing left to do at this moment.
    pub(crate) fn run(&self) {
        loop {
            self.wakes.take();
            self.poll();
            let due = self
                .worker
                .next_deadline()
                .is_some_and(|due| due <= self.clock.get() + SPENT.get());
            if self.wakes.take() == 0 && !due && !self.worker.has_more() {
                return;
            }
        }
    }

    /// Lets time pass, stopping at every deadline on the way.
    pub(crate) fn advance(&self, by: Duration) {
        let target = self.clock.get() + by;
        while let Some(due) = self.worker.next_deadline().filter(|due| *due <= target) {
            self.clock.set(due.max(self.clock.get()));
            self.run();
        }
        self.clock.set(target);
        self.run();
    }

    fn open(&self, transport: Transport) -> Rc<Connection> {
        self.try_open(transport).unwrap()
    }

    pub(crate) fn try_open(&self, transport: Transport) -> Option<Rc<Connection>> {
        self.worker.open(Opening::new(handshake(), transport)).ok()
    }

    /// A session on WebSocket that has joined `/`, and values that came with its request.
    pub(crate) fn joined_with(&self, extensions: Extensions) -> WebSocket {
        let opening = Opening::new(handshake().with_extensions(extensions), Transport::Websocket);
        let connection = self.worker.open(opening).unwrap();
        let mut client = WebSocket::new(self.clone(), connection);
        client.turn();
        client.frames();
        client.connect("/");
        client
    }

    /// A session on WebSocket that has read its open packet.
    pub(crate) fn websocket(&self) -> WebSocket {
        let connection = self.open(Transport::Websocket);
        let mut client = WebSocket::new(self.clone(), connection);
        client.turn();
        let open = client.frames();
        assert!(open.len() == 1 && open[0].starts_with("0{"), "{open:?}");
        client
    }

    /// A session on WebSocket that has joined `/`.
    pub(crate) fn joined(&self) -> WebSocket {
        let mut client = self.websocket();
        client.connect("/");
        client
    }

    /// A session on polling that has read its open packet.
    pub(crate) fn polling(&self) -> Polling {
        let session = Arc::clone(self.open(Transport::Polling).handle());
        let mut client = Polling::new(self.clone(), session);
        let open = client.poll().unwrap();
        assert!(open.starts_with("0{"), "{open}");
        client
    }

    /// A session on polling that has joined `/` and read the answer.
    pub(crate) fn joined_by_polling(&self) -> Polling {
        let mut client = self.polling();
        assert_eq!(client.push("40").as_deref(), Some("ok"));
        assert!(client.poll().unwrap().starts_with("40{\"sid\":"));
        client
    }

    /// Nothing of any client is left behind.
    #[track_caller]
    pub(crate) fn assert_empty(&self) {
        self.run();
        assert_eq!(self.io.session_count(), 0);
        for namespace in self.io.namespaces() {
            assert_eq!(self.io.of(&namespace).socket_count(), 0, "{namespace}");
        }
    }

    /// How many sockets of `/` are in a room.
    pub(crate) fn members(&self, room: &str) -> usize {
        found(self.io.to(room).sockets()).len()
    }

    /// All sockets of `/`.
    pub(crate) fn sockets(&self) -> Vec<Socket> {
        found(self.io.of("/").sockets())
    }
}

fn handshake() -> Handshake {
    Handshake::new(&HandshakeParts {
        headers: &[("host", "a")],
        url: "/socket.io/?EIO=4",
        address: None,
        secure: false,
        time: UNIX_EPOCH,
    })
}

/// What a search has found, which the only worker has done at once.
fn found(search: impl Future<Output = Vec<Socket>>) -> Vec<Socket> {
    match pin!(search).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(sockets) => sockets,
        Poll::Pending => panic!("the only worker has not answered"),
    }
}

enum Input {
    Text(String),
    Binary(Bytes),
}

/// A client on WebSocket; what it read and wrote is printed if its test fails.
pub(crate) struct WebSocket {
    pub(crate) server: Server,
    pub(crate) connection: Rc<Connection>,
    input: VecDeque<Input>,
    output: Vec<String>,
    wakes: Arc<Wakes>,
    closed: bool,
    log: RefCell<String>,
}

impl WebSocket {
    pub(crate) fn new(server: Server, connection: Rc<Connection>) -> Self {
        Self {
            server,
            connection,
            input: VecDeque::new(),
            output: Vec::new(),
            wakes: Arc::default(),
            closed: false,
            log: RefCell::default(),
        }
    }

    /// Joins a namespace and gives the socket id.
    pub(crate) fn connect(&mut self, namespace: &str) -> String {
        let head = if namespace == "/" { String::new() } else { format!("{namespace},") };
        let answers = self.exchange(&format!("40{head}"));
        let head = format!("40{head}{{\"sid\":\"");
        let answer = answers.iter().find_map(|answer| answer.strip_prefix(&head));
        let Some(answer) = answer else { panic!("not connected: {answers:?}") };
        answer.trim_end_matches("\"}").to_owned()
    }

    /// Sends a text frame.
    pub(crate) fn send(&mut self, text: &str) {
        self.input.push_back(Input::Text(text.to_owned()));
        self.turn();
    }

    /// Sends a binary frame.
    pub(crate) fn send_binary(&mut self, bytes: &'static [u8]) {
        self.input.push_back(Input::Binary(Bytes::from_static(bytes)));
        self.turn();
    }

    /// Sends text frames that arrive at once, and gives what is answered.
    pub(crate) fn send_all(&mut self, texts: &[&str]) -> Vec<String> {
        self.input.extend(texts.iter().map(|text| Input::Text((*text).to_owned())));
        self.turn();
        self.frames()
    }

    /// Sends a text frame and gives what is answered.
    pub(crate) fn exchange(&mut self, text: &str) -> Vec<String> {
        self.send(text);
        self.frames()
    }

    /// What came since it was asked last; `<…>` is a binary frame, `(closed)` the end.
    ///
    /// The connection has its turn only if it was woken: a missing wake-up is a missing frame.
    pub(crate) fn frames(&mut self) -> Vec<String> {
        self.server.run();
        while self.wakes.take() > 0 {
            self.turn();
            self.server.run();
        }
        std::mem::take(&mut self.output)
    }

    /// How often the connection was woken since it was asked last.
    pub(crate) fn wakes(&self) -> usize {
        self.wakes.take()
    }

    /// The connection is lost.
    pub(crate) fn drop_connection(&mut self) {
        self.close(CloseReason::TransportClose);
    }

    fn close(&mut self, reason: CloseReason) {
        self.closed = true;
        self.server.worker.transport_closed(&self.connection, reason);
    }

    /// What the body of a WebSocket response does when it is polled.
    fn turn(&mut self) {
        if self.closed {
            return;
        }
        let server = self.server.clone();
        let worker = &server.worker;
        if self.input.is_empty()
            && let Some(ready) = self.ready()
        {
            self.read(&ready);
            return self.connection.set_waiting(&Waker::from(Arc::clone(&self.wakes)));
        }
        worker.tick();
        worker.begin_turn(&self.connection);
        while worker.takes_frames(&self.connection) {
            match self.input.pop_front() {
                Some(Input::Text(text)) => {
                    self.note(&format!("> {text}"));
                    worker.receive_text(&self.connection, &text);
                }
                Some(Input::Binary(bytes)) => {
                    self.note(&format!("> {bytes:?}"));
                    worker.receive_binary(&self.connection, bytes);
                }
                None => break,
            }
        }
        let mut written = worker.end_turn(&self.connection);
        loop {
            while let Some(slice) = self.connection.next_slice(32 * 1024) {
                written.extend_from_slice(&slice);
            }
            if !self.connection.has_output() {
                break;
            }
            worker.begin_turn(&self.connection);
            written.extend_from_slice(&worker.end_turn(&self.connection));
        }
        self.read(&written);
        if self.connection.is_ending() {
            self.output.push("(closed)".to_owned());
            self.close(CloseReason::TransportClose);
        } else {
            self.connection.set_waiting(&Waker::from(Arc::clone(&self.wakes)));
        }
    }

    /// The bytes of a broadcast, if the connection has nothing else to write.
    pub(crate) fn ready(&self) -> Option<Bytes> {
        self.server.worker.take_ready(&self.connection)
    }

    fn read(&mut self, written: &[u8]) {
        for frame in split_frames(written) {
            self.note(&format!("< {frame}"));
            self.output.push(frame);
        }
    }

    fn note(&self, line: &str) {
        writeln!(self.log.borrow_mut(), "{line}").unwrap();
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}:\n{}", self.connection.handle().sid(), self.log.borrow());
        } else if !self.closed {
            self.drop_connection();
        }
    }
}
