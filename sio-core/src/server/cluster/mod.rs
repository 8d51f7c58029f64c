//! A server as a node of a cluster: what it tells the others, and what they tell it.
//!
//! What is said to sockets reaches this node's own sockets as if there were no others, at once; the adapter
//! gets it afterwards and never makes anybody wait. `node` takes in what others say and does with it what a
//! local caller would do; `answers` is what they are told when they ask. `requests` and `waiting` are for
//! what this node asks: `fetch`, `acks`, and events for the nodes themselves.
//! `changes` tells the adapter in order which namespaces and rooms there are, `log` is for what nodes share.
//!
//! The adapter is code of another crate: it is called while nothing is borrowed or locked, and a panic of it
//! ends that call only.

mod acks;
mod answers;
mod changes;
mod fetch;
mod log;
mod node;
mod requests;
mod waiting;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::FutureExt as _;

use crate::cluster::{Adapter, AdapterStats, BoxFuture, ClusterError, Data, Message, Response};
use crate::handler::EncodedArgs;
use crate::limits::Limits;
use crate::packet;
use crate::shown::Shown;
use crate::sid::{SID_BYTES, SidSource};

use super::hub::Hub;

pub(super) use acks::ask_everywhere;
pub(crate) use changes::Change;
pub(super) use changes::Changes;
pub use fetch::FetchError;
pub(super) use node::{HubNode, read_event};
use requests::Requests;
pub(super) use waiting::ask_each;

/// What a node has done since its start; see [`Io::cluster_stats`](super::Io::cluster_stats).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ClusterStats {
    /// What the adapter counts.
    pub adapter: AdapterStats,
    /// Messages of other nodes that made no sense to this one.
    pub garbage: u64,
    /// Messages of other nodes that were not delivered here because a worker's queue was full, or too many
    /// server-side events waited.
    pub lost: u64,
    /// Requests that wait for answers of other nodes at this moment.
    pub pending_requests: usize,
}

