//! Rooms and broadcasts as clients see them, on one worker and across four (behaviours 29, 30).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use integration::{Polling, Server, Ws, echo};
use sio_actix::prelude::*;

const WORKERS: [usize; 2] = [1, 4];

fn handlers(ns: &mut NamespaceBuilder) {
    echo(ns);
    ns.on("join", |socket: Socket, rooms: Vec<String>| socket.join(rooms));
    ns.on("leave", |socket: Socket, room: String| socket.leave(room));
    ns.on("rooms", |socket: Socket| {
        socket.rooms().iter().map(ToString::to_string).collect::<Vec<_>>()
    });
    ns.on("others", |socket: Socket, value: Value| socket.broadcast().emit("x", value));
    ns.on("to", |socket: Socket, room: String, value: Value| socket.to(room).emit("x", value));
    ns.on("all", |socket: Socket, value: Value| socket.io().of("/").emit("x", value));
}

fn server(workers: usize) -> Server {
    Server::start(|io| io.namespace("/", handlers).namespace("/other", handlers), workers)
}

/// A client in these rooms.
#[track_caller]
fn member(server: &Server, rooms: &[&str]) -> Ws {
    let mut ws = Ws::joined(server);
    if !rooms.is_empty() {
        ws.text(&format!(r#"420["join",{rooms:?}]"#));
        ws.expect("430[]");
    }
    ws
}

/// The client got `x` with each value, and nothing else.
#[track_caller]
fn got(ws: &mut Ws, values: &[i32]) {
    for value in values {
        ws.expect(&format!(r#"42["x",{value}]"#));
    }
    ws.fence();
}

/// Broadcasts to all, last of all: what came before has come.
#[track_caller]
fn flush(server: &Server, clients: &mut [(&mut Ws, &[i32])]) {
    server.io().emit("x", 99).unwrap();
    for (client, values) in clients {
        let values: Vec<i32> = values.iter().copied().chain([99]).collect();
        got(client, &values);
    }
}

// 30.6, 30.4
#[test]
fn nobody_is_no_error() {
    for workers in WORKERS {
        let server = server(workers);
        let mut a = member(&server, &["a"]);
        let id = server_id(&mut a);
        server.io().to("unknown").emit("x", 1).unwrap();
        server.io().to("a").except("a").emit("x", 2).unwrap();
        server.io().of("/nowhere").emit("x", 3).unwrap();
        a.text(&format!(r#"42["to",{id:?},4]"#));
        flush(&server, &mut [(&mut a, &[])]);
    }
}

#[track_caller]
fn server_id(ws: &mut Ws) -> String {
    ws.text(r#"421["rooms"]"#);
    let answer = ws.next_text();
    answer.split('"').nth(1).unwrap().to_owned()
}

// 29.1, 29.2
#[test]
fn socket_is_in_its_own_room_and_those_it_joined() {
    let server = server(1);
    let mut ws = Ws::open(&server);
    let id = ws.join();
    ws.text(r#"42["join",["a","b","a"]]"#);
    ws.text(r#"42["join",["a"]]"#);
    ws.text(r#"42["leave","unknown"]"#);
    ws.text(r#"421["rooms"]"#);
    ws.expect(&format!(r#"431[["{id}","a","b"]]"#));
    ws.text(r#"42["leave","a"]"#);
    ws.text(r#"422["rooms"]"#);
    ws.expect(&format!(r#"432[["{id}","b"]]"#));
}

// 30.2
#[test]
fn member_of_two_rooms_gets_a_broadcast_once() {
    for workers in WORKERS {
        let server = server(workers);
        let mut both = member(&server, &["a", "b"]);
        let mut one = member(&server, &["b"]);
        let mut none = member(&server, &[]);
        server.io().to("a").to("b").emit("x", 1).unwrap();
        server.io().to(["a", "b"]).emit("x", 2).unwrap();
        server.io().to(["a", "a"]).emit("x", 3).unwrap();
        flush(&server, &mut [(&mut both, &[1, 2, 3]), (&mut one, &[1, 2]), (&mut none, &[])]);
    }
}

// 30.3
#[test]
fn exclusion_wins_over_membership() {
    for workers in WORKERS {
        let server = server(workers);
        let mut a = member(&server, &["a"]);
        let mut ab = member(&server, &["a", "b"]);
        let mut c = member(&server, &["c"]);
        let id = server_id(&mut c);
        server.io().to("a").except("b").emit("x", 1).unwrap();
        server.io().except(["a", "b"]).emit("x", 2).unwrap();
        server.io().except("b").except(id).emit("x", 3).unwrap();
        flush(&server, &mut [(&mut a, &[1, 3]), (&mut ab, &[]), (&mut c, &[2])]);
    }
}

// 30.4
#[test]
fn sender_is_left_out_of_its_broadcast() {
    for workers in WORKERS {
        let server = server(workers);
        let mut a = member(&server, &["a"]);
        let mut b = member(&server, &["a"]);
        a.text(r#"420["others",1]"#);
        a.expect("430[]");
        a.text(r#"420["to","a",2]"#);
        a.expect("430[]");
        flush(&server, &mut [(&mut a, &[]), (&mut b, &[1, 2])]);
    }
}

// 30.5
#[test]
fn socket_id_is_a_private_room() {
    for workers in WORKERS {
        let server = server(workers);
        let mut a = member(&server, &[]);
        let mut b = member(&server, &[]);
        let id = server_id(&mut a);
        server.io().to(id).emit("x", 1).unwrap();
        flush(&server, &mut [(&mut a, &[1]), (&mut b, &[])]);
    }
}

// 30.7
#[test]
fn derived_selections_leave_their_origin_alone() {
    let server = server(1);
    let mut a = member(&server, &["a"]);
    let mut b = member(&server, &["b"]);
    let to_a = server.io().to("a");
    let _wider = to_a.to("b");
    let _empty = to_a.except("a");
    to_a.emit("x", 1).unwrap();
    flush(&server, &mut [(&mut a, &[1]), (&mut b, &[])]);
}

// 29.6, 30.1
#[test]
fn rooms_belong_to_their_namespace() {
    for workers in WORKERS {
        let server = server(workers);
        let mut a = member(&server, &["a"]);
        a.text("40/other,");
        a.next_text();
        server.io().of("/other").to("a").emit("x", 1).unwrap();
        server.io().of("/other").emit("x", 2).unwrap();
        a.expect(r#"42/other,["x",2]"#);
        flush(&server, &mut [(&mut a, &[])]);
    }
}

// 29.2, 29.4, 29.5
#[test]
fn socket_that_left_gets_nothing_more() {
    for workers in WORKERS {
        let server = server(workers);
        let mut a = member(&server, &["a"]);
        let mut b = member(&server, &["a"]);
        a.text(r#"420["leave","a"]"#);
        a.expect("430[]");
        server.io().to("a").emit("x", 1).unwrap();
        got(&mut b, &[1]);
        b.text("41");
        b.join();
        server.io().to("a").emit("x", 2).unwrap();
        flush(&server, &mut [(&mut a, &[]), (&mut b, &[])]);
    }
}

// 30.10
#[test]
fn broadcast_reaches_both_transports() {
    for workers in WORKERS {
        let server = server(workers);
        let mut ws = member(&server, &["a"]);
        let mut session = Polling::joined(&server);
        session.push(r#"420["join",["a"]]"#);
        assert_eq!(session.poll(), "430[]");
        server.io().to("a").emit("x", ("é", Binary(vec![1, 2, 3, 4].into()))).unwrap();
        let header = r#"451-["x","é",{"_placeholder":true,"num":0}]"#;
        ws.expect(header);
        ws.expect_binary(&[1, 2, 3, 4]);
        assert_eq!(session.poll_packets(2), [header, "bAQIDBA=="]);
    }
}

// 10.2, 30.9
#[test]
fn binary_broadcasts_of_many_threads_stay_contiguous() {
    const THREADS: u8 = 4;
    const EACH: u8 = 100;
    let server = server(4);
    let mut clients: Vec<Ws> = (0..4).map(|_| member(&server, &[])).collect();
    let emitters: Vec<_> = (0..THREADS)
        .map(|thread| {
            let io = server.io().clone();
            std::thread::spawn(move || {
                for n in 0..EACH {
                    let first = Binary(vec![thread, n, 0].into());
                    let second = Binary(vec![thread, n, 1].into());
                    io.emit("x", (thread, first, n, second)).unwrap();
                }
            })
        })
        .collect();
    for ws in &mut clients {
        let mut next = [0; THREADS as usize];
        for _ in 0..u32::from(THREADS) * u32::from(EACH) {
            let header = ws.next_text();
            let thread = header.as_bytes()[r#"452-["x","#.len()] - b'0';
            let n = &mut next[usize::from(thread)];
            let expected = format!(
                r#"452-["x",{thread},{{"_placeholder":true,"num":0}},{n},{{"_placeholder":true,"num":1}}]"#
            );
            assert_eq!(header, expected);
            ws.expect_binary(&[thread, *n, 0]);
            ws.expect_binary(&[thread, *n, 1]);
            *n += 1;
        }
        ws.fence();
    }
    for emitter in emitters {
        emitter.join().unwrap();
    }
}

// 30.12
#[test]
fn broadcasts_and_direct_emits_keep_their_order() {
    for workers in WORKERS {
        let server = Server::start(
            |io| {
                io.namespace("/", |ns| {
                    ns.on("mix", |socket: Socket| {
                        for n in 0..300 {
                            match n % 3 {
                                0 => socket.emit("x", n)?,
                                1 => socket.io().emit("x", n)?,
                                _ => socket.io().to(socket.id()).emit("x", n)?,
                            }
                        }
                        Ok::<_, EventError>(())
                    });
                })
            },
            workers,
        );
        let mut ws = Ws::joined(&server);
        ws.text(r#"420["mix"]"#);
        for n in 0..300 {
            ws.expect(&format!(r#"42["x",{n}]"#));
        }
        ws.expect("430[]");
    }
}

#[test]
fn emit_before_disconnect_sockets_is_delivered() {
    for workers in WORKERS {
        let server = server(workers);
        let mut clients: Vec<Ws> = (0..4).map(|_| member(&server, &[])).collect();
        server.io().emit("x", 1).unwrap();
        server.io().of("/").disconnect_sockets(true);
        for ws in &mut clients {
            ws.expect(r#"42["x",1]"#);
            ws.expect("41");
            ws.expect_close(None);
        }
    }
}
