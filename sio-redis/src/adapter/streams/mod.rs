//! The streams mode: what all nodes read at their own pace, and channels for questions and answers.
//!
//! Broadcasts without acks, joins, leaves and disconnects are entries of a stream; the rest goes over channels, in
//! the manner of the sharded mode. Nothing orders what is said on both ways. A node that was away reads on where it
//! had stopped.
//!
//! Differs from the reference: local delivery does not wait for Redis, unless an offset is needed, and then for a
//! bounded time; reading begins at the last entry and not with whatever comes after the first read, so that nothing
//! is missed in between; streams with negative numbers, which only are written to there, are read; failed reads are
//! repeated with pauses.
//!
//! Where clients may come back, a stream is the log that all nodes share: `own` follows the entries of this node
//! until they come back, `reader` hands in what is there, `store` keeps the sessions.

mod entries;
mod own;
mod reader;
mod store;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::time::Duration;

use deadpool_redis::redis::Value;
use sio_core::cluster::{
    BoxFuture, ClusterError, EventLog, Message, Node, Offset, Response, RestoredSession,
    SavedSession,
};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::link::{COMMANDS, Command, Health, Link, Remote, poisoned, stopped};
use crate::options::RedisOptions;
use crate::seal::{self, Seen};
use crate::wire::entry::Fields;
use crate::wire::{Malformed, Sender, channel, entry};

use self::entries::Entry;
use self::own::{Own, Ticket};
use self::reader::Reader;
use self::store::Store;
use super::{Carrier, Sharded};

/// Name of the connection that reads, in logs.
const STREAM: &str = "stream";

/// How long the end of an adapter waits for events that are under way.
const LAST_EVENTS: Duration = Duration::from_millis(200);

pub(crate) struct Streams {
    channels: Sharded,
    state: Arc<State>,
    store: Store,
    reader: Mutex<Option<Reader>>,
    is_placed: watch::Receiver<bool>,
}

/// What callers and the thread of the connections share.
struct State {
    link: Link,
    options: RedisOptions,
    node: OnceLock<Arc<dyn Node>>,
    namespaces: RwLock<HashSet<Box<str>>>,
    /// Held while an entry is put into both queues, so that they have one order. Taken before all other locks.
    order: Mutex<()>,
    own: Mutex<Own>,
    /// Signed entries that were read.
    seen: Mutex<Seen>,
    wake: Notify,
}

impl Streams {
    pub(crate) fn new(link: Link, options: &RedisOptions) -> Self {
        let state = Arc::new(State {
            link: link.clone(),
            options: options.clone(),
            node: OnceLock::new(),
            namespaces: RwLock::default(),
            order: Mutex::default(),
            own: Mutex::new(Own::new()),
            seen: Mutex::default(),
            wake: Notify::new(),
        });
        let (reader, is_placed) = Reader::new(Arc::clone(&state));
        Self {
            channels: Sharded::beside_streams(link.clone(), &options.prefix),
            store: Store::new(link, options),
            reader: Mutex::new(Some(reader)),
            state,
            is_placed,
        }
    }
}

impl Carrier for Streams {
    fn start(&self, node: Arc<dyn Node>) {
        let reader = self.reader.lock().unwrap_or_else(poisoned).take();
        let Some(reader) = reader else { return };
        let _first = self.state.node.set(Arc::clone(&node));
        self.channels.start(node);
        let runtime = self.state.link.runtime();
        self.state.health().begins(STREAM);
        runtime.spawn(reader.run());
        let state = Arc::clone(&self.state);
        runtime.spawn(async move { state.give_up_in_time().await });
    }

    fn open(&self, namespace: &str) {
        self.state.namespaces.write().unwrap_or_else(poisoned).insert(namespace.into());
        self.channels.open(namespace);
    }

    fn close(&self, namespace: &str) {
        self.state.namespaces.write().unwrap_or_else(poisoned).remove(namespace);
        self.channels.close(namespace);
    }

    fn publish(&self, namespace: &str, message: Message) {
        let is_entry = matches!(
            message,
            Message::Broadcast { request: None, .. }
                | Message::Join { .. }
                | Message::Leave { .. }
                | Message::Disconnect { .. }
        );
        match is_entry {
            true => self.state.add(namespace, message, false),
            false => self.channels.publish(namespace, message),
        }
    }

