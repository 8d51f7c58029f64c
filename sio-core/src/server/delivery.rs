//! From one worker to many sockets: broadcasts, selections, and the room index they follow.
//!
//! Step 8 of a packet's way. Delivery is direct when the worker has heard everything that others said
//! before, and queued behind it otherwise.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;

use crate::adapter::Room;
use crate::close::CloseReason;
use crate::engine::{Session, Transport};
use crate::frame::{Frame, FrameGroup};
use crate::handler::{EventError, Reply};

use super::bus::{Action, Broadcast, Message, Selection};
use super::connection::Connection;
use super::hub::SessionHandle;
use super::sessions::SessionOp;
use super::socket::Socket;
use super::worker::{Receiver, Source, Worker};

impl Worker {
    /// Delivers to the selected sockets of this worker; `number` is the message's place among those to
    /// other workers.
    pub(crate) fn deliver(&self, broadcast: &Arc<Broadcast>, number: Option<u64>) {
        self.deliver_from(broadcast, Source::Direct(number));
    }

    pub(super) fn deliver_from(&self, broadcast: &Arc<Broadcast>, source: Source) {
        let mut unsettled = Vec::new();
        let volatile = broadcast.options.flags.volatile;
        if let Some(adapter) = self.adapters.borrow().get(&broadcast.namespace.id()) {
            adapter.select(&broadcast.options, |receiver| {
                let connection = &receiver.connection;
                // A socket whose end waits for its turn is told nothing more.
                if !belongs_elsewhere(connection, source)
                    && !receiver.socket.has_ended()
                    && receiver.socket.takes_broadcast(broadcast.logged)
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
            for room in rooms {
                if join {
                    adapter.join(socket.id(), room);
                } else {
                    adapter.leave(socket.id(), room);
                }
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
        let connections: Vec<_> =
            self.connections.borrow().iter().map(|(_, c)| Rc::clone(c)).collect();
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
        let mut answers = Vec::new();
        let unavailable =
            || Reply::Err(EventError::new("unavailable", "the server is shutting down"));
        for socket in connection.mux.borrow().sockets() {
            for id in socket.take_asked() {
                answers.extend(socket.ack_group(id, unavailable()));
            }
        }
        for (socket, id) in connection.held.borrow().asked() {
            answers.extend(socket.ack_group(id, unavailable()));
        }
        let mut engine = connection.engine.borrow_mut();
        engine.keep_answers();
        for group in &answers {
            engine.send_group(group);
        }
        if !engine.has_output() {
            engine.discard(now, CloseReason::ServerShuttingDown);
            return;
        }
        engine.close(now, CloseReason::ServerShuttingDown);
    }

    /// Sends a packet whose session lives on this worker, given in parts; `false`: it does not.
    pub(super) fn send_here(
        &self,
        handle: &Arc<SessionHandle>,
        text: &[&[u8]],
        attachments: &[Bytes],
        volatile: bool,
    ) -> bool {
        self.push_here(handle, volatile, |engine| {
            engine.send_text(text);
            for bytes in attachments {
                engine.send_frame(&Frame::binary(bytes.clone()));
            }
        })
    }

    /// As [`Self::send_here`], for a packet that another parser wrote.
    pub(super) fn send_group_here(
        &self,
        handle: &Arc<SessionHandle>,
        group: &FrameGroup,
        volatile: bool,
    ) -> bool {
        self.push_here(handle, volatile, |engine| engine.send_group(group))
    }

    #[inline]
    fn push_here(
        &self,
        handle: &Arc<SessionHandle>,
        volatile: bool,
        push: impl FnOnce(&mut Session),
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
        push(&mut engine);
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
            SessionOp::Send { socket: socket.clone(), group, volatile, logged: 0, ack: None },
        );
    }
}

/// The session is moving, and the message counts for the worker it moves to.
fn belongs_elsewhere(connection: &Connection, source: Source) -> bool {
    matches!(source, Source::Direct(Some(number)) if connection.handle.leaves_at() <= number)
}
