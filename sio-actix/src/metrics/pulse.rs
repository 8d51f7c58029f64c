//! Whether the workers get round to what is due: a handler that blocks its thread keeps it from everything.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::cells::Histogram;
use super::state::State;

/// Between two beats of a worker.
const PERIOD: Duration = Duration::from_millis(100);

/// The beats of all workers.
#[derive(Debug)]
pub(super) struct Pulse {
    /// How late beats were.
    pub(super) delay: Histogram,
    began: Instant,
    workers: Mutex<Vec<Weak<Due>>>,
}

/// When a worker's next beat is due, in microseconds since the beginning.
#[derive(Debug, Default)]
struct Due(AtomicU64);

impl Default for Pulse {
    fn default() -> Self {
        Self { delay: Histogram::default(), began: Instant::now(), workers: Mutex::default() }
    }
}

impl Pulse {
    /// Lets this thread beat for as long as its runtime and the metrics live.
    pub(super) fn spawn(state: &Arc<State>) {
        let due = state.pulse.add_worker();
        let state = Arc::downgrade(state);
        actix_rt::spawn(async move {
            loop {
                let next = tokio::time::Instant::now() + PERIOD;
                match state.upgrade() {
                    Some(state) => state.pulse.expect(&due, next.into_std()),
                    None => return,
                }
                tokio::time::sleep_until(next).await;
                if let Some(state) = state.upgrade() {
                    state.pulse.delay.observe(next.elapsed());
                }
            }
        });
    }

    fn add_worker(&self) -> Arc<Due> {
        let due = Arc::new(Due(AtomicU64::new(u64::MAX)));
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.retain(|worker| worker.strong_count() > 0);
        workers.push(Arc::downgrade(&due));
        due
    }

    fn since_begin(&self, moment: Instant) -> u64 {
        let since = moment.saturating_duration_since(self.began).as_micros();
        u64::try_from(since).unwrap_or(u64::MAX)
    }

    fn expect(&self, due: &Due, next: Instant) {
        due.0.store(self.since_begin(next), Ordering::Relaxed);
    }

    /// How late the latest worker is at this moment.
    pub(super) fn stalled(&self) -> Duration {
        let now = self.since_begin(Instant::now());
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let late = workers
            .iter()
            .filter_map(Weak::upgrade)
            .map(|due| now.saturating_sub(due.0.load(Ordering::Relaxed)));
        Duration::from_micros(late.max().unwrap_or(0))
    }

    /// Workers that run.
    pub(super) fn workers(&self) -> usize {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.iter().filter(|worker| worker.strong_count() > 0).count()
    }
}
