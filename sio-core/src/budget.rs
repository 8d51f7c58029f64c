//! A bound on what all peers of a server together have sent and not finished.
//!
//! Every peer has a bound of its own; the sum of those would be more than a machine has. What is unfinished is
//! charged once it is large, so that ordinary traffic never comes here.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Unfinished input that is not charged, per request, message or packet.
const FREE: usize = 64 * 1024;

/// Bytes that may be taken together; see the module.
#[derive(Debug)]
pub struct Budget {
    /// 0: no bound.
    limit: usize,
    taken: AtomicUsize,
}

/// More is unfinished than the server may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to say about it")]
pub struct Exhausted;

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too much unfinished input")
    }
}

impl std::error::Error for Exhausted {}

impl Budget {
    /// A budget of so many bytes; 0: no bound.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, taken: AtomicUsize::new(0) })
    }

    /// Bytes that are charged now.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

/// What one unfinished thing has taken of the budget; given back with it.
#[derive(Debug, Default)]
pub struct Share(Option<Box<Charged>>);

#[derive(Debug)]
struct Charged {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Share {
    /// The thing has `bytes` now, or is about to; to be called before they are stored, where that can be.
    ///
    /// # Errors
    ///
    /// The budget has no room. What was charged before stays charged.
    #[inline]
    pub fn hold(&mut self, budget: &Arc<Budget>, bytes: usize) -> Result<(), Exhausted> {
        if bytes <= FREE && self.0.is_none() {
            return Ok(());
        }
        self.change(budget, bytes)
    }

    /// The thing is finished, or gone.
    #[inline]
    pub fn release(&mut self) {
        self.0 = None;
    }

    #[cold]
    fn change(&mut self, budget: &Arc<Budget>, bytes: usize) -> Result<(), Exhausted> {
        if bytes <= FREE || budget.limit == 0 {
            self.0 = None;
            return Ok(());
        }
        let charged = self
            .0
            .get_or_insert_with(|| Box::new(Charged { budget: Arc::clone(budget), bytes: 0 }));
        if bytes <= charged.bytes {
            budget.taken.fetch_sub(charged.bytes - bytes, Ordering::Relaxed);
        } else {
            let more = bytes - charged.bytes;
            let taken = budget.taken.fetch_add(more, Ordering::Relaxed);
            if taken.saturating_add(more) > budget.limit {
                budget.taken.fetch_sub(more, Ordering::Relaxed);
                return Err(Exhausted);
            }
        }
        charged.bytes = bytes;
        Ok(())
    }
}

impl Drop for Charged {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_more_than_is_left_keeps_what_he_has() {
        let budget = Budget::new(300_000);
        let (mut first, mut second) = (Share::default(), Share::default());
        first.hold(&budget, 200_000).unwrap();
        second.hold(&budget, 100_000).unwrap();
        assert_eq!(second.hold(&budget, 100_001), Err(Exhausted));
        assert_eq!(budget.taken(), 300_000);
        first.hold(&budget, 150_000).unwrap();
        second.hold(&budget, 150_000).unwrap();
        drop(first);
        assert_eq!(budget.taken(), 150_000);
        second.release();
        assert_eq!(budget.taken(), 0);
    }

    #[test]
    fn what_is_small_is_not_charged() {
        let budget = Budget::new(1);
        let mut share = Share::default();
        share.hold(&budget, FREE).unwrap();
        assert_eq!(budget.taken(), 0);
        assert_eq!(share.hold(&budget, FREE + 1), Err(Exhausted));
        assert_eq!(budget.taken(), 0);
        let unbounded = Budget::new(0);
        share.release();
        share.hold(&unbounded, usize::MAX).unwrap();
    }
}
