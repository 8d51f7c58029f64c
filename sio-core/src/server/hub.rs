//! What all threads of a server share: configuration, namespaces, the home of every session.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::Waker;

use futures_channel::oneshot;

use crate::engine::EngineConfig;
use crate::handler::{Fault, Rules};
use crate::limits::Limits;
use crate::mux::attachments::AttachmentLimits;
use crate::packet::DecodeLimits;
use crate::sid::{Sid, SidSource};

use super::builder::ServerConfig;
use super::bus::{Broadcast, Bus, Message, QueueFull, Selection};
use super::handshake::Handshake;
use super::io::Io;
use super::namespace::{ConnectScope, Handlers, Namespace};
use super::pattern::Pattern;
use super::raw::EngineHandler;
use super::registration::NamespaceBuilder;
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
    /// As much waits for the peer as should, as far as other threads know.
    congested: AtomicBool,
    /// Handlers wait for that to change.
    waits_for_room: AtomicBool,
    room_wakers: Mutex<Vec<Waker>>,
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
            congested: AtomicBool::new(false),
            waits_for_room: AtomicBool::new(false),
            room_wakers: Mutex::default(),
        }
    }

    pub(crate) fn is_congested(&self) -> bool {
        self.congested.load(Ordering::Acquire)
    }

    pub(crate) fn someone_waits_for_room(&self) -> bool {
        self.waits_for_room.load(Ordering::Acquire)
    }

    /// Keeps a waker until there is room, or the session ends.
    pub(crate) fn wait_for_room(&self, waker: &Waker) {
        let mut wakers = self.room_wakers.lock().unwrap_or_else(PoisonError::into_inner);
        if !wakers.iter().any(|known| known.will_wake(waker)) {
            wakers.push(waker.clone());
        }
        self.waits_for_room.store(true, Ordering::Release);
    }

    pub(crate) fn set_congested(&self, congested: bool) {
        self.congested.store(congested, Ordering::Release);
        if congested {
            return;
        }
        let wakers = {
            let mut wakers = self.room_wakers.lock().unwrap_or_else(PoisonError::into_inner);
            self.waits_for_room.store(false, Ordering::Release);
            std::mem::take(&mut *wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
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
        self.set_congested(false);
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

/// Makes session ids.
pub(crate) type GenerateId = dyn Fn(&Handshake) -> String + Send + Sync;

/// Values of the application, one per type.
pub(crate) type DataMap = HashMap<TypeId, Box<dyn Any + Send + Sync>>;

/// Namespaces that exist, and those that clients can make.
#[derive(Default)]
struct Namespaces {
    named: HashMap<Arc<str>, Arc<Namespace>, ahash::RandomState>,
    dynamic: Vec<Arc<Dynamic>>,
}

/// A pattern with the handlers of the namespaces it makes.
struct Dynamic {
    pattern: Pattern,
    handlers: RwLock<Arc<Handlers>>,
}

/// What a server is made of besides its options.
#[derive(Default)]
pub(crate) struct HubParts {
    pub(crate) new_namespace: Option<Box<NewNamespaceHook>>,
    pub(crate) raw: Option<Box<dyn EngineHandler>>,
    pub(crate) global: Rules,
    pub(crate) global_connect: Option<Arc<ConnectScope>>,
    pub(crate) data: DataMap,
    pub(crate) extension: Option<Arc<dyn Any + Send + Sync>>,
    pub(crate) generate_id: Option<Box<GenerateId>>,
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
    namespaces: RwLock<Namespaces>,
    next_namespace: AtomicU64,
    new_namespace: Option<Box<NewNamespaceHook>>,
    /// What applies to every namespace.
    global: Rules,
    pub(crate) global_connect: Option<Arc<ConnectScope>>,
    data: DataMap,
    extension: Option<Arc<dyn Any + Send + Sync>>,
    generate_id: Option<Box<GenerateId>>,
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
    pub(crate) fn new(config: ServerConfig, sids: Box<dyn SidSource>, parts: HubParts) -> Self {
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
            next_namespace: AtomicU64::new(0),
            new_namespace: parts.new_namespace,
            global: parts.global,
            global_connect: parts.global_connect,
            data: parts.data,
            extension: parts.extension,
            generate_id: parts.generate_id,
            closing: AtomicBool::new(false),
            raw: parts.raw,
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

    /// A new session id; one of the application's if that is sound and free.
    pub(crate) fn new_sid(&self, handshake: &Handshake) -> Sid {
        if let Some(generate) = &self.generate_id {
            let made = catch_unwind(AssertUnwindSafe(|| generate(handshake))).ok();
            match made.as_deref().and_then(Sid::custom) {
                Some(sid) if self.session(sid.as_str()).is_none() => return sid,
                Some(_) => tracing::error!("the id generator repeated itself; a random id is used"),
                None => tracing::error!("the id generator gave no usable id; a random one is used"),
            }
        }
        Sid::random(&*self.sids)
    }

    /// Sessions that are open.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.session_count.load(Ordering::Relaxed)
    }

    // ---- namespaces -----------------------------------------------------------------------------

    pub(crate) fn namespace(&self, path: &str) -> Option<Arc<Namespace>> {
        self.namespaces.read().unwrap_or_else(PoisonError::into_inner).named.get(path).cloned()
    }

    /// The namespace a socket wants to join, which counts it from now on; one that a pattern fits is made.
    pub(crate) fn enter(&self, path: &str) -> Option<Arc<Namespace>> {
        let dynamic = {
            let namespaces = self.namespaces.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = namespaces.named.get(path) {
                known.enter();
                return Some(Arc::clone(known));
            }
            namespaces.dynamic.clone()
        };
        // Patterns and parameter types may be the user's code: no lock is held.
        let made = dynamic.iter().find_map(|dynamic| {
            let params = dynamic.pattern.params(path)?;
            let handlers = dynamic.handlers.read().unwrap_or_else(PoisonError::into_inner);
            let handlers = Arc::clone(&handlers);
            let id = self.next_namespace.fetch_add(1, Ordering::Relaxed);
            let made = Namespace::dynamic(path.into(), id, params, Arc::clone(&handlers));
            handlers.fit(&made).then(|| Arc::new(made))
        })?;
        {
            let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = namespaces.named.get(path) {
                known.enter();
                return Some(Arc::clone(known));
            }
            made.enter();
            namespaces.named.insert(Arc::clone(made.path_arc()), Arc::clone(&made));
        }
        self.announce(&made);
        Some(made)
    }

    /// A socket has left; a dynamic namespace goes with its last.
    ///
    /// Differs from the reference: `cleanupEmptyChildNamespaces` is always on, because clients choose the
    /// names.
    pub(crate) fn leave(&self, namespace: &Arc<Namespace>) {
        if !namespace.leave() || !namespace.is_dynamic() {
            return;
        }
        let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
        let named = &mut namespaces.named;
        let is_this = |known: &Arc<Namespace>| Arc::ptr_eq(known, namespace);
        if namespace.is_empty() && named.get(namespace.path()).is_some_and(is_this) {
            named.remove(namespace.path());
        }
    }

    /// Adds a namespace or a pattern, or handlers to one that exists; gives what is wrong with it.
    pub(crate) fn add_namespace(&self, pattern: &Pattern, builder: NamespaceBuilder) -> Vec<Fault> {
        let added = builder.finish(&self.global);
        let has = |id| self.data.contains_key(&id);
        if let Some(message) = pattern.error() {
            let (pattern, message) = (pattern.source().to_owned(), message.to_owned());
            return vec![Fault::Pattern { pattern, message }];
        }
        let Some(path) = pattern.name() else {
            let dynamic = self.dynamic(pattern);
            let mut current = dynamic.handlers.write().unwrap_or_else(PoisonError::into_inner);
            let mut changed = Handlers::clone(&current);
            let faults = changed.add(added, pattern, has);
            *current = Arc::new(changed);
            return faults;
        };
        let (namespace, created) = {
            let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
            match namespaces.named.get(path) {
                Some(known) => (Arc::clone(known), false),
                None => {
                    let id = self.next_namespace.fetch_add(1, Ordering::Relaxed);
                    let namespace = Arc::new(Namespace::new(path.into(), id));
                    namespaces.named.insert(path.into(), Arc::clone(&namespace));
                    (namespace, true)
                }
            }
        };
        let faults = namespace.change_handlers(|handlers| handlers.add(added, pattern, has));
        if created {
            self.announce(&namespace);
        }
        faults
    }

    fn dynamic(&self, pattern: &Pattern) -> Arc<Dynamic> {
        let mut namespaces = self.namespaces.write().unwrap_or_else(PoisonError::into_inner);
        let known = namespaces.dynamic.iter().find(|known| known.pattern.is_same(pattern));
        if let Some(known) = known {
            return Arc::clone(known);
        }
        let dynamic = Arc::new(Dynamic { pattern: pattern.clone(), handlers: RwLock::default() });
        namespaces.dynamic.push(Arc::clone(&dynamic));
        dynamic
    }

    fn announce(&self, namespace: &Namespace) {
        if let Some(hook) = &self.new_namespace
            && namespace.path() != "/"
            && catch_unwind(AssertUnwindSafe(|| hook(namespace.path()))).is_err()
        {
            tracing::error!("the hook for new namespaces panicked");
        }
    }

    pub(crate) fn namespaces(&self) -> Vec<Arc<Namespace>> {
        let namespaces = self.namespaces.read().unwrap_or_else(PoisonError::into_inner);
        namespaces.named.values().cloned().collect()
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
