//! Packets for many, written to connections at rest without a turn of each receiver's own.
//!
//! A connection that has one such packet to write, and nothing else to do, needs its stream for that and not its
//! task. One task of the worker writes for all of them. Its turn comes behind the tasks that are ready when the
//! first packet is queued, so that what these publish leaves in the same write.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;

use bytes::Bytes;

use super::connection::Connection;
use super::worker::Worker;

/// Writes of one turn, before others have theirs.
const AT_ONCE: usize = 64;

/// The stream of a WebSocket connection, for writing between its turns.
pub trait Outlet {
    /// Writes what `take` gives, unless something that was said before waits to be written; what the peer does
    /// not take at once is kept for the connection's task. `false`: that task has to go on, and is woken.
    fn write(&self, take: &mut dyn FnMut() -> Option<Bytes>) -> bool;
}

/// The connections of a worker that wait for their packet.
#[derive(Debug, Default)]
pub(super) struct Direct {
    waiting: RefCell<VecDeque<Rc<Connection>>>,
    waker: RefCell<Option<Waker>>,
}

impl Direct {
    /// Queues a connection for which [`Connection::wants_direct_write`] holds.
    pub(super) fn push(&self, connection: &Rc<Connection>) {
        let mut waiting = self.waiting.borrow_mut();
        waiting.push_back(Rc::clone(connection));
        if waiting.len() == 1 {
            self.wake();
        }
    }

    /// The carrier's task has something to do.
    pub(super) fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    pub(super) fn clear(&self) {
        let waiting = self.waiting.take();
        drop(waiting);
    }

    fn next(&self) -> Option<Rc<Connection>> {
        self.waiting.borrow_mut().pop_front()
    }
}

impl Worker {
    /// Writes to connections at rest what broadcasts have for them, some at a time; `true`: there are more, for
    /// when others have had their turn. The waker is called when there are any again.
    ///
    /// The carrier calls this from a task of its own, if it has given connections an [`Outlet`], or calls
    /// [`Self::wake_later`].
    pub fn write_directly(&self, waker: &Waker) -> bool {
        {
            let mut known = self.direct.waker.borrow_mut();
            match &mut *known {
                Some(known) => known.clone_from(waker),
                none => *none = Some(waker.clone()),
            }
        }
        self.later.wake();
        // What others said before may be for the same connections.
        self.catch_up();
        for _ in 0..AT_ONCE {
            let Some(connection) = self.direct.next() else { return false };
            if !connection.write_directly() {
                continue;
            }
            // A push may have waited for this output to go.
            self.resume_later(&connection);
        }
        !self.direct.waiting.borrow().is_empty()
    }
}
