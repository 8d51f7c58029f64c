//! A socket's way from CONNECT to its end, and the client's acks on it; called by workers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;

use crate::adapter::Room;
use crate::limits::Limit;
use crate::mux::acks::TooManyAcks;
use crate::sid::Sid;

use super::super::ack::AckArgs;
use super::super::broadcast_ack::Question;
use super::super::hub::{Hub, SessionHandle};
use super::super::namespace::Handlers;
use super::super::recovery::Presence;
use super::super::room_list::RoomList;
use super::{AckWaiter, CONNECTED, ENDED, ENDING, Socket, States, lock};

impl Socket {
    /// Tells this socket from all others that live.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    pub(crate) fn handlers(&self) -> &Arc<Handlers> {
        &self.0.handlers
    }

    pub(crate) fn session(&self) -> &Arc<SessionHandle> {
        &self.0.session
    }

    pub(crate) fn presence(&self) -> Option<&Presence> {
        self.0.presence.as_deref()
    }

    /// The client's secret for coming back, if it may.
    pub(crate) fn pid(&self) -> Option<&Sid> {
        self.presence().map(Presence::pid)
    }

    /// Nobody is asked whether this socket may connect, because it was connected before.
    pub(crate) fn skips_guards(&self) -> bool {
        let keeper = self.0.hub.keeper.as_ref();
        let skips = keeper.is_some_and(|keeper| keeper.skips_guards());
        skips && self.is_recovered() && !self.0.handlers.apart
    }

    /// The rooms besides the one of its own id.
    pub(crate) fn joined_rooms(&self) -> Vec<Room> {
        lock(&self.0.rooms).names()
    }

    /// What users have stored.
    pub(crate) fn states(&self) -> States {
        lock(&self.0.states).as_deref().cloned().unwrap_or_default()
    }

    /// CONNECT was granted; gives the rooms to be indexed. Later changes go to the index themselves.
    pub(crate) fn set_connected(&self) -> Vec<Room> {
        let list = lock(&self.0.rooms);
        self.0.status.store(CONNECTED, Ordering::Release);
        self.0.session.socket_connected();
        let rooms = list.names();
        self.note_rooms(&rooms, true);
        self.note_rooms(std::slice::from_ref(self.0.id.as_arc()), true);
        rooms
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.0.status.load(Ordering::Acquire) >= ENDING
    }

    /// The CONNECT was refused, or the session ended before it was answered.
    pub(crate) fn abandon(&self) {
        if self.0.status.swap(ENDED, Ordering::AcqRel) == ENDED {
            return;
        }
        *lock(&self.0.rooms) = RoomList::default();
        self.give_back();
        self.fail_acks();
        self.cancel_handlers();
        self.drop_instances();
        self.drop_listeners();
        self.0.hub.leave(&self.0.namespace);
    }

    /// `true` for the one caller that ends a connected socket.
    pub(crate) fn begin_end(&self) -> bool {
        let connected =
            self.0.status.compare_exchange(CONNECTED, ENDING, Ordering::AcqRel, Ordering::Acquire);
        connected.is_ok()
    }

    /// The socket is in no room from now on.
    pub(crate) fn finish_end(&self) {
        {
            let mut list = lock(&self.0.rooms);
            self.0.status.store(ENDED, Ordering::Release);
            self.0.session.socket_ended();
            self.note_rooms(&std::mem::take(&mut *list).into_names(), false);
            self.note_rooms(std::slice::from_ref(self.0.id.as_arc()), false);
        }
        self.0.hub.leave(&self.0.namespace);
    }

    pub(super) fn add_ack(&self, id: u64, waiter: AckWaiter) -> Result<(), TooManyAcks> {
        let limit = self.0.hub.config.limits.max_pending_acks;
        let mut over = Vec::new();
        let refused = {
            let mut acks = lock(&self.0.acks);
            if self.has_ended() {
                return Ok(());
            }
            let acks = acks.get_or_insert_default();
            if acks.len() >= limit {
                // Those whose future was dropped wait for nothing.
                over = acks.extract(AckWaiter::is_over);
            }
            acks.insert(id, waiter, None, limit).err()
        };
        // The drop of a waiter may come back to this socket.
        drop(over);
        refused.map_or(Ok(()), |(_waiter, error)| {
            self.0.hub.count_limit(Limit::MaxPendingAcks);
            Err(error)
        })
    }

    /// A broadcast asks this socket among others; `false`: the answers are not waited for any more, or
    /// this socket has as many to give as it may have.
    pub(crate) fn ask_share(&self, question: &Question, deadline: Instant) -> bool {
        let collector = &question.collector;
        let Some(share) = collector.ask(self) else { return false };
        if question.timeout.is_zero() {
            drop(share);
            return true;
        }
        if self.add_ack(collector.id(), AckWaiter::Share(share)).is_err() {
            return false;
        }
        self.arm_ack(collector.id(), deadline);
        true
    }

    /// Nobody waits for an ack any more.
    pub(crate) fn forget_ack(&self, id: u64) {
        let waiter = lock(&self.0.acks).as_mut().and_then(|acks| acks.take(id));
        drop(waiter);
    }

    pub(crate) fn arm_ack(&self, id: u64, deadline: Instant) {
        if let Some(acks) = lock(&self.0.acks).as_mut() {
            acks.set_deadline(id, deadline);
        }
    }

    pub(super) fn next_ack_deadline(&self) -> Option<Instant> {
        lock(&self.0.acks).as_ref().and_then(|acks| acks.next_deadline())
    }

    pub(crate) fn expire_acks(&self, now: Instant) {
        let expired = lock(&self.0.acks).as_mut().map(|acks| acks.take_expired(now));
        for waiter in expired.into_iter().flatten() {
            self.expire_ack(waiter);
        }
    }

    /// The client has not answered in time.
    pub(super) fn expire_ack(&self, waiter: AckWaiter) {
        let late = waiter.expire();
        if late > 0 {
            self.0.hub.watch.tell(|observer| observer.acks_timed_out(&self.0.namespace, late));
        }
    }

    pub(crate) fn resolve_ack(&self, id: u64, args: &str, bins: &[Bytes]) {
        let waiter = lock(&self.0.acks).as_mut().and_then(|acks| acks.take(id));
        if let Some(waiter) = waiter {
            waiter.answer(AckArgs::new(args, bins));
        }
    }

    pub(crate) fn fail_acks(&self) {
        let waiters = lock(&self.0.acks).take();
        // Dropping a waiter tells whoever waits that the socket is gone.
        drop(waiters);
    }
}
