//! Moving a session to another worker, exactly once and in order.
//!
//! A session that opened by polling lives where its first request arrived. Its WebSocket may arrive at
//! another worker, and then the session moves there, for good. The new worker changes the session's
//! home and queues *Leave* for the old one and *Enter* for itself under one bus lock. Messages before
//! that point are the old worker's, later ones the new worker's, which keeps them back until the session
//! itself has come in a [`Parcel`]. So nothing is lost, repeated or overtaken.

use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use futures_channel::oneshot;

use crate::adapter::Room;
use crate::close::CloseReason;
use crate::engine::Session;
use crate::mux::Multiplexer;

use super::bus::{BusState, Message};
use super::connection::{Connection, PendingPush};
use super::decoding::Decoding;
use super::held::HeldEvents;
use super::hub::SessionHandle;
use super::sessions::{PollReply, SessionOp};
use super::socket::Socket;
use super::worker::{Receiver, Source, Worker};

/// A session on its way.
#[derive(Debug)]
pub(crate) struct Parcel {
    engine: Session,
    mux: Multiplexer<Socket>,
    decoding: Decoding,
    poll: Option<oneshot::Sender<PollReply>>,
    push: Option<Box<PendingPush>>,
    held: HeldEvents,
    ended: bool,
    connect_deadline: Option<Instant>,
    joined_implicitly: bool,
    rate: Option<Instant>,
    /// The rooms each socket was indexed in when it left; its own list may be ahead of that.
    rooms: Vec<(Socket, Vec<Room>)>,
}

/// A session that is expected, and what is kept for it.
#[derive(Debug)]
pub(crate) struct Arrival {
    handle: Arc<SessionHandle>,
    /// The worker's queue has come to the point of the move.
    entered: bool,
    kept: Vec<Message>,
    ready: Option<oneshot::Sender<()>>,
}

impl Arrival {
    /// Whoever waits is told that the session does not come.
    pub(super) fn give_up(&mut self) {
        self.ready = None;
    }
}

/// Where a session is that a WebSocket wants to carry.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a carrier must handle every case")]
pub enum Upgrade {
    /// On this worker already.
    Here(Rc<Connection>),
    /// On its way; the receiver fails if the session ended before it left.
    Coming(oneshot::Receiver<()>),
    /// On its way to a worker whose request has given up; another may try later.
    Busy,
    /// It has ended.
    Gone,
}

/// Gives the session a new home, and tells both; the wakers are to be called when nothing is locked.
pub(super) fn announce(
    bus: &mut BusState,
    handle: &Arc<SessionHandle>,
    from: usize,
    to: usize,
) -> [Result<Option<Waker>, Box<Message>>; 2] {
    let number = bus.next_number();
    handle.set_home(to, number);
    let leave = bus.push(from, number, Message::Leave(Arc::clone(handle), to));
    let enter = bus.push(to, number, Message::Enter(Arc::clone(handle)));
    [leave, enter]
}

impl Worker {
    /// Brings a session to this worker, for the WebSocket that wants to carry it.
    pub fn fetch(&self, handle: &Arc<SessionHandle>) -> Upgrade {
        let (ready, receiver) = oneshot::channel();
        let wakers = {
            let mut bus = self.hub.bus.lock();
            if handle.is_moving() {
                return Upgrade::Busy;
            }
            let old = handle.home();
            if old == self.index() {
                return self.local(handle).map_or(Upgrade::Gone, Upgrade::Here);
            }
            if !bus.is_running(old) {
                return Upgrade::Gone;
            }
            announce(&mut bus, handle, old, self.index())
        };
        self.arrivals.borrow_mut().push(Arrival {
            handle: Arc::clone(handle),
            entered: false,
            kept: Vec::new(),
            ready: Some(ready),
        });
        wakers.into_iter().flatten().flatten().for_each(Waker::wake);
        Upgrade::Coming(receiver)
    }

    /// *Leave*: packs the session and sends it to its new home.
    pub(super) fn give_away(&self, handle: Arc<SessionHandle>, to: usize) {
        let slot = handle.slot();
        let Some(connection) = self.connection_at(slot, &handle) else {
            return self.hand_over(handle, None, to);
        };
        self.forget(&connection);
        let rooms = self.unindex(&connection);
        // The adapters and the slab have let go, and a session that moves has no WebSocket
        // connection that could hold it. Should somebody hold it after all, it ends here.
        let parcel = match Rc::try_unwrap(connection) {
            Ok(connection) => Some(Box::new(connection.into_parcel(rooms))),
            Err(held) => {
                self.transport_closed(&held, CloseReason::TransportError("move failed"));
                None
            }
        };
        self.hand_over(handle, parcel, to);
    }

    fn hand_over(&self, handle: Arc<SessionHandle>, parcel: Option<Box<Parcel>>, to: usize) {
        let Err(returned) = self.hub.bus.send(to, Message::HandOver(handle, parcel)) else {
            return;
        };
        // The new home has stopped: the session ends here.
        if let Message::HandOver(handle, Some(parcel)) = *returned {
            let connection = self.unpack(&handle, *parcel);
            self.transport_closed(&connection, CloseReason::TransportClose);
        }
    }

    fn unindex(&self, connection: &Connection) -> Vec<(Socket, Vec<Room>)> {
        let sockets: Vec<Socket> = connection.mux.borrow().sockets().cloned().collect();
        sockets
            .into_iter()
            .map(|socket| {
                let rooms = self.adapter_remove(&socket).map(|(_, rooms)| rooms);
                (socket, rooms.unwrap_or_default())
            })
            .collect()
    }

