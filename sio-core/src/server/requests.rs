//! What carriers and other threads ask of a session, carried out by its home worker.
//!
//! Steps 1 and 9 of a packet's way: polls, pushes, the turns of a WebSocket connection, and operations
//! that came over the bus.

use std::rc::Rc;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_channel::oneshot;

use crate::budget::Share;
use crate::close::CloseReason;
use crate::engine::payload::PayloadReader;
use crate::engine::timer::after;
use crate::engine::{HandshakeError, PollOutcome, ProbeReply, Revision, Transport, Wire};
use crate::limits::Limit;

use super::connection::{Connection, PendingPush};
use super::hub::SessionHandle;
use super::sessions::{Answer, PollReply, PushReply, SessionOp};
use super::spans::ENGINE;
use super::turn::Turn;
use super::worker::Worker;

/// Room for the frames of one turn; given back after each write.
const OUT_BYTES: usize = 64 * 1024;

impl Worker {
    // ---- polls and pushes -----------------------------------------------------------------------

    /// A poll for a session of any worker. The answer fails if the session is gone.
    pub fn poll_session(&self, handle: &Arc<SessionHandle>) -> Answer<PollReply> {
        self.catch_up();
        if let Some(connection) = self.here(handle) {
            if let Some(answer) = self.start_poll(&connection) {
                self.poll_answered(&connection);
                return Answer::known(answer);
            }
            let (reply, receiver) = oneshot::channel();
            *connection.poll.borrow_mut() = Some(reply);
            return Answer::later(receiver);
        }
        let (reply, receiver) = oneshot::channel();
        self.route(handle, SessionOp::Poll(reply));
        Answer::later(receiver)
    }

    /// The connection of a poll ended before its answer was written; `answered` if it had one.
    pub fn poll_lost(&self, handle: &Arc<SessionHandle>, answered: bool) {
        self.route(handle, SessionOp::PollLost { answered });
    }

    /// A push for a session of any worker. The answer fails if the session is gone.
    ///
    /// `binary`: the body has the binary form of revision 3, which no other session understands. `share`: what
    /// the body has taken of [`Hub::pending_input`](super::Hub::pending_input) while it was read; it is given
    /// back when the push is through, or gone.
    pub fn push(
        &self,
        handle: &Arc<SessionHandle>,
        body: Bytes,
        binary: bool,
        share: Share,
    ) -> Answer<PushReply> {
        self.catch_up();
        if let Some(connection) = self.here(handle) {
            return match self.refuse_push(&connection, &body) {
                Some(refusal) => Answer::known(refusal),
                None => self.begin_push(&connection, body, binary, share, None),
            };
        }
        let (reply, receiver) = oneshot::channel();
        self.route(handle, SessionOp::Push { body, binary, share, reply });
        Answer::later(receiver)
    }

    /// A push broke the rules; the session ends with `transport error`.
    pub fn push_failed(&self, handle: &Arc<SessionHandle>, detail: &'static str) {
        self.route(handle, SessionOp::PushFailed(detail));
    }

    /// The session, if an operation on it can be carried out here and now.
    fn here(&self, handle: &Arc<SessionHandle>) -> Option<Rc<Connection>> {
        if self.is_behind() {
            return None;
        }
        let connection = self.local(handle)?;
        self.tick();
        Some(connection)
    }

    /// Carries an operation out here, or sends it to the session's home.
    pub(super) fn route(&self, handle: &Arc<SessionHandle>, op: SessionOp) {
        if handle.home() == self.index() && !self.is_behind() {
            self.tick();
            self.apply(handle, op);
        } else if self.hub.bus.send_home(handle, op).is_err() {
            tracing::warn!("a worker's queue is full; an operation on a session was dropped");
        }
    }

    pub(super) fn apply(&self, handle: &Arc<SessionHandle>, op: SessionOp) {
        // A session that is about to leave is still here, and so is what was sent to it before.
        let slot = handle.slot();
        match self.connection_at(slot, handle) {
            Some(connection) => self.apply_to(&connection, op),
            None => self.keep_for_arrival(handle, op),
        }
    }

