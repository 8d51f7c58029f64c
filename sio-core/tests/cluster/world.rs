//! Three nodes and their clients.

use std::ops::Deref;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sio_core::server::{Io, IoConfig};
use sio_core::sid::{SID_BYTES, SidSource};

use crate::carrier::{Server, WebSocket};
use crate::exchange::{Exchange, Joint};

/// Ids that count, and differ from node to node.
pub(crate) struct Counter(pub(crate) u8, pub(crate) AtomicU64);

impl SidSource for Counter {
    fn fill(&self, bytes: &mut [u8; SID_BYTES]) {
        let number = self.1.fetch_add(1, Ordering::Relaxed);
        *bytes = [self.0; SID_BYTES];
        // The first eight are the ids of nodes and requests, which count, too.
        bytes[4..SID_BYTES - 8].copy_from_slice(&number.to_be_bytes()[5..]);
        bytes[SID_BYTES - 8..].copy_from_slice(&number.to_be_bytes());
    }
}

/// The nodes of a cluster.
pub(crate) struct World {
    pub(crate) exchange: Exchange,
    nodes: Vec<Server>,
}

impl Deref for World {
    type Target = [Server];

    fn deref(&self) -> &[Server] {
        &self.nodes
    }
}

impl World {
    /// Three nodes with what a test registers.
    pub(crate) fn of_three(config: impl Fn() -> IoConfig) -> Self {
        let mut world = Self::empty();
        for _ in 0..3 {
            world.add(config(), |_| {});
        }
        world.exchange.take_log();
        world
    }

    pub(crate) fn empty() -> Self {
        Self { exchange: Exchange::default(), nodes: Vec::new() }
    }

    pub(crate) fn add(&mut self, config: IoConfig, change: impl FnOnce(&mut Joint)) {
        let mut joint = self.exchange.joint();
        change(&mut joint);
        let number = u8::try_from(self.nodes.len()).unwrap() + 1;
        let sids = Box::new(Counter(number, AtomicU64::new(0)));
        self.nodes.push(Server::start_with(config.adapter(joint), sids));
    }

    /// Lets messages pass until no node has anything to say.
    pub(crate) fn settle(&self) {
        loop {
            self.nodes.iter().for_each(Server::run);
            if !self.exchange.deliver() {
                return;
            }
        }
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.nodes.iter().for_each(|node| node.advance(by));
        self.exchange.advance(by);
        self.settle();
    }

    /// A client of each node that has joined a namespace.
    pub(crate) fn clients(&self, namespace: &str) -> Vec<WebSocket> {
        let clients = self.nodes.iter().map(|node| {
            let mut client = node.websocket();
            client.connect(namespace);
            client
        });
        clients.collect()
    }

    /// What each client got.
    pub(crate) fn frames(&self, clients: &mut [WebSocket]) -> Vec<String> {
        self.settle();
        clients.iter_mut().map(|client| client.frames().join(" ")).collect()
    }

    /// Polls a future while the nodes have something to say.
    pub(crate) fn poll<F: Future + ?Sized>(&self, future: &mut Pin<Box<F>>) -> Poll<F::Output> {
        for _ in 0..4 {
            let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            if polled.is_ready() {
                return polled;
            }
            self.settle();
        }
        Poll::Pending
    }

    /// A future that is done without the passing of time.
    #[track_caller]
    pub(crate) fn now<T>(&self, future: impl Future<Output = T>) -> T {
        match self.poll(&mut Box::pin(future)) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("it takes time"),
        }
    }
}

/// A server whose sockets join rooms when clients say so.
pub(crate) fn joining() -> IoConfig {
    Io::builder().namespace("/", |ns| {
        ns.on("join", |socket: sio_core::server::Socket, room: String| socket.join(room));
        ns.on("others", |socket: sio_core::server::Socket| socket.broadcast().emit("hi", ()));
    })
}
