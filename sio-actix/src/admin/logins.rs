//! Logins of this server alone.

use std::collections::VecDeque;
use std::future::ready;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sio_core::cluster::BoxFuture;
use sio_core::login::{LoginStore, LoginStoreError};

/// Logins that are remembered; then the oldest is forgotten.
const MAX: usize = 1_000;
/// For how long.
const DURATION: Duration = Duration::from_secs(86_400);

/// Ids with the times of their logins, the oldest first.
#[derive(Debug, Default)]
pub(super) struct MemoryLogins(Mutex<VecDeque<(Box<str>, Instant)>>);

impl MemoryLogins {
    fn knows(&self, id: &str, now: Instant) -> bool {
        let mut logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        logins.retain(|(_, since)| now.saturating_duration_since(*since) < DURATION);
        logins.iter().any(|(known, _)| **known == *id)
    }

    fn add(&self, id: &str, now: Instant) {
        let mut logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if logins.len() >= MAX {
            logins.pop_front();
        }
        logins.push_back((id.into(), now));
    }
}

impl LoginStore for MemoryLogins {
    fn contains(&self, id: &str) -> BoxFuture<Result<bool, LoginStoreError>> {
        Box::pin(ready(Ok(self.knows(id, Instant::now()))))
    }

    fn save(&self, id: &str) -> BoxFuture<Result<(), LoginStoreError>> {
        self.add(id, Instant::now());
        Box::pin(ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_expire_and_are_no_more_than_a_thousand() {
        let (logins, start) = (MemoryLogins::default(), Instant::now());
        logins.add("a", start);
        assert!(logins.knows("a", start + DURATION - Duration::from_secs(1)));
        assert!(!logins.knows("a", start + DURATION));
        for number in 0..=MAX {
            logins.add(&number.to_string(), start);
        }
        assert!(!logins.knows("0", start));
        assert!(logins.knows("1", start) && logins.knows(&MAX.to_string(), start));
    }
}
