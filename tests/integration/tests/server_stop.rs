//! `sio_actix::Server`: the end of the server, which tells clients without the application's doing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::time::Duration;

use actix_web::App;
use integration::{Http, Polling, Server, Ws, echo};
use sio_actix::Drain;
use sio_actix::prelude::*;
use tokio::sync::Notify;

/// What no test waits for: connections are told, and none is cut off.
const SHUTDOWN_TIMEOUT: u64 = 60;

/// How the server learns that it has to stop.
enum Stop {
    Handle,
    Signal(Arc<Notify>),
    /// By hand, as under `HttpServer`.
    Wired(Arc<Notify>),
}

fn serve(servers: &[Io], stop: &Stop) -> Server {
    let served = servers.to_vec();
    let first = servers.first().unwrap();
    let wired = first.clone();
    let (signal, by_hand) = match stop {
        Stop::Handle => (None, false),
        Stop::Signal(signal) => (Some(Arc::clone(signal)), false),
        Stop::Wired(signal) => (Some(Arc::clone(signal)), true),
    };
    Server::host(first.clone(), move |listener| {
        let server = sio_actix::Server::new(move || {
            served.iter().fold(App::new(), |app, io| app.configure(io.configure()))
        })
        .workers(2)
        .shutdown_timeout(SHUTDOWN_TIMEOUT)
        .disable_signals();
        let server = match signal {
            None => server,
            Some(signal) if by_hand => {
                server.shutdown_signal(wired.on_shutdown(async move { signal.notified().await }))
            }
            Some(signal) => server.shutdown_signal(async move { signal.notified().await }),
        };
        server.listen(listener).unwrap().run()
    })
}

fn end(server: &Server, stop: &Stop) {
    match stop {
        Stop::Handle => server.stop_gracefully(),
        Stop::Signal(signal) | Stop::Wired(signal) => signal.notify_one(),
    }
}

fn ways() -> [Stop; 3] {
    [Stop::Handle, Stop::Signal(Arc::default()), Stop::Wired(Arc::default())]
}

#[test]
fn clients_of_all_servers_get_their_goodbye() {
    for stop in ways() {
        let second = Io::builder().path("/second").namespace("/", echo).build();
        let mut server = serve(&[Io::builder().namespace("/", echo).build(), second], &stop);
        let mut idle = Http::connect(&server);
        assert_eq!(idle.get("/nothing").status, 404);
        let mut ws = Ws::joined(&server);
        let mut other = Ws::connect(&server, "/second/?EIO=4&transport=websocket");
        assert!(other.next_text().starts_with("0{"));
        other.join();
        let mut polling = Polling::joined(&server);
        polling.start_poll();
        end(&server, &stop);
        ws.expect_close(Some(1001));
        ws.wire().expect_end();
        other.expect_close(Some(1001));
        let last = polling.finish_poll();
        assert!(last.text().ends_with('1'), "{last:?}");
        idle.wire().expect_end();
        drop((ws, other, polling));
        server.expect_end();
    }
}

#[test]
fn acks_are_answered_before_the_end() {
    for stop in ways() {
        let gate = Arc::new(Notify::new());
        let opened = Arc::clone(&gate);
        let io = Io::builder()
            .namespace("/", move |ns| {
                echo(ns);
                ns.on("work", move || {
                    let gate = Arc::clone(&opened);
                    async move { gate.notified().await }
                });
            })
            .build();
        let mut server = serve(&[io], &stop);
        let mut ws = Ws::joined(&server);
        ws.text(r#"420["work"]"#);
        ws.fence();
        end(&server, &stop);
        let unavailable = r#"{"code":"unavailable","message":"the server is shutting down"}"#;
        ws.expect(&format!(r#"430[{{"error":{unavailable}}}]"#));
        ws.expect_close(Some(1001));
        drop(ws);
        server.expect_end();
    }
}

#[test]
fn handlers_get_the_time_that_the_drain_gives_them() {
    for stop in ways() {
        let gate = Arc::new(Notify::new());
        let opened = Arc::clone(&gate);
        let io = Io::builder()
            .drain(Drain::within(Duration::from_secs(30)).hint("bye"))
            .namespace("/", move |ns| {
                echo(ns);
                ns.on("work", move || {
                    let gate = Arc::clone(&opened);
                    async move {
                        gate.notified().await;
                        "done"
                    }
                });
            })
            .build();
        let mut server = serve(&[io], &stop);
        let mut ws = Ws::joined(&server);
        ws.text(r#"420["work"]"#);
        ws.fence();
        end(&server, &stop);
        ws.expect(r#"42["bye"]"#);
        ws.fence();
        gate.notify_one();
        ws.expect(r#"430["done"]"#);
        ws.expect_close(Some(1001));
        drop(ws);
        server.expect_end();
    }
}

#[test]
fn client_that_does_not_answer_the_goodbye_holds_nobody_up() {
    let stop = Stop::Handle;
    let io = Io::builder().limits(|limits| limits.send_buffer_max = 0).namespace("/", echo);
    let mut server = serve(&[io.build()], &stop);
    let silent = Ws::joined(&server);
    let deaf = Ws::joined(&server);
    // More than the system takes for it.
    let text = "z".repeat(100_000);
    for _ in 0..100 {
        server.io().emit("m", &text).unwrap();
    }
    end(&server, &stop);
    server.expect_end();
    drop((silent, deaf));
}
