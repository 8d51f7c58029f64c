//! Limits of what waits to be written: 17, 18, 23 of `docs/hostile.md`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, web};
use hostile::Bystander;
use integration::{Http, Journal, Polling, Server, Wire, Ws, echo, masked, stock};
use sio_actix::{DisconnectReason, Io};

/// As short as a write may stall here.
const STALL: Duration = Duration::from_millis(400);
/// The longest time that no test waits for.
const NEVER: Duration = Duration::from_secs(600);

/// An echo whose clients may stall only for a moment, and which notes the ends of sockets.
fn impatient(journal: &Journal, stall: Duration, ping_timeout: Duration) -> Io {
    let noted = journal.clone();
    Io::builder()
        .limits(|limits| {
            limits.write_timeout = stall;
            limits.send_buffer_max = 0;
            limits.send_buffer_max_frames = 0;
        })
        .ping_interval(Duration::from_millis(100))
        .ping_timeout(ping_timeout)
        .namespace("/", move |ns| {
            echo(ns);
            ns.on_disconnect(move |reason: DisconnectReason| noted.note(reason.as_str()));
        })
        .build()
}

/// The same on `sio_actix::Server`, where all answers are bounded.
fn serve(io: &Io) -> Server {
    let served = io.clone();
    Server::host(io.clone(), move |listener| {
        sio_actix::Server::new(move || {
            App::new().configure(served.configure()).route(
                "/large",
                web::get().to(|| async { HttpResponse::Ok().body(vec![7_u8; 64 << 20]) }),
            )
        })
        .workers(1)
        .write_timeout(STALL)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run()
    })
}

/// The connection is over for its peer: what was not read is thrown away by the system.
fn expect_cut(wire: &mut Wire) {
    let end = Instant::now() + integration::DEADLINE;
    while wire.try_write(masked(0x89, [])).is_ok() {
        assert!(Instant::now() < end, "the connection is still there");
        std::thread::yield_now();
    }
}

/// The client is slow.
fn rest(time: Duration) {
    #[expect(clippy::disallowed_methods, reason = "what is tested is that time passes")]
    std::thread::sleep(time);
}

#[test]
fn limit_17_above_a_websocket_that_takes_nothing_is_cut() {
    let journal = Journal::new();
    let pong = if stock() { 4 * STALL } else { NEVER };
    let server = Server::run(impatient(&journal, STALL, pong), 1, |_| {});
    let bystander = Bystander::watch(server.address());
    let mut ws = Ws::open(&server);
    let id = ws.join();
    let text = "x".repeat(1 << 20);
    for _ in 0..32 {
        server.io().to(&id).emit("m", &text).unwrap();
    }
    if stock() {
        // Who is not written to is not read either, and so its pong does not come.
        journal.expect("ping timeout");
    } else {
        journal.expect("transport error");
        expect_cut(ws.wire());
    }
    bystander.unharmed();
}

#[test]
fn limit_17_at_a_websocket_that_takes_something_goes_on() {
    // The system opens the window of a connection in large steps, and asks seldom whether it is open.
    let stall = Duration::from_secs(4);
    let journal = Journal::new();
    let server = Server::run(impatient(&journal, stall, NEVER), 1, |_| {});
    let mut ws = Ws::joined(&server);
    let text = "x".repeat(1 << 20);
    for _ in 0..32 {
        server.io().emit("m", &text).unwrap();
    }
    let begin = Instant::now();
    let mut got = 0;
    while got < 32 {
        let frame = ws.next_frame();
        if frame.payload == b"2" {
            ws.text("3");
        } else {
            got += 1;
            rest(stall / 26);
        }
    }
    assert!(begin.elapsed() > stall);
    ws.text(r#"427["echo",1]"#);
    ws.expect_through_pings("437[1]");
    assert_eq!(journal.drain(), [""; 0]);
}

#[test]
fn limit_17_above_an_answer_to_a_poll_that_is_not_taken_ends_its_session() {
    let journal = Journal::new();
    let server = serve(&impatient(&journal, STALL, NEVER));
    let bystander = Bystander::watch(server.address());
    let mut session = Polling::open(&server);
    let id = session.join();
    // More than the system takes for both sides.
    let text = "x".repeat(32 << 20);
    server.io().to(&id).emit("m", &text).unwrap();
    let target = session.target().to_owned();
    session.polls.send("GET", &target, "", "");
    journal.expect("transport error");
    expect_cut(session.polls.wire());
    session.expect_unknown();
    bystander.unharmed();
}

#[test]
fn limit_17_above_any_answer_that_is_not_taken_is_cut() {
    let journal = Journal::new();
    let server = serve(&impatient(&journal, STALL, NEVER));
    let bystander = Bystander::watch(server.address());
    let mut http = Http::connect(&server);
    http.send("GET", "/large", "", "");
    let begin = Instant::now();
    expect_cut(http.wire());
    assert!(begin.elapsed() >= STALL);
    bystander.unharmed();
}

#[test]
fn limit_18_above_a_peer_that_keeps_its_connection_after_the_close_frame_is_cut() {
    let server = Server::echo();
    let bystander = Bystander::watch(server.address());
    // The server closes first.
    let mut told = Ws::joined(&server);
    told.text("41");
    told.text("9");
    let frame = told.next_frame();
    assert_eq!(frame.head, 0x88);
    expect_cut(told.wire());
    // The peer closes first, and does not close its connection.
    let mut first = Ws::joined(&server);
    first.wire().write(masked(0x88, 1000_u16.to_be_bytes()));
    assert_eq!(first.next_frame().head, 0x88);
    expect_cut(first.wire());
    bystander.unharmed();
}

#[test]
fn limit_23_of_many_pings_the_newest_is_answered() {
    let server = Server::echo();
    let bystander = Bystander::watch(server.address());
    let mut ws = Ws::joined(&server);
    let pings: Vec<u8> = (0..2_000_u16).flat_map(|n| masked(0x89, n.to_be_bytes())).collect();
    ws.wire().write(pings);
    let mut pongs = 0;
    loop {
        let frame = ws.next_frame();
        assert_eq!(frame.head, 0x8a);
        pongs += 1;
        if frame.payload == 1_999_u16.to_be_bytes() {
            break;
        }
    }
    assert!(pongs < 2_000, "each of them was answered");
    ws.fence();
    bystander.unharmed();
}
