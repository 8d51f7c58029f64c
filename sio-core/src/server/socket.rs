//! The handle of one client in one namespace.

mod data;
mod listeners;
mod operator;
mod sending;
mod state;
mod unfinished;
mod waiter;

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_channel::oneshot;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::adapter::{Room, RoomNames};
use crate::close::CloseReason;
use crate::mux::acks::{PendingAcks, TooManyAcks};
use crate::packet::{EncodeError, EventArg};
use crate::sid::Sid;

use super::ack::AckFuture;
use super::broadcast::BroadcastOperator;
use super::bus::QueueFull;
use super::handshake::{Handshake, HandshakeObject};
use super::hub::{Hub, SessionHandle};
use super::io::Io;
use super::legacy;
use super::namespace::{Handlers, Namespace};
use super::raw::EngineSocket;
use super::recovery::{Kept, Presence};
use super::room_list::RoomList;
use super::running::Unfinished;
use super::sessions::SessionOp;
use super::worker::Worker;
use data::Extras;

pub(crate) use data::read as read_data;
pub(crate) use operator::EmitFlags;
pub use operator::EmitOperator;
pub(crate) use waiter::AckWaiter;

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

/// A socket would be in more rooms than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a socket may be in at most {limit} rooms")]
pub struct TooManyRooms {
    /// The limit.
    pub limit: usize,
}

impl From<QueueFull> for EmitError {
    fn from(_: QueueFull) -> Self {
        Self::QueueFull
    }
}

const CONNECTING: u8 = 0;
const CONNECTED: u8 = 1;
const ENDING: u8 = 2;
const ENDED: u8 = 3;

