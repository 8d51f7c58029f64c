//! The clients: their sessions, and what is counted.
//!
//! `opening` brings a session up over each transport, `traffic` is what happens on sessions that are up.

mod opening;
mod traffic;

use std::collections::VecDeque;

use crate::histogram::Histogram;
use crate::http::Requests;
use crate::message::Messages;
use crate::net::{At, Event, Handler, Net, Role};
use crate::options::Options;
use crate::scenario::{Scenario, Shape, Transport};

/// Errors whose text is kept; all are counted.
const KEPT_ERRORS: usize = 5;

/// Of one client's session.
#[derive(Debug, Default)]
struct Client {
    stage: Stage,
    began: u64,
    websocket: Option<usize>,
    poll: Option<usize>,
    push: Option<usize>,
    sid: String,
    /// Of an upgrade: the probe was answered; the poll was.
    is_probed: bool,
    is_released: bool,
    /// Packets for the next push; one is on its way.
    outgoing: Vec<Vec<u8>>,
    is_pushing: bool,
    /// When each message in flight was sent.
    sent: Vec<u64>,
    /// Whose turn it is to come back, where no ack id says so.
    oldest: usize,
    /// What the attachment that comes next belongs to.
    announced: Option<Reply>,
    /// Broadcasts received.
    received: u64,
    has_joined: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Not there yet; over polling, the steps follow.
    #[default]
    Connecting,
    /// The CONNECT is on its way.
    Asked,
    /// A poll waits for its answer.
    Awaiting,
    /// CONNECT was answered; the other connection is being opened.
    Answered,
    /// Over the WebSocket of an upgrade; its first ack is awaited.
    Upgraded,
    Ready,
    Gone,
}

/// What came back.
#[derive(Clone, Copy, Debug)]
enum Reply {
    Ack(usize),
    Event,
}

/// Broadcasts on their way.
#[derive(Debug)]
struct Rounds {
    /// Number of the first in `open`, and of the next one to be published.
    first: u64,
    next: u64,
    /// When each was published, and how many deliveries are missing.
    open: VecDeque<(u64, usize)>,
    receivers: usize,
    done: u64,
}

#[derive(Debug)]
pub(crate) struct Clients {
    scenario: Scenario,
    messages: Messages,
    requests: Requests,
    clients: Vec<Client>,
    /// How many have begun, how many of these are not ready yet, and how many are.
    begun: usize,
    opening: usize,
    pub(crate) ready: usize,
    pub(crate) joined: usize,
    is_running: bool,
    rounds: Rounds,
    /// Acks, events or deliveries.
    pub(crate) count: u64,
    pub(crate) pings: u64,
    pub(crate) errors: u64,
    pub(crate) first_errors: Vec<String>,
    pub(crate) latency: Histogram,
    /// Until the last receiver has a broadcast.
    pub(crate) fan_out: Histogram,
    pub(crate) connecting: Histogram,
}

impl Clients {
    pub(crate) fn new(options: &Options) -> Self {
        let scenario = options.scenario;
        let client = || Client { sent: vec![0; scenario.window], ..Client::default() };
        let receivers = match scenario.shape {
            Shape::Room { rooms } => scenario.clients / rooms.max(1),
            _ => scenario.sockets(),
        };
        Self {
            scenario,
            messages: Messages::new(&scenario),
            requests: Requests::new(options.address),
            clients: std::iter::repeat_with(client).take(scenario.sockets()).collect(),
            begun: 0,
            opening: 0,
            ready: 0,
            joined: 0,
            is_running: false,
            rounds: Rounds { first: 0, next: 0, open: VecDeque::new(), receivers, done: 0 },
            count: 0,
            pings: 0,
            errors: 0,
            first_errors: Vec::new(),
            latency: Histogram::new(),
            fan_out: Histogram::new(),
            connecting: Histogram::new(),
        }
    }

    pub(crate) const fn rounds_done(&self) -> u64 {
        self.rounds.done
    }

    pub(crate) fn error(&mut self, what: String) {
        self.errors += 1;
        if self.first_errors.len() < KEPT_ERRORS {
            self.first_errors.push(what);
        }
    }

    fn client(&mut self, index: usize) -> Option<&mut Client> {
        self.clients.get_mut(index)
    }

    fn stage(&self, index: usize) -> Stage {
        self.clients.get(index).map_or(Stage::Gone, |client| client.stage)
    }

    fn on_closed(&mut self, at: At, why: &str) {
        let Some(client) = self.clients.get_mut(at.client) else { return };
        // A server may close the polling connection of a session that has moved on.
        let moves = self.scenario.transport == Transport::Upgrade && at.role == Role::Poll;
        if moves && matches!(client.stage, Stage::Answered | Stage::Upgraded | Stage::Ready) {
            client.poll = None;
        } else {
            self.give_up(at.client, format!("closed: {why}"));
        }
    }

    /// The client is of no more use; the reason counts once.
    fn give_up(&mut self, index: usize, why: String) {
        let Some(client) = self.client(index).filter(|client| client.stage != Stage::Gone) else {
            return;
        };
        let was_ready = std::mem::replace(&mut client.stage, Stage::Gone) == Stage::Ready;
        if was_ready {
            self.ready -= 1;
        } else {
            self.opening -= 1;
        }
        self.error(why);
    }
}

impl Handler for Clients {
    fn on_event(&mut self, net: &mut Net, at: At, event: Event<'_>) {
        match event {
            Event::Text(packet) => self.on_packet(net, at, packet),
            Event::Binary(bytes) => self.on_attachment(net, at, bytes),
            Event::Response(status, body) => self.on_response(net, at, status, body),
            Event::Connected => self.on_connected(net, at),
            Event::Switched => self.on_switched(net, at),
            Event::Closed(why) => self.on_closed(at, &why),
        }
    }
}

/// The beginning of what came, for a message.
fn shown(bytes: &[u8]) -> String {
    let start = bytes.get(..120).unwrap_or(bytes);
    format!("{:?}", String::from_utf8_lossy(start))
}