    fn respond(&self, namespace: &str, to: &str, response: Response) {
        self.channels.respond(namespace, to, response);
    }

    fn node_count(&self, namespace: &str) -> BoxFuture<Result<usize, ClusterError>> {
        self.channels.node_count(namespace)
    }

    fn nodes(&self, namespace: &str) -> BoxFuture<Result<Vec<String>, ClusterError>> {
        self.channels.nodes(namespace)
    }

    fn link(&self) -> &Link {
        &self.state.link
    }

    fn ready(&self) -> BoxFuture<Result<(), ClusterError>> {
        let channels = self.channels.ready();
        let mut is_placed = self.is_placed.clone();
        Box::pin(async move {
            channels.await?;
            let placed = is_placed.wait_for(|is_placed| *is_placed).await;
            placed.map(drop).map_err(|_ended| stopped())
        })
    }

    fn stop(&self) -> BoxFuture<()> {
        let (state, channels) = (Arc::clone(&self.state), self.channels.stop());
        Box::pin(async move {
            state.settle().await;
            channels.await;
        })
    }

    fn event_log(&self) -> Option<&dyn EventLog> {
        Some(self)
    }
}

impl EventLog for Streams {
    fn append(&self, namespace: &str, message: Message) {
        self.state.add(namespace, message, true);
    }

    fn save(&self, namespace: &str, session: SavedSession, keep: Duration) {
        self.store.save(namespace, &session, keep);
    }

    fn restore(
        &self,
        namespace: &str,
        pid: &str,
        offset: Offset,
    ) -> BoxFuture<Option<RestoredSession>> {
        let (store, namespace, pid) = (self.store.clone(), namespace.to_owned(), pid.to_owned());
        let restoring = async move { store.restore(&namespace, &pid, offset).await };
        let restoring = Remote::spawn(self.state.link.runtime(), restoring);
        Box::pin(async move { restoring.await.flatten() })
    }
}

impl State {
    fn health(&self) -> &Arc<Health> {
        self.link.health()
    }

    fn id(&self) -> &str {
        self.node.get().map_or("", |node| node.id())
    }

    fn recovers(&self) -> bool {
        self.node.get().is_some_and(|node| node.recovers())
    }

    /// Puts an entry into the stream of its namespace. One that is `logged` comes back to the node.
    fn add(self: &Arc<Self>, namespace: &str, message: Message, logged: bool) {
        let options = &self.options;
        let stream = channel::stream(&options.stream_name, options.stream_count, namespace);
        let plain = options.stream_only_plaintext;
        let id = self.id();
        let fields = match entry::encode(Sender::Node(id), namespace, &message, plain) {
            Ok(fields) => fields,
            Err(why) => {
                self.health().unsaid(&stream, &why);
                if logged {
                    let mut own = self.own.lock().unwrap_or_else(poisoned);
                    own.cannot_be_written(namespace, message);
                    drop(own);
                    self.wake.notify_one();
                }
                return;
            }
        };
        let mut command = self.command(&stream, namespace, &fields);
        let _one_at_a_time = self.order.lock().unwrap_or_else(poisoned);
        if logged || self.recovers() {
            let message = logged.then_some(message);
            let is_down = [COMMANDS, STREAM].into_iter().any(|link| self.health().is_down(link));
            let (ticket, wake) = {
                let mut own = self.own.lock().unwrap_or_else(poisoned);
                let digest = own.digest(namespace, fields.kind, &fields.data);
                own.add(
                    namespace,
                    digest,
                    message,
                    Instant::now() + options.stream_offset_wait,
                    is_down,
                )
            };
            if wake {
                self.wake.notify_one();
            }
            let state = Arc::clone(self);
            command =
                command.on_reply(Box::new(move |answer| state.answered(ticket, answer.as_ref())));
        }
        self.link.publisher().push(command);
    }

