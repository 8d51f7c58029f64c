//! One carrier thread's share of a server: its sessions, their rooms and their timers.
//!
//! Everything here is owned by one thread and reached without locks. User code is only called while
//! nothing is borrowed, because it may come back through any handle: a handler may emit to its own
//! socket, to others on this worker, or end its own session.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::BytesMut;
use slab::Slab;

use crate::adapter::MemoryAdapter;
use crate::close::{CloseReason, DisconnectReason};
use crate::engine::timer::after;
use crate::engine::{Session, Traffic, Transport, Wire};
use crate::sid::Sid;
use crate::sync::atomic::{AtomicBool, Ordering};

use super::bus::Message;
use super::connection::Connection;
use super::direct::Direct;
use super::handshake::{OpenError, Opening};
use super::hub::{Hub, SessionHandle};
use super::io::Io;
use super::later::Later;
use super::raw::EngineSocket;
use super::socket::Socket;
use super::spans::{self, ENGINE};
use super::tasks::Tasks;
use super::transfer::Arrival;
use super::wheel::Wheel;

/// Times the queue is emptied before sockets and timers have their turn again.
const ROUNDS: usize = 16;

thread_local! {
    /// The workers of this thread, one per server that runs on it.
    static WORKERS: RefCell<Vec<(u64, Rc<Worker>)>> = const { RefCell::new(Vec::new()) };
}

/// What a broadcast is delivered to.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) connection: Rc<Connection>,
    pub(crate) socket: Socket,
}

type Adapters = HashMap<u64, MemoryAdapter<Receiver>, ahash::RandomState>;

/// How a message to many sockets got here.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source {
    /// From this thread, with its number among the messages to the other workers, if there are any.
    Direct(Option<u64>),
    /// From the worker's queue.
    Queue,
}

/// One thread's share of a server; see the module.
pub struct Worker {
    pub(super) hub: Arc<Hub>,
    index: usize,
    /// Something waits in the queue.
    waiting: Arc<AtomicBool>,
    /// Sockets whose end is due, and whether the ends of others are being run.
    pub(super) ends: RefCell<VecDeque<(Socket, DisconnectReason)>>,
    pub(super) ending: Cell<bool>,
    /// Messages taken from the queue are being handled.
    receiving: Cell<bool>,
    clock: Box<dyn Fn() -> Instant>,
    now: Cell<Instant>,
    pub(super) connections: RefCell<Slab<Rc<Connection>>>,
    generation: Cell<u32>,
    /// Rooms, by the id of their namespace.
    pub(super) adapters: RefCell<Adapters>,
    pub(super) wheel: RefCell<Wheel>,
    /// When the carrier will call again by itself.
    pub(super) sleeps_until: Cell<Option<Instant>>,
    pub(super) arrivals: RefCell<Vec<Arrival>>,
    pub(super) tasks: Tasks,
    /// Counts what its sessions say and hear, if somebody wants to know.
    pub(super) traffic: Option<Arc<Traffic>>,
    /// Sessions that go on in the next poll with what they hold, each once: [`Connection::has_turn`].
    pub(super) turns: RefCell<Vec<Arc<SessionHandle>>>,
    /// The carrier is in [`Self::poll`], and asks then whether there is more to do.
    pub(super) polling: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    /// Connections whose packet the carrier's task for that writes.
    pub(super) direct: Direct,
    /// Tasks of the carrier that wait for their turn after others.
    pub(super) later: Later,
    pub(super) out: Cell<BytesMut>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("index", &self.index).finish_non_exhaustive()
    }
}

impl Worker {
    /// Starts this thread's worker of a server, or gives the one that runs already.
    ///
    /// The carrier then calls [`Self::poll`] from a task of this thread until [`Self::stop`].
    pub fn start(io: &Io, clock: impl Fn() -> Instant + 'static) -> (Rc<Self>, bool) {
        let hub = io.hub();
        if let Some(running) = Self::current(hub) {
            return (running, false);
        }
        let now = clock();
        let (index, waiting) = hub.bus.register();
        let worker = Rc::new(Self {
            index,
            waiting,
            ends: RefCell::new(VecDeque::new()),
            ending: Cell::new(false),
            receiving: Cell::new(false),
            hub: Arc::clone(hub),
            clock: Box::new(clock),
            now: Cell::new(now),
            connections: RefCell::new(Slab::new()),
            generation: Cell::new(0),
            adapters: RefCell::default(),
            wheel: RefCell::new(Wheel::new(now)),
            sleeps_until: Cell::new(None),
            arrivals: RefCell::new(Vec::new()),
            tasks: Tasks::default(),
            traffic: hub.watch.add_worker(),
            turns: RefCell::new(Vec::new()),
            polling: Cell::new(false),
            waker: RefCell::new(None),
            direct: Direct::default(),
            later: Later::default(),
            out: Cell::new(BytesMut::new()),
        });
        WORKERS.with_borrow_mut(|workers| workers.push((hub.id(), Rc::clone(&worker))));
        hub.watch.tell(|observer| observer.worker_started());
        (worker, true)
    }

