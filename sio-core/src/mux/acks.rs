//! Emits of one socket that wait for an ack.
//!
//! Each id resolves once: by its answer, by its deadline, or with the socket.

use std::collections::HashMap;
use std::time::Instant;

/// The table holds as many waiting emits as its limit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{limit} emits wait for an ack already")]
pub struct TooManyAcks {
    /// The limit.
    pub limit: usize,
}

#[derive(Debug)]
struct Pending<T> {
    waiter: T,
    deadline: Option<Instant>,
}

/// Waiting emits by ack id; `T` is whoever waits.
#[derive(Debug)]
pub struct PendingAcks<T> {
    pending: HashMap<u64, Pending<T>, ahash::RandomState>,
    next_deadline: Option<Instant>,
}

impl<T> Default for PendingAcks<T> {
    fn default() -> Self {
        Self { pending: HashMap::default(), next_deadline: None }
    }
}

impl<T> PendingAcks<T> {
    /// Adds a waiter.
    ///
    /// # Errors
    ///
    /// [`TooManyAcks`] with the waiter, when `limit` others wait already.
    pub fn insert(
        &mut self,
        id: u64,
        waiter: T,
        deadline: Option<Instant>,
        limit: usize,
    ) -> Result<(), (T, TooManyAcks)> {
        if self.pending.len() >= limit {
            return Err((waiter, TooManyAcks { limit }));
        }
        self.pending.insert(id, Pending { waiter, deadline });
        if let Some(deadline) = deadline {
            self.next_deadline =
                Some(self.next_deadline.map_or(deadline, |known| known.min(deadline)));
        }
        Ok(())
    }

    /// Gives a waiter its deadline.
    pub fn set_deadline(&mut self, id: u64, deadline: Instant) {
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.deadline = Some(deadline);
            self.next_deadline =
                Some(self.next_deadline.map_or(deadline, |known| known.min(deadline)));
        }
    }

    /// Takes the waiter of an answered id; `None` for ids nobody waits for.
    pub fn take(&mut self, id: u64) -> Option<T> {
        let pending = self.pending.remove(&id)?;
        if self.pending.is_empty() {
            self.next_deadline = None;
            self.pending.shrink_to(32);
        }
        Some(pending.waiter)
    }

    /// Not later than the earliest deadline.
    #[must_use]
    pub const fn next_deadline(&self) -> Option<Instant> {
        self.next_deadline
    }

    /// Takes the waiters for which `is_over` holds.
    pub fn extract(&mut self, mut is_over: impl FnMut(&T) -> bool) -> Vec<T> {
        let over = self.pending.extract_if(|_, pending| is_over(&pending.waiter));
        over.map(|(_, pending)| pending.waiter).collect()
    }

    /// Takes the waiters whose deadline has passed.
    pub fn take_expired(&mut self, now: Instant) -> Vec<T> {
        if self.next_deadline.is_none_or(|deadline| deadline > now) {
            return Vec::new();
        }
        let due: Vec<u64> = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.deadline.is_some_and(|deadline| deadline <= now))
            .map(|(id, _)| *id)
            .collect();
        let expired =
            due.iter().filter_map(|id| self.pending.remove(id)).map(|p| p.waiter).collect();
        self.next_deadline = self.pending.values().filter_map(|p| p.deadline).min();
        expired
    }

    /// Takes all waiters; the socket is gone.
    pub fn drain(&mut self) -> Vec<T> {
        self.next_deadline = None;
        std::mem::take(&mut self.pending).into_values().map(|p| p.waiter).collect()
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_above_the_limit_is_refused() {
        let mut acks = PendingAcks::default();
        acks.insert(0, "a", None, 1).unwrap();
        assert_eq!(acks.insert(1, "b", None, 1), Err(("b", TooManyAcks { limit: 1 })));
    }

    #[test]
    fn an_id_resolves_once() {
        let mut acks = PendingAcks::default();
        acks.insert(7, "a", None, 9).unwrap();
        assert_eq!(acks.take(7), Some("a"));
        assert_eq!(acks.take(7), None);
        assert_eq!(acks.take(8), None);
    }

    #[test]
    fn only_what_is_due_expires() {
        let start = Instant::now();
        let mut acks = PendingAcks::default();
        acks.insert(0, "soon", Some(start + Duration::from_millis(5)), 9).unwrap();
        acks.insert(1, "later", Some(start + Duration::from_millis(9)), 9).unwrap();
        acks.insert(2, "never", None, 9).unwrap();
        assert_eq!(acks.take_expired(start), Vec::<&str>::new());
        assert_eq!(acks.take_expired(start + Duration::from_millis(5)), ["soon"]);
        assert_eq!(acks.next_deadline(), Some(start + Duration::from_millis(9)));
        assert_eq!(acks.drain().len(), 2);
        assert!(acks.is_empty());
    }
}
