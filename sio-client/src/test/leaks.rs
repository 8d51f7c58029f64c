//! What a server must not hold once its clients are gone.

use std::fmt;
use std::time::Duration;

use sio_actix::Io;
use tokio::time::{Instant, sleep, timeout_at};

/// How often the server is asked.
const TICK: Duration = Duration::from_millis(2);

/// What is left, with its number.
pub(crate) struct Leaks(Vec<(&'static str, usize)>);

impl Leaks {
    async fn of(io: &Io) -> Self {
        let inventory = io.inventory().await;
        let mut left = vec![
            ("sessions", inventory.sessions),
            ("sockets", inventory.sockets),
            ("rooms", inventory.rooms),
            ("pending acks", inventory.pending_acks),
            ("unfinished handlers", inventory.handlers),
        ];
        left.retain(|(_, count)| *count > 0);
        Self(left)
    }

    /// Waits until nothing is left, or for `limit`.
    pub(crate) async fn settle(io: &Io, limit: Duration) -> Self {
        let end = Instant::now() + limit;
        let mut left = Self(vec![("workers that do not answer", 1)]);
        while let Ok(now) = timeout_at(end, Self::of(io)).await {
            left = now;
            if left.is_empty() || Instant::now() >= end {
                break;
            }
            sleep(TICK).await;
        }
        left
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Leaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the test left these on its server:")?;
        for (what, count) in &self.0 {
            write!(f, "\n  {what}: {count}")?;
        }
        f.write_str("\n(close or drop clients before `stop`, and let handlers finish)")
    }
}
