//! What is due in a worker's sessions: heartbeats, acks, packets and CONNECTs that have not come, ends of sockets.
//!
//! Each session has at most a few entries on the worker's wheel, of which the earliest is no later than the
//! earliest of its deadlines.

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::close::CloseReason;
use crate::engine::Transport;
use crate::limits::Limit;

use super::connection::Connection;
use super::socket::Socket;
use super::worker::Worker;

impl Worker {
    /// When [`Self::poll`] has to be called even if nothing wakes it; to be asked after each poll.
    pub fn next_deadline(&self) -> Option<Instant> {
        let sweep = self.hub.keeper.as_ref().and_then(|keeper| keeper.next_sweep(self.now()));
        let deadline = self.wheel.borrow().next_deadline().into_iter().chain(sweep).min();
        self.sleeps_until.set(deadline);
        deadline
    }

    /// Does what is due in all sessions.
    pub(super) fn handle_timeouts(&self) {
        let now = self.now();
        let mut due = Vec::new();
        self.wheel.borrow_mut().advance(now, &mut due);
        for key in due {
            let connection = self.connections.borrow().get(key.0 as usize).cloned();
            let connection = connection.filter(|c| c.key.get() == key);
            if let Some(connection) = connection
                && connection.timer.expire(now)
            {
                self.guarded(|| self.handle_timeout(&connection));
            }
        }
    }

    /// Brings a session up to date before its input is handled, so that no timer is late.
    pub(super) fn catch_up_timers(&self, connection: &Rc<Connection>) {
        if self.next_timeout(connection).is_some_and(|next| next <= self.now()) {
            self.handle_timeout(connection);
        }
    }

    /// Does what is due in a session.
    fn handle_timeout(&self, connection: &Rc<Connection>) {
        connection.handle.span().within(|| self.do_what_is_due(connection));
    }

    fn do_what_is_due(&self, connection: &Rc<Connection>) {
        let now = self.now();
        if self.holds_too_much(connection) {
            let since = connection.held.borrow_mut().full_since(now);
            // A pong may have come that this side does not read. If nothing moves, the handlers may be
            // waiting for just what is not read either: then the session is given up.
            if now.saturating_duration_since(since) < self.patience() {
                connection.engine.borrow_mut().excuse_pong(now);
            }
        }
        let given_up = {
            let mut engine = connection.engine.borrow_mut();
            let awaited = engine.close_reason().is_some() && !engine.is_closed();
            engine.handle_timeout(now);
            awaited && engine.is_closed()
        };
        if given_up {
            self.hub.count_limit(Limit::CloseTimeout);
        }
        if connection.packet_deadline().is_some_and(|deadline| deadline <= now)
            && !connection.is_ending()
        {
            self.hub.count_limit(Limit::AttachmentTimeout);
            self.end(connection, CloseReason::ForcedClose);
        }
        if connection.connect_deadline.get().is_some_and(|deadline| deadline <= now) {
            connection.connect_deadline.set(None);
            if !connection.mux.borrow().ever_joined() && !connection.is_ending() {
                self.hub.count_limit(Limit::ConnectTimeout);
                self.end(connection, CloseReason::ForcedClose);
            }
        }
        let sockets: Vec<Socket> = connection.mux.borrow().sockets().cloned().collect();
        for socket in sockets {
            socket.expire_acks(now);
            socket.expire(now);
        }
        self.settle(connection);
        // A probing WebSocket may have been given up.
        if connection.transport() == Transport::Websocket || !connection.is_probing() {
            connection.wake();
        }
        self.rearm(connection);
    }

    /// How long a session that is not read is kept although no handler finishes.
    fn patience(&self) -> Duration {
        let engine = &self.hub.engine;
        engine.ping_interval.saturating_add(engine.ping_timeout).saturating_mul(2)
    }

    /// The earliest of a session's deadlines.
    fn next_timeout(&self, connection: &Connection) -> Option<Instant> {
        let mux = connection.mux.borrow();
        [connection.engine.borrow().poll_timeout(), connection.packet_deadline()]
            .into_iter()
            .chain([connection.connect_deadline.get()])
            .chain(mux.sockets().map(Socket::next_deadline))
            .flatten()
            .min()
    }

    /// Entries on the wheel.
    pub(super) fn timers(&self) -> usize {
        self.wheel.borrow().len()
    }

    /// Puts a session's next deadline on the wheel, if that is earlier than what stands there.
    pub(super) fn rearm(&self, connection: &Connection) {
        let Some(next) = self.next_timeout(connection) else { return };
        if connection.timer.covers(next) {
            return;
        }
        let moment = self.wheel.borrow_mut().insert(next, connection.key.get());
        connection.timer.add(moment);
        if self.sleeps_until.get().is_none_or(|until| moment < until) {
            self.sleeps_until.set(Some(moment));
            self.wake();
        }
    }

    /// A heartbeat packet came: the next ping may be due long before the pong that it brought was.
    pub(super) fn rearm_heartbeat(&self, connection: &Connection) {
        // Not the sockets' deadlines: whoever sends nothing else makes no more work than this.
        let next = connection.engine.borrow().poll_timeout();
        if next.is_some_and(|next| !connection.timer.covers(next)) {
            self.rearm(connection);
        }
    }

    /// A packet began that is not complete: nothing else of the session is due earlier than before.
    pub(super) fn rearm_packet(&self, connection: &Connection) {
        let next = connection.packet_deadline();
        if next.is_some_and(|next| !connection.timer.covers(next)) {
            self.rearm(connection);
        }
    }
}
