//! What is logged once per connection.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sio_core::server::EngineSocket;
use sio_core::sid::Sid;

/// Sessions that something was logged about; they are forgotten when they end.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<HashSet<Sid>>);

impl Told {
    fn lock(&self) -> MutexGuard<'_, HashSet<Sid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing was logged about this session, and now is.
    pub(super) fn is_first(&self, session: &EngineSocket) -> bool {
        let is_first = self.lock().insert(session.id().clone());
        // It may have ended before it was listed here.
        if !session.is_open() {
            self.forget(session.id());
        }
        is_first
    }

    pub(super) fn forget(&self, session: &Sid) {
        self.lock().remove(session);
    }
}
