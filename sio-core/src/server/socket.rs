//! The handle of one client in one namespace.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_channel::oneshot;
use futures_util::future::AbortHandle;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::adapter::{Room, RoomNames};
use crate::close::CloseReason;
use crate::frame::FrameGroup;
use crate::handler::{Audience, Emission, EncodedArgs, ErrorAck, Reply, Rules};
use crate::mux::acks::{PendingAcks, TooManyAcks};
use crate::packet::{self, EncodeError, EventArg};
use crate::sid::Sid;

use super::ack::{AckArgs, AckError, AckFuture, ack_group};
use super::broadcast::BroadcastOperator;
use super::bus::QueueFull;
use super::handshake::Handshake;
use super::hub::{Hub, SessionHandle};
use super::io::Io;
use super::namespace::{Handlers, Namespace};
use super::room_list::RoomList;
use super::running::{CancelSlot, Unfinished};
use super::sessions::SessionOp;
use super::worker::Worker;

/// Why an emit was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The event name is reserved, or the arguments cannot be serialised; nothing was sent.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Too many emits of this socket wait for an ack.
    #[error(transparent)]
    TooManyAcks(#[from] TooManyAcks),
    /// A worker of the server has too much to do; nothing was sent.
    #[error("a worker's queue is full")]
    QueueFull,
}

impl From<QueueFull> for EmitError {
    fn from(_: QueueFull) -> Self {
        Self::QueueFull
    }
}

/// Who waits for an ack: gets the answer, or nothing when the socket is gone.
pub(crate) type AckWaiter = oneshot::Sender<Result<AckArgs, AckError>>;

const CONNECTING: u8 = 0;
const CONNECTED: u8 = 1;
const ENDING: u8 = 2;
const ENDED: u8 = 3;

type States = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

#[derive(Debug)]
struct Inner {
    id: Sid,
    hub: Arc<Hub>,
    namespace: Arc<Namespace>,
    handlers: Arc<Handlers>,
    session: Arc<SessionHandle>,
    auth: Box<str>,
    status: AtomicU8,
    /// Event handlers that have not finished.
    running: AtomicUsize,
    /// Handlers for which further events wait.
    barriers: AtomicUsize,
    /// Acks the client waits for, so that most answers need no lock.
    asked: AtomicUsize,
    unfinished: Mutex<Option<Box<Unfinished>>>,
    rooms: Mutex<RoomList>,
    acks: Mutex<Option<Box<PendingAcks<AckWaiter>>>>,
    states: Mutex<Option<Box<States>>>,
}

/// A client in a namespace.
///
/// A cheap handle, usable from any thread and for as long as wanted: on a socket that has ended, emits
/// are dropped without an error, as in the reference, and joins have no effect.
#[derive(Debug, Clone)]
pub struct Socket(Arc<Inner>);

impl PartialEq for Socket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Socket {}

