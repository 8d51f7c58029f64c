//! WebSockets that fail to take over a polling session leave it alone (behaviours 11, hostile 36-38).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::time::{Duration, Instant};

use integration::{Journal, Polling, Server, Ws, masked};

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

// 11.8, hostile 38
#[test]
fn wrong_first_frame_closes_only_the_websocket() {
    for workers in WORKERS {
        let (server, journal) = recorded(workers);
        let mut session = Polling::joined(&server);
        for frame in [
            masked(0x81, "4hello"),
            masked(0x81, "2"),
            masked(0x81, "abc"),
            masked(0x81, ""),
            masked(0x82, [1, 2]),
            masked(0x81, "40"),
            masked(0x81, "1"),
            masked(0x81, "3probe"),
        ] {
            let mut ws = Ws::probe(&server, &session);
            ws.wire().write(&frame);
            ws.expect_close(None);
            session.fence();
        }
        assert_eq!(journal.drain(), [""; 0]);
        let mut ws = probed(&server, &session);
        ws.text("5");
        ws.fence();
    }
}

#[test]
fn broken_frame_while_probing_closes_only_the_websocket() {
    for workers in WORKERS {
        let (server, journal) = recorded(workers);
        let mut session = Polling::joined(&server);
        for (bytes, code) in [
            (b"\x81\x02ab".to_vec(), 1002),
            (masked(0x81, [0xff]), 1007),
            (b"\x82\xff\x00\x00\x00\x00\xff\xff\xff\xff".to_vec(), 1009),
        ] {
            let mut ws = probed(&server, &session);
            ws.wire().write(&bytes);
            ws.expect_close(Some(code));
            session.fence();
        }
        assert_eq!(journal.drain(), [""; 0]);
    }
}

// 11.10
#[test]
fn dropped_websocket_leaves_the_polling_session() {
    for workers in WORKERS {
        let (server, journal) = recorded(workers);
        let mut session = Polling::joined(&server);
        Ws::probe(&server, &session).into_wire().drop_connection();
        session.fence();
        probe_again(&server, &session).into_wire().drop_connection();
        session.fence();
        assert_eq!(journal.drain(), [""; 0]);
        let mut ws = probe_again(&server, &session);
        ws.text("5");
        ws.fence();
    }
}

/// Probes a session whose last WebSocket may not be gone yet for the server.
#[track_caller]
fn probe_again(server: &Server, session: &Polling) -> Ws {
    let deadline = Instant::now() + integration::DEADLINE;
    loop {
        let mut ws = Ws::probe(server, session);
        ws.text("2probe");
        if ws.next_frame().is_text() {
            return ws;
        }
        assert!(Instant::now() < deadline, "the session takes no WebSocket");
    }
}

// 11.9, T14
#[test]
fn probe_that_is_never_finished_expires() {
    let timeout = Duration::from_millis(200);
    for workers in WORKERS {
        for probe in [false, true] {
            let (server, journal) = Server::recorded(|io| io.upgrade_timeout(timeout), workers);
            let mut session = Polling::joined(&server);
            let start = Instant::now();
            let mut ws = Ws::probe(&server, &session);
            if probe {
                ws.text("2probe");
                ws.expect("3probe");
            }
            ws.expect_close(None);
            assert!(start.elapsed() >= timeout);
            session.fence();
            assert_eq!(journal.drain(), [""; 0]);
        }
    }
}

// 11.7, hostile 37
#[test]
fn second_websocket_while_probing_is_closed_at_once() {
    for workers in WORKERS {
        let (server, _) = recorded(workers);
        let mut session = Polling::joined(&server);
        let mut first = probed(&server, &session);
        let mut second = Ws::probe(&server, &session);
        second.expect_close(None);
        session.fence();
        first.text("5");
        first.fence();
        let mut third = Ws::probe(&server, &session);
        third.expect_close(None);
        first.fence();
    }
}

// 11.15
#[test]
fn websocket_for_a_websocket_session_is_closed() {
    for workers in WORKERS {
        let (server, _) = recorded(workers);
        let mut ws = Ws::joined(&server);
        let target = format!("/socket.io/?EIO=4&transport=websocket&sid={}", ws.sid());
        let mut second = Ws::connect(&server, &target);
        second.expect_close(None);
        ws.fence();
    }
}