/// Values of the user's, one per type.
#[derive(Debug, Default, Clone)]
pub(crate) struct States(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Drop for States {
    fn drop(&mut self) {
        // The last handle may go anywhere, also while another panic unwinds.
        self.0.drain().for_each(|(_, value)| drop_guarded(value));
    }
}

#[derive(Debug)]
struct Inner {
    id: Sid,
    hub: Arc<Hub>,
    namespace: Arc<Namespace>,
    handlers: Arc<Handlers>,
    session: Arc<SessionHandle>,
    auth: Box<str>,
    status: AtomicU8,
    /// What is registered on this socket alone, in bits of [`heed`](super::listeners::heed).
    heeds: AtomicU8,
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
    extras: Mutex<Option<Box<Extras>>>,
    /// What its recovery needs, if the server recovers sockets.
    presence: Option<Box<Presence>>,
}

/// Drops a value of the user's; a panic ends here.
fn drop_guarded(value: Arc<dyn Any + Send + Sync>) {
    if catch_unwind(AssertUnwindSafe(|| drop(value))).is_err() {
        tracing::error!("dropping what was stored on a socket panicked");
    }
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Socket {
    pub(crate) fn new(
        hub: &Arc<Hub>,
        namespace: Arc<Namespace>,
        session: &Arc<SessionHandle>,
        auth: &str,
        presence: Option<Box<Presence>>,
    ) -> Self {
        let id = legacy::socket_id(session, namespace.path());
        let id = id.unwrap_or_else(|| Sid::random(&*hub.sids));
        let (rooms, states) = (RoomList::default(), None);
        Self::with(hub, namespace, session, auth, id, rooms, states, presence)
    }

    /// The socket that a client was before it lost its connection; it knows all that was said to it up to
    /// the event with the number `offset`.
    pub(crate) fn restored(
        hub: &Arc<Hub>,
        session: &Arc<SessionHandle>,
        auth: &str,
        kept: Kept,
        offset: u64,
    ) -> Self {
        let (namespace, id) = (Arc::clone(&kept.namespace), kept.id.clone());
        let rooms = RoomList::of(kept.rooms.clone());
        let states = Some(Box::new(kept.states.clone()));
        let data = kept.data.clone();
        let presence = Some(Box::new(Presence::restored(kept, offset)));
        let socket = Self::with(hub, namespace, session, auth, id, rooms, states, presence);
        if data.is_some() {
            socket.replace_data(data);
        }
        socket
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a socket, for two constructors")]
    fn with(
        hub: &Arc<Hub>,
        namespace: Arc<Namespace>,
        session: &Arc<SessionHandle>,
        auth: &str,
        id: Sid,
        rooms: RoomList,
        states: Option<Box<States>>,
        presence: Option<Box<Presence>>,
    ) -> Self {
        Self(Arc::new(Inner {
            id,
            hub: Arc::clone(hub),
            handlers: namespace.handlers(),
            namespace,
            session: Arc::clone(session),
            auth: auth.into(),
            status: AtomicU8::new(CONNECTING),
            heeds: AtomicU8::new(0),
            running: AtomicUsize::new(0),
            barriers: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            unfinished: Mutex::default(),
            rooms: Mutex::new(rooms),
            acks: Mutex::default(),
            states: Mutex::new(states),
            presence,
            extras: Mutex::default(),
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

    /// The handshake with this socket's CONNECT payload, to be sent or stored as JSON (the reference's
    /// `socket.handshake`). It holds what the client's request held, cookies as well.
    #[must_use]
    pub fn handshake_object(&self) -> HandshakeObject {
        let auth = serde_json::from_str(self.auth_json()).unwrap_or_default();
        HandshakeObject { handshake: Arc::clone(self.handshake()), auth }
    }

    /// The session below this socket (the reference's `socket.conn`).
    ///
    /// What its `send_*` methods send is no Socket.IO packet; clients end the session over it.
    #[must_use]
    pub fn conn(&self) -> EngineSocket {
        EngineSocket::new(Arc::clone(&self.0.hub), Arc::clone(&self.0.session))
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

    /// The client had lost its connection and came back in time: this socket has the id, the rooms and the
    /// stored values of the one it had before, and what it missed is on its way; see [`Recovery`].
    ///
    /// Known from the connect guards on, if those run.
    ///
    /// [`Recovery`]: super::Recovery
    ///
    /// # Examples
    ///
    /// ```
    /// use sio_core::server::{Io, Recovery, Socket};
    ///
    /// let recovery = Recovery::default();
    /// let server = Io::builder().connection_state_recovery(recovery).namespace("/", |ns| {
    ///     ns.on_connection(|socket: Socket| {
    ///         if socket.is_recovered() { Ok(()) } else { socket.emit("state", "everything") }
    ///     });
    /// });
    /// # drop(server);
    /// ```
    #[must_use]
    pub fn is_recovered(&self) -> bool {
        self.0.presence.as_ref().is_some_and(|presence| presence.is_recovered())
    }

    /// Stores a value on the socket, one per type; what was stored before is given back.
    pub fn set_state<T: Send + Sync + 'static>(&self, value: T) -> Option<Arc<T>> {
        self.set_shared_state(Arc::new(value))
    }

    /// As [`Self::set_state`], for a value that others hold as well.
    pub fn set_shared_state<T: Send + Sync + 'static>(&self, value: Arc<T>) -> Option<Arc<T>> {
        let old = lock(&self.0.states).get_or_insert_default().0.insert(TypeId::of::<T>(), value);
        old.and_then(|old| old.downcast().ok())
    }

    /// The stored value of a type; it outlives the connection as long as the handle does.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let found = lock(&self.0.states).as_ref()?.0.get(&TypeId::of::<T>()).cloned();
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
        self.send_event(event, &args, None, EmitFlags::default())
    }

    /// Sends an event named `message` (the reference's `send`).
    ///
    /// # Errors
    ///
    /// As [`Self::emit`].
    pub fn send(&self, args: impl Serialize) -> Result<(), EmitError> {
        self.emit("message", args)
    }

    /// As [`Self::send`].
    ///
    /// # Errors
    ///
    /// As [`Self::emit`].
    pub fn write(&self, args: impl Serialize) -> Result<(), EmitError> {
        self.send(args)
    }

    /// Sends an event unless the transport cannot take it at this moment.
    ///
    /// # Errors
    ///
    /// As [`Self::emit`].
    pub fn emit_volatile(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        self.send_event(event, &args, None, EmitFlags::volatile(true))
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
        let flags = EmitFlags::default();
        match self.send_event(event, &args, Some((waiter.into(), timeout.into())), flags) {
            Ok(()) => AckFuture::waiting(receiver),
            Err(error) => AckFuture::failed(error.into()),
        }
    }

    // ---- rooms and broadcasts -------------------------------------------------------------------

    /// Joins rooms; effective for every broadcast this task makes afterwards.
    ///
    /// Above [`Limits::max_rooms`](crate::limits::Limits::max_rooms) it joins none of them and logs that; see
    /// [`Self::try_join`].
    pub fn join(&self, rooms: impl RoomNames) {
        if let Err(error) = self.try_join(rooms) {
            tracing::warn!(%error, socket = %self.id(), "rooms were not joined");
        }
    }

    /// As [`Self::join`].
    ///
    /// # Errors
    ///
    /// The socket would be in more rooms than [`Limits::max_rooms`](crate::limits::Limits::max_rooms) allows;
    /// it has joined none.
    pub fn try_join(&self, rooms: impl RoomNames) -> Result<(), TooManyRooms> {
        self.change_rooms(rooms, true)
    }

    /// Leaves rooms; those it is not in are no error. The room of the own id stays.
    pub fn leave(&self, rooms: impl RoomNames) {
        // Only joining can be refused.
        let _left = self.change_rooms(rooms, false);
    }

    fn change_rooms(&self, rooms: impl RoomNames, join: bool) -> Result<(), TooManyRooms> {
        let mut names = Vec::new();
        rooms.append_to(&mut names);
        let changed = self.change_listed_rooms(names, join);
        self.0.hub.tell_rooms();
        changed
    }

    fn change_listed_rooms(&self, names: Vec<Room>, join: bool) -> Result<(), TooManyRooms> {
        let mut list = lock(&self.0.rooms);
        let status = self.0.status.load(Ordering::Acquire);
        if status >= ENDED {
            return Ok(());
        }
        if join {
            self.check_rooms(&list, &names)?;
        }
        let changed = list.change(self.0.id.as_str(), names, join);
        // Before CONNECT is answered the list is all there is; it is indexed with the answer.
        if changed.is_empty() || status == CONNECTING {
            return Ok(());
        }
        self.note_rooms(&changed, join);
        if let Some(worker) = Worker::current(&self.0.hub)
            && worker.owns(&self.0.session)
        {
            list.overtake(&changed);
            worker.index_rooms(self, &changed, join);
            return Ok(());
        }
        let change = list.depart(&changed);
        let op = SessionOp::Rooms { socket: self.clone(), change, rooms: changed, join };
        // Queued under the list's lock: two threads' changes arrive in the order they were made.
        if self.route(op).is_err() {
            tracing::warn!("a worker's queue is full; a change of rooms was dropped");
        }
        Ok(())
    }

    fn check_rooms(&self, list: &RoomList, names: &[Room]) -> Result<(), TooManyRooms> {
        let limit = self.0.hub.config.limits.max_rooms;
        if limit > 0 {
            let rooms: HashSet<&Room> = list.names().iter().chain(names).collect();
            if rooms.len() > limit && rooms.len() > list.names().len() {
                return Err(TooManyRooms { limit });
            }
        }
        Ok(())
    }

    /// A change that the socket's own worker makes while it handles messages.
    pub(crate) fn change_rooms_here(&self, worker: &Worker, rooms: Vec<Room>, join: bool) {
        {
            let mut list = lock(&self.0.rooms);
            if self.0.status.load(Ordering::Acquire) < ENDED {
                if join && let Err(error) = self.check_rooms(&list, &rooms) {
                    tracing::warn!(%error, socket = %self.id(), "rooms were not joined");
                    return;
                }
                let changed = list.change(self.0.id.as_str(), rooms, join);
                list.overtake(&changed);
                worker.index_rooms(self, &changed, join);
                self.note_rooms(&changed, join);
            }
        }
        self.0.hub.tell_rooms();
    }

    /// For the hook of rooms, which is told when nothing is locked.
    fn note_rooms(&self, rooms: &[Room], join: bool) {
        match &self.0.hub.rooms {
            Some(watch) if join => watch.joined(&self.0.namespace, &self.0.id, rooms),
            Some(watch) => watch.left(&self.0.namespace, &self.0.id, rooms),
            None => {}
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
}
