//! A random play: emitters, a client and its WebSocket requests take turns with the workers.
//!
//! Each emitter (three workers' threads and one without a worker) numbers what it says. Whatever the
//! interleaving, the client must get each number once and those of one emitter in order.

use std::fmt::Write as _;

use futures_channel::oneshot;
use sio_core::engine::ProbeReply;
use sio_core::server::{Io, Socket};

use crate::chance::Chance;
use crate::threads::{Fetched, Thread};
use crate::world::{World, config};

/// The thread without a worker.
const OUTSIDE: usize = 3;

/// What may happen in a play besides emits and one move.
#[derive(Clone, Copy, Default)]
pub(crate) struct Rules {
    /// Emitters use rooms of their own.
    pub(crate) rooms: bool,
    /// The client pushes events; some handlers wait.
    pub(crate) pushes: bool,
    /// Probes fail, and the session moves on later.
    pub(crate) fails: bool,
    /// Requests give up before the session has come, and others ask for it.
    pub(crate) gives_up: bool,
    /// The session ends in the middle.
    pub(crate) ends: bool,
}

#[derive(Default)]
struct Emitter {
    expected: Vec<String>,
    said: usize,
    in_own: bool,
    in_selected: bool,
}

/// The client's WebSocket request.
enum Request {
    None,
    Asked(usize, oneshot::Receiver<()>),
    Open(usize),
    Probed(usize),
    Upgraded,
}

/// The end, and how many messages its author had said before it.
enum End {
    Not,
    By(usize, usize),
    Client,
}

struct Play {
    world: World,
    rules: Rules,
    chance: Chance,
    emitters: [Emitter; 4],
    pushed: Vec<String>,
    request: Request,
    end: End,
    trace: String,
}

impl Drop for Play {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.trace);
        }
    }
}

/// Plays `plays` interleavings and tells what was wrong with the first that failed.
pub(crate) fn run(rules: Rules, plays: u64) {
    let mut threads = vec![Thread::spawn(), Thread::spawn(), Thread::spawn()];
    let mut failures = Vec::new();
    for seed in 1..=plays {
        let world = World::with(config, threads);
        let mut play = Play {
            world,
            rules,
            chance: Chance::new(seed),
            emitters: Default::default(),
            pushed: Vec::new(),
            request: Request::None,
            end: End::Not,
            trace: format!("seed {seed}"),
        };
        for _ in 0..40 {
            play.step();
        }
        if let Err(failure) = play.finish() {
            failures.push(format!("{failure}\n{}", play.trace));
        }
        threads = play.world.stop();
    }
    let count = failures.len();
    assert!(count == 0, "{count} of {plays} failed, the first so:\n{}", failures[0]);
}

impl Play {
    fn note(&mut self, line: &str) {
        write!(self.trace, "; {line}").unwrap();
    }

    fn step(&mut self) {
        let emitter = self.chance.below(4);
        let worker = self.chance.below(3);
        match self.chance.below(28) {
            0..=2 => self.emit(emitter, "one", true, |_, socket, name| socket.emit(name, ())),
            3 | 4 => self.emit(emitter, "all", true, |io, _, name| io.emit(name, ())),
            5 => self.emit(emitter, "base", true, |io, _, name| io.to("base").emit(name, ())),
            6 => {
                self.emit(emitter, "id", true, |io, socket, name| io.to(socket.id()).emit(name, ()))
            }
            7 => self.emit(emitter, "not self", false, |_, socket, name| {
                socket.broadcast().emit(name, ())
            }),
            8..=11 if self.rules.rooms => self.use_rooms(emitter),
            8..=16 => {
                self.note(&format!("poll {worker}"));
                self.world.poll(worker);
            }
            17..=19 => self.ask(worker),
            20 | 21 if self.rules.pushes => self.push(worker),
            22 if self.rules.pushes => self.open_gate(),
            23 if self.rules.ends && matches!(self.end, End::Not) => self.end(emitter, worker),
            _ => self.upgrade(worker),
        }
    }

    fn on(&self, emitter: usize, call: impl FnOnce(&Io, &Socket) + Send + 'static) {
        let (io, socket) = (self.world.io.clone(), self.world.socket.clone());
        if emitter == OUTSIDE {
            call(&io, &socket);
        } else {
            self.world.run(emitter, move |_| call(&io, &socket));
        }
    }

