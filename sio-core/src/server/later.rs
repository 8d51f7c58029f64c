//! Tasks that are woken when those that are ready now have had their turn.
//!
//! A carrier that expects to be polled again at once, but cannot be sure, would need a timer, which costs a
//! system call if it is the next one due. The task that writes for connections at rest has the right moment.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::task::Waker;

use slab::Slab;

use super::worker::Worker;

/// The tasks that wait.
#[derive(Debug, Default)]
pub(super) struct Later {
    waiting: RefCell<Slab<(u64, Waker)>>,
    last: Cell<u64>,
}

impl Later {
    /// Wakes all; who is not there any more is not woken.
    pub(super) fn wake(&self) {
        if !self.waiting.borrow().is_empty() {
            let waiting = self.waiting.take();
            waiting.into_iter().for_each(|(_, (_, waker))| waker.wake());
        }
    }
}

/// A task that is woken later, unless this is dropped before.
pub struct WokenLater<'a> {
    worker: &'a Worker,
    key: usize,
    id: u64,
}

impl fmt::Debug for WokenLater<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WokenLater").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Drop for WokenLater<'_> {
    fn drop(&mut self) {
        let mut waiting = self.worker.later.waiting.borrow_mut();
        if waiting.get(self.key).is_some_and(|(id, _)| *id == self.id) {
            waiting.remove(self.key);
        }
    }
}

impl Worker {
    /// Wakes a task when those that are ready now have had their turn, by the carrier's task that calls
    /// [`Self::write_directly`].
    pub fn wake_later(&self, waker: &Waker) -> WokenLater<'_> {
        let id = self.later.last.get().wrapping_add(1);
        self.later.last.set(id);
        let mut waiting = self.later.waiting.borrow_mut();
        let is_first = waiting.is_empty();
        let key = waiting.insert((id, waker.clone()));
        drop(waiting);
        if is_first {
            self.direct.wake();
        }
        WokenLater { worker: self, key, id }
    }
}
