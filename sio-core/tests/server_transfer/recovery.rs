//! Random plays of a client that loses its connection and comes back, on any worker, while everybody
//! goes on talking.
//!
//! The model is one list: what is said to the socket, in the order in which it was said. Whatever is
//! lost, and wherever the session lives or moves, the client gets this list.

use std::fmt::Write as _;

use futures_channel::oneshot;
use sio_core::engine::{ProbeReply, Transport};
use sio_core::server::{EmitError, Io, IoConfig, Recovery, Socket};

use crate::chance::Chance;
use crate::echo::Echo;
use crate::threads::{Fetched, Thread};
use crate::world::{Shared, World, config};

/// The thread without a worker.
const OUTSIDE: usize = 3;

#[derive(Clone, Copy)]
struct Rules {
    /// Sessions begin by polling, too, and move.
    moves: bool,
    /// The server does not notice the first loss: the client takes its socket over.
    takes_over: bool,
    /// Events and sockets are kept by a log that nodes share.
    shared: bool,
}

fn recovering(shared: &Shared) -> IoConfig {
    config(shared).connection_state_recovery(Recovery::default())
}

fn sharing(shared: &Shared) -> IoConfig {
    recovering(shared).adapter(Echo::default())
}

/// The client's WebSocket request for a session on polling.
enum Request {
    None,
    Asked(usize, oneshot::Receiver<()>),
    Open(usize),
    Probed(usize),
}

struct Play {
    world: World,
    rules: Rules,
    chance: Chance,
    /// What was said to the socket.
    said: Vec<String>,
    /// What the client has read.
    read: Vec<String>,
    pid: String,
    offset: String,
    first: Socket,
    request: Request,
    connected: bool,
    lost: usize,
    trace: String,
}

impl Drop for Play {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.trace);
        }
    }
}

fn run(rules: Rules, plays: u64) {
    let mut threads = vec![Thread::spawn(), Thread::spawn(), Thread::spawn()];
    let mut lost = 0;
    for seed in 1..=plays {
        let config = if rules.shared { sharing } else { recovering };
        let world = World::with_pid(config, threads);
        let first = world.0.socket.clone();
        let mut play = Play {
            world: world.0,
            rules,
            chance: Chance::new(seed),
            said: Vec::new(),
            read: Vec::new(),
            pid: world.1,
            offset: String::new(),
            first,
            request: Request::None,
            connected: true,
            lost: 0,
            trace: format!("seed {seed}"),
        };
        play.emit(OUTSIDE, 0);
        play.finish_reading();
        for _ in 0..60 {
            play.step();
        }
        if !play.connected {
            play.come_back();
        }
        play.finish_reading();
        assert_eq!(play.read, play.said);
        lost += play.lost;
        threads = play.world.stop();
    }
    assert!(lost > usize::try_from(plays).unwrap(), "hardly anything was lost");
}

impl Play {
    fn note(&mut self, line: &str) {
        write!(self.trace, "; {line}").unwrap();
    }

    fn step(&mut self) {
        let worker = self.chance.below(3);
        match self.chance.below(32) {
            0..=11 => {
                let (emitter, kind) = (self.chance.below(4), self.chance.below(8));
                self.emit(emitter, kind);
            }
            12..=17 => {
                self.note(&format!("poll {worker}"));
                self.world.poll(worker);
            }
            18..=22 if self.connected => self.read_some(worker),
            23 | 24 if self.connected => self.lose(worker),
            25..=27 if !self.connected => self.come_back(),
            28..=31 if self.connected && self.rules.moves => self.upgrade(worker),
            _ => {}
        }
    }

    fn emit(&mut self, emitter: usize, kind: usize) {
        let name = format!("{} by {emitter} kind {kind}", self.said.len());
        let newest = self.world.shared.socket();
        let first = self.first.clone();
        let io = self.world.io.clone();
        type Emit = fn(&Io, &Socket, &Socket, &str) -> Result<(), EmitError>;
        let (reaches, emit): (bool, Emit) = match kind {
            0 => (true, |_, _, newest, name| newest.emit(name, ())),
            1 => (true, |_, first, _, name| first.emit(name, ())),
            2 => (true, |io, _, _, name| io.emit(name, ())),
            3 => (true, |io, _, _, name| io.to("base").emit(name, ())),
            4 => (true, |io, first, _, name| io.to(first.id()).to("base").emit(name, ())),
            5 => (false, |io, _, _, name| io.except("base").emit(name, ())),
            6 => (false, |io, _, _, name| io.to("elsewhere").emit(name, ())),
            _ => (false, |_, _, newest, name| newest.broadcast().emit(name, ())),
        };
        self.note(&name);
        if reaches {
            self.said.push(name.clone());
        }
        if emitter == OUTSIDE {
            emit(&io, &first, &newest, &name).unwrap();
        } else {
            self.world.run(emitter, move |_| emit(&io, &first, &newest, &name).unwrap());
        }
    }

    /// The client's GET, or its turn on the WebSocket.
    fn read_some(&mut self, worker: usize) {
        if self.world.carrier.is_some() {
            self.note("turn");
            self.world.turn(None);
        } else if self.world.polls() {
            let answer = self.world.take_answer();
            self.note(&format!("answer {answer:?}"));
        } else {
            self.note(&format!("GET {worker}"));
            self.world.start_poll(worker);
        }
        self.take_packets();
    }

