//! The life of a session: `cargo bench -p micro --bench session`.

use std::rc::Rc;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use micro::Server;
use sio_actix::Transport;
use sio_actix::core::engine::ProbeReply;
use sio_actix::core::server::Connection;
use sio_actix::prelude::*;

/// Sessions whose heartbeats are due together.
const SESSIONS: usize = 1000;

fn start() -> Server {
    Server::start(&Io::builder().namespace("/", |_| ()).build())
}

/// A session on polling whose CONNECT was answered.
fn polling(server: &Server) -> Rc<Connection> {
    let connection = server.open(Transport::Polling);
    let session = Arc::clone(connection.handle());
    let _open = server.poll(&session);
    let _ok = server.push(&session, "40");
    let _connected = server.poll(&session);
    connection
}

/// What a WebSocket says that takes a session over from polling.
fn upgrade(server: &Server, connection: &Rc<Connection>) {
    assert!(server.worker().probe_opened(connection));
    let reply = server.worker().probe_frame(connection, "2probe", false, false);
    assert_eq!(reply, ProbeReply::Pong);
    let reply = server.worker().probe_frame(connection, "5", false, false);
    assert_eq!(reply, ProbeReply::Upgraded);
    server.turn(connection);
}

fn opening(c: &mut Criterion) {
    let mut group = c.benchmark_group("session");
    let server = start();
    group.bench_function("open over WebSocket, and lose", |b| {
        b.iter(|| {
            let connection = server.open(Transport::Websocket);
            server.turn(&connection);
            server.lose(&connection);
        });
    });
    group.bench_function("open over WebSocket, CONNECT, close", |b| {
        b.iter(|| {
            let connection = server.connect();
            server.say(&connection, "1");
            server.lose(&connection);
        });
    });
    group.bench_function("open over polling, CONNECT, close", |b| {
        b.iter(|| {
            let connection = polling(&server);
            server.push(connection.handle(), "1")
        });
    });
    group.bench_function("upgrade, and lose", |b| {
        b.iter_batched(
            || polling(&server),
            |connection| {
                upgrade(&server, &connection);
                server.lose(&connection);
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn heartbeats(c: &mut Criterion) {
    let mut group = c.benchmark_group("session");
    group.throughput(Throughput::Elements(SESSIONS as u64));
    let server = start();
    let sessions = server.connect_all(SESSIONS);
    group.bench_function("1,000 heartbeats", |b| {
        b.iter(|| {
            server.next_timer();
            for session in &sessions {
                server.say(session, "3");
            }
        });
    });
    group.finish();
}

criterion_group!(benches, opening, heartbeats);
criterion_main!(benches);
