//! What all threads of a server share: configuration, namespaces, the home of every session.

mod addresses;
mod namespaces;
mod session;

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::budget::Budget;
use crate::cluster::Adapter;
use crate::engine::EngineConfig;
use crate::handler::{EncodedArgs, ErrorAck, EventError, Rules};
use crate::limits::{Limit, LimitCounts, Limits, SendPolicy};
use crate::mux::attachments::AttachmentLimits;
use crate::packet::DecodeLimits;
use crate::parser::Parser;
use crate::sid::SidSource;
use crate::sync::RwLock;

use super::builder::ServerConfig;
use super::bus::{Broadcast, Bus, Message, QueueFull, Selection};
use super::cluster::{Change, Cluster};
use super::handshake::Handshake;
use super::hints::Hints;
use super::io::Io;
use super::namespace::ConnectScope;
use super::observer::{Observer, Watch};
use super::raw::EngineHandler;
use super::recovery::{Keeper, Log};
use super::room_events::{RoomHook, RoomWatch};
use super::spans::SessionSpanHook;
use super::worker::Worker;
use addresses::Addresses;
pub use addresses::network;
use namespaces::Namespaces;

pub(crate) use namespaces::{Candidate, Dynamic, Entrance, Known};
use session::Listed;
pub use session::SessionHandle;

/// Maps of the session table; a power of two well above the number of cores.
const SHARDS: usize = 32;

/// Called with each namespace that is created at run time.
pub(crate) type NewNamespaceHook = dyn Fn(&str) + Send + Sync;

/// Makes what a client is told of an error; with the event's name if no ack tells it.
pub(crate) type ErrorAnswer = dyn Fn(&EventError, Option<&str>) -> serde_json::Value + Send + Sync;

/// Values of the application, one per type.
pub(crate) type DataMap = HashMap<TypeId, Box<dyn Any + Send + Sync>>;

/// What a server is made of besides its options.
#[derive(Default)]
pub(crate) struct HubParts {
    pub(crate) new_namespace: Option<Box<NewNamespaceHook>>,
    pub(crate) room_event: Option<Box<RoomHook>>,
    pub(crate) raw: Option<Box<dyn EngineHandler>>,
    pub(crate) parser: Option<Box<dyn Parser>>,
    pub(crate) global: Rules,
    pub(crate) global_connect: Option<Arc<ConnectScope>>,
    pub(crate) data: DataMap,
    pub(crate) extension: Option<Arc<dyn Any + Send + Sync>>,
    pub(crate) error_answer: Option<Box<ErrorAnswer>>,
    pub(crate) adapter: Option<Arc<dyn Adapter>>,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    pub(crate) session_span: Option<Box<SessionSpanHook>>,
}

type Shard = Mutex<HashSet<Listed, ahash::RandomState>>;

/// The shared part of a server.
pub struct Hub {
    id: u64,
    pub(crate) config: ServerConfig,
    pub(crate) engine: Arc<EngineConfig>,
    pub(crate) decode_limits: DecodeLimits,
    pub(crate) attachment_limits: AttachmentLimits,
    pub(crate) sids: Box<dyn SidSource>,
    pub(crate) bus: Bus,
    /// Those who are told what happens.
    pub(crate) watch: Watch,
    /// How often each bound was reached.
    pub(crate) reached: Arc<LimitCounts>,
    /// What all clients have sent and not finished.
    pub(super) input: Arc<Budget>,
    /// What recovers sockets, if the server does.
    pub(crate) keeper: Option<Keeper>,
    hasher: ahash::RandomState,
    sessions: Vec<Shard>,
    session_count: AtomicUsize,
    addresses: Addresses,
    namespaces: RwLock<Namespaces>,
    next_namespace: AtomicU64,
    /// The log has said that clients have made many.
    many_namespaces: AtomicBool,
    new_namespace: Option<Box<NewNamespaceHook>>,
    /// Counts members of rooms, if the adapter or a hook wants to know of rooms.
    pub(crate) rooms: Option<RoomWatch>,
    /// What connects this server with others, if there may be some.
    pub(crate) cluster: Option<Cluster>,
    /// Events of other servers whose handlers have not finished.
    pub(super) node_events: Arc<AtomicUsize>,
    /// The log has said that there are no other nodes.
    alone: AtomicBool,
    /// What applies to every namespace.
    global: Rules,
    pub(crate) global_connect: Option<Arc<ConnectScope>>,
    data: DataMap,
    extension: Option<Arc<dyn Any + Send + Sync>>,
    closing: AtomicBool,
    draining: AtomicBool,
    error_answer: Option<Box<ErrorAnswer>>,
    pub(super) raw: Option<Box<dyn EngineHandler>>,
    /// `None`: the default one, which is wired in.
    pub(super) parser: Option<Box<dyn Parser>>,
    /// Is shown the span of each session.
    pub(super) session_span: Option<Box<SessionSpanHook>>,
    /// Names that developers have mistyped.
    pub(super) hints: Hints,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub")
            .field("id", &self.id)
            .field("workers", &self.bus.workers())
            .field("sessions", &self.session_count())
            .finish_non_exhaustive()
    }
}