    fn take_packets(&mut self) {
        for packet in self.world.packets() {
            if packet.starts_with("40{") {
                let pid = format!("\"pid\":\"{}\"}}", self.pid);
                assert!(packet.ends_with(&pid), "not recovered: {packet}");
            } else if let Some(event) = packet.strip_prefix("42[\"") {
                let (name, offset) = event.split_once("\",\"").expect("an event without offset");
                self.read.push(name.to_owned());
                offset.trim_end_matches("\"]").clone_into(&mut self.offset);
            }
        }
    }

    fn lose(&mut self, worker: usize) {
        if !self.read.is_empty() && self.chance.below(2) == 0 && self.world.carrier.is_some() {
            // Written to the connection, and never read.
            self.world.turn(None);
        }
        match std::mem::replace(&mut self.request, Request::None) {
            Request::None => {}
            Request::Asked(worker, arrival) => self.world.give_up(worker, Some(arrival)),
            Request::Open(worker) | Request::Probed(worker) => self.world.drop_probe(worker),
        }
        self.lost += 1;
        self.connected = false;
        if self.rules.takes_over && self.lost == 1 {
            self.note("lost unnoticed");
            return;
        }
        self.note(&format!("lost {worker}"));
        self.world.lose(worker);
    }

    fn come_back(&mut self) {
        // A poll that was lost has to be noticed: until then its session lives, and it was recovered.
        if !(self.rules.takes_over && self.lost == 1) {
            self.world.settle();
        }
        let worker = self.chance.below(3);
        let by_polling = self.rules.moves && self.chance.below(2) == 0;
        self.note(&format!("back at {worker}, polling {by_polling}"));
        let transport = if by_polling { Transport::Polling } else { Transport::Websocket };
        self.world.packets();
        self.world.reopen(worker, transport);
        let connect = format!("40{{\"pid\":\"{}\",\"offset\":\"{}\"}}", self.pid, self.offset);
        if by_polling {
            let other = self.chance.below(3);
            self.world.start_push(other, &connect);
        } else {
            self.world.turn(Some(connect));
        }
        self.connected = true;
        self.take_packets();
    }

    /// The next step of the client's WebSocket request.
    fn upgrade(&mut self, worker: usize) {
        if self.world.carrier.is_some() {
            return;
        }
        self.request = match std::mem::replace(&mut self.request, Request::None) {
            Request::None => {
                self.note(&format!("request {worker}"));
                match self.world.request(worker) {
                    Some(Fetched::Here) => self.open_probe(worker),
                    Some(Fetched::Coming(arrival)) => Request::Asked(worker, arrival),
                    Some(Fetched::Gone) => panic!("the session lives"),
                    Some(Fetched::Busy) | None => Request::None,
                }
            }
            Request::Asked(worker, mut arrival) => match arrival.try_recv() {
                Ok(Some(())) => self.open_probe(worker),
                Ok(None) => Request::Asked(worker, arrival),
                Err(oneshot::Canceled) => panic!("the session did not come"),
            },
            Request::Open(worker) => self.frame(worker, "2probe"),
            Request::Probed(worker) => {
                self.world.take_push_answer();
                if self.world.pushes() { Request::Probed(worker) } else { self.frame(worker, "5") }
            }
        };
    }

    fn open_probe(&mut self, worker: usize) -> Request {
        self.note("probe");
        assert!(self.world.open_probe(worker), "the session is not here");
        Request::Open(worker)
    }

    fn frame(&mut self, worker: usize, text: &'static str) -> Request {
        self.note(text);
        match self.world.probe_frame(worker, text) {
            ProbeReply::Pong => Request::Probed(worker),
            ProbeReply::Upgraded => Request::None,
            ProbeReply::Refused => panic!("a probe was refused"),
        }
    }

    /// Reads until nothing more comes.
    fn finish_reading(&mut self) {
        if let Request::Open(worker) | Request::Probed(worker) = self.request {
            self.world.drop_probe(worker);
            self.request = Request::None;
        }
        for _ in 0..4 {
            self.world.settle();
            for _ in 0..3 {
                self.read_some(0);
            }
        }
    }
}

#[test]
fn a_client_that_loses_its_websocket_again_and_again_gets_everything_in_order() {
    run(Rules { moves: false, takes_over: false, shared: false }, 400);
}

#[test]
fn a_client_whose_sessions_move_gets_everything_in_order() {
    run(Rules { moves: true, takes_over: false, shared: false }, 600);
}

#[test]
fn a_client_that_takes_its_socket_over_gets_everything_in_order() {
    run(Rules { moves: true, takes_over: true, shared: false }, 600);
}

#[test]
fn a_client_that_comes_back_by_a_shared_log_gets_everything_in_order() {
    run(Rules { moves: false, takes_over: false, shared: true }, 200);
    run(Rules { moves: true, takes_over: false, shared: true }, 400);
    run(Rules { moves: true, takes_over: true, shared: true }, 400);
}
