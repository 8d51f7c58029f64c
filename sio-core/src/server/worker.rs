//! One carrier thread's share of a server: its sessions, their rooms and their timers.
//!
//! Everything here is owned by one thread and reached without locks. User code is only called while
//! nothing is borrowed, because it may come back through any handle: a handler may emit to its own
//! socket, to others on this worker, or end its own session.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use futures_channel::oneshot;
use slab::Slab;

use crate::adapter::MemoryAdapter;
use crate::close::CloseReason;
use crate::engine::{HandshakeError, PollOutcome, ProbeReply, Session, Transport};
use crate::frame::{Frame, FrameGroup};
use crate::sid::Sid;

use super::bus::{Action, Broadcast, Message, Selection};
use super::connection::{Connection, PendingPush};
use super::handshake::Handshake;
use super::hub::{Hub, SessionHandle};
use super::io::Io;
use super::raw::EngineSocket;
use super::sessions::{PollReply, PushReply, SessionOp};
use super::socket::Socket;
use super::tasks::Tasks;
use super::transfer::Arrival;
use super::wheel::Wheel;

/// Room for the frames of one turn; given back after each write.
const OUT_BYTES: usize = 64 * 1024;

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
    waiting: Arc<std::sync::atomic::AtomicBool>,
    /// Messages taken from the queue are being handled.
    receiving: Cell<bool>,
    clock: Box<dyn Fn() -> Instant>,
    now: Cell<Instant>,
    connections: RefCell<Slab<Rc<Connection>>>,
    generation: Cell<u32>,
    pub(super) adapters: RefCell<Vec<MemoryAdapter<Receiver>>>,
    wheel: RefCell<Wheel>,
    /// When the carrier will call again by itself.
    sleeps_until: Cell<Option<Instant>>,
    pub(super) arrivals: RefCell<Vec<Arrival>>,
    pub(super) tasks: Tasks,
    /// Sessions whose held push may go on.
    pub(super) resumable: RefCell<Vec<Arc<SessionHandle>>>,
    waker: RefCell<Option<Waker>>,
    out: Cell<BytesMut>,
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
            receiving: Cell::new(false),
            hub: Arc::clone(hub),
            clock: Box::new(clock),
            now: Cell::new(now),
            connections: RefCell::new(Slab::new()),
            generation: Cell::new(0),
            adapters: RefCell::new(Vec::new()),
            wheel: RefCell::new(Wheel::new(now)),
            sleeps_until: Cell::new(None),
            arrivals: RefCell::new(Vec::new()),
            tasks: Tasks::default(),
            resumable: RefCell::new(Vec::new()),
            waker: RefCell::new(None),
            out: Cell::new(BytesMut::new()),
        });
        WORKERS.with_borrow_mut(|workers| workers.push((hub.id(), Rc::clone(&worker))));
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
            self.receive(message);
        }
        self.receiving.set(false);
        // Sessions that came with the last messages.
        self.close_all();
        // Requests that wait for a session are told that it does not come.
        self.arrivals.take();
        let stopped = WORKERS
            .try_with(|workers| {
                let mut workers = workers.try_borrow_mut().ok()?;
                let position = workers.iter().position(|(id, _)| *id == self.hub.id())?;
                Some(workers.swap_remove(position))
            })
            .ok()
            .flatten();
        drop(stopped);
    }

    fn close_all(&self) {
        let connections: Vec<_> =
            self.connections.borrow().iter().map(|(_, c)| Rc::clone(c)).collect();
        for connection in connections {
            self.transport_closed(&connection, CloseReason::TransportClose);
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

    pub(super) fn now(&self) -> Instant {
        self.now.get()
    }

    // ---- the carrier's loop ---------------------------------------------------------------------

    /// Does what is due: messages of other threads, timers, handlers that wait.
    ///
    /// Never completes; the waker is called when there is more to do.
    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        {
            let mut waker = self.waker.borrow_mut();
            match &mut *waker {
                Some(known) => known.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
        self.tick();
        self.take_messages(Some(cx.waker()));
        self.handle_timeouts();
        for handle in self.resumable.take() {
            // One that has moved resumed when it arrived.
            if let Some(connection) = self.local(&handle) {
                self.resume_push(&connection);
            }
        }
        self.tasks.poll(cx);
        Poll::Pending
    }

    /// Handles what other threads sent before this worker reads input.
    ///
    /// A client may speak because of something it heard through another worker: what that worker
    /// published before then must be delivered here before what this input leads to.
    pub fn catch_up(&self) {
        if self.waiting.load(std::sync::atomic::Ordering::Acquire) {
            self.tick();
            self.take_messages(None);
        }
    }

    /// Messages of other threads wait. What this thread says now may follow from what they say, so it
    /// has to queue behind them; direct delivery is for a worker that has heard everything.
    pub(crate) fn is_behind(&self) -> bool {
        self.receiving.get() || self.waiting.load(std::sync::atomic::Ordering::Acquire)
    }

    fn take_messages(&self, waker: Option<&Waker>) {
        if self.receiving.replace(true) {
            return;
        }
        loop {
            let messages = self.hub.bus.take(self.index, waker);
            if messages.is_empty() {
                break;
            }
            for (_, message) in messages {
                self.receive(message);
            }
        }
        self.receiving.set(false);
    }

    /// When [`Self::poll`] has to be called even if nothing wakes it; to be asked after each poll.
    pub fn next_deadline(&self) -> Option<Instant> {
        let deadline = self.wheel.borrow().next_deadline();
        self.sleeps_until.set(deadline);
        deadline
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
        }
    }

    fn handle_timeouts(&self) {
        let now = self.now();
        let mut due = Vec::new();
        self.wheel.borrow_mut().advance(now, &mut due);
        for key in due {
            let connection = self.connections.borrow().get(key.0 as usize).cloned();
            if let Some(connection) = connection.filter(|c| c.key.get() == key) {
                connection.armed.set(None);
                self.handle_timeout(&connection);
            }
        }
    }

    /// Brings a session up to date; also called before input is handled, so that no timer is late.
    pub(super) fn handle_timeout(&self, connection: &Rc<Connection>) {
        let now = self.now();
        connection.engine.borrow_mut().handle_timeout(now);
        if connection.mux.borrow().attachment_deadline().is_some_and(|deadline| deadline <= now) {
            self.end(connection, CloseReason::ForcedClose);
        }
        if connection.connect_deadline.get().is_some_and(|deadline| deadline <= now) {
            connection.connect_deadline.set(None);
            if !connection.mux.borrow().ever_joined() {
                self.end(connection, CloseReason::ForcedClose);
            }
        }
        let sockets: Vec<Socket> = connection.mux.borrow().sockets().cloned().collect();
        for socket in sockets {
            socket.expire_acks(now);
        }
        self.settle(connection);
        // A probing WebSocket may have been given up.
        if connection.transport() == Transport::Websocket || !connection.is_probing() {
            connection.wake();
        }
        self.rearm(connection);
    }

    /// Puts a session's next deadline on the wheel, if that is earlier than what stands there.
    pub(super) fn rearm(&self, connection: &Connection) {
        let next = {
            let mux = connection.mux.borrow();
            [connection.engine.borrow().poll_timeout(), mux.attachment_deadline()]
                .into_iter()
                .chain([connection.connect_deadline.get()])
                .chain(mux.sockets().map(Socket::next_ack_deadline))
                .flatten()
                .min()
        };
        let Some(next) = next else { return };
        if connection.armed.get().is_none_or(|armed| next < armed) {
            connection.armed.set(Some(next));
            self.wheel.borrow_mut().insert(next, connection.key.get());
            if self.sleeps_until.get().is_none_or(|until| next < until) {
                self.sleeps_until.set(Some(next));
                self.wake();
            }
        }
    }

    // ---- sessions -------------------------------------------------------------------------------

    /// Opens a session on this worker.
    ///
    /// # Errors
    ///
    /// The server is closing.
    pub fn open(
        &self,
        handshake: Handshake,
        transport: Transport,
        base64: bool,
    ) -> Result<Rc<Connection>, HandshakeError> {
        let now = self.tick();
        let sid = Sid::random(&*self.hub.sids);
        let open_packet = self.hub.engine.open_packet(&sid, transport);
        let engine =
            Session::open(now, Arc::clone(&self.hub.engine), transport, base64, open_packet);
        let websocket = transport == Transport::Websocket;
        let handle = Arc::new(SessionHandle::new(sid, Arc::new(handshake), self.index, websocket));
        let connect_timeout = self.hub.config.connect_timeout;
        let connection = Connection::new(
            Arc::clone(&handle),
            engine,
            crate::mux::Multiplexer::default(),
            self.hub.raw.is_none().then_some(now + connect_timeout),
        );
        let connection = self.add(connection);
        self.hub.add_session(Arc::clone(&handle));
        self.rearm(&connection);
        if let Some(raw) = &self.hub.raw {
            self.guarded(|| raw.opened(&EngineSocket::new(Arc::clone(&self.hub), handle)));
        }
        Ok(connection)
    }

    pub(super) fn add(&self, connection: Connection) -> Rc<Connection> {
        let connection = Rc::new(connection);
        let slot = self.connections.borrow_mut().insert(Rc::clone(&connection));
        let generation = self.generation.get().wrapping_add(1);
        self.generation.set(generation);
        connection.key.set((u32::try_from(slot).unwrap_or(u32::MAX), generation));
        connection.handle.slot.store(slot, std::sync::atomic::Ordering::Release);
        connection
    }

    /// The session, if this worker owns it at this moment.
    #[must_use]
    pub fn local(&self, handle: &Arc<SessionHandle>) -> Option<Rc<Connection>> {
        if handle.home() != self.index {
            return None;
        }
        self.connection_at(handle.slot.load(std::sync::atomic::Ordering::Acquire), handle)
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

    /// A poll for a session of any worker. The receiver fails if the session is gone.
    pub fn poll_session(&self, handle: &Arc<SessionHandle>) -> oneshot::Receiver<PollReply> {
        let (reply, receiver) = oneshot::channel();
        self.catch_up();
        self.route(handle, SessionOp::Poll(reply));
        receiver
    }

    /// The connection of a poll ended before its answer was written; `answered` if it had one.
    pub fn poll_lost(&self, handle: &Arc<SessionHandle>, answered: bool) {
        self.route(handle, SessionOp::PollLost { answered });
    }

    /// A push for a session of any worker. The receiver fails if the session is gone.
    pub fn push(&self, handle: &Arc<SessionHandle>, body: Bytes) -> oneshot::Receiver<PushReply> {
        let (reply, receiver) = oneshot::channel();
        self.catch_up();
        self.route(handle, SessionOp::Push { body, reply });
        receiver
    }

    /// A push broke the rules; the session ends with `transport error`.
    pub fn push_failed(&self, handle: &Arc<SessionHandle>, detail: &'static str) {
        self.route(handle, SessionOp::PushFailed(detail));
    }

    /// Carries an operation out here, or sends it to the session's home.
    pub(super) fn route(&self, handle: &Arc<SessionHandle>, op: SessionOp) {
        if handle.home() == self.index && !self.is_behind() {
            self.tick();
            self.apply(handle, op);
        } else if self.hub.bus.send_home(handle, op).is_err() {
            tracing::warn!("a worker's queue is full; an operation on a session was dropped");
        }
    }

    pub(super) fn apply(&self, handle: &Arc<SessionHandle>, op: SessionOp) {
        // A session that is about to leave is still here, and so is what was sent to it before.
        let slot = handle.slot.load(std::sync::atomic::Ordering::Acquire);
        match self.connection_at(slot, handle) {
            Some(connection) => self.apply_to(&connection, op),
            None => self.keep_for_arrival(handle, op),
        }
    }

    pub(super) fn apply_to(&self, connection: &Rc<Connection>, op: SessionOp) {
        match op {
            // What was said behind the socket's end is dropped; its namespace may have a new one.
            SessionOp::Send { socket, .. } if socket.has_ended() => {}
            SessionOp::Send { socket, group, volatile, ack } => {
                if let Some((id, timeout)) = ack {
                    socket.arm_ack(id, self.now() + timeout);
                    self.rearm(connection);
                }
                if connection.send(&group, volatile) {
                    self.settle(connection);
                }
            }
            SessionOp::SendFrame(frame) => {
                connection.engine.borrow_mut().send_frame(&frame);
                if connection.transport() == Transport::Websocket {
                    connection.wake();
                }
                self.settle(connection);
            }
            SessionOp::Rooms { socket, change, rooms, join } => {
                let rooms = socket.take_change(change, rooms);
                self.index_rooms(&socket, &rooms, join);
            }
            SessionOp::Disconnect { socket, close } => self.disconnect(connection, &socket, close),
            SessionOp::Decided { socket, verdict } => self.decide(connection, &socket, verdict),
            SessionOp::Close(reason) => {
                self.end(connection, reason);
                self.settle(connection);
            }
            SessionOp::Poll(reply) => self.on_poll(connection, reply),
            SessionOp::PollLost { answered } => {
                {
                    let mut engine = connection.engine.borrow_mut();
                    let waiting = connection.poll.borrow();
                    if answered {
                        let detail = "poll connection closed prematurely";
                        engine.abort(CloseReason::TransportError(detail));
                    } else if waiting.as_ref().is_some_and(oneshot::Sender::is_canceled) {
                        engine.on_poll_lost();
                    }
                }
                self.settle(connection);
            }
            SessionOp::Push { body, reply } => {
                self.handle_timeout(connection);
                if connection.is_ending() || connection.transport() == Transport::Websocket {
                    let error = if connection.is_ending() {
                        HandshakeError::UnknownSid
                    } else {
                        HandshakeError::BadRequest
                    };
                    let _lost = reply.send(PushReply::Refused(error));
                    return;
                }
                if connection.push.borrow().is_some() || connection.pushing.get() {
                    let detail = "data request overlap from client";
                    connection.engine.borrow_mut().on_push_failed(detail);
                    let _lost = reply.send(PushReply::Invalid);
                    self.settle(connection);
                    return;
                }
                let push = PendingPush { body, position: 0, idle_packets: 0, reply };
                *connection.push.borrow_mut() = Some(push);
                self.resume_push(connection);
            }
            SessionOp::PushFailed(detail) => {
                connection.engine.borrow_mut().on_push_failed(detail);
                self.settle(connection);
            }
            SessionOp::HandlerDone => {
                self.resume_push(connection);
                connection.wake();
            }
        }
    }

    fn on_poll(&self, connection: &Rc<Connection>, reply: oneshot::Sender<PollReply>) {
        self.handle_timeout(connection);
        let outcome = connection.engine.borrow_mut().on_poll();
        let answer = match outcome {
            PollOutcome::Wait => {
                *connection.poll.borrow_mut() = Some(reply);
                return;
            }
            PollOutcome::Ready(payload) => PollReply::Payload(payload),
            PollOutcome::Overlap => PollReply::Overlap,
            PollOutcome::NotPolling => PollReply::Refused(HandshakeError::BadRequest),
            PollOutcome::Gone => PollReply::Refused(HandshakeError::UnknownSid),
        };
        if let Err(PollReply::Payload(_)) = reply.send(answer) {
            // Taken from the queue and not delivered: the session cannot go on (promise P7).
            let detail = "poll connection closed prematurely";
            connection.engine.borrow_mut().abort(CloseReason::TransportError(detail));
        }
        self.settle(connection);
        // A push may have waited for this output to go.
        self.resume_later(connection);
    }

    // ---- WebSocket connections ------------------------------------------------------------------

    /// Begins a turn: frames sent from now on collect in one buffer until [`Self::end_turn`].
    pub fn begin_turn(&self, connection: &Connection) {
        connection.set_running();
        let mut buffer = self.out.take();
        buffer.reserve(OUT_BYTES);
        connection.engine.borrow_mut().begin_turn(buffer);
    }

    /// Ends a turn and gives what is to be written, perhaps nothing.
    pub fn end_turn(&self, connection: &Rc<Connection>) -> Bytes {
        // What had to queue behind other workers' messages still leaves with this turn.
        self.catch_up();
        self.settle(connection);
        let mut buffer = connection.engine.borrow_mut().end_turn();
        let bytes = buffer.split().freeze();
        self.out.set(buffer);
        bytes
    }

    /// The session takes no input now: too many handlers run, or too much waits for the peer.
    #[must_use]
    pub fn is_paused(&self, connection: &Connection) -> bool {
        let max_handlers = self.hub.config.limits.max_handlers;
        (max_handlers > 0 && connection.handle.unfinished_handlers() >= max_handlers)
            || connection.engine.borrow().is_congested()
    }

    /// A WebSocket for a session of this worker opened. `false`: close it, the session is unharmed.
    pub fn probe_opened(&self, connection: &Connection) -> bool {
        let opened = connection.engine.borrow_mut().on_probe_open(self.tick());
        self.rearm(connection);
        opened
    }

    /// A text frame came on a probing WebSocket.
    pub fn probe_frame(&self, connection: &Rc<Connection>, text: &str, base64: bool) -> ProbeReply {
        let now = self.tick();
        let reply = connection.engine.borrow_mut().on_probe_frame(now, text, base64);
        self.settle(connection);
        self.rearm(connection);
        reply
    }

    /// A probing WebSocket is gone; the session goes on by polling.
    pub fn probe_closed(&self, connection: &Connection) {
        connection.engine.borrow_mut().on_probe_closed();
        connection.handle.release_websocket();
    }

    /// A WebSocket that claimed a session did not come to carry it; another may try.
    pub fn release_websocket(&self, handle: &SessionHandle) {
        handle.release_websocket();
    }

    /// The WebSocket connection that carried the session is gone.
    pub fn transport_closed(&self, connection: &Rc<Connection>, reason: CloseReason) {
        connection.engine.borrow_mut().on_transport_closed(reason);
        self.settle(connection);
    }

    // ---- many sockets ---------------------------------------------------------------------------

    /// Delivers to the selected sockets of this worker; `number` is the message's place among those to
    /// other workers.
    pub(crate) fn deliver(&self, broadcast: &Arc<Broadcast>, number: Option<u64>) {
        self.deliver_from(broadcast, Source::Direct(number));
    }

    fn deliver_from(&self, broadcast: &Arc<Broadcast>, source: Source) {
        let mut unsettled = Vec::new();
        let volatile = broadcast.options.flags.volatile;
        if let Some(adapter) = self.adapters.borrow().get(broadcast.namespace.index()) {
            adapter.select(&broadcast.options, |receiver| {
                let connection = &receiver.connection;
                if !belongs_elsewhere(connection, source)
                    && connection.send(&broadcast.group, volatile)
                {
                    unsettled.push(Rc::clone(connection));
                }
            });
        }
        self.record_for_arrivals(source, || Message::Broadcast(Arc::clone(broadcast)));
        for connection in unsettled {
            self.settle(&connection);
        }
    }

    pub(crate) fn apply_selection(&self, selection: &Arc<Selection>, number: Option<u64>) {
        self.select_from(selection, Source::Direct(number));
    }

    fn select_from(&self, selection: &Arc<Selection>, source: Source) {
        let mut selected = Vec::new();
        if let Some(adapter) = self.adapters.borrow().get(selection.namespace.index()) {
            adapter.select(&selection.options, |receiver| {
                if !belongs_elsewhere(&receiver.connection, source) {
                    selected.push(receiver.clone());
                }
            });
        }
        self.record_for_arrivals(source, || Message::Selection(Arc::clone(selection)));
        for receiver in selected {
            self.act(&receiver, &selection.action);
        }
    }

    pub(super) fn act(&self, receiver: &Receiver, action: &Action) {
        let socket = &receiver.socket;
        match action {
            Action::Join(rooms) => socket.change_rooms_here(self, rooms.clone(), true),
            Action::Leave(rooms) => socket.change_rooms_here(self, rooms.clone(), false),
            Action::Disconnect { close } => self.disconnect(&receiver.connection, socket, *close),
            Action::Collect(collected) => {
                let mut collected =
                    collected.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                collected.sockets.push(socket.clone());
            }
        }
    }

    /// The rooms of a socket changed.
    pub(super) fn index_rooms(&self, socket: &Socket, rooms: &[crate::adapter::Room], join: bool) {
        if let Some(adapter) = self.adapters.borrow_mut().get_mut(socket.namespace().index()) {
            for room in rooms {
                if join {
                    adapter.join(socket.id(), room);
                } else {
                    adapter.leave(socket.id(), room);
                }
            }
        }
    }

    pub(super) fn adapter_add(
        &self,
        connection: &Rc<Connection>,
        socket: &Socket,
        rooms: &[crate::adapter::Room],
    ) {
        let index = socket.namespace().index();
        let mut adapters = self.adapters.borrow_mut();
        if adapters.len() <= index {
            adapters.resize_with(index + 1, MemoryAdapter::default);
        }
        if let Some(adapter) = adapters.get_mut(index) {
            let receiver = Receiver { connection: Rc::clone(connection), socket: socket.clone() };
            adapter.add(socket.id().clone(), receiver, rooms);
        }
    }

    /// Ends every session of this worker with `server shutting down`.
    pub(crate) fn shut_down(&self) {
        let connections: Vec<_> =
            self.connections.borrow().iter().map(|(_, c)| Rc::clone(c)).collect();
        for connection in connections {
            let now = self.tick();
            connection.engine.borrow_mut().discard(now, CloseReason::ServerShuttingDown);
            self.settle(&connection);
            self.rearm(&connection);
        }
    }

    /// Sends a packet whose session lives on this worker, given in parts; `false`: it does not.
    pub(super) fn send_here(
        &self,
        handle: &Arc<SessionHandle>,
        text: &[&[u8]],
        attachments: &[Bytes],
        volatile: bool,
    ) -> bool {
        if self.is_behind() {
            return false;
        }
        let Some(connection) = self.local(handle) else {
            return false;
        };
        let mut engine = connection.engine.borrow_mut();
        if volatile && !engine.is_writable() {
            return true;
        }
        engine.send_text(text);
        for bytes in attachments {
            engine.send_frame(&Frame::binary(bytes.clone()));
        }
        let needs_settling = engine.poll_waits() || engine.close_reason().is_some();
        let websocket = engine.transport() == Transport::Websocket;
        drop(engine);
        if websocket {
            connection.wake();
        }
        if needs_settling {
            self.settle(&connection);
        }
        true
    }

    /// Sends a packet of a socket from this thread, wherever its session lives.
    pub(super) fn send_group(&self, socket: &Socket, group: FrameGroup, volatile: bool) {
        self.route(
            socket.session(),
            SessionOp::Send { socket: socket.clone(), group, volatile, ack: None },
        );
    }
}

/// The session is moving, and the message counts for the worker it moves to.
fn belongs_elsewhere(connection: &Connection, source: Source) -> bool {
    matches!(source, Source::Direct(Some(number)) if connection.handle.leaves_at() <= number)
}
