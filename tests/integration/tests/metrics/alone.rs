//! A node that is not connected with others.

use std::sync::Arc;
use std::time::Duration;

use integration::{Http, Server};
use sio_actix::core::cluster::{
    Adapter, AdapterStats, BoxFuture, ClusterError, Message, Node, Response,
};
use sio_actix::health;
use sio_actix::prelude::*;

/// A cluster of one.
pub(crate) struct Lonely;

impl Adapter for Lonely {
    fn start(&self, _node: Arc<dyn Node>) {}

    fn open(&self, _namespace: &str) {}

    fn close(&self, _namespace: &str) {}

    fn publish(&self, _namespace: &str, _message: Message) {}

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

    fn stats(&self) -> AdapterStats {
        let mut stats = AdapterStats::default();
        stats.published = 7;
        stats
    }
}

/// A server in a cluster that is not connected.
fn alone() -> Server {
    let io = Io::builder().adapter(Lonely).build();
    let known = io.clone();
    Server::run(io, 1, move |config| {
        config.route("/ready", health::ready(&known)).route("/alone", health::ready_alone(&known));
    })
}

#[test]
fn a_node_that_is_cut_off_from_the_others_is_not_ready() {
    let server = alone();
    Http::connect(&server).get("/ready").expect(503, r#"{"status":"cluster"}"#);
    Http::connect(&server).get("/alone").expect(200, r#"{"status":"ready"}"#);
    server.io().refuse_sessions();
    Http::connect(&server).get("/ready").expect(503, r#"{"status":"draining"}"#);
    Http::connect(&server).get("/alone").expect(503, r#"{"status":"draining"}"#);
}
