//! The handle of one client in one namespace.

mod data;
mod expiry;
mod listeners;
mod operator;
mod rooms;
mod sending;
mod state;
mod unfinished;
mod waiter;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::adapter::Room;
use crate::close::CloseReason;
use crate::mux::acks::{PendingAcks, TooManyAcks};
use crate::packet::{EncodeError, EventArg};
use crate::sid::Sid;
use crate::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexGuard};

use super::ack::AckFuture;
use super::bus::QueueFull;
use super::handshake::{Handshake, HandshakeObject};
use super::hub::{Hub, SessionHandle};
use super::io::Io;
use super::legacy;
use super::namespace::{Handlers, Namespace};
use super::origin;
use super::raw::EngineSocket;
use super::recovery::{Deferred, Kept, Presence};
use super::room_list::RoomList;
use super::running::Unfinished;
use super::sessions::SessionOp;
use data::Extras;

pub(crate) use data::{read as read_data, without_input};
pub(crate) use operator::EmitFlags;
pub use operator::EmitOperator;
pub use rooms::TooManyRooms;
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

/// Who it is, and nothing of what its client sent.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("id", &self.id)
            .field("namespace", &self.namespace.path())
            .finish_non_exhaustive()
    }
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
        let (data, expiry) = (kept.data.clone(), kept.expiry);
        let presence = Some(Box::new(Presence::restored(kept, offset)));
        let socket = Self::with(hub, namespace, session, auth, id, rooms, states, presence);
        if data.is_some() {
            socket.replace_data(data);
        }
        if expiry.is_some() {
            socket.set_expiry(expiry);
        }
        socket
    }

    /// The socket that a client was, perhaps on another node.
    #[expect(clippy::too_many_arguments, reason = "the parts of what was saved")]
    pub(crate) fn brought_back(
        hub: &Arc<Hub>,
        namespace: Arc<Namespace>,
        session: &Arc<SessionHandle>,
        auth: &str,
        id: Sid,
        rooms: Vec<Room>,
        data: serde_json::Value,
        presence: Box<Presence>,
    ) -> Self {
        let rooms = RoomList::of(rooms);
        let socket = Self::with(hub, namespace, session, auth, id, rooms, None, Some(presence));
        socket.replace_data(Some(data));
        socket
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a socket, for its constructors")]
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

    /// Names the client: its sockets in all namespaces have the same. No secret, in contrast to the session id.
    #[must_use]
    pub fn client_id(&self) -> Box<str> {
        origin::client_id(&self.0.hub, self.0.session.sid())
    }

    /// The CONNECT payload of this namespace; an absent one reads as `{}`.
    ///
    /// # Errors
    ///
    /// The payload does not fit `T`.
    pub fn auth<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.auth_json()).map_err(|error| without_input(&error))
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
        self.send_question(event, &args, timeout.into(), EmitFlags::default())
    }

    // ---- end ------------------------------------------------------------------------------------

    /// Makes the client leave the namespace; with `close` ends its session with all namespaces.
    ///
    /// What was emitted before is delivered first.
    pub fn disconnect(&self, close: bool) {
        if let Some(relay) = self.0.namespace.relay()
            && relay.defer(|| Deferred::Disconnect { socket: self.clone(), close })
        {
            return;
        }
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
