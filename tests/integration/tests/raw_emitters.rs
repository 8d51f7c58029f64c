//! Emitting from outside of handlers: plain threads and HTTP handlers (behaviours 30.1).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::collections::HashSet;

use actix_web::{HttpResponse, web};
use integration::{Http, Polling, Server, Ws, echo};
use sio_actix::Io;

/// Four workers, and routes that emit.
fn server() -> Server {
    let io = Io::builder().namespace("/", echo).build();
    Server::run(io, 4, |app| {
        app.route(
            "/emit/{n}",
            web::post().to(async |io: Io, n: web::Path<u32>| match io.emit("n", *n) {
                Ok(()) => HttpResponse::NoContent(),
                Err(_) => HttpResponse::InternalServerError(),
            }),
        );
    })
}

#[test]
fn emits_of_http_handlers_arrive_exactly_once() {
    let server = server();
    let mut clients: Vec<Ws> = (0..4).map(|_| Ws::joined(&server)).collect();
    let mut polling = Polling::joined(&server);
    // A connection each, so that every worker emits.
    for n in 0..40 {
        assert_eq!(Http::connect(&server).post(&format!("/emit/{n}"), "").status, 204);
    }
    for ws in &mut clients {
        // Each answer came before the next request, so the order is fixed.
        for n in 0..40 {
            ws.expect(&format!(r#"42["n",{n}]"#));
        }
        ws.fence();
    }
    let packets = polling.poll_packets(40);
    let expected: Vec<_> = (0..40).map(|n| format!(r#"42["n",{n}]"#)).collect();
    assert_eq!(packets, expected);
    polling.fence();
}

#[test]
fn emits_of_plain_threads_arrive_exactly_once() {
    const THREADS: u32 = 4;
    const EACH: u32 = 1_000;
    let server = server();
    let mut clients: Vec<Ws> = (0..4).map(|_| Ws::joined(&server)).collect();
    let emitters: Vec<_> = (0..THREADS)
        .map(|thread| {
            let io = server.io().clone();
            std::thread::spawn(move || {
                for n in 0..EACH {
                    io.emit("n", (thread, n)).unwrap();
                }
            })
        })
        .collect();
    for ws in &mut clients {
        let mut seen = HashSet::new();
        let mut last = [None; THREADS as usize];
        for _ in 0..THREADS * EACH {
            let event = ws.next_text();
            let numbers = event.trim_start_matches(r#"42["n","#).trim_end_matches(']');
            let (thread, n) = numbers.split_once(',').unwrap();
            let (thread, n): (usize, u32) = (thread.parse().unwrap(), n.parse().unwrap());
            assert!(last[thread].is_none_or(|last| last < n), "{event} is out of order");
            last[thread] = Some(n);
            assert!(seen.insert(event));
        }
        ws.fence();
    }
    for emitter in emitters {
        emitter.join().unwrap();
    }
}

#[test]
fn emits_while_clients_come_and_go_reach_who_stays() {
    let server = server();
    let mut stays = Ws::joined(&server);
    let io = server.io().clone();
    let emitter = std::thread::spawn(move || {
        for n in 0..2_000 {
            io.emit("n", n).unwrap();
        }
    });
    for _ in 0..50 {
        drop(Ws::joined(&server));
        drop(Polling::open(&server));
    }
    emitter.join().unwrap();
    for n in 0..2_000 {
        stays.expect(&format!(r#"42["n",{n}]"#));
    }
    stays.fence();
}

#[test]
fn sockets_are_collected_from_all_workers() {
    let server = server();
    let mut clients = Vec::new();
    let mut ids = HashSet::new();
    for _ in 0..8 {
        let mut ws = Ws::open(&server);
        ids.insert(ws.join());
        clients.push(ws);
    }
    let everybody = server.io().of("/");
    let found = actix_web::rt::System::new().block_on(everybody.sockets());
    let found: HashSet<_> = found.iter().map(|socket| socket.id().to_string()).collect();
    assert_eq!(found, ids);
    assert_eq!(everybody.socket_count(), 8);
}
