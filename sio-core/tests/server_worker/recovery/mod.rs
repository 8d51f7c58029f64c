//! Clients that lose their connection and come back (behaviours 34).

mod guards;
mod memory;
mod refusals;
mod returns;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_core::limits::Limits;
use sio_core::server::{Io, IoConfig, NamespaceBuilder, Recovery, Socket};

use crate::carrier::{Server, WebSocket};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const WINDOW: Duration = Duration::from_secs(120);

pub(super) type Sockets = Arc<Mutex<Vec<Socket>>>;

/// What a client keeps for coming back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Client {
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
        let (_, ids) = answer.split_once("{\"sid\":\"").expect(answer);
        let (id, pid) = ids.split_once("\",\"pid\":\"").expect(answer);
        id.clone_into(&mut self.id);
        pid.trim_end_matches("\"}").clone_into(&mut self.pid);
    }

    /// Notes the offset behind each event, and gives the events without it.
    pub(crate) fn note_events(&mut self, frames: &[String]) -> Vec<String> {
        let mut events = Vec::new();
        for frame in frames {
            match frame.strip_suffix("\"]").and_then(|frame| frame.rsplit_once(",\"")) {
                Some((event, offset)) if frame.starts_with("42") || frame.starts_with("45") => {
                    offset.clone_into(&mut self.offset);
                    events.push(format!("{event}]"));
                }
                _ => events.push(frame.clone()),
            }
        }
        events
    }
}

pub(crate) fn recovering(register: impl FnOnce(&mut NamespaceBuilder)) -> IoConfig {
    Io::builder().connection_state_recovery(Recovery::default()).namespace("/", register)
}

pub(super) fn limited(config: IoConfig, limit: impl FnOnce(&mut Limits)) -> Server {
    let mut config = config;
    limit(&mut config.config_mut().limits);
    Server::start(config)
}

/// Each socket joins `r1` and is pushed to the list.
pub(super) fn joining(sockets: &Sockets) -> IoConfig {
    let sockets = Arc::clone(sockets);
    recovering(|ns| {
        ns.on_connection(move |socket: Socket| {
            if !socket.is_recovered() {
                socket.join("r1");
            }
            sockets.lock().unwrap().push(socket);
        });
        ns.on("leave", |socket: Socket| socket.disconnect(false));
        ns.on("echo", |socket: Socket, text: String| socket.emit("echo", text));
    })
}

/// A client that has joined `/` and got the event `hello`.
#[track_caller]
pub(crate) fn greeted(server: &Server) -> (WebSocket, Client) {
    let mut client = Client::default();
    let mut socket = server.websocket();
    client.note_connect(&socket.exchange("40")[0]);
    server.io.emit("hello", 1).unwrap();
    assert_eq!(client.note_events(&socket.frames()), ["42[\"hello\",1]"]);
    (socket, client)
}

/// Asks for what was kept; gives the frames that came, the last of them the CONNECT answer.
#[track_caller]
pub(super) fn ask(server: &Server, request: &str) -> (WebSocket, Vec<String>) {
    let mut socket = server.websocket();
    let answers = socket.exchange(&format!("40{request}"));
    (socket, answers)
}

/// The client comes back as who it was; gives what it missed.
#[track_caller]
pub(crate) fn come_back(server: &Server, client: &mut Client) -> (WebSocket, Vec<String>) {
    let before = client.clone();
    let (socket, mut answers) = ask(server, &client.request());
    client.note_connect(&answers.pop().unwrap());
    let missed = client.note_events(&answers);
    assert_eq!((&client.id, &client.pid), (&before.id, &before.pid), "not recovered");
    (socket, missed)
}

/// The client is a new one, and nothing is sent to it before the answer.
#[track_caller]
pub(super) fn is_new(server: &Server, client: &Client, request: &str) -> WebSocket {
    let (socket, answers) = ask(server, request);
    assert_eq!(answers.len(), 1, "{answers:?}");
    let mut new = Client::default();
    new.note_connect(&answers[0]);
    assert_ne!(new.id, client.id);
    assert_ne!(new.pid, client.pid);
    socket
}
