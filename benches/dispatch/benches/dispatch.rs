//! From a text frame to the reply in the outbox: `cargo bench -p dispatch`.
//!
//! A step is everything the core does with an event: engine packet, Socket.IO packet, event name, lookup
//! among 48 events, arguments, call, encoding, outbox. Transport is left out.

use std::hint::black_box;
use std::rc::Rc;
use std::time::{Instant, SystemTime};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::Serialize;
use sio_actix::Transport;
use sio_actix::core::server::{Connection, HandshakeParts, Opening, Worker};
use sio_actix::prelude::*;

/// Events per turn, as a busy client sends them.
const TURN: usize = 64;

#[derive(Debug, Serialize)]
struct Sum {
    name: &'static str,
    result: i64,
}

fn sum(a: i64, b: i64, c: i64) -> Sum {
    Sum { name: "harry", result: a + b + c }
}

fn is_event(cx: &EventCx<'_>) -> bool {
    !cx.event().is_empty()
}

struct Handlers;

#[ws_controller("/")]
impl Handlers {
    #[on_message("noop")]
    fn noop(&self) {}

    #[on_message("guarded")]
    #[guard(is_event)]
    fn guarded(&self) {}

    #[on_message("sum")]
    fn sum(&self, a: i64, b: i64, c: i64) -> Sum {
        sum(a, b, c)
    }

    #[on_message("noopAsync")]
    async fn noop_async(&self) {}

    #[on_message("sumAsync")]
    async fn sum_async(&self, a: i64, b: i64, c: i64) -> Sum {
        sum(a, b, c)
    }

    #[on_message("wrapped")]
    #[middleware(pass)]
    fn wrapped(&self) {}

    #[on_message("upload")]
    fn upload(&self, Binary(data): Binary) -> usize {
        data.len()
    }
}

/// Makes the lookup one among 48.
fn others(ns: &mut NamespaceBuilder) {
    for n in 0..40 {
        ns.on(format!("event{n}"), || ());
    }
    ns.on("closure", sum);
}

async fn pass(_: &EventCx<'_>, next: Next) -> Reply {
    next.run().await
}

fn connected(io: &Io) -> (Rc<Worker>, Rc<Connection>) {
    let (worker, _) = Worker::start(io, Instant::now);
    let parts = HandshakeParts {
        headers: &[("host", "localhost")],
        url: "/socket.io/?EIO=4&transport=websocket",
        address: None,
        secure: false,
        time: SystemTime::UNIX_EPOCH,
    };
    #[expect(clippy::expect_used, reason = "a server that was just built is open")]
    let connection = worker
        .open(Opening::new(Handshake::new(&parts), Transport::Websocket))
        .expect("the server is open");
    worker.begin_turn(&connection);
    worker.receive_text(&connection, "40");
    worker.keep_buffer(worker.end_turn(&connection));
    (worker, connection)
}

fn dispatch(c: &mut Criterion) {
    let io = Io::builder().mount(Handlers).namespace("/", others).build();
    let (worker, connection) = connected(&io);
    let mut group = c.benchmark_group("dispatch");
    group.throughput(Throughput::Elements(TURN as u64));
    let cases = [
        ("nobody's event", "42[\"nobody\"]"),
        ("fn, no arguments, no ack", "42[\"noop\"]"),
        ("fn, one sync guard", "42[\"guarded\"]"),
        ("fn, 3 integers, struct as ack", "427[\"sum\",1,2,3]"),
        ("closure, 3 integers, struct as ack", "427[\"closure\",1,2,3]"),
        ("async fn, no arguments", "42[\"noopAsync\"]"),
        ("async fn, 3 integers, struct as ack", "427[\"sumAsync\",1,2,3]"),
        ("fn behind one async middleware", "42[\"wrapped\"]"),
    ];
    for (name, frame) in cases {
        group.bench_function(name, |b| {
            b.iter(|| {
                worker.begin_turn(&connection);
                for _ in 0..TURN {
                    worker.receive_text(&connection, black_box(frame));
                }
                worker.keep_buffer(black_box(worker.end_turn(&connection)));
            });
        });
    }
    for size in [64, 64 * 1024] {
        let bytes = bytes::Bytes::from(vec![7; size]);
        group.bench_function(format!("fn, {size}-byte attachment, ack"), |b| {
            b.iter(|| {
                worker.begin_turn(&connection);
                for _ in 0..TURN {
                    let head = "451-7[\"upload\",{\"_placeholder\":true,\"num\":0}]";
                    worker.receive_text(&connection, black_box(head));
                    worker.receive_binary(&connection, bytes.clone());
                }
                worker.keep_buffer(black_box(worker.end_turn(&connection)));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, dispatch);
criterion_main!(benches);
