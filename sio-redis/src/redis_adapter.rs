//! The adapter, as a server sees it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sio_core::adapter::Room;
use sio_core::cluster::{Adapter, BoxFuture, ClusterError, EventLog, Message, Node, Response};

use crate::adapter::Carrier;
use crate::builder::RedisAdapterBuilder;
use crate::link::{Health, Remote, Runtime};

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

/// What an adapter did so far, and how it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RedisStats {
    /// All connections that the adapter holds work, as far as it knows.
    pub connected: bool,
    /// Commands that Redis has taken.
    pub published: u64,
    /// Messages that were heard on channels, own ones included.
    pub received: u64,
    /// Messages that could not be read.
    pub garbage: u64,
    /// Messages that were dropped because the queue was full.
    pub dropped: u64,
    /// Messages that were under way when a connection broke, and may have arrived or not.
    pub lost: u64,
    /// Commands that Redis has refused.
    pub refused: u64,
    /// How often Redis was lost.
    pub outages: u64,
    /// Bytes that wait to be sent.
    pub queued_bytes: u64,
}

/// Shows how an adapter is, also while a server owns it.
#[derive(Debug, Clone)]
pub struct RedisMonitor {
    health: Arc<Health>,
    publisher: crate::link::Publisher,
}

impl RedisMonitor {
    /// How it is now.
    #[must_use]
    pub fn stats(&self) -> RedisStats {
        let counters = &self.health.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RedisStats {
            connected: self.health.is_up(),
            published: read(&counters.published),
            received: read(&counters.received),
            garbage: read(&counters.garbage),
            dropped: read(&counters.dropped),
            lost: read(&counters.lost),
            refused: read(&counters.refused),
            outages: read(&counters.outages),
            queued_bytes: self.publisher.queued_bytes(),
        }
    }
}

impl RedisAdapter {
    /// An adapter for the Redis at `url`, such as `redis://:password@host:6379/0`, or `rediss://` with the
    /// feature `tls`.
    #[must_use]
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

    /// What it did so far, and how it is.
    #[must_use]
    pub fn stats(&self) -> RedisStats {
        self.monitor().stats()
    }

    /// For [`RedisMonitor::stats`] after the adapter was given to a server.
    #[must_use]
    pub fn monitor(&self) -> RedisMonitor {
        let link = self.carrier.link();
        RedisMonitor { health: Arc::clone(link.health()), publisher: link.publisher().clone() }
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
        let runtime = Arc::clone(&self.runtime);
        // It goes on when nobody waits for it.
        let stopping = self.carrier.stop();
        let (told, end) = (Arc::clone(&runtime), async move { stopping.await });
        let stopped = Remote::spawn(runtime.handle(), end);
        Box::pin(async move {
            let _ended_before = stopped.await;
            told.stop();
        })
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
