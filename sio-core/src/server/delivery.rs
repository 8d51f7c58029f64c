//! From one worker to many sockets: broadcasts, selections, and the room index they follow.
//!
//! Step 8 of a packet's way. Delivery is direct when the worker has heard everything that others said
//! before, and queued behind it otherwise.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::adapter::Room;
use crate::close::CloseReason;
use crate::engine::{Session, Transport, timer};
use crate::frame::FrameGroup;
use crate::handler::{EventError, Reply};

use super::bus::{Action, Broadcast, Message, Selection};
use super::connection::Connection;
use super::hub::SessionHandle;
use super::listeners::heed;
use super::sessions::SessionOp;
use super::socket::Socket;
use super::spans;
use super::worker::{Receiver, Source, Worker};

impl Worker {
    /// Delivers to the selected sockets of this worker; `number` is the message's place among those to
    /// other workers.
    pub(crate) fn deliver(&self, broadcast: &Arc<Broadcast>, number: Option<u64>) {
        self.deliver_from(broadcast, Source::Direct(number));
    }

    pub(super) fn deliver_from(&self, broadcast: &Arc<Broadcast>, source: Source) {
        let mut after = Aftermath::default();
        let deadline = self.deadline_of(broadcast);
        if let Some(adapter) = self.adapters.borrow().get(&broadcast.namespace.id()) {
            adapter.select(&broadcast.options, |receiver| {
                // A socket whose end waits for its turn is told nothing more.
                let told = !belongs_elsewhere(&receiver.connection, source)
                    && !receiver.socket.has_ended();
                if told && after.send(broadcast, receiver, deadline) {
                    self.direct.push(&receiver.connection);
                }
            });
        }
        self.record_for_arrivals(source, || Message::Broadcast(Arc::clone(broadcast)));
        self.follow_up(broadcast, after);
    }

    /// When the acks of a broadcast are due that asks for some.
    fn deadline_of(&self, broadcast: &Broadcast) -> Option<Instant> {
        let question = broadcast.question.as_ref()?;
        Some(timer::after(self.read_clock(), question.timeout))
    }

    /// Delivers to one session what was kept for it.
    pub(super) fn deliver_to(&self, receivers: &[Receiver], broadcast: &Broadcast) {
        let mut after = Aftermath::default();
        let deadline = self.deadline_of(broadcast);
        for receiver in receivers {
            if after.send(broadcast, receiver, deadline) {
                self.direct.push(&receiver.connection);
            }
        }
        self.follow_up(broadcast, after);
    }

    /// What a delivery leaves to be done when nothing is borrowed.
    fn follow_up(&self, broadcast: &Broadcast, after: Aftermath) {
        for connection in &after.asked {
            self.rearm(connection);
        }
        for connection in &after.unsettled {
            self.settle(connection);
        }
        let (namespace, receivers) = (&broadcast.namespace, after.receivers);
        spans::tell_broadcast(namespace, &broadcast.group, receivers);
        self.hub.watch.tell_event(|observer| observer.events_sent(namespace, receivers));
        if let Some(event) = &broadcast.shown {
            for socket in after.listening {
                socket.tell_outgoing(event);
            }
        }
    }

    pub(crate) fn apply_selection(&self, selection: &Arc<Selection>, number: Option<u64>) {
        self.select_from(selection, Source::Direct(number));
    }