    /// This thread's worker of a server.
    pub(crate) fn current(hub: &Hub) -> Option<Rc<Self>> {
        WORKERS
            .try_with(|workers| {
                let workers = workers.try_borrow().ok()?;
                workers.iter().find(|(id, _)| *id == hub.id()).map(|(_, worker)| Rc::clone(worker))
            })
            .ok()
            .flatten()
    }

    /// Ends the worker: its sessions end with `transport close`, also those on their way to it.
    pub fn stop(&self) {
        self.close_all();
        self.receiving.set(true);
        self.arrivals.borrow_mut().iter_mut().for_each(Arrival::give_up);
        for (_, message) in self.hub.bus.unregister(self.index) {
            self.receive_guarded(message);
        }
        self.receiving.set(false);
        // Sessions that came with the last messages.
        self.close_all();
        // Requests that wait for a session are told that it does not come.
        self.arrivals.take();
        self.direct.clear();
        let stopped = WORKERS
            .try_with(|workers| {
                let mut workers = workers.try_borrow_mut().ok()?;
                let position = workers.iter().position(|(id, _)| *id == self.hub.id())?;
                Some(workers.swap_remove(position))
            })
            .ok()
            .flatten();
        drop(stopped);
        if self.hub.bus.workers() == 0 {
            self.hub.forget_everything();
        }
    }

    fn close_all(&self) {
        let connections: Vec<_> =
            self.connections.borrow().iter().map(|(_, c)| Rc::clone(c)).collect();
        for connection in connections {
            self.guarded(|| self.transport_closed(&connection, CloseReason::TransportClose));
        }
    }

    pub(crate) const fn index(&self) -> usize {
        self.index
    }

    /// The server this worker belongs to.
    #[must_use]
    pub const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Reads the clock; what follows in this turn counts as happening at that moment.
    pub fn tick(&self) -> Instant {
        let now = (self.clock)();
        self.now.set(now);
        now
    }

    /// What the clock says, without beginning a turn.
    pub(super) fn read_clock(&self) -> Instant {
        (self.clock)()
    }

    pub(super) fn now(&self) -> Instant {
        self.now.get()
    }

    // ---- the carrier's loop ---------------------------------------------------------------------

