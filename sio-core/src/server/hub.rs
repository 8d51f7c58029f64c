//! What all threads of a server share: configuration, namespaces, the home of every session.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use futures_channel::oneshot;

use crate::engine::EngineConfig;
use crate::limits::Limits;
use crate::mux::attachments::AttachmentLimits;
use crate::packet::DecodeLimits;
use crate::sid::{Sid, SidSource};

use super::builder::ServerConfig;
use super::bus::{Broadcast, Bus, Message, QueueFull, Selection};
use super::handshake::Handshake;
use super::io::Io;
use super::namespace::{Namespace, NamespaceBuilder, normalize};
use super::raw::EngineHandler;
use super::worker::Worker;

/// Maps of the session table; a power of two well above the number of cores.
const SHARDS: usize = 32;

/// Called with each namespace that is created at run time.
pub(crate) type NewNamespaceHook = dyn Fn(&str) + Send + Sync;

/// The shared half of a session: where it lives, and what requests of any thread need to know.
#[derive(Debug)]
pub struct SessionHandle {
    sid: Sid,
    handshake: Arc<Handshake>,
    /// Index of the worker that owns the session; changed only under the bus lock.
    home: AtomicUsize,
    /// Messages from this number on belong to the worker it moves to.
    leaves_at: AtomicU64,
    /// Key of the session on its home worker.
    pub(super) slot: AtomicUsize,
    /// A WebSocket carries the session, or tries to.
    websocket: AtomicBool,
    ended: AtomicBool,
    push: Mutex<Option<oneshot::Sender<()>>>,
}

impl SessionHandle {
    pub(crate) fn new(sid: Sid, handshake: Arc<Handshake>, home: usize, websocket: bool) -> Self {
        Self {
            sid,
            handshake,
            home: AtomicUsize::new(home),
            leaves_at: AtomicU64::new(u64::MAX),
            slot: AtomicUsize::new(usize::MAX),
            websocket: AtomicBool::new(websocket),
            ended: AtomicBool::new(false),
            push: Mutex::new(None),
        }
    }

    /// The session id, the client's secret.
    #[must_use]
    pub const fn sid(&self) -> &Sid {
        &self.sid
    }

    /// Data of the request that opened the session.
    #[must_use]
    pub const fn handshake(&self) -> &Arc<Handshake> {
        &self.handshake
    }

    pub(crate) fn home(&self) -> usize {
        self.home.load(Ordering::Acquire)
    }

    /// To be called under the bus lock only.
    pub(crate) fn set_home(&self, worker: usize, leaves_at: u64) {
        self.leaves_at.store(leaves_at, Ordering::Release);
        self.home.store(worker, Ordering::Release);
    }

    pub(crate) fn leaves_at(&self) -> u64 {
        self.leaves_at.load(Ordering::Acquire)
    }

    /// The session is on its way to its home.
    pub(crate) fn is_moving(&self) -> bool {
        self.leaves_at() != u64::MAX
    }

    pub(crate) fn arrived(&self) {
        self.leaves_at.store(u64::MAX, Ordering::Release);
    }

    /// Claims the session for a WebSocket; `false` if another one has it.
    #[must_use]
    pub fn claim_websocket(&self) -> bool {
        !self.websocket.swap(true, Ordering::AcqRel)
    }

    /// The WebSocket failed before the upgrade; another may try.
    pub(crate) fn release_websocket(&self) {
        self.websocket.store(false, Ordering::Release);
    }

    /// The session is over.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.end_push();
    }

    /// Claims the session for a push; the receiver resolves when the session ends meanwhile.
    /// `None`: another push is being received.
    #[must_use]
    pub fn begin_push(&self) -> Option<oneshot::Receiver<()>> {
        let mut push = self.push.lock().unwrap_or_else(PoisonError::into_inner);
        if push.is_some() {
            return None;
        }
        let (ended, receiver) = oneshot::channel();
        if !self.has_ended() {
            *push = Some(ended);
        }
        Some(receiver)
    }

    /// The push was received, or given up.
    pub fn end_push(&self) {
        let ended = self.push.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(ended);
    }
}

type Shard = Mutex<HashMap<Sid, Arc<SessionHandle>, ahash::RandomState>>;