    fn emit<E: std::fmt::Debug>(
        &mut self,
        emitter: usize,
        kind: &str,
        reaches: bool,
        call: impl FnOnce(&Io, &Socket, &str) -> Result<(), E> + Send + 'static,
    ) {
        let said = self.emitters[emitter].said;
        let name = format!("{emitter}.{said} {kind}");
        self.emitters[emitter].said += 1;
        if reaches {
            self.emitters[emitter].expected.push(name.clone());
        }
        self.note(&name);
        self.on(emitter, move |io, socket| call(io, socket, &name).unwrap());
    }

    fn use_rooms(&mut self, emitter: usize) {
        let (own, selected) = (format!("own {emitter}"), format!("selected {emitter}"));
        let state = &mut self.emitters[emitter];
        match self.chance.below(5) {
            0 => {
                let reaches = state.in_own;
                self.emit(emitter, "own", reaches, move |io, _, name| io.to(own).emit(name, ()));
            }
            1 => {
                let reaches = !state.in_own;
                self.emit(emitter, "except", reaches, move |io, _, name| {
                    io.except(own).emit(name, ())
                });
            }
            2 => {
                let reaches = state.in_selected;
                self.emit(emitter, "selected", reaches, move |io, _, name| {
                    io.to(selected).emit(name, ())
                });
            }
            3 => {
                state.in_own = !state.in_own;
                let joins = state.in_own;
                self.note(&format!("{emitter} {} own", if joins { "joins" } else { "leaves" }));
                self.on(
                    emitter,
                    move |_, socket| {
                        if joins { socket.join(own) } else { socket.leave(own) }
                    },
                );
            }
            _ => {
                state.in_selected = !state.in_selected;
                let joins = state.in_selected;
                self.note(&format!(
                    "{emitter} selects to {}",
                    if joins { "join" } else { "leave" }
                ));
                self.on(emitter, move |io, _| {
                    let base = io.to("base");
                    if joins { base.sockets_join(selected) } else { base.sockets_leave(selected) }
                });
            }
        }
    }

    /// The client's GET, or its turn on the WebSocket.
    fn ask(&mut self, worker: usize) {
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
    }

    fn push(&mut self, worker: usize) {
        let answer = self.world.take_push_answer();
        if self.world.pushes() || matches!(self.end, End::Client) {
            return;
        }
        let number = self.pushed.len();
        let kind = if self.chance.below(3) == 0 { "slow" } else { "up" };
        let name = format!("{kind}.{number}");
        let event = format!("42[\"{kind}\",\"{name}\"]");
        self.pushed.push(name);
        self.note(&format!("(answer {answer:?}) POST {worker} {kind}.{number}"));
        if self.world.carrier.is_some() {
            self.world.turn(Some(event));
        } else {
            self.world.start_push(worker, &event);
        }
    }

    fn open_gate(&mut self) {
        let waiting = self.pushed.iter().find(|name| self.world.shared.open_gate(name)).cloned();
        if let Some(name) = waiting {
            self.note(&format!("open {name}"));
        }
    }

    fn end(&mut self, emitter: usize, worker: usize) {
        match self.chance.below(3) {
            0 if !self.world.pushes() => {
                self.note(&format!("the client closes at {worker}"));
                self.end = End::Client;
                if self.world.carrier.is_some() {
                    self.world.turn(Some("1".to_owned()));
                } else {
                    self.world.start_push(worker, "1");
                }
            }
            close => {
                self.note(&format!("{emitter} disconnects {}", close == 1));
                self.end = End::By(emitter, self.emitters[emitter].expected.len());
                self.on(emitter, move |_, socket| socket.disconnect(close == 1));
            }
        }
    }

