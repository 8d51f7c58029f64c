//! The adapter, as a server sees it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use sio_core::adapter::Room;
use sio_core::cluster::{
    Adapter, AdapterStats, BoxFuture, ClusterError, EventLog, Message, Node, Response,
};

use crate::adapter::Carrier;
use crate::builder::RedisAdapterBuilder;
use crate::link::Runtime;

/// Connects a server with others over Redis.
///
/// It has a thread of its own, so that the cluster goes on while the application's threads are busy. Nothing
/// that is said waits for Redis: while it is away, what this node tells the others is queued up to
/// [`queue_bytes`](RedisAdapterBuilder::queue_bytes), and sent when it is back. What was under way when a
/// connection broke is not sent again, so that nothing arrives twice.
pub struct RedisAdapter {
    // The carrier goes before the thread it runs on.
    carrier: Arc<dyn Carrier>,
    request_timeout: Duration,
    runtime: Arc<Runtime>,
}

impl RedisAdapter {
    /// An adapter for the Redis at `url`, such as `redis://:password@host:6379/0`, or `rediss://` with the
    /// feature `tls`.
    pub fn builder(url: &str) -> RedisAdapterBuilder {
        RedisAdapterBuilder::new(url)
    }

    pub(crate) fn new(
        carrier: Arc<dyn Carrier>,
        request_timeout: Duration,
        runtime: Runtime,
    ) -> Self {
        Self { carrier, request_timeout, runtime: Arc::new(runtime) }
    }
}

impl Adapter for RedisAdapter {
    fn start(&self, node: Arc<dyn Node>) {
        self.carrier.start(node);
    }

    fn open(&self, namespace: &str) {
        self.carrier.open(namespace);
    }

    fn close(&self, namespace: &str) {
        self.carrier.close(namespace);
    }

    fn watches_rooms(&self) -> bool {
        self.carrier.watches_rooms()
    }

    fn open_room(&self, namespace: &str, room: &Room, own: bool) {
        self.carrier.open_room(namespace, room, own);
    }

    fn close_room(&self, namespace: &str, room: &Room, own: bool) {
        self.carrier.close_room(namespace, room, own);
    }

    fn publish(&self, namespace: &str, message: Message) {
        self.carrier.publish(namespace, message);
    }

    fn respond(&self, namespace: &str, to: &str, response: Response) {
        self.carrier.respond(namespace, to, response);
    }

    fn node_count(&self, namespace: &str) -> BoxFuture<Result<usize, ClusterError>> {
        self.carrier.node_count(namespace)
    }

    fn nodes(&self, namespace: &str) -> BoxFuture<Result<Vec<String>, ClusterError>> {
        self.carrier.nodes(namespace)
    }

    fn can_ask_for_rooms(&self) -> bool {
        self.carrier.can_ask_for_rooms()
    }

    fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        self.runtime.sleep(duration)
    }

    fn ready(&self) -> BoxFuture<Result<(), ClusterError>> {
        self.carrier.ready()
    }

    fn stop(&self) -> BoxFuture<()> {
        let (stopping, runtime) = (self.carrier.stop(), Arc::clone(&self.runtime));
        let (done, is_done) = oneshot::channel::<()>();
        // It goes on when nobody waits for it.
        self.runtime.handle().spawn(async move {
            stopping.await;
            runtime.stop();
            drop(done);
        });
        Box::pin(async move {
            let _ended = is_done.await;
        })
    }

    fn stats(&self) -> AdapterStats {
        let link = self.carrier.link();
        let mut stats = link.health().stats();
        stats.queued = link.queued();
        stats
    }

    fn event_log(&self) -> Option<&dyn EventLog> {
        self.carrier.event_log()
    }
}

impl fmt::Debug for RedisAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisAdapter")
            .field("server", &self.carrier.link().health().server())
            .finish_non_exhaustive()
    }
}
