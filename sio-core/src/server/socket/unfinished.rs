//! What a socket's handlers have not finished: their places, the acks they owe, what can be dropped, and
//! streams that wait for room.

use std::any::{Any, TypeId};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use futures_util::future::AbortHandle;

use crate::handler::Rules;

use super::super::running::{CancelSlot, Unfinished};
use super::super::sessions::SessionOp;
use super::super::worker::Worker;
use super::{Socket, drop_guarded, lock};

impl Socket {
    // ---- places ---------------------------------------------------------------------------------

    /// No further event may start now: as many handlers run as may, or one of them is waited for.
    ///
    /// Those of the session's former sockets count as well: leaving and joining again makes no room.
    #[inline]
    pub(crate) fn is_busy(&self) -> bool {
        self.0.barriers.load(Ordering::Acquire) > 0 || self.has_all_handlers()
    }

    /// As many handlers run as may.
    #[inline]
    pub(crate) fn has_all_handlers(&self) -> bool {
        let max = self.0.hub.config.limits.max_handlers;
        max > 0 && self.0.session.handlers() >= max && self.has_as_many_handlers(max)
    }

    fn has_as_many_handlers(&self, max: usize) -> bool {
        self.0.running.load(Ordering::Acquire) >= max
            || self.0.session.handlers() >= self.0.session.max_handlers(max)
    }

    pub(crate) fn handler_started(&self, ordered: bool) {
        self.0.running.fetch_add(1, Ordering::AcqRel);
        self.0.session.handler_started();
        if ordered {
            self.0.barriers.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// `true` if that may have made room for further events.
    pub(crate) fn handler_finished(&self, ordered: bool) -> bool {
        let max = self.0.hub.config.limits.max_handlers;
        self.0.running.fetch_sub(1, Ordering::AcqRel);
        // No event waits for room below so many. What the session may have says nothing: it may have been less
        // when an event began to wait.
        let was_full = self.0.session.handler_finished() >= max && max > 0;
        let was_last = ordered && self.0.barriers.fetch_sub(1, Ordering::AcqRel) == 1;
        was_full || was_last
    }

    /// Held events may go on.
    pub(crate) fn handler_done(&self) {
        if self.route(SessionOp::HandlerDone).is_err() {
            tracing::warn!("a worker's queue is full; held events wait for the next handler");
        }
    }

    /// Emits that wait for the client's ack.
    pub(crate) fn pending_acks(&self) -> usize {
        lock(&self.0.acks).as_ref().map_or(0, |acks| acks.len())
    }
    // ---- unfinished business --------------------------------------------------------------------

    fn unfinished<R>(&self, change: impl FnOnce(&mut Unfinished) -> R) -> R {
        change(lock(&self.0.unfinished).get_or_insert_default())
    }

    /// The client waits for an answer.
    pub(crate) fn ask(&self, id: u64) {
        let asked = self.unfinished(|unfinished| unfinished.ask(id));
        self.0.asked.store(asked, Ordering::Release);
    }

    pub(crate) fn answered(&self, id: u64) {
        if self.0.asked.load(Ordering::Acquire) == 0 {
            return;
        }
        if let Some(unfinished) = lock(&self.0.unfinished).as_mut() {
            let asked = unfinished.answered(id);
            self.0.asked.store(asked, Ordering::Release);
        }
    }

    pub(crate) fn take_asked(&self) -> BTreeSet<u64> {
        lock(&self.0.unfinished).as_mut().map(|u| u.take_asked()).unwrap_or_default()
    }

    /// A handler that can be dropped where it waits; `None`: the socket has ended.
    pub(crate) fn add_cancellable(
        &self,
        handler: usize,
        latest: bool,
        on_end: bool,
        abort: AbortHandle,
    ) -> Option<CancelSlot> {
        let id = {
            let mut unfinished = lock(&self.0.unfinished);
            // The end takes this lock after it is noted.
            if self.has_ended() {
                return None;
            }
            unfinished.get_or_insert_default().add_cancellable(handler, latest, on_end, abort)
        };
        Some(CancelSlot { socket: self.clone(), id })
    }

    pub(crate) fn forget_cancellable(&self, id: u64) {
        if let Some(unfinished) = lock(&self.0.unfinished).as_mut() {
            unfinished.remove_cancellable(id);
        }
    }

    /// An event of a handler drops the ones before it; all, unless it has a place among them itself.
    pub(crate) fn supersede(&self, rules: &Arc<Rules>, place: Option<u64>) {
        let handler = rules.address();
        let superseded = lock(&self.0.unfinished).as_ref().map(|u| u.superseded(handler, place));
        superseded.into_iter().flatten().for_each(|abort| abort.abort());
    }

    /// The end of the socket drops streams, and handlers that say so.
    pub(crate) fn cancel_handlers(&self) {
        let ended = lock(&self.0.unfinished).as_ref().map(|u| u.ended());
        ended.into_iter().flatten().for_each(|abort| abort.abort());
    }

    pub(crate) fn add_instance<T: Any + Send + Sync>(&self, instance: Arc<T>) {
        self.unfinished(|u| u.add_instance(TypeId::of::<T>(), instance));
    }

    pub(crate) fn instance<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let instance = lock(&self.0.unfinished).as_ref()?.instance(TypeId::of::<T>())?;
        instance.downcast().ok()
    }

    /// Lets go of the controllers of this connection; handlers that still run keep theirs.
    pub(crate) fn drop_instances(&self) {
        let instances = lock(&self.0.unfinished).as_mut().map(|u| u.take_instances());
        // The user's `Drop` may run here; two that panic at once would end the process.
        instances.into_iter().flatten().for_each(|(_, instance)| drop_guarded(instance));
    }

    // ---- room for streams -----------------------------------------------------------------------

    /// Ready while the client's queue has room, or nobody is left to fill it for.
    pub(crate) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.has_ended() {
            return Poll::Ready(());
        }
        self.0.session.poll_room(cx, || self.is_congested())
    }

    /// A stream has said something that may be under way: until it is delivered there is no room.
    pub(crate) fn has_streamed(&self) {
        let session = &self.0.session;
        if Worker::current(&self.0.hub).is_some_and(|worker| worker.owns(session)) {
            return;
        }
        session.set_congested(true);
        // Queued behind what was said; the session then tells how much room it has.
        if self.route(SessionOp::HandlerDone).is_err() {
            session.set_congested(false);
        }
    }

    fn is_congested(&self) -> bool {
        let session = &self.0.session;
        let local = Worker::current(&self.0.hub).and_then(|worker| worker.local(session));
        // A packet may be under way to the session, also on its own thread.
        session.is_congested() || local.is_some_and(|connection| connection.is_congested())
    }
}