/// The shared part of a server.
pub struct Hub {
    id: u64,
    pub(crate) config: ServerConfig,
    pub(crate) engine: Arc<EngineConfig>,
    pub(crate) decode_limits: DecodeLimits,
    pub(crate) attachment_limits: AttachmentLimits,
    pub(crate) sids: Box<dyn SidSource>,
    pub(crate) bus: Bus,
    hasher: ahash::RandomState,
    sessions: Vec<Shard>,
    session_count: AtomicUsize,
    namespaces: RwLock<HashMap<Arc<str>, Arc<Namespace>, ahash::RandomState>>,
    new_namespace: Option<Box<NewNamespaceHook>>,
    closing: AtomicBool,
    pub(super) raw: Option<Box<dyn EngineHandler>>,
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
    pub(crate) fn new(
        config: ServerConfig,
        sids: Box<dyn SidSource>,
        new_namespace: Option<Box<NewNamespaceHook>>,
        raw: Option<Box<dyn EngineHandler>>,
    ) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        let limits = &config.limits;
        Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            engine: Arc::new(config.engine.clone()),
            decode_limits: DecodeLimits {
                max_attachments: limits.max_attachments,
                max_namespace_len: limits.max_namespace_len,
            },
            attachment_limits: AttachmentLimits {
                max_bytes: limits.max_binary_packet,
                timeout: limits.attachment_timeout,
            },
            bus: Bus::new(limits.max_worker_queue, limits.max_worker_queue_bytes),
            config,
            sids,
            hasher: ahash::RandomState::default(),
            sessions: (0..SHARDS).map(|_| Shard::default()).collect(),
            session_count: AtomicUsize::new(0),
            namespaces: RwLock::default(),
            new_namespace,
            closing: AtomicBool::new(false),
            raw,
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
        self.shard(sid)?.lock().unwrap_or_else(PoisonError::into_inner).get(sid).cloned()
    }

    pub(crate) fn add_session(&self, handle: Arc<SessionHandle>) {
        if let Some(shard) = self.shard(handle.sid.as_str()) {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            if shard.insert(handle.sid.clone(), handle).is_none() {
                self.session_count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn remove_session(&self, handle: &SessionHandle) {
        handle.end();
        if let Some(shard) = self.shard(handle.sid.as_str()) {
            let removed = shard.lock().unwrap_or_else(PoisonError::into_inner).remove(&handle.sid);
            if removed.is_some() {
                self.session_count.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// Sessions that are open.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.session_count.load(Ordering::Relaxed)
    }

    // ---- namespaces -----------------------------------------------------------------------------

    pub(crate) fn namespace(&self, path: &str) -> Option<Arc<Namespace>> {
        self.namespaces.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    /// Adds a namespace, or handlers to one that exists.
    pub(crate) fn add_namespace(&self, path: &str, builder: NamespaceBuilder) -> Arc<Namespace> {
        let path = normalize(path);
        let (namespace, created) = {
            let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
            match namespaces.get(&*path) {
                Some(known) => (Arc::clone(known), false),
                None => {
                    let path: Arc<str> = path.as_ref().into();
                    let namespace = Arc::new(Namespace::new(Arc::clone(&path), namespaces.len()));
                    namespaces.insert(path, Arc::clone(&namespace));
                    (namespace, true)
                }
            }
        };
        namespace.add_handlers(builder);
        if created
            && namespace.path() != "/"
            && let Some(hook) = &self.new_namespace
        {
            hook(namespace.path());
        }
        namespace
    }

    pub(crate) fn namespaces(&self) -> Vec<Arc<Namespace>> {
        let namespaces = self.namespaces.read().unwrap_or_else(PoisonError::into_inner);
        namespaces.values().cloned().collect()
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

    pub(crate) fn select(self: &Arc<Self>, selection: Selection) -> Result<(), QueueFull> {
        let selection = Arc::new(selection);
        let here = Worker::current(self).filter(|worker| !worker.is_behind());
        let number = self.bus.publish(here.as_ref().map(|w| w.index()), || {
            Message::Selection(Arc::clone(&selection))
        })?;
        if let Some(worker) = &here {
            worker.apply_selection(&selection, Some(number));
        }
        Ok(())
    }

    /// The server takes no new sessions.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Ends all sessions with `server shutting down` and refuses new ones.
    pub(crate) fn close(self: &Arc<Self>) {
        if self.closing.swap(true, Ordering::AcqRel) {
            return;
        }
        let here = Worker::current(self);
        for worker in 0..self.bus.registered() {
            if here.as_ref().is_none_or(|here| here.index() != worker) {
                // A worker that has stopped has no sessions.
                let _stopped = self.bus.send(worker, Message::Shutdown);
            }
        }
        if let Some(worker) = here {
            worker.shut_down();
        }
    }

    /// Lets this thread's worker, if there is one, handle what others sent; see [`Worker::catch_up`].
    pub fn catch_up(&self) {
        if let Some(worker) = Worker::current(self) {
            worker.catch_up();
        }
    }

    pub(crate) fn io(self: &Arc<Self>) -> Io {
        Io::from_hub(Arc::clone(self))
    }
}
