//! Which namespaces and rooms this node has, told to the adapter in order.
//!
//! A change is noted under the lock that makes it, that of the namespaces or that of the counted rooms, and
//! told later, when nothing is locked. One thread at a time tells, so that the adapter hears of all changes
//! in the order of their making, also of a namespace that goes on one thread while another makes it anew.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use crate::adapter::Room;
use crate::sync::{Mutex, MutexGuard};

/// Something an adapter wants to know.
#[derive(Debug)]
pub(crate) enum Change {
    /// A namespace has come into being.
    Open(Arc<str>),
    /// A namespace is gone.
    Close(Arc<str>),
    /// A room has its first member.
    OpenRoom { namespace: Arc<str>, room: Room, own: bool },
    /// A room has lost its last member.
    CloseRoom { namespace: Arc<str>, room: Room, own: bool },
}

#[derive(Debug)]
struct State {
    untold: VecDeque<Change>,
    /// A thread tells, or nothing may be told yet.
    telling: bool,
}

/// Changes on their way to the adapter.
#[derive(Debug)]
pub(in crate::server) struct Changes(Mutex<State>);

impl Default for Changes {
    fn default() -> Self {
        Self(Mutex::new(State { untold: VecDeque::new(), telling: true }))
    }
}

impl Changes {
    /// Nothing is called under this lock, so a poisoned one is still consistent.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::server) fn add(&self, change: Change) {
        self.lock().untold.push_back(change);
    }

    /// Tells what was noted so far; from now on [`Self::tell`] does so.
    pub(in crate::server) fn begin(&self, tell: impl Fn(Change)) {
        loop {
            let change = {
                let mut state = self.lock();
                let change = state.untold.pop_front();
                state.telling = change.is_some();
                change
            };
            let Some(change) = change else { return };
            tell(change);
        }
    }

    /// Tells what was not told yet, unless another thread is about it.
    pub(in crate::server) fn tell(&self, tell: impl Fn(Change)) {
        if !std::mem::replace(&mut self.lock().telling, true) {
            self.begin(tell);
        }
    }
}