    pub(super) fn select_from(&self, selection: &Arc<Selection>, source: Source) {
        let mut selected = Vec::new();
        if let Some(adapter) = self.adapters.borrow().get(&selection.namespace.id()) {
            adapter.select(&selection.options, |receiver| {
                if !belongs_elsewhere(&receiver.connection, source) && !receiver.socket.has_ended()
                {
                    selected.push(receiver.clone());
                }
            });
        }
        self.record_for_arrivals(source, || Message::Selection(Arc::clone(selection)));
        for receiver in selected {
            self.guarded(move || {
                self.act(&receiver, &selection.action);
                drop(receiver);
            });
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
    pub(super) fn index_rooms(&self, socket: &Socket, rooms: &[Room], join: bool) {
        if let Some(adapter) = self.adapters.borrow_mut().get_mut(&socket.namespace().id()) {
            if join {
                rooms.iter().for_each(|room| adapter.join(socket.id(), room));
            } else {
                rooms.iter().for_each(|room| adapter.leave(socket.id(), room));
            }
        }
    }

    pub(super) fn adapter_add(&self, connection: &Rc<Connection>, socket: &Socket, rooms: &[Room]) {
        let receiver = Receiver { connection: Rc::clone(connection), socket: socket.clone() };
        let mut adapters = self.adapters.borrow_mut();
        adapters.entry(socket.namespace().id()).or_default().add(socket.id(), receiver, rooms);
    }

    /// Takes a socket out of the index, and gives it back with its rooms.
    pub(super) fn adapter_remove(&self, socket: &Socket) -> Option<(Receiver, Vec<Room>)> {
        let mut adapters = self.adapters.borrow_mut();
        let adapter = adapters.get_mut(&socket.namespace().id())?;
        let removed = adapter.remove(socket.id());
        if adapter.is_empty() && socket.namespace().is_dynamic() {
            adapters.remove(&socket.namespace().id());
        }
        removed
    }

    /// Ends every session of this worker with `server shutting down`.
    pub(crate) fn shut_down(&self) {
        self.shut_down_part(0, 1);
    }

    /// Ends one part of the sessions, of so many.
    pub(crate) fn shut_down_part(&self, part: usize, of: usize) {
        let belongs = |slot: usize| slot.checked_rem(of).is_none_or(|rest| rest == part);
        let connections: Vec<_> = {
            let connections = self.connections.borrow();
            let part = connections.iter().filter(|(slot, _)| belongs(*slot));
            part.map(|(_, connection)| Rc::clone(connection)).collect()
        };
        for connection in connections {
            self.say_goodbye(&connection);
            self.settle(&connection);
            self.rearm(&connection);
        }
    }

    /// Ends a session because the server closes: what was to be said is dropped, but who asked is
    /// answered.
    pub(super) fn say_goodbye(&self, connection: &Connection) {
        let now = self.tick();
        if connection.is_ending() {
            return;
        }
        let mut asked: Vec<(Socket, u64)> = Vec::new();
        for socket in connection.mux.borrow().sockets() {
            asked.extend(socket.take_asked().into_iter().map(|id| (socket.clone(), id)));
        }
        let held = connection.held.borrow();
        asked.extend(held.asked().map(|(socket, id)| (socket.clone(), id)));
        drop(held);
        let unavailable =
            || Reply::Err(EventError::new("unavailable", "the server is shutting down"));
        // The form of an error, and a parser, may be the user's.
        let answers: Vec<_> =
            asked.iter().filter_map(|(socket, id)| socket.ack_group(*id, unavailable())).collect();
        connection.engine.borrow_mut().keep_answers();
        connection.say(&answers);
        let mut engine = connection.engine.borrow_mut();
        if !engine.has_output() {
            engine.discard(now, CloseReason::ServerShuttingDown);
            return;
        }
        engine.close(now, CloseReason::ServerShuttingDown);
    }

    /// Sends a packet whose session lives on this worker, given in parts; `false`: it does not.
    #[inline]
    pub(super) fn send_here(
        &self,
        handle: &Arc<SessionHandle>,
        text: &[&[u8]],
        attachments: &[Bytes],
        volatile: bool,
    ) -> bool {
        let mut queued = false;
        let is_here = self.push_here(handle, volatile, |engine| {
            engine.send_text(text);
            for bytes in attachments {
                engine.send_binary(bytes);
            }
            queued = true;
        });
        if queued && spans::packets_are_wanted() {
            handle.tell_sent_parts(text, attachments);
        }
        is_here
    }

    /// As [`Self::send_here`], for a packet that another parser wrote.
    pub(super) fn send_group_here(
        &self,
        handle: &Arc<SessionHandle>,
        group: &FrameGroup,
        volatile: bool,
    ) -> bool {
        let mut queued = false;
        let is_here = self.push_here(handle, volatile, |engine| {
            engine.send_group(group);
            queued = true;
        });
        if queued {
            handle.tell_sent(group);
        }
        is_here
    }

    #[inline]
    fn push_here(
        &self,
        handle: &Arc<SessionHandle>,
        volatile: bool,
        push: impl FnOnce(&mut Session),
    ) -> bool {
        if self.is_behind() || handle.home() != self.index() {
            return false;
        }
        let connections = self.connections.borrow();
        let slot = connections.get(handle.slot());
        let Some(connection) = slot.filter(|found| Arc::ptr_eq(&found.handle, handle)) else {
            return false;
        };
        let mut engine = connection.engine.borrow_mut();
        if volatile && !engine.is_writable() {
            engine.count_dropped_volatile();
            return true;
        }
        push(&mut engine);
        let needs_settling = engine.poll_waits() || engine.close_reason().is_some();
        let websocket = engine.transport() == Transport::Websocket;
        drop(engine);
        if websocket {
            connection.wake();
        }
        if needs_settling {
            let connection = Rc::clone(connection);
            drop(connections);
            self.settle(&connection);
        }
        true
    }

    /// Sends a packet of a socket from this thread, wherever its session lives.
    pub(super) fn send_group(&self, socket: &Socket, group: FrameGroup, volatile: bool) {
        self.route(
            socket.session(),
            SessionOp::Send { socket: socket.clone(), group, volatile, logged: 0, ack: None },
        );
    }
}

/// What a delivery leaves to be done.
#[derive(Default)]
struct Aftermath {
    /// A waiting poll or an overflow has to be dealt with.
    unsettled: Vec<Rc<Connection>>,
    /// Acks are due by a deadline.
    asked: Vec<Rc<Connection>>,
    /// Sockets it was for.
    receivers: usize,
    /// Listeners want to see the event.
    listening: Vec<Socket>,
}

impl Aftermath {
    /// Queues a broadcast's packet for one receiver; `true`: the worker is to write it.
    fn send(
        &mut self,
        broadcast: &Broadcast,
        receiver: &Receiver,
        deadline: Option<Instant>,
    ) -> bool {
        let Receiver { connection, socket } = receiver;
        if !socket.takes_broadcast(broadcast.logged) {
            return false;
        }
        let volatile = broadcast.options.flags.volatile;
        if let (Some(question), Some(deadline)) = (&broadcast.question, deadline) {
            // Who would not hear the question is not asked.
            if (volatile && !connection.is_writable()) || !socket.ask_share(question, deadline) {
                return false;
            }
            self.asked.push(Rc::clone(connection));
        }
        if broadcast.shown.is_some() && socket.heeds(heed::OUTGOING) {
            self.listening.push(socket.clone());
        }
        self.receivers += 1;
        let (needs_settling, direct) = connection.send_shared(&broadcast.group, volatile);
        if needs_settling {
            self.unsettled.push(Rc::clone(connection));
        }
        direct
    }
}

/// The session is moving, and the message counts for the worker it moves to.
fn belongs_elsewhere(connection: &Connection, source: Source) -> bool {
    matches!(source, Source::Direct(Some(number)) if connection.handle.leaves_at() <= number)
}
