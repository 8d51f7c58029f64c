//! Those who watch a server: metrics, the Admin UI, an application of its own.
//!
//! An observer is told where nothing is borrowed or locked, on the worker where it happens, and must not wait.
//! A server without observers pays one check of an empty list per event.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::close::{CloseReason, DisconnectReason};
use crate::cluster::ClusterError;
use crate::engine::{Traffic, TrafficTotals};
use crate::handler::EventError;
use crate::packet::{ArgCursor, ArgError, EventArg};

use super::hub::SessionHandle;
use super::io::Io;
use super::namespace::Namespace;
use super::outgoing::args_len;
use super::room_events::RoomEvent;
use super::socket::Socket;

/// What an [`Observer`] wants to be told of, besides the lives of sessions and sockets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interest {
    /// Each event: [`Observer::event_received`], [`Observer::event_handled`] and [`Observer::events_sent`].
    pub events: bool,
    /// What happens to rooms: [`Observer::room_changed`].
    pub rooms: bool,
    /// Messages and bytes are to be counted for [`Io::traffic`].
    pub traffic: bool,
    /// What clients send, with its content: [`Observer::arguments_received`].
    pub arguments: bool,
    /// Other nodes that ask for sockets are told of each which client it belongs to and by which transport it
    /// came, as servers in Node.js do that have the Admin UI: `_admin` in its data.
    pub origins: bool,
}

impl Interest {
    /// Nothing but the lives of sessions and sockets.
    pub const LIVES: Self =
        Self { events: false, rooms: false, traffic: false, arguments: false, origins: false };

    /// With events.
    #[must_use]
    pub const fn and_events(self) -> Self {
        Self { events: true, ..self }
    }

    /// With rooms.
    #[must_use]
    pub const fn and_rooms(self) -> Self {
        Self { rooms: true, ..self }
    }

    /// With the counters of messages and bytes.
    #[must_use]
    pub const fn and_traffic(self) -> Self {
        Self { traffic: true, ..self }
    }

    /// With the arguments of events.
    #[must_use]
    pub const fn and_arguments(self) -> Self {
        Self { arguments: true, ..self }
    }

    /// With where sockets come from, for other nodes.
    #[must_use]
    pub const fn and_origins(self) -> Self {
        Self { origins: true, ..self }
    }
}

/// An event of a client with its arguments.
#[derive(Clone, Copy)]
pub struct ReceivedEvent<'a> {
    name: &'a str,
    args: &'a ArgCursor<'a>,
}

/// Its name; what the client sent with it is for those who read it.
impl fmt::Debug for ReceivedEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedEvent").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<'a> ReceivedEvent<'a> {
    pub(crate) const fn new(name: &'a str, args: &'a ArgCursor<'a>) -> Self {
        Self { name, args }
    }

    /// Name of the event, which the client chose.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// Bytes of the arguments as they came, with the commas between them and the attachments; nothing is read for
    /// it.
    #[must_use]
    pub fn size(&self) -> usize {
        let attachments: usize = self.args.attachments().iter().map(Bytes::len).sum();
        args_len(self.args.unread_text()) + attachments
    }

    /// Reads the first argument as `T`, or all with `Rest<T>`; bytes are bytes.
    ///
    /// # Errors
    ///
    /// The arguments do not fit `T`, or are broken, which ends their session by itself.
    pub fn read<T: EventArg>(&self) -> Result<T, ArgError> {
        T::read(&mut self.args.clone())
    }
}

/// An event that a handler has dealt with, or that was refused before one ran.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct HandledEvent<'a> {
    /// The socket it came from.
    pub socket: &'a Socket,
    /// Its name, which the client chose: not every one is worth a label.
    pub event: &'a str,
    /// From its start to its answer; `None`: no handler ran.
    pub took: Option<Duration>,
    /// How it failed, if it did.
    pub error: Option<&'a EventError>,
}

impl HandledEvent<'_> {
    /// The event has a handler of the namespace under its name, which is one of a bounded number therefore.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.socket.handlers().event(self.event).is_some()
    }
}

