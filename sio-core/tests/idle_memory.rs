//! What a session costs in memory while nothing happens.

#![allow(clippy::unwrap_used, reason = "a session that cannot be opened is a failed test")]

use std::alloc::System;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::time::{Instant, UNIX_EPOCH};

use sio_core::engine::Transport;
use sio_core::server::{Connection, Handshake, HandshakeParts, Io, Opening, Socket, Worker};
use sio_core::sid::{SID_BYTES, SidSource};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// Counts the whole process: this file has one test.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Sessions that are measured together: tables that double are three quarters full then.
const MANY: usize = 6_000;

#[derive(Default)]
struct Counter(AtomicU64);

impl SidSource for Counter {
    fn fill(&self, bytes: &mut [u8; SID_BYTES]) {
        *bytes = [0; SID_BYTES];
        bytes[..8].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_ne_bytes());
    }
}

fn server() -> (Io, Rc<Worker>) {
    let io = Io::builder().namespace("/", |ns| {
        ns.on("echo", |text: String| text);
        ns.on("join", |socket: Socket| socket.join("room"));
    });
    let io = io.build(Box::new(Counter::default())).unwrap();
    let start = Instant::now();
    let (worker, _) = Worker::start(&io, move || start);
    (io, worker)
}

fn opened(worker: &Worker) -> Rc<Connection> {
    let handshake = Handshake::new(&HandshakeParts {
        headers: &[
            ("host", "127.0.0.1:3000"),
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-version", "13"),
        ],
        url: "/socket.io/?EIO=4&transport=websocket",
        address: Some(([127, 0, 0, 1], 50_000).into()),
        secure: false,
        time: UNIX_EPOCH,
    });
    let connection = worker.open(Opening::new(handshake, Transport::Websocket)).unwrap();
    turn(worker, &connection, &[]);
    connection
}

fn turn(worker: &Worker, connection: &Rc<Connection>, texts: &[&str]) {
    worker.begin_turn(connection);
    texts.iter().for_each(|text| worker.receive_text(connection, text));
    let buffer = worker.end_turn(connection);
    worker.keep_buffer(buffer);
    connection.set_waiting(Waker::noop());
}

/// Live bytes of each of many sessions after `texts` were said to each.
fn bytes_of_each(texts: &[&[&str]]) -> u64 {
    let (_io, worker) = server();
    let open = || {
        let connection = opened(&worker);
        texts.iter().for_each(|texts| turn(&worker, &connection, texts));
        connection
    };
    let mut connections = Vec::with_capacity(MANY + 1);
    // What there is once per worker.
    connections.push(open());
    let region = Region::new(ALLOCATOR);
    connections.extend((0..MANY).map(|_| open()));
    let all = region.change();
    let live = all.bytes_allocated - all.bytes_deallocated;
    assert!(worker.poll(&mut Context::from_waker(Waker::noop())).is_pending());
    worker.stop();
    live as u64 / MANY as u64
}

/// With what carries it, a session may take 2.5 KiB in all; a bare connection takes 0.9 of them.
#[test]
fn an_idle_session_takes_little() {
    let joined: &[&str] = &["40"];
    let busy: &[&str] = &["42[\"echo\",\"a\"]", "421[\"echo\",\"a\"]"];
    for (texts, bound) in [
        (&[][..], 1_100),
        (&[joined][..], 1_500),
        // What was done once leaves nothing behind.
        (&[joined, busy, busy], 1_500),
        (&[joined, &["42[\"join\"]"]], 1_700),
    ] {
        let bytes = bytes_of_each(texts);
        assert!(bytes <= bound, "{bytes} bytes after {texts:?}");
    }
}
