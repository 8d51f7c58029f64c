//! Rooms and namespaces of any size: `cargo bench -p micro --bench rooms`.
//!
//! `cargo xtask bench --scale --write` draws `docs/performance/` from it. Every group has a number as its
//! parameter, and counts what one of its elements costs.
#![allow(clippy::indexing_slicing, reason = "there are as many sockets as were asked for")]

use std::rc::Rc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use micro::Server;
use sio_actix::core::server::Connection;
use sio_actix::prelude::*;

/// Sockets of a namespace, where their number is not what is varied.
const SOCKETS: usize = 10_000;
const ROOM_SIZES: [usize; 4] = [10, 100, 1000, 10_000];
const NAMESPACE_SIZES: [usize; 5] = [10, 100, 1000, 10_000, 100_000];
const ROOM_COUNTS: [usize; 5] = [1, 10, 100, 1000, 10_000];
/// Of the room that a broadcast goes to among many.
const MEMBERS: usize = 10;

struct Handlers;

#[ws_controller("/")]
impl Handlers {
    #[on_message("join")]
    fn join(&self, socket: Socket, room: String) {
        socket.join(room);
    }

    #[on_message("leave")]
    fn leave(&self, socket: Socket, room: String) {
        socket.leave(room);
    }

    #[on_message("publish")]
    fn publish(&self, ns: NamespaceRef, room: String, text: String) -> Result<(), EmitError> {
        ns.to(room).emit("news", text)
    }
}

fn start() -> Server {
    Server::start(&Io::builder().mount(Handlers).build())
}

const PUBLISH: &str =
    "42[\"publish\",\"room\",\"a text of 64 bytes, which is what one in a chat may well have.\"]";
const JOIN: &str = "42[\"join\",\"room\"]";
const LEAVE: &str = "42[\"leave\",\"room\"]";

/// From the publisher's frame to the bytes of every receiver.
fn publish(server: &Server, publisher: &Rc<Connection>, receivers: &[Rc<Connection>]) {
    server.say(publisher, PUBLISH);
    for receiver in receivers {
        server.turn(receiver);
    }
}

fn delivery(c: &mut Criterion) {
    let mut group = c.benchmark_group("delivery");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for size in ROOM_SIZES {
        let server = start();
        let publisher = server.connect();
        let sockets = server.connect_all(SOCKETS);
        let members = &sockets[..size];
        for member in members {
            server.say(member, JOIN);
        }
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::new("a delivery", size), |b| {
            b.iter(|| publish(&server, &publisher, members));
        });
    }
    group.finish();
}

fn namespace(c: &mut Criterion) {
    let mut group = c.benchmark_group("namespace");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for size in NAMESPACE_SIZES {
        let server = start();
        let sockets = server.connect_all(size);
        // All are in the room, so that it is as large as the namespace.
        for socket in &sockets {
            server.say(socket, JOIN);
        }
        let socket = server.connect();
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("join and leave", size), |b| {
            b.iter(|| {
                server.say(&socket, JOIN);
                server.say(&socket, LEAVE);
            });
        });
        group.bench_function(BenchmarkId::new("connect, join, disconnect", size), |b| {
            b.iter(|| {
                let socket = server.connect();
                server.say(&socket, JOIN);
                server.lose(&socket);
            });
        });
    }
    group.finish();
}

fn rooms(c: &mut Criterion) {
    let mut group = c.benchmark_group("rooms");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for count in ROOM_COUNTS {
        let server = start();
        let sockets = server.connect_all(1000);
        for (room, socket) in (0..count).zip(sockets.iter().cycle()) {
            server.say(socket, &format!("42[\"join\",\"other {room}\"]"));
        }
        let (publisher, members) = (&sockets[MEMBERS], &sockets[..MEMBERS]);
        for member in members {
            server.say(member, JOIN);
        }
        group.throughput(Throughput::Elements(1));
        let socket = server.connect();
        group.bench_function(BenchmarkId::new("join and leave", count), |b| {
            b.iter(|| {
                server.say(&socket, JOIN);
                server.say(&socket, LEAVE);
            });
        });
        let everywhere = server.connect();
        for room in 0..count {
            server.say(&everywhere, &format!("42[\"join\",\"other {room}\"]"));
        }
        group.bench_function(BenchmarkId::new("the same by a socket in all of them", count), |b| {
            b.iter(|| {
                server.say(&everywhere, JOIN);
                server.say(&everywhere, LEAVE);
            });
        });
        group.throughput(Throughput::Elements(MEMBERS as u64));
        group.bench_function(BenchmarkId::new("a delivery to a room of ten", count), |b| {
            b.iter(|| publish(&server, publisher, members));
        });
    }
    group.finish();
}

criterion_group!(benches, delivery, namespace, rooms);
criterion_main!(benches);
