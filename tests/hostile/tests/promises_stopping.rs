//! The orderly end: promise 20 and limit 32 of `docs/hostile.md`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use integration::{Http, Journal, Polling, Server, Ws, echo};
use sio_actix::{DisconnectReason, Drain, Io};
use tokio::sync::Notify;

const HANDSHAKE: &str = "/socket.io/?EIO=4&transport=polling";
const SPREAD: Duration = Duration::from_millis(800);

/// A server that ends when it is told to, and notes what its handlers did and how sockets ended.
fn serve(drain: Drain) -> (Server, Arc<Notify>, Journal) {
    let (signal, journal) = (Arc::new(Notify::new()), Journal::new());
    let (noted, waits) = (journal.clone(), Arc::clone(&signal));
    let io = Io::builder().drain(drain).namespace("/", move |ns| {
        echo(ns);
        let began = noted.clone();
        ns.on("work", async move |millis: u64| {
            began.note("began");
            tokio::time::sleep(Duration::from_millis(millis)).await;
            began.note("done");
            millis
        });
        ns.on_disconnect(move |reason: DisconnectReason| noted.note(reason.as_str()));
    });
    let io = io.build();
    let server = Server::run(io.clone(), 2, |_| {});
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(io.on_shutdown(async move { waits.notified().await }));
    });
    (server, signal, journal)
}

/// Waits until no session can be opened any more, and gives how many could until then. Nobody polls for those, so the
/// server keeps them for a while to tell them that it ends.
#[track_caller]
fn refuses(server: &Server) -> usize {
    let end = Instant::now() + integration::DEADLINE;
    let mut opened = 0;
    loop {
        let answer = Http::connect(server).get(HANDSHAKE);
        if answer.status == 503 {
            answer.expect_header("retry-after", "1");
            return opened;
        }
        assert!(Instant::now() < end, "it takes new sessions");
        opened += 1;
    }
}

#[test]
fn promise_20_handlers_finish_and_everybody_is_told_in_an_order_spread_over_time() {
    let (server, signal, journal) = serve(Drain::within(Duration::from_secs(10)).spread(SPREAD));
    let mut clients: Vec<Ws> = (0..20).map(|_| Ws::joined(&server)).collect();
    let mut polling = Polling::joined(&server);
    polling.start_poll();
    clients[0].text(r#"421["work",200]"#);
    journal.expect("began");
    signal.notify_one();
    let strays = refuses(&server);
    // Who has a session is served on.
    clients[1].fence();
    clients[0].expect("431[200]");
    journal.expect("done");
    let begin = Instant::now();
    let ends: Vec<Duration> = clients
        .into_iter()
        .map(|mut client| {
            std::thread::spawn(move || {
                client.expect_close(Some(1001));
                begin.elapsed()
            })
        })
        .collect::<Vec<_>>()
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    let (first, last) = (ends.iter().min().unwrap(), ends.iter().max().unwrap());
    assert!(*last - *first > SPREAD / 4, "all within {:?}", *last - *first);
    assert!(*last < SPREAD + integration::DEADLINE);
    let told = polling.finish_poll();
    assert_eq!((told.status, told.text()), (200, "1"));
    for _ in 0..21 {
        journal.expect("server shutting down");
    }
    let end = Instant::now() + integration::DEADLINE;
    while server.io().session_count() > strays {
        assert!(Instant::now() < end, "{} sessions are left", server.io().session_count());
        std::thread::yield_now();
    }
    assert_eq!(journal.drain(), [""; 0]);
}

#[test]
fn limit_32_above_the_time_for_handlers_they_are_answered_for() {
    let (server, signal, journal) = serve(Drain::within(Duration::from_millis(200)));
    let mut ws = Ws::joined(&server);
    ws.text(r#"421["work",600000]"#);
    journal.expect("began");
    let begin = Instant::now();
    signal.notify_one();
    let unavailable = r#"{"code":"unavailable","message":"the server is shutting down"}"#;
    ws.expect(&format!(r#"431[{{"error":{unavailable}}}]"#));
    assert!(begin.elapsed() >= Duration::from_millis(200));
    ws.expect_close(Some(1001));
    journal.expect("server shutting down");
}

#[test]
fn limit_32_at_the_time_for_handlers_they_have_finished() {
    let (server, signal, journal) = serve(Drain::within(Duration::from_secs(5)));
    let mut ws = Ws::joined(&server);
    ws.text(r#"421["work",100]"#);
    journal.expect("began");
    signal.notify_one();
    ws.expect("431[100]");
    ws.expect_close(Some(1001));
    journal.expect("done");
    journal.expect("server shutting down");
}