/// Watches a server; every method does nothing by default.
///
/// Called on the thread where it happens, while nothing is borrowed or locked: an observer may emit. It must not
/// wait. A panic ends only that call.
pub trait Observer: Send + Sync + 'static {
    /// What it wants to be told of; asked once.
    fn interest(&self) -> Interest {
        Interest::LIVES
    }

    /// The server is built.
    fn attached(&self, _io: &Io) {}

    /// Whether it has still to say something to other servers; the orderly end waits for that, but not for long.
    fn has_more_to_say(&self) -> bool {
        false
    }

    /// A session was opened.
    fn session_opened(&self, _session: &Arc<SessionHandle>) {}

    /// A session has gone on to a WebSocket.
    fn session_upgraded(&self, _session: &Arc<SessionHandle>) {}

    /// A session ended; its sockets follow.
    fn session_closed(&self, _session: &Arc<SessionHandle>, _reason: CloseReason) {}

    /// A request that would have opened a session, or carried one, was refused: with a code of the engine, 0 to
    /// 5, or without one, and then this is the HTTP status.
    fn request_refused(&self, _code: u16) {}

    /// A client may not join a namespace, whose name it chose.
    fn connect_refused(&self, _namespace: &str) {}

    /// A socket is connected; its connection handlers follow.
    fn socket_connected(&self, _socket: &Socket) {}

    /// A connected socket has ended; its `disconnect` handlers follow.
    fn socket_disconnected(&self, _socket: &Socket, _reason: DisconnectReason) {}

    /// The data that a socket shows to others, [`Socket::set_data`], is another one.
    fn socket_data_changed(&self, _socket: &Socket) {}

    /// An event came in, whether or not somebody handles it.
    fn event_received(&self, _socket: &Socket, _event: &str) {}

    /// An event within the session's rate came in; as [`Self::event_received`], with its content.
    fn arguments_received(&self, _socket: &Socket, _event: &ReceivedEvent<'_>) {}

    /// An event was dealt with.
    fn event_handled(&self, _handled: &HandledEvent<'_>) {}

    /// An event was sent to so many sockets of a namespace, those included that a volatile one did not reach.
    fn events_sent(&self, _namespace: &Namespace, _receivers: usize) {}

    /// So many clients have not answered an event in time.
    fn acks_timed_out(&self, _namespace: &Namespace, _clients: usize) {}

    /// The other nodes were asked for something, as by
    /// [`fetch_sockets`](super::BroadcastOperator::fetch_sockets); `took` is known with [`Self::clock`].
    fn cluster_asked(&self, _took: Option<Duration>, _error: Option<&ClusterError>) {}

    /// The time, for what happens on no worker: the core reads no clock.
    fn clock(&self) -> Option<Instant> {
        None
    }

    /// A worker runs from now on, on this thread.
    fn worker_started(&self) {}

    /// Something happened to a room; as [`IoConfig::on_room_event`](super::IoConfig::on_room_event).
    fn room_changed(&self, _event: &RoomEvent) {}
}

/// All observers of a server, and what they want to know.
#[derive(Default)]
pub(crate) struct Watch {
    observers: Box<[Arc<dyn Observer>]>,
    interest: Interest,
    /// Of all workers that ever ran.
    traffic: Mutex<Vec<Arc<Traffic>>>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("observers", &self.observers.len())
            .field("interest", &self.interest)
            .finish_non_exhaustive()
    }
}

impl Watch {
    pub(crate) fn new(observers: Vec<Arc<dyn Observer>>) -> Self {
        let mut interest = Interest::LIVES;
        for observer in &observers {
            let more = observer.interest();
            interest.events |= more.events;
            interest.rooms |= more.rooms;
            interest.traffic |= more.traffic;
            interest.arguments |= more.arguments;
            interest.origins |= more.origins;
        }
        Self { observers: observers.into(), interest, traffic: Mutex::default() }
    }

    pub(crate) const fn interest(&self) -> Interest {
        self.interest
    }

    /// Tells all observers; to be called while nothing is borrowed or locked.
    #[inline]
    pub(crate) fn tell(&self, what: impl Fn(&dyn Observer)) {
        if !self.observers.is_empty() {
            self.tell_all(what);
        }
    }

    /// As [`Self::tell`], of something that only those are told who want to hear of events.
    #[inline]
    pub(crate) fn tell_event(&self, what: impl Fn(&dyn Observer)) {
        if self.interest.events {
            self.tell_all(what);
        }
    }

    /// As [`Self::tell_event`], for those who read what events say.
    #[inline]
    pub(crate) fn tell_arguments(&self, socket: &Socket, event: &str, args: &ArgCursor<'_>) {
        if self.interest.arguments {
            let event = ReceivedEvent::new(event, args);
            self.tell_all(|observer| observer.arguments_received(socket, &event));
        }
    }

    #[cold]
    fn tell_all(&self, what: impl Fn(&dyn Observer)) {
        for observer in &self.observers {
            if catch_unwind(AssertUnwindSafe(|| what(&**observer))).is_err() {
                tracing::error!("an observer panicked");
            }
        }
    }

    /// The time, if somebody has it.
    pub(crate) fn clock(&self) -> Option<Instant> {
        self.observers.iter().find_map(|observer| {
            catch_unwind(AssertUnwindSafe(|| observer.clock())).unwrap_or_else(|_panic| {
                tracing::error!("an observer panicked");
                None
            })
        })
    }

    /// The other nodes were asked for something, since when the clock told.
    pub(crate) fn tell_asked(&self, began: Option<Instant>, error: Option<&ClusterError>) {
        let took = began.zip(self.clock()).map(|(began, now)| now.saturating_duration_since(began));
        self.tell(|observer| observer.cluster_asked(took, error));
    }

    fn has_more_to_say(&self) -> bool {
        self.observers.iter().any(|observer| {
            catch_unwind(AssertUnwindSafe(|| observer.has_more_to_say())).unwrap_or(false)
        })
    }

    /// The counters of a new worker, if somebody wants to know.
    pub(crate) fn add_worker(&self) -> Option<Arc<Traffic>> {
        if !self.interest.traffic {
            return None;
        }
        let traffic = Arc::new(Traffic::default());
        self.lock().push(Arc::clone(&traffic));
        Some(traffic)
    }

    fn totals(&self) -> TrafficTotals {
        let mut totals = TrafficTotals::default();
        self.lock().iter().for_each(|worker| worker.add_to(&mut totals));
        totals
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Traffic>>> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Io {
    /// Messages and bytes of all clients since the start, if an observer asked for them to be counted.
    ///
    /// Counters of workers that go on are read one after another, so they need not be of one moment.
    #[must_use]
    pub fn traffic(&self) -> TrafficTotals {
        self.hub().watch.totals()
    }

    /// Whether an observer has still to say something to other servers.
    #[must_use]
    pub fn has_more_to_say(&self) -> bool {
        self.hub().watch.has_more_to_say()
    }

    /// Tells observers of a request that a carrier refused; see [`Observer::request_refused`].
    pub fn tell_refused(&self, code: u16) {
        self.hub().watch.tell(|observer| observer.request_refused(code));
    }
}
