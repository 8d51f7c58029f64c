//! Subscriptions that come back.
//!
//! Callers say what they want to hear; one task makes it so, and makes it so again on each new connection.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{Pipeline, PushInfo, PushKind, RedisError, RedisResult, Value};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use sio_core::cluster::{BoxFuture, ClusterError};

use super::backoff::Backoff;
use super::guard::Proof;
use super::health::Health;
use super::publisher::ended;
use super::queries::stopped;
use super::server::{Server, ping, poisoned};

/// Names of one command, and commands of one batch.
const BATCH: usize = 512;

/// Something to hear.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Topic {
    /// All channels whose names fit.
    Pattern(Box<str>),
    /// One channel.
    Channel(Box<str>),
    /// One channel that belongs to a shard.
    Shard(Box<str>),
}

impl Topic {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Pattern(name) | Self::Channel(name) | Self::Shard(name) => name,
        }
    }
}

/// What was heard.
#[derive(Debug)]
pub(crate) struct Delivery<'a> {
    /// The pattern that fitted.
    pub(crate) pattern: Option<&'a str>,
    /// Where it was said.
    pub(crate) channel: &'a str,
    /// What was said.
    pub(crate) payload: Bytes,
    /// That it is signed, where messages are.
    pub(crate) proof: Option<Proof<'a>>,
}

impl Delivery<'_> {
    /// To be asked once it is known who it is for: `false`: it was taken before, and is counted.
    pub(crate) fn take(&self) -> bool {
        self.proof.as_ref().is_none_or(|proof| proof.take(self.channel))
    }
}

