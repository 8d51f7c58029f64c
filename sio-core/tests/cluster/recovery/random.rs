//! Random plays: a client that loses its connection again and again and comes back to either node, while
//! both say things, and the log and the nodes' readers take their time.
//!
//! The model is the log: the client gets the events for it in the order of the log, each once.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::*;

/// Numbers that depend on the seed only.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        // An xorshift generator.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % bound
    }

    fn node(&mut self) -> usize {
        usize::try_from(self.below(2)).unwrap()
    }

    fn count(&mut self) -> usize {
        usize::try_from(self.below(3) + 1).unwrap()
    }
}

struct Play {
    world: World,
    chance: Chance,
    /// The log takes some events too late, or never.
    fails: bool,
    /// Events that are for the client, said since it is who it is.
    said: HashSet<String>,
    number: usize,
    /// What it read since it is who it is.
    read: Vec<String>,
    client: Client,
    socket: Option<WebSocket>,
    /// The CONNECT is not answered yet.
    asking: bool,
    returns: usize,
    trace: String,
}

impl Drop for Play {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.trace);
        }
    }
}

impl Play {
    fn new(seed: u64, fails: bool) -> Self {
        let world = World::new();
        let (socket, client) = world.greeted(A);
        Self {
            world,
            chance: Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            fails,
            said: HashSet::new(),
            number: 0,
            read: Vec::new(),
            client,
            socket: Some(socket),
            asking: false,
            returns: 0,
            trace: format!("seed {seed}"),
        }
    }

    fn note(&mut self, line: &str) {
        write!(self.trace, "; {line}").unwrap();
    }

    fn step(&mut self) {
        let (node, count) = (self.chance.node(), self.chance.count());
        match self.chance.below(24) {
            0..=6 => self.emit(node),
            7..=10 => {
                self.note(&format!("take {node} {count}"));
                self.world.stream.take(node, count);
            }
            11..=15 => {
                self.note(&format!("read {node} {count}"));
                self.world.read(node, count);
            }
            16 | 17 => self.look(),
            18 | 19 if self.socket.is_some() && !self.asking => self.lose(),
            20 | 21 if self.socket.is_none() => self.come_back(node),
            22 => {
                let slow = self.chance.below(2) == 0;
                self.note(&format!("slow {slow}"));
                self.world.stream.set_slow(slow);
                self.world.iter().for_each(Server::run);
            }
            23 if self.fails => {
                self.note(&format!("give up {node}"));
                if self.chance.below(2) == 0 {
                    self.note("for good");
                    self.world.stream.give_up(node);
                    self.world.stream.lose(node);
                } else {
                    self.world.stream.give_up(node);
                }
                self.world[node].run();
            }
            _ => {}
        }
    }

    fn emit(&mut self, node: usize) {
        let kind = self.chance.below(6);
        let name = format!("{} by {node} kind {kind}", self.number);
        self.number += 1;
        self.note(&name);
        let io = &self.world[node].io;
        let known = self.world.sockets[node].lock().unwrap().last().cloned();
        let own = known.filter(|socket| *socket.id().as_str() == *self.client.id);
        let said = match (kind, own) {
            // A handle of this node, perhaps of a socket that has ended.
            (0, Some(socket)) => socket.emit(&name, ()),
            (1, _) => io.to("base").emit(&name, ()),
            (2, _) => io.to(self.client.id.as_str()).to("base").emit(&name, ()),
            (3, _) => io.except("base").emit(&name, ()),
            (4, _) => io.to("elsewhere").emit(&name, ()),
            _ => io.emit(&name, ()),
        };
        said.unwrap();
        if !matches!(kind, 3 | 4) {
            self.said.insert(name);
        }
    }

    fn look(&mut self) {
        let Some(socket) = &mut self.socket else { return };
        let frames = socket.frames();
        self.note(&format!("got {frames:?}"));
        for frame in frames {
            if frame.starts_with("40{") {
                let mut answer = Client { offset: self.client.offset.clone(), ..Client::default() };
                answer.note_connect(&frame);
                if answer.pid != self.client.pid {
                    assert!(self.fails, "not recovered: {frame}");
                    // Somebody else, who knows nothing.
                    (self.said, self.read) = (HashSet::new(), Vec::new());
                } else {
                    self.returns += 1;
                }
                self.client = answer;
                self.asking = false;
                continue;
            }
            let events = self.client.note_events(&[frame]);
            let name = events[0].split('"').nth(1).unwrap().to_owned();
            assert!(!self.read.contains(&name), "{name} comes twice");
            self.read.push(name);
        }
    }

    fn lose(&mut self) {
        let mut socket = self.socket.take().unwrap();
        match self.chance.below(4) {
            // What was written is not read.
            0 => drop(socket.frames()),
            1 => {
                self.look_at(&mut socket);
            }
            _ => {}
        }
        self.note("lost");
        socket.drop_connection();
    }

    fn look_at(&mut self, socket: &mut WebSocket) {
        let frames = socket.frames();
        for event in self.client.note_events(&frames) {
            self.read.push(event.split('"').nth(1).unwrap().to_owned());
        }
    }

    fn come_back(&mut self, node: usize) {
        self.note(&format!("back at {node}"));
        let mut socket = self.world[node].websocket();
        socket.send(&format!("40{}", self.client.request()));
        self.socket = Some(socket);
        self.asking = true;
    }

    fn finish(&mut self) -> usize {
        self.note("finish");
        self.world.stream.set_slow(false);
        self.world.flush();
        if self.socket.is_none() {
            let node = self.chance.node();
            self.come_back(node);
        }
        for _ in 0..3 {
            self.world.flush();
            self.look();
        }
        let logged = self.world.stream.names();
        let expected: Vec<String> =
            logged.into_iter().filter(|name| self.said.contains(name)).collect();
        if self.fails {
            for name in &expected {
                assert!(self.read.contains(name), "{name} is lost");
            }
        } else {
            assert_eq!(self.read, expected);
        }
        self.returns
    }
}

fn run(fails: bool, plays: u64) {
    let mut returns = 0;
    for seed in 1..=plays {
        let mut play = Play::new(seed, fails);
        for _ in 0..80 {
            play.step();
        }
        returns += play.finish();
    }
    let expected = if fails { plays / 2 } else { plays };
    assert!(returns > usize::try_from(expected).unwrap(), "hardly anybody came back: {returns}");
}

#[test]
fn a_client_that_comes_back_to_either_node_gets_everything_once_in_the_order_of_the_log() {
    run(false, 200);
}

#[test]
fn nothing_comes_twice_or_is_lost_while_the_log_takes_events_too_late() {
    run(true, 200);
}