/// The arguments of an ack; a client that asked is answered in any case.
fn ack_args(reply: Reply) -> EncodedArgs {
    match reply {
        Reply::Args(args) => args,
        Reply::Null => EncodedArgs::null(),
        Reply::Err(error) => {
            let body = ErrorAck { error: error.for_client(None) };
            EncodedArgs::encode(&body).unwrap_or_default()
        }
        Reply::Unit | Reply::Nothing => EncodedArgs::default(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Socket {
    pub(crate) fn new(
        hub: &Arc<Hub>,
        namespace: Arc<Namespace>,
        session: &Arc<SessionHandle>,
        auth: &str,
    ) -> Self {
        Self(Arc::new(Inner {
            id: Sid::random(&*hub.sids),
            hub: Arc::clone(hub),
            handlers: namespace.handlers(),
            namespace,
            session: Arc::clone(session),
            auth: auth.into(),
            status: AtomicU8::new(CONNECTING),
            running: AtomicUsize::new(0),
            barriers: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            unfinished: Mutex::default(),
            rooms: Mutex::default(),
            acks: Mutex::default(),
            states: Mutex::default(),
        }))
    }

    // ---- who this is ----------------------------------------------------------------------------

    /// The socket id: public, and unrelated to the session id.
    #[must_use]
    pub fn id(&self) -> &Sid {
        &self.0.id
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &Arc<Namespace> {
        &self.0.namespace
    }

    /// The server.
    #[must_use]
    pub fn io(&self) -> Io {
        self.0.hub.io()
    }

    /// Data of the request that opened the session; the same after an upgrade.
    #[must_use]
    pub fn handshake(&self) -> &Arc<Handshake> {
        self.0.session.handshake()
    }

    /// The CONNECT payload of this namespace; an absent one reads as `{}`.
    ///
    /// # Errors
    ///
    /// The payload does not fit `T`.
    pub fn auth<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.auth_json())
    }

    /// The client sent a CONNECT payload.
    #[must_use]
    pub fn has_auth(&self) -> bool {
        !self.0.auth.is_empty()
    }

    /// The CONNECT payload as JSON text.
    #[must_use]
    pub fn auth_json(&self) -> &str {
        if self.0.auth.is_empty() { "{}" } else { &self.0.auth }
    }

    /// CONNECT was answered and the socket has not ended.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.0.status.load(Ordering::Acquire) == CONNECTED
    }

    /// Stores a value on the socket, one per type; what was stored before is given back.
    pub fn set_state<T: Send + Sync + 'static>(&self, value: T) -> Option<Arc<T>> {
        self.set_shared_state(Arc::new(value))
    }

    /// As [`Self::set_state`], for a value that others hold as well.
    pub fn set_shared_state<T: Send + Sync + 'static>(&self, value: Arc<T>) -> Option<Arc<T>> {
        let old = lock(&self.0.states).get_or_insert_default().insert(TypeId::of::<T>(), value);
        old.and_then(|old| old.downcast().ok())
    }

    /// The stored value of a type; it outlives the connection as long as the handle does.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let found = lock(&self.0.states).as_ref()?.get(&TypeId::of::<T>()).cloned();
        found.and_then(|found| found.downcast().ok())
    }

    // ---- emit -----------------------------------------------------------------------------------

    /// Sends an event to this client.
    ///
    /// A tuple is several arguments, `()` none, anything else one; an array `[T; N]` is a tuple to serde,
    /// so wrap it (`([1, 2],)`) or send a `Vec`. Packets of one task leave in the order of the calls.
    ///
    /// # Errors
    ///
    /// The name is reserved or the arguments cannot be serialised. A socket that has ended is no error.
    pub fn emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        self.send_event(event, &args, None, false)
    }

    /// Sends an event named `message` (the reference's `send`).
    ///
    /// # Errors
    ///
    /// As [`Self::emit`].
    pub fn send(&self, args: impl Serialize) -> Result<(), EmitError> {
        self.emit("message", args)
    }

    /// Sends an event unless the transport cannot take it at this moment.
    ///
    /// # Errors
    ///
    /// As [`Self::emit`].
    pub fn emit_volatile(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        self.send_event(event, &args, None, true)
    }

    /// Sends an event at once and waits for the client's ack; its first argument is the result.
    ///
    /// `T` may be `Rest<Value>` for all arguments, or `()` to ignore them. The wait ends with the ack,
    /// with `timeout` if there is one, or with the socket. A timeout of zero has passed before any answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future forgets the ack; the event is sent all the same.
    pub fn emit_with_ack<T: EventArg>(
        &self,
        event: &str,
        args: impl Serialize,
        timeout: impl Into<Option<Duration>>,
    ) -> AckFuture<T> {
        let (waiter, receiver) = oneshot::channel();
        match self.send_event(event, &args, Some((waiter, timeout.into())), false) {
            Ok(()) => AckFuture::waiting(receiver),
            Err(error) => AckFuture::failed(error.into()),
        }
    }

    fn send_event<T: Serialize + ?Sized>(
        &self,
        event: &str,
        args: &T,
        ack: Option<(AckWaiter, Option<Duration>)>,
        volatile: bool,
    ) -> Result<(), EmitError> {
        let mut args = EncodedArgs::encode(args)?;
        let attachments = args.take_attachments();
        self.send_encoded(event, args.json(), attachments, ack, volatile)
    }

    fn send_encoded(
        &self,
        event: &str,
        json: &[u8],
        attachments: Vec<Bytes>,
        ack: Option<(AckWaiter, Option<Duration>)>,
        volatile: bool,
    ) -> Result<(), EmitError> {
        let namespace = self.0.namespace.path();
        let id = ack.as_ref().map(|_| self.0.namespace.next_ack_id());
        let mut text = EncodedArgs::buffer();
        packet::encode_event_encoded(&mut text, namespace, id, event, json, attachments.len())?;
        if self.has_ended() {
            // Dropping the waiter tells that the socket is gone.
            return Ok(());
        }
        let mut arm = None;
        if let Some((waiter, timeout)) = ack
            && let Some(id) = id
        {
            if timeout.is_some_and(|timeout| timeout.is_zero()) {
                let _lost = waiter.send(Err(AckError::Timeout));
            } else {
                self.add_ack(id, waiter)?;
                arm = timeout.map(|timeout| (id, timeout));
            }
        }
        if let Some(worker) = Worker::current(&self.0.hub)
            && arm.is_none()
            && worker.send_here(&self.0.session, &[&text], &attachments, volatile)
        {
            return Ok(());
        }
        let group = FrameGroup::new(Bytes::copy_from_slice(&text), attachments);
        let op = SessionOp::Send { socket: self.clone(), group, volatile, ack: arm };
        let sent = self.route(op);
        if sent.is_err()
            && let Some(id) = id
            && let Some(acks) = lock(&self.0.acks).as_mut()
        {
            // Nobody will answer what was not sent.
            drop(acks.take(id));
        }
        Ok(sent?)
    }

    /// Sends a result to where it goes besides the ack; `acked` if that was asked for.
    pub(crate) fn emit_all(&self, emissions: &[Emission], args: &EncodedArgs, acked: bool) {
        for emission in emissions.iter().filter(|emission| emission.always || !acked) {
            let rooms = emission.rooms.as_slice();
            let sent = if emission.audience == Audience::Sender && rooms.is_empty() {
                self.emit_encoded(&emission.event, args, emission.volatile)
            } else {
                let everybody = emission.audience == Audience::Everybody;
                let to = if everybody { self.everybody() } else { self.broadcast() };
                let to = if rooms.is_empty() { to } else { to.to(rooms) };
                let to = if emission.local { to.local() } else { to };
                let to = if emission.volatile { to.volatile() } else { to };
                to.emit_encoded(&emission.event, args)
            };
            if let Err(error) = sent {
                let event = &*emission.event;
                tracing::warn!(%error, event, "a handler's result could not be sent");
            }
        }
    }

    fn emit_encoded(
        &self,
        event: &str,
        args: &EncodedArgs,
        volatile: bool,
    ) -> Result<(), EmitError> {
        self.send_encoded(event, args.json(), args.attachments().to_vec(), None, volatile)
    }

    /// Answers an event of the client.
    pub(crate) fn send_ack(&self, worker: Option<&Worker>, id: u64, reply: Reply) {
        self.answered(id);
        if self.has_ended() {
            return;
        }
        let namespace = self.0.namespace.path();
        let args = ack_args(reply);
        if args.attachments().is_empty()
            && let Some(worker) = worker
        {
            let mut head = EncodedArgs::buffer();
            packet::encode_ack_encoded(&mut head, namespace, id, &[], 0);
            // The empty ack ends with its bracket; the arguments go in front of that.
            if let Some((bracket, head)) = head.split_last() {
                let json = args.json().strip_prefix(b",").unwrap_or(args.json());
                if worker.send_here(&self.0.session, &[head, json, &[*bracket]], &[], false) {
                    return;
                }
            }
        }
        let group = ack_group(namespace, id, args);
        match worker {
            Some(worker) => worker.send_group(self, group, false),
            None => {
                let op =
                    SessionOp::Send { socket: self.clone(), group, volatile: false, ack: None };
                if self.route(op).is_err() {
                    tracing::warn!("a worker's queue is full; an ack was dropped");
                }
            }
        }
    }

    /// The answer to an event as the frames of its packet.
    pub(crate) fn ack_group(&self, id: u64, reply: Reply) -> Option<FrameGroup> {
        (!self.has_ended()).then(|| ack_group(self.0.namespace.path(), id, ack_args(reply)))
    }

    fn route(&self, op: SessionOp) -> Result<(), QueueFull> {
        match Worker::current(&self.0.hub).filter(|worker| worker.owns(&self.0.session)) {
            Some(worker) => {
                worker.route(&self.0.session, op);
                Ok(())
            }
            None => self.0.hub.bus.send_home(&self.0.session, op),
        }
    }

    // ---- rooms and broadcasts -------------------------------------------------------------------

    /// Joins rooms; effective for every broadcast this task makes afterwards.
    pub fn join(&self, rooms: impl RoomNames) {
        self.change_rooms(rooms, true);
    }

    /// Leaves rooms; those it is not in are no error. The room of the own id stays.
    pub fn leave(&self, rooms: impl RoomNames) {
        self.change_rooms(rooms, false);
    }

    fn change_rooms(&self, rooms: impl RoomNames, join: bool) {
        let mut names = Vec::new();
        rooms.append_to(&mut names);
        let mut list = lock(&self.0.rooms);
        let status = self.0.status.load(Ordering::Acquire);
        if status >= ENDED {
            return;
        }
        let changed = list.change(self.0.id.as_str(), names, join);
        // Before CONNECT is answered the list is all there is; it is indexed with the answer.
        if changed.is_empty() || status == CONNECTING {
            return;
        }
        if let Some(worker) = Worker::current(&self.0.hub)
            && worker.owns(&self.0.session)
        {
            list.overtake(&changed);
            worker.index_rooms(self, &changed, join);
            return;
        }
        let change = list.depart(&changed);
        let op = SessionOp::Rooms { socket: self.clone(), change, rooms: changed, join };
        // Queued under the list's lock: two threads' changes arrive in the order they were made.
        if self.route(op).is_err() {
            tracing::warn!("a worker's queue is full; a change of rooms was dropped");
        }
    }

    /// A change that the socket's own worker makes while it handles messages.
    pub(crate) fn change_rooms_here(&self, worker: &Worker, rooms: Vec<Room>, join: bool) {
        let mut list = lock(&self.0.rooms);
        if self.0.status.load(Ordering::Acquire) < ENDED {
            let changed = list.change(self.0.id.as_str(), rooms, join);
            list.overtake(&changed);
            worker.index_rooms(self, &changed, join);
        }
    }

    /// Of the rooms of a change that arrived, those no later change has overtaken.
    pub(crate) fn take_change(&self, change: u64, rooms: Vec<Room>) -> Vec<Room> {
        let mut list = lock(&self.0.rooms);
        list.arrive(change, rooms)
    }

    /// The rooms this socket is in, the one of its own id first; none once it has ended.
    #[must_use]
    pub fn rooms(&self) -> Vec<Room> {
        if self.0.status.load(Ordering::Acquire) >= ENDED {
            return Vec::new();
        }
        let mut rooms = vec![Arc::clone(self.0.id.as_arc())];
        rooms.extend(lock(&self.0.rooms).names().iter().cloned());
        rooms
    }

    /// Everybody in the namespace, this socket included.
    pub fn everybody(&self) -> BroadcastOperator {
        BroadcastOperator::new(Arc::clone(&self.0.hub), Some(Arc::clone(&self.0.namespace)))
    }

    /// Everybody in the namespace but this socket.
    pub fn broadcast(&self) -> BroadcastOperator {
        self.everybody().except(&self.0.id)
    }

    /// The members of rooms but this socket.
    pub fn to(&self, rooms: impl RoomNames) -> BroadcastOperator {
        self.broadcast().to(rooms)
    }

    /// As [`Self::to`]; the reference's `in`, which is a reserved word here.
    pub fn within(&self, rooms: impl RoomNames) -> BroadcastOperator {
        self.to(rooms)
    }

    /// Everybody in the namespace but this socket and the members of rooms.
    pub fn except(&self, rooms: impl RoomNames) -> BroadcastOperator {
        self.broadcast().except(rooms)
    }

    // ---- end ------------------------------------------------------------------------------------

    /// Makes the client leave the namespace; with `close` ends its session with all namespaces.
    ///
    /// What was emitted before is delivered first.
    pub fn disconnect(&self, close: bool) {
        if self.route(SessionOp::Disconnect { socket: self.clone(), close }).is_err() {
            tracing::warn!("a worker's queue is full; a disconnect was dropped");
        }
    }

    /// Ends the session below this socket without a word, as the reference's `conn.close()`: the client
    /// sees a lost connection and comes back.
    pub fn close_session(&self) {
        if self.route(SessionOp::Close(CloseReason::ForcedClose)).is_err() {
            tracing::warn!("a worker's queue is full; a close was dropped");
        }
    }

    // ---- for the worker -------------------------------------------------------------------------

    /// No further event may start now: as many handlers run as may, or one of them is waited for.
    #[inline]
    pub(crate) fn is_busy(&self) -> bool {
        let max = self.0.hub.config.limits.max_handlers;
        self.0.barriers.load(Ordering::Acquire) > 0
            || (max > 0 && self.0.running.load(Ordering::Acquire) >= max)
    }

    pub(crate) fn handler_started(&self, ordered: bool) {
        self.0.running.fetch_add(1, Ordering::AcqRel);
        if ordered {
            self.0.barriers.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// `true` if that made room for further events.
    pub(crate) fn handler_finished(&self, ordered: bool) -> bool {
        let max = self.0.hub.config.limits.max_handlers;
        let was_full = self.0.running.fetch_sub(1, Ordering::AcqRel) >= max && max > 0;
        let was_last = ordered && self.0.barriers.fetch_sub(1, Ordering::AcqRel) == 1;
        was_full || was_last
    }

    /// Held events may go on.
    pub(crate) fn handler_done(&self) {
        if self.route(SessionOp::HandlerDone).is_err() {
            tracing::warn!("a worker's queue is full; held events wait for the next handler");
        }
    }

    /// Emits that wait for the client's ack.
    pub(crate) fn pending_acks(&self) -> usize {
        lock(&self.0.acks).as_ref().map_or(0, |acks| acks.len())
    }

    // ---- unfinished business --------------------------------------------------------------------

    fn unfinished<R>(&self, change: impl FnOnce(&mut Unfinished) -> R) -> R {
        change(lock(&self.0.unfinished).get_or_insert_default())
    }

    /// The client waits for an answer.
    pub(crate) fn ask(&self, id: u64) {
        let asked = self.unfinished(|unfinished| unfinished.ask(id));
        self.0.asked.store(asked, Ordering::Release);
    }

    fn answered(&self, id: u64) {
        if self.0.asked.load(Ordering::Acquire) == 0 {
            return;
        }
        if let Some(unfinished) = lock(&self.0.unfinished).as_mut() {
            let asked = unfinished.answered(id);
            self.0.asked.store(asked, Ordering::Release);
        }
    }

    pub(crate) fn take_asked(&self) -> Vec<u64> {
        lock(&self.0.unfinished).as_mut().map(|u| u.take_asked()).unwrap_or_default()
    }

    /// A handler that can be dropped where it waits; `None`: the socket has ended.
    pub(crate) fn add_cancellable(
        &self,
        handler: usize,
        latest: bool,
        on_end: bool,
        abort: AbortHandle,
    ) -> Option<CancelSlot> {
        let id = {
            let mut unfinished = lock(&self.0.unfinished);
            // The end takes this lock after it is noted.
            if self.has_ended() {
                return None;
            }
            unfinished.get_or_insert_default().add_cancellable(handler, latest, on_end, abort)
        };
        Some(CancelSlot { socket: self.clone(), id })
    }

    pub(crate) fn forget_cancellable(&self, id: u64) {
        if let Some(unfinished) = lock(&self.0.unfinished).as_mut() {
            unfinished.remove_cancellable(id);
        }
    }

    /// A new event of a handler drops the one before.
    pub(crate) fn supersede(&self, rules: &Arc<Rules>) {
        let handler = Arc::as_ptr(rules).addr();
        let superseded = lock(&self.0.unfinished).as_ref().map(|u| u.superseded(handler));
        superseded.into_iter().flatten().for_each(|abort| abort.abort());
    }

    /// The end of the socket drops streams, and handlers that say so.
    pub(crate) fn cancel_handlers(&self) {
        let ended = lock(&self.0.unfinished).as_ref().map(|u| u.ended());
        ended.into_iter().flatten().for_each(|abort| abort.abort());
    }

    pub(crate) fn add_instance<T: Any + Send + Sync>(&self, instance: Arc<T>) {
        self.unfinished(|u| u.add_instance(TypeId::of::<T>(), instance));
    }

    pub(crate) fn instance<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let instance = lock(&self.0.unfinished).as_ref()?.instance(TypeId::of::<T>())?;
        instance.downcast().ok()
    }

    pub(crate) fn take_instances(&self) -> Vec<(TypeId, Arc<dyn Any + Send + Sync>)> {
        lock(&self.0.unfinished).as_mut().map(|u| u.take_instances()).unwrap_or_default()
    }

    // ---- room for streams -----------------------------------------------------------------------

    /// Ready while the client's queue has room, or nobody is left to fill it for.
    pub(crate) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.has_ended() || !self.is_congested() {
            return Poll::Ready(());
        }
        self.0.session.wait_for_room(cx.waker());
        // It may have been made meanwhile.
        if self.is_congested() { Poll::Pending } else { Poll::Ready(()) }
    }

    fn is_congested(&self) -> bool {
        let session = &self.0.session;
        match Worker::current(&self.0.hub).and_then(|worker| worker.local(session)) {
            Some(connection) => connection.is_congested(),
            None => session.is_congested(),
        }
    }

    /// Tells this socket from all others that live.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    pub(crate) fn handlers(&self) -> &Arc<Handlers> {
        &self.0.handlers
    }

    pub(crate) fn session(&self) -> &Arc<SessionHandle> {
        &self.0.session
    }

    /// CONNECT was granted; gives the rooms to be indexed. Later changes go to the index themselves.
    pub(crate) fn set_connected(&self) -> Vec<Room> {
        let rooms = lock(&self.0.rooms);
        self.0.status.store(CONNECTED, Ordering::Release);
        rooms.names().to_vec()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.0.status.load(Ordering::Acquire) >= ENDING
    }

    /// The CONNECT was refused, or the session ended before it was answered.
    pub(crate) fn abandon(&self) {
        if self.0.status.swap(ENDED, Ordering::AcqRel) == ENDED {
            return;
        }
        *lock(&self.0.rooms) = RoomList::default();
        self.fail_acks();
        self.cancel_handlers();
        drop(self.take_instances());
        self.0.hub.leave(&self.0.namespace);
    }

    /// `true` for the one caller that ends a connected socket.
    pub(crate) fn begin_end(&self) -> bool {
        let connected =
            self.0.status.compare_exchange(CONNECTED, ENDING, Ordering::AcqRel, Ordering::Acquire);
        connected.is_ok()
    }

    /// The socket is in no room from now on.
    pub(crate) fn finish_end(&self) {
        {
            let mut rooms = lock(&self.0.rooms);
            self.0.status.store(ENDED, Ordering::Release);
            *rooms = RoomList::default();
        }
        self.0.hub.leave(&self.0.namespace);
    }

    fn add_ack(&self, id: u64, waiter: AckWaiter) -> Result<(), TooManyAcks> {
        let limit = self.0.hub.config.limits.max_pending_acks;
        let mut acks = lock(&self.0.acks);
        if self.has_ended() {
            return Ok(());
        }
        let acks = acks.get_or_insert_default();
        if acks.len() >= limit {
            // Those whose future was dropped wait for nothing.
            acks.retain(|waiter| !waiter.is_canceled());
        }
        acks.insert(id, waiter, None, limit).map_err(|(_, error)| error)
    }

    pub(crate) fn arm_ack(&self, id: u64, deadline: Instant) {
        if let Some(acks) = lock(&self.0.acks).as_mut() {
            acks.set_deadline(id, deadline);
        }
    }

    pub(crate) fn next_ack_deadline(&self) -> Option<Instant> {
        lock(&self.0.acks).as_ref().and_then(|acks| acks.next_deadline())
    }

    pub(crate) fn expire_acks(&self, now: Instant) {
        let expired = lock(&self.0.acks).as_mut().map(|acks| acks.take_expired(now));
        for waiter in expired.into_iter().flatten() {
            let _lost = waiter.send(Err(AckError::Timeout));
        }
    }

    pub(crate) fn resolve_ack(&self, id: u64, args: &str, bins: &[Bytes]) {
        let waiter = lock(&self.0.acks).as_mut().and_then(|acks| acks.take(id));
        if let Some(waiter) = waiter {
            let _lost = waiter.send(Ok(AckArgs::new(args, bins)));
        }
    }

    pub(crate) fn fail_acks(&self) {
        let waiters = lock(&self.0.acks).take();
        // Dropping a waiter tells whoever waits that the socket is gone.
        drop(waiters);
    }
}
