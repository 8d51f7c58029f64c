//! The orderly end: no new sessions, time for handlers, a hint, goodbye.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use integration::{Http, Server, Ws};
use sio_actix::core::cluster::{Adapter, BoxFuture, ClusterError, Message, Node, Response};
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

/// Notes what is said to other nodes.
struct Listener(Arc<Mutex<Vec<String>>>);

impl Adapter for Listener {
    fn start(&self, _node: Arc<dyn Node>) {}

    fn open(&self, _namespace: &str) {}

    fn close(&self, _namespace: &str) {}

    fn publish(&self, _namespace: &str, message: Message) {
        self.0.lock().unwrap().push(format!("{message:?}"));
    }

    fn respond(&self, _namespace: &str, _to: &str, _response: Response) {}

    fn node_count(&self, _namespace: &str) -> BoxFuture<Result<usize, ClusterError>> {
        Box::pin(std::future::ready(Ok(1)))
    }

    fn nodes(&self, _namespace: &str) -> BoxFuture<Result<Vec<String>, ClusterError>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn ready(&self) -> BoxFuture<Result<(), ClusterError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn stop(&self) -> BoxFuture<()> {
        Box::pin(std::future::ready(()))
    }
}

#[test]
fn the_hint_is_for_the_clients_of_the_node_that_ends() {
    let said = Arc::default();
    let io = Io::builder()
        .adapter(Listener(Arc::clone(&said)))
        .drain(Drain::within(Duration::from_secs(5)).hint("bye"))
        .namespace("/", |ns| {
            ns.on("to all", |io: Io| io.emit("news", ()));
        })
        .build();
    let server = Server::run(io.clone(), 1, |_| {});
    let mut ws = Ws::joined(&server);
    ws.text(r#"42["to all"]"#);
    ws.expect(r#"42["news"]"#);
    let end = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(io.on_shutdown(async {}));
    });
    ws.expect(r#"42["bye"]"#);
    ws.expect_close(Some(1001));
    end.join().unwrap();
    let said = said.lock().unwrap();
    assert!(said.iter().any(|message| message.contains("news")), "{said:?}");
    assert!(!said.iter().any(|message| message.contains("bye")), "{said:?}");
}
