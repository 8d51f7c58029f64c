//! Limit 5 of `docs/hostile.md`: what all clients together may leave unfinished.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hostile::Bystander;
use integration::{Http, Journal, Polling, Server, Ws, echo};
use sio_actix::core::limits::Limit;

const LIMIT: usize = 500_000;

fn server() -> (Server, Journal) {
    Server::recorded(|io| io.limits(|limits| limits.max_pending_input = LIMIT), 1)
}

/// Begins a POST of 400,000 bytes, most of which are there.
fn begin(server: &Server, session: &Polling) -> Http {
    let mut push = Http::connect(server);
    let target = session.target();
    push.write(format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n"));
    push.write("4".repeat(300_000));
    push.wire().wait_until_read();
    push
}

#[test]
fn limit_05_above_the_newest_body_is_503_and_its_session_ends() {
    let (server, journal) = server();
    let bystander = Bystander::watch(server.address());
    let (first, second) = (Polling::joined(&server), Polling::joined(&server));
    let mut older = begin(&server, &first);
    let mut newer = begin(&server, &second);
    assert_eq!(newer.response().status, 503);
    journal.expect("transport error");
    newer.wire().expect_end();
    // The older one is taken to its end, and refused for what it says.
    older.write("4".repeat(100_000));
    assert_eq!(older.response().status, 200);
    journal.expect("forced close");
    bystander.unharmed();
}

#[test]
fn limit_05_above_the_newest_message_is_1013_and_its_session_ends() {
    let (server, journal) = server();
    let bystander = Bystander::watch(server.address());
    let mut frames: Vec<Ws> = (0..2).map(|_| Ws::joined(&server)).collect();
    let text = format!(r#"421["echo","{}"]"#, "x".repeat(400_000));
    let frame = integration::masked(0x81, &text);
    let (most, rest) = frame.split_at(300_000);
    frames[0].wire().write(most);
    frames[0].wire().wait_until_read();
    frames[1].wire().write(most);
    frames[1].expect_close(Some(1013));
    journal.expect("transport error");
    frames[0].wire().write(rest);
    assert_eq!(frames[0].next_text().len(), text.len() - r#""echo","#.len());
    bystander.unharmed();
}

#[test]
fn limit_05_at_the_limit_everything_is_taken_and_given_back() {
    let (server, journal) = server();
    let bystander = Bystander::watch(server.address());
    for _ in 0..5 {
        let mut session = Polling::joined(&server);
        session.push(format!(r#"421["echo","{}"]"#, "x".repeat(LIMIT - 100)));
        assert_eq!(session.poll().len(), LIMIT - 100 + r#"431[""]"#.len());
    }
    assert_eq!(journal.drain(), [""; 0]);
    bystander.unharmed();
}

#[test]
fn limit_05_a_body_that_waits_for_its_turn_counts_until_it_is_handled() {
    const EVENTS: usize = 2_000;
    let (handled, hurry) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (counts, hurries) = (Arc::clone(&handled), Arc::clone(&hurry));
    let server = Server::start(
        |io| {
            io.limits(|limits| limits.max_pending_input = LIMIT).namespace("/", |ns| {
                echo(ns);
                ns.on("work", move |_filling: String| {
                    let end = Instant::now() + Duration::from_millis(1);
                    while Instant::now() < end && !hurries.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                    counts.fetch_add(1, Ordering::Relaxed);
                });
            })
        },
        1,
    );
    let bystander = Bystander::watch(server.address());
    let reached = || server.io().hub().limits_reached().of(Limit::MaxPendingInput);
    let budget = server.io().hub().pending_input();
    let (first, second) = (Polling::joined(&server), Polling::joined(&server));
    let body = vec![format!(r#"42["work","{}"]"#, "x".repeat(185)); EVENTS].join("\x1e");
    let mut pushes = [&first, &second].map(|_| Http::connect(&server));
    pushes[0].send("POST", first.target(), "", &body);
    while handled.load(Ordering::Relaxed) == 0 {
        std::thread::yield_now();
    }
    assert_eq!((budget.taken(), reached()), (body.len(), 0));
    pushes[1].send("POST", second.target(), "", &body);
    assert_eq!(pushes[1].response().status, 503);
    assert_eq!((budget.taken(), reached()), (body.len(), 1));
    assert!(handled.load(Ordering::Relaxed) < EVENTS, "nothing waited");
    hurry.store(true, Ordering::Relaxed);
    assert_eq!(pushes[0].response().status, 200);
    assert_eq!((handled.load(Ordering::Relaxed), budget.taken()), (EVENTS, 0));
    bystander.unharmed();
}