    /// Does what is due: messages of other threads, timers, handlers that wait.
    ///
    /// Never completes; the waker is called when there is more to do. Asks for another call as soon as others
    /// have had their turn: [`Self::has_more`].
    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        {
            let mut waker = self.waker.borrow_mut();
            match &mut *waker {
                Some(known) => known.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
        self.polling.set(true);
        self.tick();
        self.take_messages(Some(cx.waker()));
        self.handle_timeouts();
        if self.hub.keeper.is_some() {
            self.guarded(|| self.hub.sweep(self.now()));
        }
        self.tasks.poll(cx);
        // Handlers that have just finished let held events go on. What these start is polled with the next call.
        for handle in self.turns.take() {
            // One that has moved has its turn where it is.
            let connection = self.local(&handle).filter(|known| known.has_turn.replace(false));
            if let Some(connection) = connection {
                self.guarded(|| self.take_turn(&connection));
            }
        }
        self.polling.set(false);
        Poll::Pending
    }

    /// [`Self::poll`] has left work for its next call, which should come when others have had their turn; to be
    /// asked after each poll.
    #[must_use]
    pub fn has_more(&self) -> bool {
        !self.turns.borrow().is_empty() || self.tasks.has_started()
    }

    /// Handles what other threads sent before this worker reads input.
    ///
    /// A client may speak because of something it heard through another worker: what that worker
    /// published before then must be delivered here before what this input leads to.
    pub fn catch_up(&self) {
        if self.waiting.load(Ordering::Acquire) {
            self.tick();
            self.take_messages(None);
        }
    }

    /// Messages of other threads wait. What this thread says now may follow from what they say, so it
    /// has to queue behind them; direct delivery is for a worker that has heard everything.
    pub(crate) fn is_behind(&self) -> bool {
        self.receiving.get() || self.waiting.load(Ordering::Acquire)
    }

    fn take_messages(&self, waker: Option<&Waker>) {
        if self.receiving.replace(true) {
            return;
        }
        // A bounded number of rounds: whoever keeps sending must not keep this thread from its sockets.
        for _ in 0..ROUNDS {
            let messages = self.hub.bus.take(self.index, waker);
            if messages.is_empty() {
                self.receiving.set(false);
                return;
            }
            for (_, message) in messages {
                self.receive_guarded(message);
            }
        }
        self.receiving.set(false);
        self.wake();
    }

    /// Handles a message; a panic, of a value that users stored for instance, ends at most one session.
    fn receive_guarded(&self, message: Message) {
        let session = match &message {
            Message::Session(handle, _) => Some(Arc::clone(handle)),
            _ => None,
        };
        if self.guarded(|| self.receive(message))
            && let Some(connection) = session.and_then(|handle| self.local(&handle))
        {
            self.guarded(|| self.transport_closed(&connection, CloseReason::ForcedClose));
        }
    }

    /// Runs something that may run users' code; `true` if that panicked.
    pub(super) fn guarded(&self, call: impl FnOnce()) -> bool {
        let panicked = catch_unwind(AssertUnwindSafe(call)).is_err();
        if panicked {
            tracing::error!("a panic outside a handler was stopped");
        }
        panicked
    }

    pub(super) fn wake(&self) {
        let waker = self.waker.borrow().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn receive(&self, message: Message) {
        match message {
            Message::Broadcast(broadcast) => self.deliver_from(&broadcast, Source::Queue),
            Message::Selection(selection) => self.select_from(&selection, Source::Queue),
            Message::Session(handle, op) => self.apply(&handle, op),
            Message::Leave(handle, to) => self.give_away(handle, to),
            Message::Enter(handle) => self.expect(&handle),
            Message::HandOver(handle, parcel) => self.adopt(&handle, parcel),
            Message::Shutdown => self.shut_down(),
            Message::ShutdownPart(part, of) => self.shut_down_part(part, of),
            Message::ServerSide(event) => self.run_node_event(*event),
            Message::Census(census) => self.count(&census),
        }
    }

    // ---- sessions -------------------------------------------------------------------------------

    /// Opens a session on this worker.
    ///
    /// # Errors
    ///
    /// The server is closing or full, or the id that the application made is in use.
    pub fn open(&self, mut opening: Opening) -> Result<Rc<Connection>, OpenError> {
        if self.hub.refuses_sessions() || !self.hub.admit(&opening.handshake) {
            return Err(OpenError::Unavailable);
        }
        let now = self.tick();
        let made = opening.sid.take();
        let Opening { transport, revision, base64, deflate, .. } = opening;
        let random = made.is_none();
        let sid = made.unwrap_or_else(|| Sid::random(&*self.hub.sids));
        let hook = self.hub.session_span.as_deref();
        let handle_of = |sid: Sid| {
            let span = spans::of_session(&sid, &opening, hook);
            Arc::new(SessionHandle::new(sid, &opening, self.index).with_span(span))
        };
        let mut handle = handle_of(sid);
        while !self.hub.add_session(&handle) {
            if !random {
                self.hub.dismiss(&opening.handshake);
                return Err(OpenError::SidInUse);
            }
            let sid = Sid::random(&*self.hub.sids);
            handle = handle_of(sid);
        }
        let deflate = self.hub.engine.deflate_from(deflate);
        let wire = Wire { revision, base64, deflate };
        let open_packet = self.hub.engine.open_packet(handle.sid(), transport);
        let config = Arc::clone(&self.hub.engine);
        let mut engine = Session::open(now, config, transport, wire, open_packet);
        engine.set_traffic(self.traffic.clone());
        let connect_timeout = self.hub.config.connect_timeout;
        let connection = Connection::new(
            Arc::clone(&handle),
            engine,
            crate::mux::Multiplexer::default(),
            self.hub.raw.is_none().then_some(after(now, connect_timeout)),
        );
        let connection = self.add(connection);
        self.rearm(&connection);
        tracing::debug!(target: ENGINE, parent: handle.span().id(), ?revision, "session opened");
        self.hub.watch.tell(|observer| observer.session_opened(&handle));
        if let Some(raw) = &self.hub.raw {
            self.guarded(|| raw.opened(&EngineSocket::new(Arc::clone(&self.hub), handle)));
        }
        if transport == Transport::Websocket {
            self.connect_implicitly(&connection);
        }
        Ok(connection)
    }

    pub(super) fn add(&self, connection: Connection) -> Rc<Connection> {
        let connection = Rc::new(connection);
        let slot = self.connections.borrow_mut().insert(Rc::clone(&connection));
        let generation = self.generation.get().wrapping_add(1);
        self.generation.set(generation);
        connection.key.set((u32::try_from(slot).unwrap_or(u32::MAX), generation));
        connection.handle.set_slot(slot);
        connection
    }

    /// The session, if this worker owns it at this moment.
    #[must_use]
    pub fn local(&self, handle: &Arc<SessionHandle>) -> Option<Rc<Connection>> {
        if handle.home() != self.index {
            return None;
        }
        self.connection_at(handle.slot(), handle)
    }

    /// The session is here and stays, and nothing that waits could change that.
    pub(super) fn owns(&self, handle: &Arc<SessionHandle>) -> bool {
        !self.is_behind() && self.local(handle).is_some()
    }

    pub(super) fn connection_at(
        &self,
        slot: usize,
        handle: &Arc<SessionHandle>,
    ) -> Option<Rc<Connection>> {
        self.connections.borrow().get(slot).filter(|c| Arc::ptr_eq(&c.handle, handle)).cloned()
    }

    pub(super) fn forget(&self, connection: &Connection) {
        let slot = connection.key.get().0 as usize;
        let mut connections = self.connections.borrow_mut();
        if connections.get(slot).is_some_and(|known| Arc::ptr_eq(&known.handle, &connection.handle))
        {
            connections.remove(slot);
        }
        connection.key.set((u32::MAX, 0));
    }
}
