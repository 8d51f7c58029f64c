//! What works and what does not: counters, and one log line per outage.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use sio_core::cluster::AdapterStats;

use super::server::poisoned;

/// Lines about one kind of trouble are at least this far apart.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// What happened so far; each only grows.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) published: AtomicU64,
    pub(crate) received: AtomicU64,
    pub(crate) garbage: AtomicU64,
    pub(crate) forged: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) reconnects: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, count: usize) {
        counter.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Which connections are down.
#[derive(Debug)]
pub(crate) struct Health {
    pub(crate) counters: Counters,
    server: Box<str>,
    down: Mutex<Down>,
    garbage: Seldom,
    forged: Seldom,
    refused: Seldom,
    trouble: Notify,
}

/// What does not work at present.
#[derive(Debug, Default)]
struct Down {
    /// Those that never worked yet, and have not failed either.
    beginning: BTreeSet<Box<str>>,
    links: BTreeSet<Box<str>>,
    since: Option<Instant>,
}

impl Health {
    pub(crate) fn new(server: &str) -> Self {
        Self {
            counters: Counters::default(),
            server: server.into(),
            down: Mutex::default(),
            garbage: Seldom::new(),
            forged: Seldom::new(),
            refused: Seldom::new(),
            trouble: Notify::new(),
        }
    }

    /// The server's address, without credentials.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// What happened so far, but for the queue.
    pub(crate) fn stats(&self) -> AdapterStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut stats = AdapterStats::default();
        stats.published = read(&self.counters.published);
        stats.received = read(&self.counters.received);
        stats.garbage = read(&self.counters.garbage);
        stats.forged = read(&self.counters.forged);
        stats.dropped = read(&self.counters.dropped);
        stats.reconnects = read(&self.counters.reconnects);
        let down = self.down.lock().unwrap_or_else(poisoned);
        stats.connected = down.links.is_empty() && down.beginning.is_empty();
        drop(down);
        stats
    }

    /// A connection is about to be made for the first time.
    pub(crate) fn begins(&self, link: &str) {
        self.down.lock().unwrap_or_else(poisoned).beginning.insert(link.into());
    }

    /// A connection is gone, or could not be made.
    pub(crate) fn lost(&self, link: &str, why: &dyn Display) {
        self.trouble.notify_one();
        {
            let mut down = self.down.lock().unwrap_or_else(poisoned);
            down.beginning.remove(link);
            down.links.insert(link.into());
            if down.since.is_some() {
                return;
            }
            down.since = Some(Instant::now());
        }
        tracing::warn!(server = %self.server, link, "Redis is lost, trying again: {why}");
    }

    /// A connection works.
    pub(crate) fn back(&self, link: &str) {
        let since = {
            let mut down = self.down.lock().unwrap_or_else(poisoned);
            down.beginning.remove(link);
            down.links.remove(link);
            match down.links.is_empty() {
                true => down.since.take(),
                false => None,
            }
        };
        if let Some(since) = since {
            Counters::add(&self.counters.reconnects, 1);
            let after = since.elapsed();
            tracing::info!(server = %self.server, ?after, "Redis is back");
        }
    }

    /// Whether a connection is gone, or could not be made, as far as is known.
    pub(crate) fn is_down(&self, link: &str) -> bool {
        self.down.lock().unwrap_or_else(poisoned).links.contains(link)
    }

    /// Is ready when something was lost or refused since the last time.
    pub(crate) async fn trouble(&self) {
        self.trouble.notified().await;
    }

    /// Another node said something.
    pub(crate) fn heard(&self) {
        Counters::add(&self.counters.received, 1);
    }

    /// Something came in that no node says.
    pub(crate) fn garbage(&self, channel: &str, why: &dyn Display) {
        Counters::add(&self.counters.garbage, 1);
        if let Some(more) = self.garbage.now() {
            tracing::warn!(channel, more, "a message of the cluster cannot be read: {why}");
        }
    }

    /// Something came in that nobody has said who has the cluster's key, or that was said before.
    pub(crate) fn forged(&self, place: &str, why: &dyn Display) {
        Counters::add(&self.counters.forged, 1);
        if let Some(more) = self.forged.now() {
            tracing::warn!(
                place,
                more,
                "a message that claims to be of the cluster is dropped: {why}"
            );
        }
    }

    /// A message that cannot be said in this mode; only a fault of the program makes one.
    pub(crate) fn unsaid(&self, channel: &str, why: &dyn Display) {
        Counters::add(&self.counters.dropped, 1);
        if let Some(more) = self.refused.now() {
            tracing::error!(channel, more, "a message for the cluster cannot be written: {why}");
        }
    }

    /// The server refused a command.
    pub(crate) fn refused(&self, why: &dyn Display) {
        self.trouble.notify_one();
        Counters::add(&self.counters.dropped, 1);
        if let Some(more) = self.refused.now() {
            tracing::error!(server = %self.server, more, "Redis refused a command: {why}");
        }
    }
}

/// Lets something through now and then, and counts the rest.
#[derive(Debug)]
pub(crate) struct Seldom {
    before: Mutex<Option<Instant>>,
    hidden: AtomicU64,
}

impl Seldom {
    pub(crate) const fn new() -> Self {
        Self { before: Mutex::new(None), hidden: AtomicU64::new(0) }
    }

    /// Whether it is time, and how many were hidden since the last time.
    pub(crate) fn now(&self) -> Option<u64> {
        let now = Instant::now();
        let mut before = self.before.lock().unwrap_or_else(poisoned);
        let due = before.is_none_or(|before| now.duration_since(before) >= BETWEEN_LINES);
        if !due {
            self.hidden.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        *before = Some(now);
        Some(self.hidden.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn seldom_counts_what_it_hides() {
        let seldom = Seldom::new();
        assert_eq!(seldom.now(), Some(0));
        assert_eq!(seldom.now(), None);
        assert_eq!(seldom.now(), None);
        tokio::time::advance(BETWEEN_LINES).await;
        assert_eq!(seldom.now(), Some(2));
    }

    #[tokio::test]
    async fn nothing_is_connected_before_it_is_for_the_first_time() {
        let health = Health::new("here:1");
        health.begins("a");
        health.begins("b");
        health.back("a");
        assert!(!health.stats().connected);
        health.back("b");
        assert!(health.stats().connected);
        assert_eq!(health.stats().reconnects, 0);
    }

    #[tokio::test]
    async fn an_outage_of_several_connections_counts_once() {
        let health = Health::new("here:1");
        health.lost("a", &"gone");
        health.lost("b", &"gone");
        health.lost("a", &"still gone");
        assert!(!health.stats().connected);
        health.back("a");
        assert!(!health.stats().connected);
        health.back("b");
        assert!(health.stats().connected);
        assert_eq!(health.stats().reconnects, 1);
    }
}