    /// *Enter*: from here on, messages to many sockets are kept for the session as well.
    pub(super) fn expect(&self, handle: &Arc<SessionHandle>) {
        for arrival in self.arrivals.borrow_mut().iter_mut() {
            if Arc::ptr_eq(&arrival.handle, handle) {
                arrival.entered = true;
            }
        }
    }

    pub(super) fn record_for_arrivals(&self, source: Source, message: impl Fn() -> Message) {
        let mut arrivals = self.arrivals.borrow_mut();
        for arrival in arrivals.iter_mut() {
            // What this thread says itself comes after the move, which it asked for.
            if arrival.entered || matches!(source, Source::Direct(_)) {
                arrival.kept.push(message());
            }
        }
    }

    pub(super) fn keep_for_arrival(&self, handle: &Arc<SessionHandle>, op: SessionOp) {
        let mut arrivals = self.arrivals.borrow_mut();
        if let Some(arrival) = arrivals.iter_mut().find(|a| Arc::ptr_eq(&a.handle, handle)) {
            arrival.kept.push(Message::Session(Arc::clone(handle), op));
        }
        // Otherwise the session is gone, and dropping the operation tells whoever waits.
    }

    /// *HandOver*: the session lives here now.
    pub(super) fn adopt(&self, handle: &Arc<SessionHandle>, parcel: Option<Box<Parcel>>) {
        let arrival = {
            let mut arrivals = self.arrivals.borrow_mut();
            let Some(position) = arrivals.iter().position(|a| Arc::ptr_eq(&a.handle, handle))
            else {
                return;
            };
            arrivals.swap_remove(position)
        };
        let Some(parcel) = parcel else { return };
        let connection = self.unpack(handle, *parcel);
        handle.arrived();
        for message in arrival.kept {
            self.replay(&connection, message);
        }
        if self.hub.is_closing() {
            self.say_goodbye(&connection);
        }
        self.run_held_later(&connection);
        self.resume_later(&connection);
        self.settle(&connection);
        self.rearm(&connection);
        if let Some(ready) = arrival.ready {
            // The request that asked for the session may be gone; then it goes on by polling.
            let _lost = ready.send(());
        }
    }

    /// Makes a session live here.
    fn unpack(&self, handle: &Arc<SessionHandle>, parcel: Parcel) -> Rc<Connection> {
        let Parcel { engine, mux, poll, push, held, ended, connect_deadline, rooms, .. } = parcel;
        let mut engine = engine;
        engine.set_traffic(self.traffic.clone());
        let connection = Connection::new(Arc::clone(handle), engine, mux, connect_deadline);
        *connection.poll.borrow_mut() = poll;
        *connection.push.borrow_mut() = push;
        connection.held.replace(held);
        connection.ended.set(ended);
        connection.joined_implicitly.set(parcel.joined_implicitly);
        connection.decoding.replace(parcel.decoding);
        connection.rate.set(parcel.rate);
        let connection = self.add(connection);
        for (socket, rooms) in &rooms {
            self.adapter_add(&connection, socket, rooms);
        }
        connection
    }

    /// Applies a kept message to the one session it was kept for.
    fn replay(&self, connection: &Rc<Connection>, message: Message) {
        match message {
            Message::Session(_, op) => self.apply_to(connection, op),
            Message::Broadcast(broadcast) => {
                let (namespace, options) = (broadcast.namespace.id(), &broadcast.options);
                let selected = self.selected(connection, namespace, options).into_iter();
                let receiver = |socket| Receiver { connection: Rc::clone(connection), socket };
                let receivers: Vec<_> = selected.map(receiver).collect();
                self.deliver_to(&receivers, &broadcast);
            }
            Message::Selection(selection) => {
                let (namespace, options) = (selection.namespace.id(), &selection.options);
                for socket in self.selected(connection, namespace, options) {
                    let receiver = Receiver { connection: Rc::clone(connection), socket };
                    self.act(&receiver, &selection.action);
                }
            }
            Message::Leave(..) | Message::Enter(_) | Message::HandOver(..) => {}
            Message::ServerSide(_) | Message::Census(_) => {}
            Message::Shutdown | Message::ShutdownPart(..) => {}
        }
    }

    /// The session's sockets in a namespace that a selection includes.
    fn selected(
        &self,
        connection: &Connection,
        namespace: u64,
        options: &crate::adapter::BroadcastOptions,
    ) -> Vec<Socket> {
        let adapters = self.adapters.borrow();
        let Some(adapter) = adapters.get(&namespace) else {
            return Vec::new();
        };
        let mux = connection.mux.borrow();
        mux.sockets()
            .filter(|socket| socket.namespace().id() == namespace && !socket.has_ended())
            .filter(|socket| adapter.selects(options, socket.id()))
            .cloned()
            .collect()
    }
}

impl Connection {
    fn into_parcel(self, rooms: Vec<(Socket, Vec<Room>)>) -> Parcel {
        Parcel {
            engine: self.engine.into_inner(),
            mux: self.mux.into_inner(),
            decoding: self.decoding,
            poll: self.poll.into_inner(),
            push: self.push.into_inner(),
            held: self.held.into_inner(),
            ended: self.ended.get(),
            connect_deadline: self.connect_deadline.get(),
            joined_implicitly: self.joined_implicitly.get(),
            rate: self.rate.get(),
            rooms,
        }
    }
}
