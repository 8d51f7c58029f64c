//! The heartbeat of Engine.IO 3: the client pings (behaviours 14.3-14.6).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::time::{Duration, Instant};

use integration::{Journal, Legacy, Server, Ws};

const INTERVAL: Duration = Duration::from_millis(150);
const TIMEOUT: Duration = Duration::from_millis(120);
const WEBSOCKET: &str = "/socket.io/?EIO=3&transport=websocket";

fn recorded(workers: usize) -> (Server, Journal) {
    Server::recorded(
        |io| io.allow_eio3(true).ping_interval(INTERVAL).ping_timeout(TIMEOUT),
        workers,
    )
}

fn patient() -> (Server, Journal) {
    Server::recorded(|io| io.allow_eio3(true), 1)
}

#[track_caller]
fn joined(server: &Server) -> Ws {
    let mut ws = Ws::connect(server, WEBSOCKET);
    assert!(ws.next_text().starts_with('0'));
    ws.expect("40");
    ws
}

// 14.5
#[test]
fn a_pong_of_the_client_closes_the_session() {
    let (server, journal) = patient();
    let mut session = Legacy::joined(&server, "");
    session.push("1:3");
    journal.expect("transport error");
    session.expect_unknown(&server);

    let mut session = Legacy::joined(&server, "");
    session.start_poll();
    session.push("6:3probe");
    session.finish_poll().expect(200, "1:1");
    journal.expect("transport error");

    let mut ws = joined(&server);
    ws.text("3");
    ws.expect_close(None);
    journal.expect("transport error");
}

// 14.4, 14.6
#[test]
fn without_a_ping_the_session_ends_and_the_server_says_nothing() {
    let (server, journal) = recorded(1);
    let start = Instant::now();
    let mut ws = joined(&server);
    ws.expect_close(None);
    assert!(start.elapsed() >= INTERVAL + TIMEOUT);
    journal.expect("ping timeout");

    let start = Instant::now();
    let mut session = Legacy::joined(&server, "");
    session.start_poll();
    session.finish_poll().expect(200, "1:1");
    assert!(start.elapsed() >= INTERVAL + TIMEOUT);
    journal.expect("ping timeout");
    session.expect_unknown(&server);
}

// 14.4
#[test]
fn only_pings_restart_the_timer() {
    let (server, journal) = recorded(1);
    let start = Instant::now();
    let mut ws = joined(&server);
    // Traffic goes on until the end, and does not put it off.
    let closed_after = loop {
        ws.text(r#"42["m",1]"#);
        let frame = ws.next_frame();
        if frame.head == 0x88 {
            break start.elapsed();
        }
        assert_eq!(frame.text(), r#"42["m",1]"#);
        assert!(start.elapsed() < Duration::from_secs(5), "the session goes on");
    };
    assert!(closed_after >= INTERVAL + TIMEOUT);
    journal.expect("ping timeout");
}

// 14.3, 14.4
#[test]
fn pings_are_answered_and_keep_the_session_alive() {
    let (server, journal) = recorded(2);
    let start = Instant::now();
    let mut ws = joined(&server);
    let mut session = Legacy::joined(&server, "");
    while start.elapsed() < 3 * (INTERVAL + TIMEOUT) {
        ws.text("2");
        ws.expect("3");
        session.push("1:2");
        assert_eq!(session.poll(), "1:3");
    }
    // What a ping carries is not echoed.
    ws.text("2hello");
    ws.expect("3");
    session.push("6:2hello");
    assert_eq!(session.poll(), "1:3");
    assert_eq!(journal.drain(), [""; 0]);
}

#[test]
fn the_timer_outlives_the_upgrade() {
    for workers in [1, 4] {
        let (server, journal) = recorded(workers);
        let session = Legacy::joined(&server, "");
        let start = Instant::now();
        let mut ws = Ws::connect(&server, &session.websocket());
        ws.text("2probe");
        ws.expect("3probe");
        ws.text("5");
        ws.text("2");
        ws.expect("3");
        ws.expect_close(None);
        assert!(start.elapsed() >= INTERVAL + TIMEOUT);
        journal.expect("ping timeout");
    }
}