    fn command(&self, stream: &str, namespace: &str, fields: &Fields) -> Command {
        let (max_len, id) = (self.options.stream_max_len, self.id());
        let bytes = stream.len() + namespace.len() + fields.data.len();
        let Some(guard) = self.link.guard() else {
            let command = entry::command(stream, max_len, id, namespace, fields, None);
            return Command::new(command, bytes);
        };
        // Signed when it is sent: what waits for Redis is not too old then.
        let seal = Arc::clone(guard.seal());
        let [stream, namespace, id] = [stream, namespace, id].map(Box::<str>::from);
        let fields = fields.clone();
        let write = move || entry::command(&stream, max_len, &id, &namespace, &fields, Some(&seal));
        Command::open(write, bytes + seal::OVERHEAD)
    }

    /// The stream has taken an entry, or not.
    fn answered(&self, ticket: Ticket, answer: Option<&Value>) {
        let mut own = self.own.lock().unwrap_or_else(poisoned);
        match answer {
            Some(Value::ServerError(_)) => own.refused(ticket),
            Some(_) => return own.is_late = false,
            None => own.in_doubt(ticket),
        }
        drop(own);
        self.wake.notify_one();
    }

    /// Looks after entries that do not come back in time.
    async fn give_up_in_time(&self) {
        loop {
            let deadline = self.own.lock().unwrap_or_else(poisoned).deadline();
            let is_over = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.wake.notified() => {}
                () = is_over => self.own.lock().unwrap_or_else(poisoned).expire(Instant::now()),
            }
            self.deliver_unlogged();
        }
    }

    /// Hands back what was given up, on the thread of the connections.
    fn deliver_unlogged(&self) {
        let Some(node) = self.node.get() else { return };
        loop {
            let next = self.own.lock().unwrap_or_else(poisoned).next_unlogged();
            let Some((namespace, message)) = next else { return };
            node.receive_unlogged(&namespace, message);
        }
    }

    /// What comes from a stream, in its order, on the thread of the connections.
    fn hear(&self, stream: &str, entry: &Entry) {
        let (Some(node), Some(namespace)) = (self.node.get(), entry.namespace.as_deref()) else {
            return;
        };
        if !self.namespaces.read().unwrap_or_else(poisoned).contains(namespace) {
            return;
        }
        let recovers = node.recovers();
        let is_admitted = {
            let mut seen = self.seen.lock().unwrap_or_else(poisoned);
            entry.is_admitted(self.link.guard(), stream, &mut seen)
        };
        if !is_admitted {
            if recovers {
                node.note_position(namespace, entry.offset);
            }
            return;
        }
        if entry.from == node.id() {
            if recovers {
                self.hear_own(&**node, namespace, entry);
            }
            return;
        }
        match entry.decode().map(entry::Envelope::into_message) {
            Ok(Some(message @ Message::Broadcast { .. })) if recovers => {
                self.health().heard();
                // It is already told that this entry was read.
                return node.receive_logged(namespace, &entry.from, entry.offset, message);
            }
            Ok(Some(message)) => {
                self.health().heard();
                node.receive(namespace, &entry.from, message);
            }
            Ok(None) => {}
            Err(why) => self.garbage(namespace, &why),
        }
        if recovers {
            node.note_position(namespace, entry.offset);
        }
    }

    fn hear_own(&self, node: &dyn Node, namespace: &str, entry: &Entry) {
        let message = {
            let mut own = self.own.lock().unwrap_or_else(poisoned);
            let data = entry.data.as_deref().unwrap_or_default();
            let digest = own.digest(namespace, entry.kind.parse().unwrap_or_default(), data);
            own.take(digest)
        };
        // What was said before and does not come any more goes first.
        self.deliver_unlogged();
        match message {
            Some(message) => node.receive_logged(namespace, node.id(), entry.offset, message),
            None => node.note_position(namespace, entry.offset),
        }
    }

    fn garbage(&self, namespace: &str, why: &Malformed) {
        self.health().garbage(namespace, why);
    }

    /// Waits for what is under way, in bounded time, and gives up the rest.
    async fn settle(&self) {
        let until = Instant::now() + LAST_EVENTS;
        loop {
            let is_done = self.own.lock().unwrap_or_else(poisoned).deadline().is_none();
            if is_done || Instant::now() >= until {
                break;
            }
            tokio::time::sleep(LAST_EVENTS / 40).await;
        }
        self.own.lock().unwrap_or_else(poisoned).give_up_all();
        self.deliver_unlogged();
    }
}
