//! Connections to Redis that outlive it.
//!
//! A [`Link`] is all of an adapter's connections: a [`Publisher`] sends commands in order, a
//! [`Subscriber`](subscriber::Subscriber) holds subscriptions, [`Queries`] ask. Each connects again by itself, and
//! none makes a caller wait: what cannot be sent yet is queued within a limit. They know commands and channels,
//! and nothing of what these say.

mod backoff;
mod guard;
mod health;
mod publisher;
mod queries;
mod runtime;
mod server;
mod shards;
mod slots;
mod subscriber;
mod trunk;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::{Cmd, FromRedisValue, cmd};
use futures_util::FutureExt as _;
use futures_util::future::{join_all, try_join_all};
use tokio::runtime::Handle;

use sio_core::cluster::{BoxFuture, ClusterError};

use crate::channels::starting_with;
use crate::error::Error;
use crate::seal::Seal;

pub(crate) use backoff::Backoff;
pub(crate) use guard::Guard;
pub(crate) use health::Health;
pub(crate) use publisher::{Command, Publisher};
pub(crate) use queries::{Queries, pool, reason, stopped};
pub(crate) use runtime::{Remote, Runtime};
pub(crate) use server::{Server, Timing, poisoned};
use shards::Shards;
use slots::slot_of;
pub(crate) use subscriber::{Delivery, Hear, Topic};
use trunk::Trunk;

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
    health: Arc<Health>,
    /// To the server that was given; not used if there is a Redis Cluster.
    trunk: Trunk,
    cluster: Option<Shards>,
    /// Channels belong to shards.
    shards: bool,
    /// Where what is said is signed.
    guard: Option<Arc<Guard>>,
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
        cluster: bool,
        seal: Option<Seal>,
    ) -> Result<Self, Error> {
        let health = Arc::new(Health::new(&server.name()));
        let cluster = cluster.then(|| {
            Shards::new(runtime.clone(), server.clone(), Arc::clone(&health), queue_bytes)
        });
        let trunk = Trunk::new(server, Arc::clone(&health), queue_bytes, false)?;
        let guard = seal.map(|seal| Arc::new(Guard::new(seal, Arc::clone(&health))));
        Ok(Self { runtime, health, trunk, cluster, shards, guard })
    }

    /// Connects, and hands in what is heard.
    pub(crate) fn start(&self, hear: Hear) {
        let hear = match self.guard.clone() {
            None => hear,
            Some(guard) => guard.before(hear),
        };
        match &self.cluster {
            None => self.trunk.start(&self.runtime, hear),
            Some(cluster) => cluster.start(hear),
        }
    }

    /// Who looks at signatures, where what is said is signed.
    pub(crate) const fn guard(&self) -> Option<&Arc<Guard>> {
        self.guard.as_ref()
    }

    pub(crate) const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) const fn server(&self) -> &Server {
        &self.trunk.server
    }

    /// Questions to the server that was given.
    pub(crate) const fn queries(&self) -> &Queries {
        &self.trunk.queries
    }

    /// The queue of commands to the server that was given, for those that are no message on a channel.
    pub(crate) const fn publisher(&self) -> &Publisher {
        &self.trunk.publisher
    }

    pub(crate) fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Commands that wait.
    pub(crate) fn queued(&self) -> usize {
        match &self.cluster {
            None => self.trunk.publisher.queued(),
            Some(cluster) => cluster.queued(),
        }
    }

    /// Says something on a channel, behind what was said before on it.
    pub(crate) fn publish(&self, channel: &str, payload: &[u8]) {
        let name = if self.shards { "SPUBLISH" } else { "PUBLISH" };
        let command = match &self.guard {
            None => Command::publish(name, channel, payload),
            Some(guard) => {
                Command::publish_signed(name, channel, payload, Arc::clone(guard.seal()))
            }
        };
        match &self.cluster {
            None => self.trunk.publisher.push(command),
            Some(cluster) => cluster.push(command.in_slot(self.slot(channel))),
        }
    }

    /// Channels that do not belong to shards are heard everywhere; one master has them all, so that order
    /// is kept.
    fn slot(&self, channel: &str) -> u16 {
        if self.shards { slot_of(channel) } else { 0 }
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
        match &self.cluster {
            None => self.trunk.subscriber.open(topics),
            Some(cluster) => cluster.open(topics.into_iter().map(|topic| {
                let slot = self.slot(topic.name());
                (topic, slot)
            })),
        }
    }

    /// Does not hear these any more.
    pub(crate) fn close(&self, topics: impl IntoIterator<Item = Topic>) {
        match &self.cluster {
            None => self.trunk.subscriber.close(topics),
            Some(cluster) => cluster.close(topics),
        }
    }

    /// How many connections hear a channel. This node's own counts once it hears what it wants to hear; that
    /// is waited for, because one too few would be taken for all.
    pub(crate) fn listeners(&self, channel: &str) -> BoxFuture<Result<usize, ClusterError>> {
        let mut command = cmd("PUBSUB");
        command.arg(if self.shards { "SHARDNUMSUB" } else { "NUMSUB" }).arg(channel);
        let slot = self.shards.then(|| self.slot(channel));
        let link = self.clone();
        let counted = Remote::spawn(&self.runtime, async move {
            let mut heard = link.heard();
            let is_heard = (&mut heard).now_or_never().transpose()?.is_some();
            let count = || link.answers::<Vec<(String, usize)>>(&command, slot);
            let mut counts = count().await?;
            if !is_heard && link.hears_something() {
                let limit = link.server().timing().answer;
                tokio::time::timeout(limit, heard).await.unwrap_or_else(|_elapsed| {
                    let why = "the subscriptions are not there in time";
                    Err(ClusterError::Unavailable(why.to_owned()))
                })?;
                counts = count().await?;
            }
            Ok(counts.into_iter().flatten().map(|(_, count)| count).sum())
        });
        Box::pin(async move { counted.await.unwrap_or_else(|| Err(stopped())) })
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
        let asked = self.ask_all::<Vec<String>>(command, None);
        Box::pin(async move { Ok(asked.await?.into_iter().flatten().collect()) })
    }

    /// Asks the server that has a slot, or all.
    fn ask_all<T>(&self, command: Cmd, slot: Option<u16>) -> BoxFuture<Result<Vec<T>, ClusterError>>
    where
        T: FromRedisValue + Send + 'static,
    {
        let link = self.clone();
        let asked = Remote::spawn(&self.runtime, async move { link.answers(&command, slot).await });
        Box::pin(async move { asked.await.unwrap_or_else(|| Err(stopped())) })
    }

    async fn answers<T>(&self, command: &Cmd, slot: Option<u16>) -> Result<Vec<T>, ClusterError>
    where
        T: FromRedisValue + Send + 'static,
    {
        let queries = match &self.cluster {
            None => vec![self.trunk.queries.clone()],
            Some(cluster) => cluster.queries(slot).await?,
        };
        try_join_all(queries.iter().map(|queries| queries.answer(command))).await
    }

    fn hears_something(&self) -> bool {
        self.cluster.is_some() || self.trunk.subscriber.is_used()
    }

    /// Is ready when all that was opened so far is heard; on the thread of the connections.
    fn heard(&self) -> BoxFuture<Result<(), ClusterError>> {
        match self.cluster.clone() {
            None => self.trunk.subscriber.ready(),
            Some(cluster) => Box::pin(async move { cluster.ready().await }),
        }
    }

    /// Is ready when all that was opened so far is heard.
    pub(crate) fn ready(&self) -> BoxFuture<Result<(), ClusterError>> {
        let ready = Remote::spawn(&self.runtime, self.heard());
        Box::pin(async move { ready.await.unwrap_or_else(|| Err(stopped())) })
    }

    /// Sends what is queued, then hears nothing any more; bounded in time.
    pub(crate) async fn stop(&self) {
        let trunks = match &self.cluster {
            None => vec![self.trunk.clone()],
            Some(cluster) => cluster.trunks(),
        };
        join_all(trunks.iter().map(|trunk| trunk.publisher.flush(LAST_WORDS))).await;
        join_all(trunks.iter().map(|trunk| trunk.subscriber.close_all(LAST_WORDS))).await;
    }
}
