//! The orderly end: no new sessions, time for handlers, a hint, goodbye.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::time::Duration;

use integration::{Http, Server, Ws};
use sio_actix::{Drain, Io};
use tokio::sync::Notify;

struct Draining {
    server: Server,
    /// Ends the server.
    signal: Arc<Notify>,
    /// Lets the handler of `work` finish.
    gate: Arc<Notify>,
}

/// A server that drains as configured, with a handler that waits.
fn start(drain: Drain) -> Draining {
    let (signal, gate) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let opened = Arc::clone(&gate);
    let io = Io::builder()
        .drain(drain)
        .namespace("/", move |ns| {
            ns.on("work", move || {
                let gate = Arc::clone(&opened);
                async move {
                    gate.notified().await;
                    "done"
                }
            });
            ns.on("ping", || "pong");
        })
        .build();
    let server = Server::run(io.clone(), 2, |_| {});
    let waits = Arc::clone(&signal);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(io.on_shutdown(async move { waits.notified().await }));
    });
    Draining { server, signal, gate }
}

#[test]
fn handlers_finish_within_the_deadline_while_new_sessions_are_refused() {
    let drain = Drain::within(Duration::from_secs(30)).hint("bye");
    let Draining { server, signal, gate } = start(drain);
    let mut ws = Ws::joined(&server);
    ws.text(r#"420["work"]"#);
    // The answer to the second shows that the first runs.
    ws.text(r#"429["ping"]"#);
    ws.expect(r#"439["pong"]"#);
    signal.notify_one();
    ws.expect(r#"42["bye"]"#);
    let refused = Http::connect(&server).get("/socket.io/?EIO=4&transport=polling");
    assert_eq!(refused.status, 503);
    refused.expect_header("retry-after", "1");
    ws.text(r#"421["ping"]"#);
    ws.expect(r#"431["pong"]"#);
    gate.notify_one();
    ws.expect(r#"430["done"]"#);
    ws.expect_close(Some(1001));
}

#[test]
fn what_is_not_finished_by_then_is_answered_as_unavailable() {
    let Draining { server, signal, gate: _gate } = start(Drain::within(Duration::from_millis(50)));
    let mut ws = Ws::joined(&server);
    ws.text(r#"420["work"]"#);
    ws.text(r#"421["ping"]"#);
    ws.expect(r#"431["pong"]"#);
    signal.notify_one();
    let unavailable = r#"{"code":"unavailable","message":"the server is shutting down"}"#;
    ws.expect(&format!(r#"430[{{"error":{unavailable}}}]"#));
    ws.expect_close(Some(1001));
}
