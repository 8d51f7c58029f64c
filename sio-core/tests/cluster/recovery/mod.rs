//! Coming back on any node, by a log that all nodes share (behaviours 34 and 40.7).

mod order;
mod random;
mod refusals;
mod returns;
mod stream;

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_core::server::{Io, IoConfig, Recovery, Socket};
use sio_core::sid::{SID_BYTES, SidSource};

use crate::carrier::{Server, WebSocket};
use stream::Stream;

const SECOND: Duration = Duration::from_secs(1);
const A: usize = 0;
const B: usize = 1;

/// Ids that count, and differ from node to node.
struct Counter(u8, AtomicU64);

impl SidSource for Counter {
    fn fill(&self, bytes: &mut [u8; SID_BYTES]) {
        let number = self.1.fetch_add(1, Ordering::Relaxed);
        *bytes = [self.0; SID_BYTES];
        bytes[SID_BYTES - 8..].copy_from_slice(&number.to_be_bytes());
    }
}

/// The sockets of one node, in the order of their connection.
pub(super) type Sockets = Arc<Mutex<Vec<Socket>>>;

/// Two nodes.
pub(super) struct World {
    pub(super) stream: Stream,
    nodes: Vec<Server>,
    pub(super) sockets: Vec<Sockets>,
}

impl Deref for World {
    type Target = [Server];

    fn deref(&self) -> &[Server] {
        &self.nodes
    }
}

/// Each new socket joins `base`.
fn joining(sockets: &Sockets) -> IoConfig {
    let sockets = Arc::clone(sockets);
    Io::builder().namespace("/", |ns| {
        ns.on_connection(move |socket: Socket| {
            if !socket.is_recovered() {
                socket.join("base");
            }
            sockets.lock().unwrap().push(socket);
        });
    })
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(|config| config)
    }

    pub(super) fn with(change: impl Fn(IoConfig) -> IoConfig) -> Self {
        let stream = Stream::default();
        let (mut nodes, mut all) = (Vec::new(), Vec::new());
        for number in [1, 2] {
            let sockets = Sockets::default();
            let config = joining(&sockets).connection_state_recovery(Recovery::default());
            let config = change(config).adapter(stream.reader());
            let sids = Box::new(Counter(number, AtomicU64::new(0)));
            nodes.push(Server::start_with(config, sids));
            all.push(sockets);
        }
        Self { stream, nodes, sockets: all }
    }

    /// Lets everything that was said get to all nodes.
    pub(super) fn flush(&self) {
        loop {
            self.nodes.iter().for_each(Server::run);
            if !self.stream.flush() {
                return;
            }
        }
    }

    /// What is in the log gets to a node.
    pub(super) fn read(&self, node: usize, count: usize) {
        self.stream.read(node, count);
        self[node].run();
    }

    pub(super) fn advance(&self, by: Duration) {
        self.stream.advance(by);
        self.nodes.iter().for_each(|node| node.advance(by));
    }

    /// The newest socket of a node.
    pub(super) fn socket(&self, node: usize) -> Socket {
        self.sockets[node].lock().unwrap().last().unwrap().clone()
    }

    /// A client of a node that has got the event `hello`.
    #[track_caller]
    pub(super) fn greeted(&self, node: usize) -> (WebSocket, Client) {
        let mut client = Client::default();
        let mut socket = self[node].websocket();
        client.note_connect(&socket.exchange("40")[0]);
        self[node].io.emit("hello", 1).unwrap();
        self.flush();
        assert_eq!(client.note_events(&socket.frames()), ["42[\"hello\",1]"]);
        (socket, client)
    }

    /// Asks a node for what was kept; gives the frames that came, the last of them the CONNECT answer.
    pub(super) fn ask(&self, node: usize, request: &str) -> (WebSocket, Vec<String>) {
        let mut socket = self[node].websocket();
        let answers = socket.exchange(&format!("40{request}"));
        (socket, answers)
    }

    /// The client comes back as who it was; gives what it missed.
    #[track_caller]
    pub(super) fn come_back(&self, node: usize, client: &mut Client) -> (WebSocket, Vec<String>) {
        let (socket, answers) = self.ask(node, &client.request());
        let missed = client.note_return(answers);
        (socket, missed)
    }

    /// The client is a new one, and nothing is sent to it before the answer.
    #[track_caller]
    pub(super) fn is_new(&self, node: usize, client: &Client, request: &str) -> WebSocket {
        let (socket, answers) = self.ask(node, request);
        client.assert_new(&answers);
        socket
    }
}

/// What a client keeps for coming back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) pid: String,
    pub(super) offset: String,
}

impl Client {
    pub(super) fn request(&self) -> String {
        format!("{{\"pid\":\"{}\",\"offset\":\"{}\"}}", self.pid, self.offset)
    }

    /// Notes id and `pid` of a CONNECT answer.
    #[track_caller]
    pub(super) fn note_connect(&mut self, answer: &str) {
        let (_, ids) = answer.split_once("40{\"sid\":\"").expect(answer);
        let (id, pid) = ids.split_once("\",\"pid\":\"").expect(answer);
        id.clone_into(&mut self.id);
        pid.trim_end_matches("\"}").clone_into(&mut self.pid);
    }

    /// Notes the offset behind each event that has one, and gives the events without it.
    pub(super) fn note_events(&mut self, frames: &[String]) -> Vec<String> {
        let mut events = Vec::new();
        for frame in frames {
            let parts = frame.strip_suffix("\"]").and_then(|frame| frame.rsplit_once(",\""));
            match parts.filter(|(_, offset)| offset.starts_with("1795201307")) {
                Some((event, offset)) => {
                    offset.clone_into(&mut self.offset);
                    events.push(format!("{event}]"));
                }
                None => events.push(frame.clone()),
            }
        }
        events
    }

    /// Notes what came with an answer, which says that the client is who it was.
    #[track_caller]
    pub(super) fn note_return(&mut self, mut answers: Vec<String>) -> Vec<String> {
        let before = self.clone();
        self.note_connect(&answers.pop().unwrap());
        let missed = self.note_events(&answers);
        assert_eq!((&self.id, &self.pid), (&before.id, &before.pid), "not recovered");
        missed
    }

    #[track_caller]
    pub(super) fn assert_new(&self, answers: &[String]) {
        assert_eq!(answers.len(), 1, "{answers:?}");
        let mut new = Self::default();
        new.note_connect(&answers[0]);
        assert_ne!(new.id, self.id);
        assert_ne!(new.pid, self.pid);
    }
}