/// Called for all that is heard, in order, on the thread of the connections.
pub(crate) type Hear = Arc<dyn Fn(Delivery<'_>) + Send + Sync>;

/// What is to be heard and the task that hears it; copies are the same.
#[derive(Debug, Clone)]
pub(crate) struct Subscriber {
    shared: Arc<Shared>,
}

struct Shared {
    wanted: Mutex<Wanted>,
    wake: Notify,
    /// Up to which change the server has confirmed; `None` without a connection.
    confirmed: watch::Sender<Option<u64>>,
    health: Arc<Health>,
    name: Box<str>,
    task: OnceLock<AbortHandle>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("name", &self.name).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Wanted {
    topics: BTreeSet<Topic>,
    /// What has changed since the task last looked: the state from before is the opposite.
    changed: HashMap<Topic, bool>,
    changes: u64,
    /// Channels of shards that this connection gives up, until the server says so.
    leaving: HashSet<Box<str>>,
}

impl Subscriber {
    /// Nothing yet; `name` is how the connection is called in logs.
    pub(crate) fn new(name: &str, health: Arc<Health>) -> Self {
        let shared = Shared {
            wanted: Mutex::default(),
            wake: Notify::new(),
            confirmed: watch::Sender::new(None),
            health,
            name: name.into(),
            task: OnceLock::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Starts to hear.
    pub(crate) fn start(&self, runtime: &Handle, server: Server, hear: Hear) {
        self.shared.health.begins(&self.shared.name);
        let shared = Arc::clone(&self.shared);
        let task = runtime.spawn(async move { shared.run(&server, &hear).await });
        let _once = self.shared.task.set(task.abort_handle());
    }

    /// Hears nothing any more.
    pub(crate) fn end(&self) {
        if let Some(task) = self.shared.task.get() {
            task.abort();
        }
        self.shared.health.back(&self.shared.name);
    }

    /// Hears these from now on, as soon as can be.
    pub(crate) fn open(&self, topics: impl IntoIterator<Item = Topic>) {
        self.shared.change(topics, true);
    }

    /// Does not hear these any more.
    pub(crate) fn close(&self, topics: impl IntoIterator<Item = Topic>) {
        self.shared.change(topics, false);
    }

    /// Something was to be heard at any time.
    pub(crate) fn is_used(&self) -> bool {
        self.shared.wanted.lock().unwrap_or_else(poisoned).changes > 0
    }

    /// Is ready when the server has confirmed all that was asked for so far.
    pub(crate) fn ready(&self) -> BoxFuture<Result<(), ClusterError>> {
        let changes = self.shared.wanted.lock().unwrap_or_else(poisoned).changes;
        let mut confirmed = self.shared.confirmed.subscribe();
        // Only the state may be waited for, not what it belongs to: that ends when the adapter does.
        Box::pin(async move {
            let done = confirmed.wait_for(|upto| upto.is_some_and(|upto| upto >= changes)).await;
            done.map(drop).map_err(|_ended| stopped())
        })
    }

    /// Closes everything and waits until the server knows, but not longer than `limit`.
    pub(crate) async fn close_all(&self, limit: Duration) {
        let all = self.shared.wanted.lock().unwrap_or_else(poisoned).topics.clone();
        self.close(all);
        let _in_time = tokio::time::timeout(limit, self.ready()).await;
    }
}

impl Shared {
    fn change(&self, topics: impl IntoIterator<Item = Topic>, open: bool) {
        {
            let mut wanted = self.wanted.lock().unwrap_or_else(poisoned);
            for topic in topics {
                wanted.change(topic, open);
            }
        }
        self.wake.notify_one();
    }

    async fn run(self: Arc<Self>, server: &Server, hear: &Hear) {
        let mut backoff = Backoff::new();
        loop {
            let line = Arc::new(Line::new(Arc::clone(hear)));
            let push = {
                let (line, shared) = (Arc::clone(&line), Arc::clone(&self));
                move |info: PushInfo| {
                    shared.take(&line, info);
                    Ok::<(), ()>(())
                }
            };
            let why = match server.connect(push).await {
                Ok(mut connection) => match self.open_all(&mut connection).await {
                    Ok(()) => {
                        self.health.back(&self.name);
                        backoff.reset();
                        self.follow(&mut connection, server, &line).await
                    }
                    Err(why) => why,
                },
                Err(why) => why,
            };
            // What the old connection still holds is not heard beside the new one.
            line.cut.store(true, Ordering::Relaxed);
            self.confirmed.send_replace(None);
            self.health.lost(&self.name, &why);
            backoff.pause().await;
        }
    }

    /// A new connection: subscribes to everything.
    async fn open_all(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        let (topics, changes) = {
            let mut wanted = self.wanted.lock().unwrap_or_else(poisoned);
            wanted.changed.clear();
            wanted.leaving.clear();
            (wanted.topics.clone(), wanted.changes)
        };
        apply(connection, topics.into_iter().map(|topic| (topic, true))).await?;
        self.confirmed.send_replace(Some(changes));
        Ok(())
    }

    /// Follows the wishes until the connection is of no use any more.
    async fn follow(
        &self,
        connection: &mut MultiplexedConnection,
        server: &Server,
        line: &Line,
    ) -> RedisError {
        loop {
            let (changed, changes) = {
                let mut wanted = self.wanted.lock().unwrap_or_else(poisoned);
                (wanted.take_changed(), wanted.changes)
            };
            if !changed.is_empty() {
                // In order of kind and name, so that the same calls make the same commands.
                let mut changed: Vec<_> = changed.into_iter().collect();
                changed.sort_unstable();
                if let Err(why) = apply(connection, changed).await {
                    return why;
                }
            }
            if *self.confirmed.borrow() != Some(changes) {
                self.confirmed.send_replace(Some(changes));
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = line.ended.notified() => return ended(),
                () = tokio::time::sleep(server.timing().idle) => {
                    if let Err(why) = ping(connection).await {
                        return why;
                    }
                }
            }
        }
    }
}

impl Shared {
    fn take(&self, line: &Line, info: PushInfo) {
        if info.kind == PushKind::SUnsubscribe {
            if let Some(Value::BulkString(name)) = info.data.first()
                && let Ok(name) = str::from_utf8(name)
                && self.wanted.lock().unwrap_or_else(poisoned).loses(name)
            {
                // The slot is another master's now.
                line.ended.notify_one();
            }
            return;
        }
        line.take(info, &self.health);
    }
}

impl Wanted {
    /// What is to be told to the server now.
    fn take_changed(&mut self) -> HashMap<Topic, bool> {
        let changed = std::mem::take(&mut self.changed);
        for (topic, open) in &changed {
            if let (Topic::Shard(name), false) = (topic, open) {
                self.leaving.insert(name.clone());
            }
        }
        changed
    }

    /// A channel of a shard is not heard any more; `true`: nobody has asked for that. One that was given up
    /// may be wanted again by now.
    fn loses(&mut self, name: &str) -> bool {
        !self.leaving.remove(name) && self.topics.contains(&Topic::Shard(name.into()))
    }

    fn change(&mut self, topic: Topic, open: bool) {
        let new = match open {
            true => self.topics.insert(topic.clone()),
            false => self.topics.remove(&topic),
        };
        if !new {
            return;
        }
        self.changes += 1;
        // Two changes of one topic are none.
        if self.changed.remove(&topic).is_none() {
            self.changed.insert(topic, open);
        }
    }
}

/// What one connection hears.
struct Line {
    hear: Hear,
    ended: Notify,
    cut: AtomicBool,
}

impl Line {
    fn new(hear: Hear) -> Self {
        Self { hear, ended: Notify::new(), cut: AtomicBool::new(false) }
    }

    fn take(&self, info: PushInfo, health: &Health) {
        if self.cut.load(Ordering::Relaxed) {
            return;
        }
        let with_pattern = match info.kind {
            PushKind::Message | PushKind::SMessage => false,
            PushKind::PMessage => true,
            PushKind::Disconnection => {
                self.ended.notify_one();
                return;
            }
            _ => return,
        };
        let mut parts = info.data.into_iter().map(|part| match part {
            Value::BulkString(bytes) => Some(bytes),
            _ => None,
        });
        let pattern = match with_pattern {
            true => parts.next().flatten(),
            false => None,
        };
        let (Some(Some(channel)), Some(Some(payload))) = (parts.next(), parts.next()) else {
            return;
        };
        // All names that are subscribed to are text; what a pattern lets through need not be.
        let (Ok(channel), Ok(pattern)) =
            (str::from_utf8(&channel), pattern.as_deref().map(str::from_utf8).transpose())
        else {
            health.garbage("?", &"the channel's name is no text");
            return;
        };
        (self.hear)(Delivery { pattern, channel, payload: payload.into(), proof: None });
    }
}

/// Tells the server what to send: all names of a kind in one command, except that channels of shards have one
/// each.
async fn apply(
    connection: &mut MultiplexedConnection,
    changes: impl IntoIterator<Item = (Topic, bool)>,
) -> RedisResult<()> {
    let mut patterns = (Vec::new(), Vec::new());
    let mut channels = (Vec::new(), Vec::new());
    let mut shards = Vec::new();
    for (topic, open) in changes {
        match (topic, open) {
            (Topic::Pattern(name), true) => patterns.0.push(name),
            (Topic::Pattern(name), false) => patterns.1.push(name),
            (Topic::Channel(name), true) => channels.0.push(name),
            (Topic::Channel(name), false) => channels.1.push(name),
            (Topic::Shard(name), open) => shards.push((name, open)),
        }
    }
    for names in patterns.0.chunks(BATCH) {
        connection.psubscribe(texts(names)).await?;
    }
    for names in channels.0.chunks(BATCH) {
        connection.subscribe(texts(names)).await?;
    }
    for names in patterns.1.chunks(BATCH) {
        connection.punsubscribe(texts(names)).await?;
    }
    for names in channels.1.chunks(BATCH) {
        connection.unsubscribe(texts(names)).await?;
    }
    for batch in shards.chunks(BATCH) {
        // One name each: one answer each.
        let mut pipeline = Pipeline::with_capacity(batch.len());
        for (name, open) in batch {
            let command = if *open { "SSUBSCRIBE" } else { "SUNSUBSCRIBE" };
            pipeline.cmd(command).arg(&**name);
        }
        for answer in connection.send_packed_commands(&pipeline, 0, batch.len()).await? {
            answer.extract_error()?;
        }
    }
    Ok(())
}

fn texts(names: &[Box<str>]) -> Vec<&str> {
    names.iter().map(|name| &**name).collect()
}