    pub(super) fn apply_to(&self, connection: &Rc<Connection>, op: SessionOp) {
        match op {
            // What was said behind the socket's end is dropped; its namespace may have a new one.
            SessionOp::Send { socket, .. } if socket.has_ended() => {}
            // It came, or will come, with the answer to CONNECT.
            SessionOp::Send { socket, logged, .. } if !socket.takes_direct(logged) => {}
            SessionOp::Send { socket, group, volatile, ack, .. } => {
                if let Some((id, timeout)) = ack {
                    socket.arm_ack(id, after(self.now(), timeout));
                    self.rearm(connection);
                }
                if connection.send(&group, volatile) {
                    self.settle(connection);
                }
                // A stream on another thread cannot look for itself.
                if connection.is_congested() {
                    connection.handle.set_congested(true);
                }
            }
            SessionOp::SendFrame(frame) => {
                connection.handle.tell_sent_frame(&frame);
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
            SessionOp::Decided { socket, verdict, span } => {
                span.within(|| self.decide(connection, &socket, verdict));
            }
            SessionOp::Named { placeholder, candidate } => {
                self.on_named(connection, &placeholder, candidate);
                self.settle(connection);
            }
            SessionOp::Passed { event, slot, span } => {
                span.within(|| self.run_passed(connection, &event));
                drop(slot);
                self.settle(connection);
            }
            SessionOp::Admit(socket) => self.admit_now(connection, &socket),
            SessionOp::Restored { placeholder, restored } => {
                self.on_restored(connection, &placeholder, restored);
                self.settle(connection);
            }
            SessionOp::Rearm => self.rearm(connection),
            SessionOp::Close(reason) => {
                self.end(connection, reason);
                self.settle(connection);
            }
            SessionOp::Poll(reply) => match self.start_poll(connection) {
                None => *connection.poll.borrow_mut() = Some(reply),
                Some(answer) => {
                    if let Err(PollReply::Payload(_)) = reply.send(answer) {
                        // Taken from the queue and not delivered: the session cannot go on.
                        let detail = "poll connection closed prematurely";
                        let reason = CloseReason::TransportError(detail);
                        connection.engine.borrow_mut().abort(reason);
                    }
                    self.poll_answered(connection);
                }
            },
            SessionOp::PollLost { answered } => {
                {
                    let mut engine = connection.engine.borrow_mut();
                    let waiting = connection.poll.borrow();
                    if answered {
                        engine.on_answer_lost();
                    } else if waiting.as_ref().is_some_and(oneshot::Sender::is_canceled) {
                        engine.on_poll_lost();
                    }
                }
                self.settle(connection);
            }
            SessionOp::Push { body, binary, share, reply } => {
                if let Some(refusal) = self.refuse_push(connection, &body) {
                    let _lost = reply.send(refusal);
                } else {
                    // Who brought it is told by its channel.
                    drop(self.begin_push(connection, body, binary, share, Some(reply)));
                }
            }
            SessionOp::PushFailed(detail) => {
                connection.engine.borrow_mut().on_push_failed(detail);
                self.settle(connection);
            }
            SessionOp::HandlerDone => {
                self.run_held_later(connection);
                self.resume_later(connection);
                self.settle(connection);
                connection.wake();
            }
        }
    }

    /// What a poll is answered; `None`: it has to wait.
    fn start_poll(&self, connection: &Rc<Connection>) -> Option<PollReply> {
        self.catch_up_timers(connection);
        let outcome = connection.engine.borrow_mut().on_poll();
        Some(match outcome {
            PollOutcome::Wait => return None,
            PollOutcome::Ready(payload) => PollReply::Payload(payload),
            PollOutcome::Overlap => PollReply::Overlap,
            PollOutcome::NotPolling => PollReply::Refused(HandshakeError::BadRequest),
            PollOutcome::Gone => PollReply::Refused(HandshakeError::UnknownSid),
        })
    }

    /// A poll has its answer.
    fn poll_answered(&self, connection: &Rc<Connection>) {
        self.settle(connection);
        // A push may have waited for this output to go.
        self.resume_later(connection);
        self.connect_implicitly(connection);
    }

    /// What a push is told that the session does not take.
    fn refuse_push(&self, connection: &Rc<Connection>, body: &[u8]) -> Option<PushReply> {
        self.catch_up_timers(connection);
        if connection.is_ending() && says_goodbye(body, connection.handle.revision()) {
            // Nobody fetches any more what waits.
            connection.engine.borrow_mut().abort(CloseReason::TransportClose);
            self.settle(connection);
            return Some(PushReply::Ok);
        }
        if connection.is_ending() {
            return Some(PushReply::Refused(HandshakeError::UnknownSid));
        }
        if connection.transport() == Transport::Websocket {
            return Some(PushReply::Refused(HandshakeError::BadRequest));
        }
        if connection.push.borrow().is_some() || connection.pushing.get() {
            let detail = "data request overlap from client";
            connection.engine.borrow_mut().on_push_failed(detail);
            self.settle(connection);
            return Some(PushReply::Invalid);
        }
        None
    }

    fn begin_push(
        &self,
        connection: &Rc<Connection>,
        body: Bytes,
        binary: bool,
        share: Share,
        reply: Option<oneshot::Sender<PushReply>>,
    ) -> Answer<PushReply> {
        let size = body.len();
        let body = PayloadReader::new(body, connection.handle.revision(), binary);
        let push = PendingPush { body, size, share, idle_packets: 0, reply };
        self.hand_over_push(connection, push, Turn::begin(self))
    }

    // ---- WebSocket connections ------------------------------------------------------------------

    /// Begins a turn: frames sent from now on collect in one buffer until [`Self::end_turn`].
    pub fn begin_turn(&self, connection: &Connection) {
        connection.set_running();
        let mut buffer = self.out.take();
        buffer.reserve(OUT_BYTES);
        connection.engine.borrow_mut().begin_turn(buffer);
    }

    /// Ends a turn and gives what is to be written, perhaps nothing; the buffer goes back with
    /// [`Self::keep_buffer`].
    pub fn end_turn(&self, connection: &Rc<Connection>) -> BytesMut {
        // What had to queue behind other workers' messages still leaves with this turn.
        self.catch_up();
        self.settle(connection);
        let buffer = connection.engine.borrow_mut().end_turn();
        self.tell_room(connection);
        // A push may have waited for this output to go.
        self.resume_later(connection);
        buffer
    }

    /// A turn without input that is ready to be written: all that the session has to say is one packet of a
    /// broadcast, whose bytes are those of every other receiver. `None`: it needs a turn of its own.
    pub fn take_ready(&self, connection: &Rc<Connection>) -> Option<Bytes> {
        self.catch_up();
        let ready = connection.engine.borrow_mut().take_ready()?;
        connection.set_running();
        // A push may have waited for this output to go.
        self.resume_later(connection);
        Some(ready)
    }

    /// Tells streams whether there is room.
    #[inline]
    pub(super) fn tell_room(&self, connection: &Connection) {
        if connection.tell_room() {
            self.hub.count_limit(Limit::SendBufferHigh);
        }
    }

    /// Takes the buffer of a turn back, for the next one.
    pub fn keep_buffer(&self, mut buffer: BytesMut) {
        buffer.clear();
        self.out.set(buffer);
    }

    /// The session takes frames now: it has not ended, neither its handlers nor its peer have too much before
    /// them, and no push that came earlier is held.
    #[must_use]
    #[inline]
    pub fn takes_frames(&self, connection: &Connection) -> bool {
        let open = {
            let engine = connection.engine.borrow();
            engine.close_reason().is_none() && !engine.is_congested()
        };
        open && connection.push.borrow().is_none() && !self.holds_too_much(connection)
    }

    /// Too much waits for handlers, or for the peer.
    pub(super) fn is_full(&self, connection: &Connection) -> bool {
        self.holds_too_much(connection) || connection.engine.borrow().is_congested()
    }

    /// Too many bytes wait for handlers to finish, or events for their turn.
    #[inline]
    pub(super) fn holds_too_much(&self, connection: &Connection) -> bool {
        let held = connection.held.borrow();
        held.bytes() > self.hub.config.limits.max_payload || held.comes_first()
    }

    /// A WebSocket for a session of this worker opened. `false`: close it, the session is unharmed.
    pub fn probe_opened(&self, connection: &Connection) -> bool {
        let opened = connection.engine.borrow_mut().on_probe_open(self.tick());
        if opened {
            tracing::debug!(target: ENGINE, parent: connection.handle.span().id(), "upgrade begun");
        }
        self.rearm(connection);
        opened
    }

    /// A text frame came on a probing WebSocket.
    ///
    /// `base64`: its request asked for text only; `deflate`: it agreed to compressed messages.
    pub fn probe_frame(
        &self,
        connection: &Rc<Connection>,
        text: &str,
        base64: bool,
        deflate: bool,
    ) -> ProbeReply {
        let now = self.tick();
        let wire = Wire { base64, deflate: self.hub.engine.deflate_from(deflate), ..Wire::V4 };
        let reply = connection.engine.borrow_mut().on_probe_frame(now, text, wire);
        if reply == ProbeReply::Upgraded {
            connection.handle.upgraded();
            tracing::debug!(target: ENGINE, parent: connection.handle.span().id(), "upgraded");
            self.hub.watch.tell(|observer| observer.session_upgraded(&connection.handle));
        }
        self.settle(connection);
        self.rearm(connection);
        reply
    }

    /// A probing WebSocket is gone; the session goes on by polling.
    pub fn probe_closed(&self, connection: &Connection) {
        connection.engine.borrow_mut().on_probe_closed();
        connection.handle.release_websocket();
        tracing::debug!(target: ENGINE, parent: connection.handle.span().id(), "upgrade given up");
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
}

/// The client closes the session with the last packet of the body.
fn says_goodbye(body: &[u8], revision: Revision) -> bool {
    match revision {
        Revision::V3 => body.ends_with(b"1:1"),
        Revision::V4 => body
            .strip_suffix(b"1")
            .is_some_and(|before| before.is_empty() || before.ends_with(b"\x1e")),
    }
}
