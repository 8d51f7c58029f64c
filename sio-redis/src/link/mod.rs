//! Connections to Redis that outlive it.
//!
//! A [`Link`] is all of an adapter's connections: a [`Publisher`] sends commands in order, a [`Subscriber`] holds subscriptions, [`Queries`] ask. Each
//! connects
//! again by itself, and none makes a caller wait: what cannot be sent yet is queued within a
//! limit. They know commands and channels, and nothing of what these say.

mod backoff;
mod health;
mod publisher;
mod queries;
mod runtime;
mod server;
mod subscriber;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::cmd;
use tokio::runtime::Handle;

use sio_core::cluster::{BoxFuture, ClusterError};

use crate::channels::starting_with;
use crate::error::Error;

pub(crate) use backoff::Backoff;
pub(crate) use health::Health;
pub(crate) use publisher::{Command, Publisher};
pub(crate) use queries::{Queries, pool, stopped};
pub(crate) use runtime::{Remote, Runtime};
pub(crate) use server::{Server, Timing, poisoned};
pub(crate) use subscriber::{Delivery, Hear, Subscriber, Topic};

/// How long an adapter that stops waits for each of: what is queued, and its subscriptions.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Name of the connection for commands, in logs.
pub(crate) const COMMANDS: &str = "commands";

/// Name of the connection for subscriptions, in logs.
const SUBSCRIPTIONS: &str = "subscriptions";

/// All connections of an adapter; copies are the same.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    runtime: Handle,
    server: Server,
    health: Arc<Health>,
    publisher: Publisher,
    subscriber: Subscriber,
    queries: Queries,
    /// Channels belong to shards.
    shards: bool,
}

impl Link {
    /// Connects to nothing yet.
    ///
    /// # Errors
    ///
    /// The address cannot be used.
    pub(crate) fn new(
        runtime: Handle,
        server: Server,
        queue_bytes: usize,
        shards: bool,
    ) -> Result<Self, Error> {
        let health = Arc::new(Health::new(&server.name()));
        Ok(Self {
            publisher: Publisher::new(COMMANDS, queue_bytes, Arc::clone(&health)),
            subscriber: Subscriber::new(SUBSCRIPTIONS, Arc::clone(&health)),
            queries: Queries::new(server.clone(), runtime.clone())?,
            runtime,
            server,
            health,
            shards,
        })
    }

    /// Connects, and hands in what is heard.
    pub(crate) fn start(&self, hear: Hear) {
        self.publisher.start(&self.runtime, self.server.clone());
        self.subscriber.start(&self.runtime, self.server.clone(), hear);
    }

    pub(crate) const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) const fn server(&self) -> &Server {
        &self.server
    }

    pub(crate) fn health(&self) -> &Arc<Health> {
        &self.health
    }

    pub(crate) const fn queries(&self) -> &Queries {
        &self.queries
    }

    /// The queue of commands, for those that are no message on a channel.
    pub(crate) const fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// Says something on a channel, behind what was said before.
    pub(crate) fn publish(&self, channel: &str, payload: &[u8]) {
        let name = if self.shards { "SPUBLISH" } else { "PUBLISH" };
        self.publisher.push(Command::publish(name, channel, payload));
    }

    /// A channel as something to hear.
    pub(crate) fn topic(&self, channel: String) -> Topic {
        match self.shards {
            true => Topic::Shard(channel.into()),
            false => Topic::Channel(channel.into()),
        }
    }

    /// Hears these from now on.
    pub(crate) fn open(&self, topics: impl IntoIterator<Item = Topic>) {
        self.subscriber.open(topics);
    }

    /// Does not hear these any more.
    pub(crate) fn close(&self, topics: impl IntoIterator<Item = Topic>) {
        self.subscriber.close(topics);
    }

    /// How many connections hear a channel.
    pub(crate) fn listeners(&self, channel: &str) -> BoxFuture<Result<usize, ClusterError>> {
        let mut command = cmd("PUBSUB");
        command.arg(if self.shards { "SHARDNUMSUB" } else { "NUMSUB" }).arg(channel);
        let asked = self.queries.ask::<Vec<(String, usize)>>(command);
        Box::pin(async move { Ok(asked.await?.into_iter().map(|(_, count)| count).sum()) })
    }

    /// The channels that somebody hears and whose names begin with `start`.
    pub(crate) fn channels(
        &self,
        start: &str,
    ) -> BoxFuture<Result<BTreeSet<String>, ClusterError>> {
        let mut command = cmd("PUBSUB");
        command
            .arg(if self.shards { "SHARDCHANNELS" } else { "CHANNELS" })
            .arg(starting_with(start));
        self.queries.ask(command)
    }

    /// Is ready when all that was opened so far is heard.
    pub(crate) fn ready(&self) -> BoxFuture<Result<(), ClusterError>> {
        let ready = Remote::spawn(&self.runtime, self.subscriber.ready());
        Box::pin(async move { ready.await.unwrap_or_else(|| Err(stopped())) })
    }

    /// Sends what is queued, then hears nothing any more; bounded in time.
    pub(crate) async fn stop(&self) {
        self.publisher.flush(LAST_WORDS).await;
        self.subscriber.close_all(LAST_WORDS).await;
    }
}
