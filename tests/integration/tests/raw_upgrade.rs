//! From polling to WebSocket, on one worker and across four (behaviours 11, transcript T2, hostile 36-39).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use integration::{Http, Journal, Polling, Server, Ws, echo, masked};
use sio_actix::prelude::*;

const BAD_REQUEST: &str = r#"{"code":3,"message":"Bad request"}"#;

/// Connections go to the workers in turn, so on four the WebSocket lands on another than the session.
const WORKERS: [usize; 2] = [1, 4];

fn recorded(workers: usize) -> (Server, Journal) {
    Server::recorded(|io| io, workers)
}

/// Opens a WebSocket for the session and probes it.
#[track_caller]
fn probed(server: &Server, session: &Polling) -> Ws {
    let mut ws = Ws::probe(server, session);
    ws.text("2probe");
    ws.expect("3probe");
    ws
}

// T2, 11.1-11.6
#[test]
fn upgraded_session_moves_to_the_websocket() {
    for workers in WORKERS {
        let (server, journal) = recorded(workers);
        let mut session = Polling::joined(&server);
        session.start_poll();
        session.push("3");
        let mut ws = probed(&server, &session);
        // The waiting poll is released without data.
        session.finish_poll().expect(200, "6");
        // The echo waits in the session when the push is answered.
        session.push(r#"42["m","buffered-during-upgrade"]"#);
        ws.text("5");
        ws.expect(r#"42["m","buffered-during-upgrade"]"#);
        ws.text(r#"42["m",1]"#);
        ws.expect(r#"42["m",1]"#);
        Http::connect(&server).get(session.target()).expect(400, BAD_REQUEST);
        Http::connect(&server).post(session.target(), r#"42["m",2]"#).expect(400, BAD_REQUEST);
        ws.fence();
        assert_eq!(journal.drain(), [""; 0]);
        ws.into_wire().drop_connection();
        journal.expect("transport close");
    }
}

// 11.3
#[test]
fn polls_are_released_again_and_again_while_probing() {
    for workers in WORKERS {
        let (server, _) = recorded(workers);
        let mut session = Polling::joined(&server);
        let mut ws = probed(&server, &session);
        for _ in 0..3 {
            assert_eq!(session.poll(), "6");
        }
        session.push(r#"42["m",1]"#);
        assert_eq!(session.poll(), r#"42["m",1]"#);
        ws.text("5");
        ws.fence();
    }
}

#[test]
fn poll_waiting_at_the_switch_is_released() {
    for workers in WORKERS {
        let (server, _) = recorded(workers);
        let mut session = Polling::joined(&server);
        session.start_poll();
        session.push("3");
        let mut ws = Ws::probe(&server, &session);
        ws.wire().write([masked(0x81, "2probe"), masked(0x81, "5")].concat());
        ws.expect("3probe");
        session.finish_poll().expect(200, "6");
        ws.fence();
    }
}

// 11.12
#[test]
fn upgrade_without_a_probe_is_accepted() {
    for workers in WORKERS {
        let (server, _) = recorded(workers);
        let session = Polling::joined(&server);
        let mut ws = Ws::probe(&server, &session);
        ws.text("5");
        ws.fence();
    }
}

// 11.13
#[test]
fn upgrade_that_was_not_announced_is_accepted() {
    let server = Server::start(|io| io.allow_upgrades(false).namespace("/", echo), 1);
    let session = Polling::joined(&server);
    let mut ws = probed(&server, &session);
    ws.text("5");
    ws.fence();
}

// 11.5, 25.2, hostile 39
#[test]
fn numbered_events_survive_the_switch_in_order() {
    for workers in WORKERS {
        let (server, journal) = recorded(workers);
        let mut session = Polling::joined(&server);
        let mut next_in = 0;
        let mut push = |session: &mut Polling, count: usize| {
            let events: Vec<_> =
                (0..count).map(|n| format!(r#"42["m",{}]"#, next_in + n)).collect();
            next_in += count;
            session.push(events.join("\x1e"));
        };
        push(&mut session, 50);
        let mut answers = session.poll_packets(50);
        push(&mut session, 10);
        let mut ws = Ws::probe(&server, &session);
        push(&mut session, 10);
        ws.text("2probe");
        push(&mut session, 10);
        ws.expect("3probe");
        push(&mut session, 10);
        answers.extend(session.poll_packets(40));
        push(&mut session, 10);
        ws.text("5");
        for n in 100..1_000 {
            ws.text(&format!(r#"42["m",{n}]"#));
        }
        while answers.len() < 1_000 {
            answers.push(ws.next_text());
        }
        answers.retain(|packet| packet != "6");
        while answers.len() < 1_000 {
            answers.push(ws.next_text());
        }
        for (n, answer) in answers.iter().enumerate() {
            assert_eq!(*answer, format!(r#"42["m",{n}]"#), "{workers} workers");
        }
        ws.fence();
        assert_eq!(journal.drain(), [""; 0]);
    }
}

#[test]
fn broadcasts_of_a_thread_survive_the_switch_in_order() {
    const COUNT: usize = 3_000;
    for workers in WORKERS {
        let (server, _) = recorded(workers);
        let mut session = Polling::joined(&server);
        let io = server.io().clone();
        let (go, wait) = std::sync::mpsc::channel();
        let emitter = std::thread::spawn(move || {
            for n in 0..COUNT {
                // Three bursts, so that some fall before, into and behind the switch.
                if n % (COUNT / 3) == 0 {
                    wait.recv().unwrap();
                }
                io.emit("n", n).unwrap();
            }
        });
        let mut got = Vec::new();
        go.send(()).unwrap();
        got.extend(session.poll_packets(1));
        let mut ws = Ws::probe(&server, &session);
        go.send(()).unwrap();
        ws.text("2probe");
        ws.expect("3probe");
        go.send(()).unwrap();
        ws.text("5");
        while got.len() < COUNT {
            got.push(ws.next_text());
        }
        emitter.join().unwrap();
        for (n, event) in got.iter().enumerate() {
            assert_eq!(*event, format!(r#"42["n",{n}]"#), "{workers} workers");
        }
        ws.fence();
    }
}

// 11.16, 20.1
#[test]
fn rooms_and_socket_survive_the_switch() {
    for workers in WORKERS {
        let server = Server::start(
            |io| {
                io.namespace("/", |ns| {
                    ns.on("join", |socket: Socket, room: String| socket.join(room));
                    ns.on("who", |socket: Socket| socket.id().to_string());
                })
            },
            workers,
        );
        let mut session = Polling::open(&server);
        let id = session.join();
        session.push(r#"420["join","before"]"#);
        assert_eq!(session.poll(), "430[]");
        let mut ws = probed(&server, &session);
        session.push(r#"421["join","while"]"#);
        ws.text("5");
        ws.expect("431[]");
        ws.text(r#"422["who"]"#);
        ws.expect(&format!(r#"432["{id}"]"#));
        server.io().to("before").emit("x", 1).unwrap();
        ws.expect(r#"42["x",1]"#);
        server.io().to("while").emit("x", 2).unwrap();
        ws.expect(r#"42["x",2]"#);
        server.io().to(id).emit("x", 3).unwrap();
        ws.expect(r#"42["x",3]"#);
    }
}

// ---- the session ends meanwhile -----------------------------------------------------------------

// 11.11
#[test]
fn close_packet_while_probing_closes_both() {
    for workers in WORKERS {
        let (server, journal) = recorded(workers);
        let mut session = Polling::joined(&server);
        let mut ws = probed(&server, &session);
        session.push("1");
        ws.expect_close(None);
        journal.expect("transport close");
        session.expect_unknown();
    }
}

#[test]
fn disconnect_while_probing_closes_both() {
    for workers in WORKERS {
        let (server, journal) = recorded(workers);
        let mut session = Polling::joined(&server);
        let mut ws = probed(&server, &session);
        server.io().of("/").disconnect_sockets(true);
        journal.expect("server namespace disconnect");
        assert_eq!(session.poll(), "41");
        assert_eq!(session.poll(), "6\x1e1");
        ws.expect_close(None);
    }
}

// 11.18: a client that upgrades has stopped polling.
#[test]
fn disconnect_while_probing_lets_the_upgrade_finish_and_says_what_waits() {
    for workers in WORKERS {
        let (server, journal) = recorded(workers);
        let session = Polling::joined(&server);
        let mut ws = probed(&server, &session);
        server.io().of("/").disconnect_sockets(true);
        journal.expect("server namespace disconnect");
        ws.text("5");
        ws.expect("41");
        ws.expect_close(None);
    }
}

#[test]
fn shutdown_while_probing_closes_both() {
    for workers in WORKERS {
        let (server, journal) = recorded(workers);
        let mut session = Polling::joined(&server);
        session.start_poll();
        session.push("3");
        let mut ws = Ws::probe(&server, &session);
        server.io().close();
        ws.expect_close(Some(1001));
        // The poll may reach the session before or after it ended; it is told in both cases.
        let told = session.finish_poll();
        assert!(["1", "6\x1e1"].contains(&told.text()), "{told:?}");
        journal.expect("server shutting down");
    }
}

// 10.12
#[test]
fn b64_of_the_websocket_request_counts() {
    for workers in WORKERS {
        let (server, _) = recorded(workers);
        let session = Polling::joined(&server);
        let target = format!("/socket.io/?EIO=4&transport=websocket&b64=1&sid={}", session.sid());
        let mut ws = Ws::connect(&server, &target);
        ws.text("2probe");
        ws.expect("3probe");
        ws.text("5");
        let header = r#"451-["m",{"_placeholder":true,"num":0}]"#;
        ws.text(header);
        ws.text("bAQID");
        ws.expect(header);
        ws.expect("bAQID");
    }
}