impl Hub {
    pub(crate) fn new(config: ServerConfig, sids: Box<dyn SidSource>, parts: HubParts) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        let limits = &config.limits;
        let cluster = parts.adapter.map(|adapter| Cluster::new(adapter, &*sids, limits));
        let watch = Watch::new(parts.observers);
        let watches_rooms = cluster.as_ref().is_some_and(Cluster::watches_rooms);
        let reached = Arc::<LimitCounts>::default();
        Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            engine: Arc::new(config.engine.clone()),
            decode_limits: DecodeLimits {
                max_attachments: limits.max_attachments,
                max_namespace_len: limits.max_namespace_len,
                max_depth: limits.max_json_depth,
            },
            attachment_limits: AttachmentLimits {
                max_bytes: limits.max_binary_packet,
                timeout: limits.attachment_timeout,
            },
            input: Budget::new(limits.max_pending_input),
            bus: Bus::new(limits.max_worker_queue, limits.max_worker_queue_bytes)
                .counting(Arc::clone(&reached)),
            keeper: config.recovery.clone().map(|recovery| {
                let engine = &config.engine;
                Keeper::new(
                    recovery,
                    limits,
                    engine.ping_interval.saturating_add(engine.ping_timeout),
                    Arc::clone(&reached),
                )
            }),
            rooms: (parts.room_event.is_some() || watches_rooms || watch.interest().rooms).then(
                || {
                    let (max, reached) = (limits.max_room_events, Arc::clone(&reached));
                    RoomWatch::new(parts.room_event, watch.interest().rooms, max, reached)
                },
            ),
            watch,
            reached,
            cluster,
            sids,
            hasher: ahash::RandomState::default(),
            sessions: (0..SHARDS).map(|_| Shard::default()).collect(),
            session_count: AtomicUsize::new(0),
            addresses: Addresses::new(limits.max_connections_per_ip),
            namespaces: RwLock::default(),
            next_namespace: AtomicU64::new(0),
            many_namespaces: AtomicBool::new(false),
            new_namespace: parts.new_namespace,
            node_events: Arc::default(),
            alone: AtomicBool::new(false),
            global: parts.global,
            global_connect: parts.global_connect,
            data: parts.data,
            extension: parts.extension,
            closing: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            raw: parts.raw,
            parser: parts.parser,
            error_answer: parts.error_answer,
            session_span: parts.session_span,
            hints: Hints::default(),
            config,
        }
    }

    /// Number of this server in the process.
    pub(crate) const fn id(&self) -> u64 {
        self.id
    }

    /// Bounds on what a peer can cause.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.config.limits
    }

    /// Counts that a bound has stopped somebody; for carriers as well, which have bounds of their own.
    pub fn count_limit(&self, limit: Limit) {
        self.reached.count(limit);
    }

    /// How often each bound has stopped somebody.
    #[must_use]
    pub fn limits_reached(&self) -> &LimitCounts {
        &self.reached
    }

    /// What all clients have sent and not finished; a carrier charges what it holds itself.
    #[must_use]
    pub const fn pending_input(&self) -> &Arc<Budget> {
        &self.input
    }

    /// Options of the Engine.IO layer.
    #[must_use]
    pub fn engine_config(&self) -> &EngineConfig {
        &self.engine
    }

    // ---- sessions -------------------------------------------------------------------------------

    fn shard(&self, sid: &str) -> Option<&Shard> {
        let hash = self.hasher.hash_one(sid);
        self.sessions.get(usize::try_from(hash % SHARDS as u64).unwrap_or(0))
    }

    /// The session with an id.
    #[must_use]
    pub fn session(&self, sid: &str) -> Option<Arc<SessionHandle>> {
        let shard = self.shard(sid)?.lock().unwrap_or_else(PoisonError::into_inner);
        shard.get(sid).map(|listed| Arc::clone(&listed.0))
    }

    /// `false`: another session has the id.
    pub(crate) fn add_session(&self, handle: &Arc<SessionHandle>) -> bool {
        let Some(shard) = self.shard(handle.sid.as_str()) else { return false };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is there already stays.
        shard.insert(Listed(Arc::clone(handle)))
    }

    /// A name for something secret, of which the secret cannot be told.
    pub(crate) fn alias(&self, secret: &str) -> String {
        format!("{:016x}", self.hasher.hash_one(secret))
    }

    /// Counts a session that opens; `false`: there are as many as may be.
    pub(crate) fn admit(&self, handshake: &Handshake) -> bool {
        let max = self.config.limits.max_connections;
        let taken = self.session_count.fetch_add(1, Ordering::Relaxed);
        let reached = if max > 0 && taken >= max {
            Limit::MaxConnections
        } else if !self.addresses.admit(handshake.address()) {
            Limit::MaxConnectionsPerIp
        } else {
            return true;
        };
        self.count_limit(reached);
        self.session_count.fetch_sub(1, Ordering::Relaxed);
        false
    }

    /// Counts a session that was admitted and is no more, or never was.
    pub(crate) fn dismiss(&self, handshake: &Handshake) {
        self.session_count.fetch_sub(1, Ordering::Relaxed);
        self.addresses.release(handshake.address());
    }

    pub(crate) fn remove_session(&self, handle: &SessionHandle) {
        handle.end();
        let Some(shard) = self.shard(handle.sid.as_str()) else { return };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let is_this = |known: &Listed| std::ptr::eq(Arc::as_ptr(&known.0), handle);
        if shard.get(handle.sid.as_str()).is_some_and(is_this) {
            shard.remove(handle.sid.as_str());
            drop(shard);
            self.dismiss(handle.handshake());
        }
    }

    /// Sessions that are open.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.session_count.load(Ordering::Relaxed)
    }

    /// Packets are written as text, and events and acks may be written in place.
    pub(crate) const fn has_default_parser(&self) -> bool {
        self.parser.is_none()
    }

    /// Events may be written in place, because none is dropped for want of room but as a whole.
    pub(crate) fn writes_in_place(&self) -> bool {
        self.has_default_parser() && self.engine.send_policy == SendPolicy::Disconnect
    }

    // ---- application data -----------------------------------------------------------------------

    pub(crate) fn data<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.data.get(&TypeId::of::<T>())?.downcast_ref()
    }

    /// Whatever the carrier keeps with its server.
    #[must_use]
    pub fn extension(&self) -> Option<&Arc<dyn Any + Send + Sync>> {
        self.extension.as_ref()
    }

    /// What applies to every namespace.
    pub(crate) const fn global(&self) -> &Rules {
        &self.global
    }

    /// Tells the adapter and the hook for rooms what has happened to them; to be called where nothing is
    /// locked.
    #[inline]
    pub(crate) fn tell_rooms(&self) {
        if let Some(watch) = &self.rooms {
            self.tell_cluster();
            watch.tell(&self.watch);
        }
    }

    /// The adapter is to hear of a change of the namespaces, when nothing is locked any more.
    fn note_change(&self, change: Change) {
        if let Some(cluster) = &self.cluster {
            cluster.note(change);
        }
    }

    /// Tells the adapter which namespaces and rooms there are; to be called where nothing is locked.
    fn tell_cluster(&self) {
        if let Some(cluster) = &self.cluster {
            cluster.tell_changes();
        }
    }

    /// `true` once: the log has to say that there are no other nodes.
    pub(crate) fn stands_alone(&self) -> bool {
        !self.alone.swap(true, Ordering::Relaxed)
    }

    /// The log of a new namespace, if the server recovers sockets.
    fn new_log(&self) -> Option<Log> {
        let shared = self.cluster.as_ref().is_some_and(Cluster::has_log);
        Some(self.keeper.as_ref()?.new_log(shared, &*self.sids))
    }

    // ---- all workers ----------------------------------------------------------------------------

    /// Delivers to this thread's sockets at once and tells the other workers, once each.
    pub(crate) fn broadcast(self: &Arc<Self>, broadcast: &Arc<Broadcast>) -> Result<(), QueueFull> {
        let here = Worker::current(self);
        match here.filter(|worker| !worker.is_behind()) {
            Some(worker) if self.bus.workers() <= 1 => worker.deliver(broadcast, None),
            Some(worker) => {
                let message = || Message::Broadcast(Arc::clone(broadcast));
                let number = self.bus.publish(Some(worker.index()), message)?;
                worker.deliver(broadcast, Some(number));
            }
            None => {
                self.bus.publish(None, || Message::Broadcast(Arc::clone(broadcast)))?;
            }
        }
        Ok(())
    }

    pub(crate) fn select(self: &Arc<Self>, selection: &Arc<Selection>) -> Result<(), QueueFull> {
        let here = Worker::current(self).filter(|worker| !worker.is_behind());
        let number = self.bus.publish(here.as_ref().map(|w| w.index()), || {
            Message::Selection(Arc::clone(selection))
        })?;
        if let Some(worker) = &here {
            worker.apply_selection(selection, Some(number));
        }
        Ok(())
    }

    /// All sessions are being ended, or were.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// The server takes no new sessions.
    pub(crate) fn refuses_sessions(&self) -> bool {
        self.draining.load(Ordering::Acquire) || self.is_closing()
    }

    pub(crate) fn refuse_sessions(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// The one argument of an ack that reports an error.
    pub(crate) fn error_ack(&self, error: &EventError) -> EncodedArgs {
        let made = match &self.error_answer {
            None => EncodedArgs::encode(&ErrorAck { error: error.for_client(None) }),
            Some(answer) => EncodedArgs::encode(&(own_answer(answer, error, None),)),
        };
        made.unwrap_or_default()
    }

    /// The one argument of the event that reports an error nobody waits for.
    pub(crate) fn exception(&self, error: &EventError, event: &str) -> EncodedArgs {
        let made = match &self.error_answer {
            None => EncodedArgs::encode(&(error.for_client(Some(event)),)),
            Some(answer) => EncodedArgs::encode(&(own_answer(answer, error, Some(event)),)),
        };
        made.unwrap_or_default()
    }

    /// Ends all sessions with `server shutting down` and refuses new ones.
    pub(crate) fn close(self: &Arc<Self>) {
        if self.closing.swap(true, Ordering::AcqRel) {
            return;
        }
        self.forget_everything();
        self.tell_all_workers(|| Message::Shutdown, Worker::shut_down);
    }

    /// Ends one part of the sessions, of so many, and refuses new ones. Sessions that move meanwhile may be
    /// missed: [`Self::close`] ends what is left.
    pub(crate) fn close_part(self: &Arc<Self>, part: usize, of: usize) {
        self.refuse_sessions();
        let message = || Message::ShutdownPart(part, of);
        self.tell_all_workers(message, |worker| worker.shut_down_part(part, of));
    }

    fn tell_all_workers(self: &Arc<Self>, message: impl Fn() -> Message, here: impl Fn(&Worker)) {
        let current = Worker::current(self);
        for worker in 0..self.bus.registered() {
            if current.as_ref().is_none_or(|current| current.index() != worker) {
                // A worker that has stopped has no sessions.
                let _stopped = self.bus.send(worker, message());
            }
        }
        if let Some(worker) = current {
            here(&worker);
        }
    }

    /// Lets this thread's worker, if there is one, handle what others sent; see [`Worker::catch_up`].
    pub fn catch_up(&self) {
        if let Some(worker) = Worker::current(self) {
            worker.catch_up();
        }
    }

    /// The handle of the server.
    #[must_use]
    pub fn io(self: &Arc<Self>) -> Io {
        Io::from_hub(Arc::clone(self))
    }
}

/// The application's form of an error; a panic there is an error without a form.
fn own_answer(answer: &ErrorAnswer, error: &EventError, event: Option<&str>) -> serde_json::Value {
    catch_unwind(AssertUnwindSafe(|| answer(error, event))).unwrap_or_else(|_panic| {
        tracing::error!("the form of an error panicked");
        serde_json::Value::Null
    })
}