/// What is counted and, seldom, logged.
#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Counter {
    /// Counts one more; `true`: the log should say so. That gets rarer as they get more.
    fn add(&self) -> bool {
        (self.0.fetch_add(1, Ordering::Relaxed) + 1).is_power_of_two()
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What connects a server with others.
pub(crate) struct Cluster {
    id: Box<str>,
    adapter: Arc<dyn Adapter>,
    watches_rooms: bool,
    has_log: bool,
    changes: Changes,
    /// The adapter is told nothing more.
    left: AtomicBool,
    garbage: Counter,
    lost: Counter,
    requests: Requests,
}

impl Cluster {
    pub(super) fn new(adapter: Arc<dyn Adapter>, sids: &dyn SidSource, limits: &Limits) -> Self {
        let watches_rooms = adapter.watches_rooms();
        let has_log = adapter.event_log().is_some();
        Self {
            id: hex(sids).into(),
            adapter,
            watches_rooms,
            has_log,
            changes: Changes::default(),
            left: AtomicBool::new(false),
            garbage: Counter::default(),
            lost: Counter::default(),
            requests: Requests::new(limits),
        }
    }

    /// The id of this node.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The adapter wants to know which rooms have members.
    pub(super) const fn watches_rooms(&self) -> bool {
        self.watches_rooms
    }

    /// Starts the adapter; it hears of the namespaces that are there by then.
    pub(super) fn start(&self, hub: &Arc<Hub>) {
        self.call(|adapter| adapter.start(Arc::new(HubNode::new(hub, &self.id))));
        self.changes.begin(|change| self.tell(change));
    }

    /// Calls the adapter unless this node has left the cluster; a panic there is no result.
    fn call<R>(&self, call: impl FnOnce(&dyn Adapter) -> R) -> Option<R> {
        if self.has_left() {
            return None;
        }
        let called = catch_unwind(AssertUnwindSafe(|| call(&*self.adapter)));
        called.inspect_err(|_panic| tracing::error!("the adapter panicked")).ok()
    }

    /// The adapter is to hear of a change, by [`Self::tell_changes`]. May be called under locks: what is
    /// noted under one lock is told in that order.
    pub(super) fn note(&self, change: Change) {
        let is_room = matches!(change, Change::OpenRoom { .. } | Change::CloseRoom { .. });
        if self.watches_rooms || !is_room {
            self.changes.add(change);
        }
    }

    /// Tells the adapter what was noted; to be called where nothing is locked.
    pub(super) fn tell_changes(&self) {
        self.changes.tell(|change| self.tell(change));
    }

    fn tell(&self, change: Change) {
        self.call(|adapter| match change {
            Change::Open(namespace) => adapter.open(&namespace),
            Change::Close(namespace) => adapter.close(&namespace),
            Change::OpenRoom { namespace, room, own } => adapter.open_room(&namespace, &room, own),
            Change::CloseRoom { namespace, room, own } => {
                adapter.close_room(&namespace, &room, own);
            }
        });
    }

    /// Tells the other nodes.
    pub(super) fn publish(&self, namespace: &str, message: Message) {
        self.call(|adapter| adapter.publish(namespace, message));
    }

    /// Answers another node.
    pub(super) fn respond(&self, namespace: &str, to: &str, response: Response) {
        self.call(|adapter| adapter.respond(namespace, to, response));
    }

    /// The adapter is told nothing more.
    fn has_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }

    /// A message of another node makes no sense.
    pub(super) fn count_garbage(&self, namespace: &str, why: &dyn std::fmt::Display) {
        if self.garbage.add() {
            let so_far = self.garbage.get();
            let namespace = Shown(namespace);
            tracing::warn!(%why, %namespace, so_far, "what another node said makes no sense");
        }
    }

    /// A message of another node came while as many waited as may.
    pub(super) fn count_lost(&self, namespace: &str) {
        if self.lost.add() {
            let so_far = self.lost.get();
            tracing::warn!(
                namespace = %Shown(namespace),
                so_far,
                "too much waits for a worker; another node's message is lost"
            );
        }
    }

    pub(super) async fn ready(&self) -> Result<(), ClusterError> {
        self.wait(|adapter| adapter.ready()).await
    }

    /// Sends what is queued and ends the adapter, once.
    pub(super) async fn leave(&self) {
        if self.left.swap(true, Ordering::AcqRel) {
            return;
        }
        let stopped = AssertUnwindSafe(async { self.adapter.stop().await });
        if stopped.catch_unwind().await.is_err() {
            tracing::error!("the adapter panicked");
        }
    }

    /// Waits for something that the adapter has to find out.
    async fn wait<T>(
        &self,
        begin: impl FnOnce(&dyn Adapter) -> BoxFuture<Result<T, ClusterError>>,
    ) -> Result<T, ClusterError> {
        let Some(found) = self.call(begin) else {
            return Err(ClusterError::Unavailable(
                "this node is in no cluster any more".to_owned(),
            ));
        };
        AssertUnwindSafe(found).catch_unwind().await.unwrap_or_else(|_panic| {
            tracing::error!("the adapter panicked");
            Err(ClusterError::Unavailable("the adapter failed".to_owned()))
        })
    }

    /// Something that changes whenever this node is cut off from others, or comes back.
    fn ties(&self) -> (u64, bool) {
        let stats = self.call(|adapter| adapter.stats()).unwrap_or_default();
        (stats.reconnects, stats.connected)
    }

    pub(super) fn stats(&self) -> ClusterStats {
        let adapter = catch_unwind(AssertUnwindSafe(|| self.adapter.stats())).unwrap_or_default();
        ClusterStats {
            adapter,
            garbage: self.garbage.get(),
            lost: self.lost.get(),
            pending_requests: self.requests.len(),
        }
    }
}

/// An event as nodes say it to each other.
pub(super) fn event_data(event: &str, args: &EncodedArgs) -> Data {
    let mut json = Vec::with_capacity(args.json().len() + event.len() + 4);
    json.push(b'[');
    // Text always has a form in JSON.
    let _infallible = packet::write_string(&mut json, event);
    json.extend_from_slice(args.json());
    json.push(b']');
    let json = String::from_utf8_lossy(&json).into();
    Data { json, attachments: args.attachments().to_vec() }
}

/// 16 lower-case hexadecimal digits: the shape of the reference's ids of nodes and requests.
pub(super) fn hex(sids: &dyn SidSource) -> String {
    use std::fmt::Write as _;

    let mut random = [0; SID_BYTES];
    sids.fill(&mut random);
    let mut text = String::with_capacity(16);
    for byte in random.iter().take(8) {
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}