    /// The next step of the client's WebSocket request.
    fn upgrade(&mut self, worker: usize) {
        let ended = !matches!(self.end, End::Not);
        self.request = match std::mem::replace(&mut self.request, Request::None) {
            Request::None => {
                self.note(&format!("request {worker}"));
                match self.world.request(worker) {
                    None => Request::None,
                    Some(Fetched::Here) => self.open_probe(worker),
                    Some(Fetched::Coming(arrival)) => Request::Asked(worker, arrival),
                    Some(Fetched::Busy) => panic!("a busy session is no request"),
                    Some(Fetched::Gone) => {
                        assert!(ended, "the session lives, and is said to be gone");
                        self.give_up(worker, None)
                    }
                }
            }
            Request::Asked(worker, mut arrival) => match arrival.try_recv() {
                Ok(Some(())) => self.open_probe(worker),
                Err(oneshot::Canceled) => {
                    assert!(ended, "the session lives, and its move has failed");
                    self.give_up(worker, None)
                }
                Ok(None) if self.rules.gives_up && self.chance.below(2) == 0 => {
                    self.note("give up");
                    self.give_up(worker, Some(arrival))
                }
                Ok(None) => Request::Asked(worker, arrival),
            },
            Request::Open(worker) | Request::Probed(worker)
                if self.rules.fails && self.chance.below(2) == 0 =>
            {
                self.note("probe lost");
                self.world.drop_probe(worker);
                Request::None
            }
            Request::Open(worker) => self.frame(worker, "2probe"),
            Request::Probed(worker) => {
                self.world.take_push_answer();
                // A client first waits for what it has under way.
                if self.world.pushes() { Request::Probed(worker) } else { self.frame(worker, "5") }
            }
            Request::Upgraded => Request::Upgraded,
        };
    }

    fn open_probe(&mut self, worker: usize) -> Request {
        self.note("probe");
        if self.world.open_probe(worker) {
            return Request::Open(worker);
        }
        assert!(!matches!(self.end, End::Not), "the session came and is not there");
        self.give_up(worker, None)
    }

    fn frame(&mut self, worker: usize, text: &'static str) -> Request {
        self.note(text);
        match self.world.probe_frame(worker, text) {
            ProbeReply::Pong => Request::Probed(worker),
            ProbeReply::Upgraded => Request::Upgraded,
            ProbeReply::Refused => {
                assert!(!matches!(self.end, End::Not), "a probe was refused");
                self.world.drop_probe(worker);
                Request::None
            }
        }
    }

    fn give_up(&self, worker: usize, request: Option<oneshot::Receiver<()>>) -> Request {
        self.world.give_up(worker, request);
        Request::None
    }

    /// Lets everything come to rest and compares what the client got.
    fn finish(&mut self) -> Result<(), String> {
        self.world.settle();
        for name in self.pushed.clone() {
            // Each may hold back the next.
            self.world.shared.open_gate(&name);
            self.world.settle();
        }
        if let Request::Open(worker) | Request::Probed(worker) = self.request {
            self.world.drop_probe(worker);
        }
        let mut got = self.world.collect();
        if self.world.pushes() && self.world.take_push_answer().is_none() {
            return Err(format!("a push was never answered; the client got {got:?}"));
        }
        got.extend(self.world.collect());
        let notes = self.world.shared.take_notes();
        for (index, emitter) in self.emitters.iter().enumerate() {
            let head = format!("{index}.");
            let heard: Vec<_> = got.iter().filter(|name| name.starts_with(&head)).collect();
            let right = match self.end {
                End::Not => heard.iter().copied().eq(&emitter.expected),
                End::By(author, said) if author == index => {
                    heard.iter().copied().eq(&emitter.expected[..said])
                }
                _ => {
                    heard.len() <= emitter.expected.len()
                        && heard.iter().copied().eq(&emitter.expected[..heard.len()])
                }
            };
            if !right {
                return Err(format!("expected {:?}, got {heard:?}", emitter.expected));
            }
        }
        if matches!(self.end, End::Not) {
            if notes != self.pushed {
                return Err(format!("pushed {:?}, handled {notes:?}", self.pushed));
            }
            for name in &self.pushed {
                if got.iter().filter(|got| *got == name).count() != 1 {
                    return Err(format!("{name} not answered once: {got:?}"));
                }
            }
            return Ok(());
        }
        self.left_behind(&notes)
    }

    /// What ended is gone everywhere, and its handler ran once.
    fn left_behind(&mut self, notes: &[String]) -> Result<(), String> {
        let ends = notes.iter().filter(|note| note.contains(' ')).count();
        let sockets = self.world.io.of("/").socket_count();
        let lives = matches!(self.end, End::Client) && self.world.io.session_count() > 0;
        if ends == 1 && sockets == 0 && !lives {
            return Ok(());
        }
        Err(format!("{notes:?}, {sockets} sockets, session alive: {lives}"))
    }
}
