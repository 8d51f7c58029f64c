//! Pings, pongs and silence (behaviours 12, transcripts T7 and T14).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::time::{Duration, Instant};

use integration::{Journal, Polling, Server, Ws};

const INTERVAL: Duration = Duration::from_millis(150);
const TIMEOUT: Duration = Duration::from_millis(120);

fn recorded(workers: usize) -> (Server, Journal) {
    Server::recorded(|io| io.ping_interval(INTERVAL).ping_timeout(TIMEOUT), workers)
}

// 12.3, 12.5
#[test]
fn websocket_without_pong_is_closed() {
    let (server, journal) = recorded(1);
    let start = Instant::now();
    let mut ws = Ws::joined(&server);
    ws.expect("2");
    assert!(start.elapsed() >= INTERVAL);
    ws.expect_close(None);
    assert!(start.elapsed() >= INTERVAL + TIMEOUT);
    journal.expect("ping timeout");
}

#[test]
fn polling_session_without_pong_is_closed() {
    let (server, journal) = recorded(1);
    let start = Instant::now();
    let mut session = Polling::joined(&server);
    assert_eq!(session.poll(), "2");
    assert!(start.elapsed() >= INTERVAL);
    assert_eq!(session.poll(), "1");
    assert!(start.elapsed() >= INTERVAL + TIMEOUT);
    journal.expect("ping timeout");
    session.expect_unknown();
}

#[test]
fn session_that_never_polls_is_closed() {
    let (server, journal) = recorded(1);
    let start = Instant::now();
    let mut session = Polling::joined(&server);
    journal.expect("ping timeout");
    assert!(start.elapsed() >= INTERVAL + TIMEOUT);
    session.expect_unknown();
    assert_eq!(server.io().session_count(), 0);
}

// 12.8
#[test]
fn other_traffic_is_no_pong() {
    let (server, journal) = recorded(1);
    let mut ws = Ws::joined(&server);
    ws.expect("2");
    // Keeps talking until the server has had enough.
    let deadline = Instant::now() + integration::DEADLINE;
    loop {
        ws.text(r#"420["fence"]"#);
        let frame = ws.next_frame();
        if frame.head == 0x88 {
            assert!(frame.payload.is_empty(), "{frame:?}");
            break;
        }
        assert!(Instant::now() < deadline, "the session goes on without a pong");
    }
    journal.expect("ping timeout");
}

#[test]
fn pong_frame_of_websocket_is_no_pong() {
    let (server, journal) = recorded(1);
    let mut ws = Ws::joined(&server);
    ws.expect("2");
    ws.wire().write(integration::masked(0x8a, ""));
    ws.expect_close(None);
    journal.expect("ping timeout");
}

// 12.1, 12.2
#[test]
fn pongs_keep_a_websocket_alive() {
    let (server, journal) = recorded(1);
    let mut ws = Ws::joined(&server);
    for _ in 0..4 {
        let start = Instant::now();
        ws.expect("2");
        ws.text("3");
        // Each ping comes an interval behind the pong before it; the first counts from the handshake.
        assert!(start.elapsed() + Duration::from_millis(50) >= INTERVAL);
    }
    ws.fence();
    assert_eq!(journal.drain(), [""; 0]);
}

// 12.4
#[test]
fn pongs_keep_a_polling_session_alive() {
    let (server, journal) = recorded(1);
    let mut session = Polling::joined(&server);
    for _ in 0..4 {
        assert_eq!(session.poll(), "2");
        session.push("3");
    }
    session.push(r#"420["fence"]"#);
    assert!(session.poll().contains("430[]"));
    assert_eq!(journal.drain(), [""; 0]);
}

// 12.7
#[test]
fn unsolicited_pong_restarts_the_interval() {
    let (server, _) = recorded(1);
    let mut ws = Ws::joined(&server);
    let mut last = Instant::now();
    // More than an interval of pongs in short succession, without a ping in between.
    let start = Instant::now();
    while start.elapsed() < INTERVAL * 2 {
        last = Instant::now();
        ws.text("3");
        ws.fence();
    }
    ws.expect("2");
    assert!(last.elapsed() >= INTERVAL);
}

// 11.17
#[test]
fn heartbeat_goes_on_after_an_upgrade() {
    for workers in [1, 4] {
        let (server, journal) = recorded(workers);
        let mut session = Polling::joined(&server);
        // The ping goes out by polling, its pong comes by WebSocket.
        assert_eq!(session.poll(), "2");
        let mut ws = Ws::probe(&server, &session);
        ws.text("2probe");
        ws.expect("3probe");
        ws.text("5");
        ws.text("3");
        for _ in 0..3 {
            ws.expect("2");
            ws.text("3");
        }
        assert_eq!(journal.drain(), [""; 0]);
        ws.expect("2");
        ws.expect_close(None);
        journal.expect("ping timeout");
    }
}

// 11.11
#[test]
fn ping_timeout_while_probing_closes_both() {
    for workers in [1, 4] {
        let (server, journal) = recorded(workers);
        let mut session = Polling::joined(&server);
        assert_eq!(session.poll(), "2");
        let mut ws = Ws::probe(&server, &session);
        ws.text("2probe");
        ws.expect("3probe");
        ws.expect_close(None);
        journal.expect("ping timeout");
        session.expect_unknown();
    }
}

// 12.9
#[test]
fn closed_session_gets_no_more_pings() {
    let (server, journal) = recorded(1);
    let mut session = Polling::joined(&server);
    session.push("1");
    journal.expect("transport close");
    // Another session lives through two pings meanwhile.
    let mut other = Ws::joined(&server);
    for _ in 0..2 {
        other.expect("2");
        other.text("3");
    }
    session.expect_unknown();
    assert_eq!(journal.drain(), [""; 0]);
}
