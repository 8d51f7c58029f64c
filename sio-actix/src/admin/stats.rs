//! The numbers of this server: sessions and namespaces at a moment, traffic by the second.

use std::collections::BTreeMap;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::Serialize;
use sio_core::close::CloseReason;
use sio_core::engine::{TrafficTotals, Transport};
use sio_core::server::Io;

use super::budget::encoded_len;
use super::shown::millis;

/// Namespaces that are shown, and their bytes.
const MAX_NAMESPACES: usize = 200;
const MAX_NAMESPACES_BYTES: usize = 64 << 10;

/// Who this is.
#[derive(Debug)]
pub(super) struct Server {
    id: String,
    host: String,
    pid: u32,
    since: Instant,
}

impl Server {
    /// This process, with the host's name if it was not given one.
    pub(super) fn here(id: Option<String>) -> Self {
        let host = host_name();
        let id = id.unwrap_or_else(|| host.clone());
        Self { id, host, pid: process::id(), since: Instant::now() }
    }
}

/// The host's name as Linux tells it, or a shell.
fn host_name() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let named = || ["HOSTNAME", "COMPUTERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let name = told.or_else(named).unwrap_or_default();
    match name.trim() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

/// What is counted as it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Life {
    Opened,
    /// Ended, with the reason as the engine says it.
    Closed(&'static str),
}

/// A count of one kind in one second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Aggregate {
    timestamp: u64,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_type: Option<&'static str>,
    count: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct NamespaceStats {
    name: String,
    sockets_count: usize,
}

/// What pages are told every two seconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServerStats {
    server_id: String,
    hostname: String,
    pid: u32,
    uptime: f64,
    clients_count: usize,
    polling_clients_count: usize,
    aggregated_events: Vec<Aggregate>,
    namespaces: Vec<NamespaceStats>,
}

/// The second that a time is in, as milliseconds.
const fn second(millis: u64) -> u64 {
    millis / 1_000 * 1_000
}

/// The reason of a session's end in the words of the engine, which knows nothing of namespaces.
const fn raw_reason(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::TransportClose => "transport close",
        CloseReason::TransportError(_) => "transport error",
        CloseReason::PingTimeout => "ping timeout",
        CloseReason::ParseError => "parse error",
        _ => "forced close",
    }
}

/// What the observer counts; none of it is per event.
#[derive(Debug)]
pub(super) struct Stats {
    server: Server,
    polling: AtomicUsize,
    lives: Mutex<BTreeMap<(u64, Life), u64>>,
}

impl Stats {
    pub(super) const fn new(server: Server) -> Self {
        Self { server, polling: AtomicUsize::new(0), lives: Mutex::new(BTreeMap::new()) }
    }

    pub(super) fn opened(&self, transport: Transport) {
        if transport == Transport::Polling {
            self.polling.fetch_add(1, Ordering::Relaxed);
        }
        self.count(Life::Opened);
    }

    pub(super) fn upgraded(&self) {
        self.one_polling_less();
    }

    pub(super) fn closed(&self, transport: Transport, reason: CloseReason) {
        if transport == Transport::Polling {
            self.one_polling_less();
        }
        self.count(Life::Closed(raw_reason(reason)));
    }

    fn one_polling_less(&self) {
        let less = |polling: usize| Some(polling.saturating_sub(1));
        // The closure always has a value.
        let _ = self.polling.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    fn lives(&self) -> MutexGuard<'_, BTreeMap<(u64, Life), u64>> {
        self.lives.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, life: Life) {
        *self.lives().entry((second(millis()), life)).or_default() += 1;
    }

    /// What is now, with as many namespaces as fit into `room` bytes.
    pub(super) fn show(
        &self,
        io: &Io,
        aggregated_events: Vec<Aggregate>,
        room: usize,
    ) -> ServerStats {
        let namespaces = io.namespaces().into_iter().map(|name| {
            let namespace = io.of(&name);
            let stats = NamespaceStats { sockets_count: namespace.socket_count(), name };
            (namespace.is_dynamic(), stats)
        });
        let namespaces = that_fit(namespaces.collect(), room.min(MAX_NAMESPACES_BYTES));
        ServerStats {
            server_id: self.server.id.clone(),
            hostname: self.server.host.clone(),
            pid: self.server.pid,
            uptime: self.server.since.elapsed().as_secs_f64(),
            clients_count: io.session_count(),
            polling_clients_count: self.polling.load(Ordering::Relaxed),
            aggregated_events,
            namespaces,
        }
    }
}

/// The namespaces that are shown, by name. Those that clients have named come behind all others, the ones with
/// most sockets first, and what there is no room for is one entry.
fn that_fit(mut all: Vec<(bool, NamespaceStats)>, mut room: usize) -> Vec<NamespaceStats> {
    all.sort_by(|(a_is_dynamic, a), (b_is_dynamic, b)| {
        let order = a_is_dynamic.cmp(b_is_dynamic).then(b.sockets_count.cmp(&a.sockets_count));
        order.then_with(|| a.name.cmp(&b.name))
    });
    let fit = all.iter().take(MAX_NAMESPACES).take_while(|(_, stats)| {
        let len = encoded_len(stats) + 1;
        let fits = len <= room;
        room = room.saturating_sub(len);
        fits
    });
    let rest = all.split_off(fit.count());
    let mut shown: Vec<_> = all.into_iter().map(|(_, stats)| stats).collect();
    shown.sort_by(|a, b| a.name.cmp(&b.name));
    if !rest.is_empty() {
        let name = format!("… and {} more", rest.len());
        let sockets_count = rest.iter().map(|(_, stats)| stats.sockets_count).sum();
        shown.push(NamespaceStats { name, sockets_count });
    }
    shown
}

/// Makes counts by the second of counters that only grow.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    last: TrafficTotals,
    counts: Vec<Aggregate>,
}

impl Sampler {
    /// To be called about once a second: what was counted since the last time is this second's.
    pub(super) fn sample(&mut self, now: TrafficTotals, stats: &Stats) {
        let timestamp = second(millis());
        for (r#type, before, now) in [
            ("packetsIn", self.last.packets_in, now.packets_in),
            ("bytesIn", self.last.bytes_in, now.bytes_in),
            ("packetsOut", self.last.packets_out, now.packets_out),
            ("bytesOut", self.last.bytes_out, now.bytes_out),
        ] {
            let count = now.saturating_sub(before);
            if count > 0 {
                self.counts.push(Aggregate { timestamp, r#type, sub_type: None, count });
            }
        }
        self.last = now;
        let lives = std::mem::take(&mut *stats.lives());
        for ((timestamp, life), count) in lives {
            let (r#type, sub_type) = match life {
                Life::Opened => ("rawConnection", None),
                Life::Closed(reason) => ("rawDisconnection", Some(reason)),
            };
            self.counts.push(Aggregate { timestamp, r#type, sub_type, count });
        }
    }

    /// What was counted since the last time.
    pub(super) fn take(&mut self) -> Vec<Aggregate> {
        std::mem::take(&mut self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_kind(counts: &[Aggregate], kind: &str) -> u64 {
        counts.iter().filter(|entry| entry.r#type == kind).map(|entry| entry.count).sum()
    }

    #[test]
    fn what_was_told_is_not_told_again() {
        let stats = Stats::new(Server::here(Some("a".to_owned())));
        let mut sampler = Sampler::default();
        stats.opened(Transport::Polling);
        stats.opened(Transport::Websocket);
        stats.closed(Transport::Websocket, CloseReason::ServerDisconnect);
        let mut totals = TrafficTotals::default();
        totals.packets_in = 3;
        totals.bytes_out = 10;
        sampler.sample(totals, &stats);
        totals.packets_in = 5;
        sampler.sample(totals, &stats);
        let counts = sampler.take();
        assert_eq!(of_kind(&counts, "packetsIn"), 5);
        assert_eq!(of_kind(&counts, "bytesOut"), 10);
        assert_eq!(of_kind(&counts, "packetsOut"), 0);
        assert_eq!(of_kind(&counts, "rawConnection"), 2);
        let closed = counts.iter().find(|entry| entry.r#type == "rawDisconnection").unwrap();
        assert_eq!((closed.sub_type, closed.count), (Some("forced close"), 1));
        sampler.sample(totals, &stats);
        assert_eq!(sampler.take(), []);
    }

    #[test]
    fn namespaces_that_clients_named_do_not_hide_others() {
        let named = |name: String, sockets_count| NamespaceStats { name, sockets_count };
        let few = vec![(true, named("/b".into(), 2)), (false, named("/a".into(), 0))];
        assert_eq!(that_fit(few, 1_000), [named("/a".into(), 0), named("/b".into(), 2)]);
        let mut many: Vec<_> =
            (0..MAX_NAMESPACES + 9).map(|n| (true, named(format!("/{n:04}"), 1))).collect();
        many.push((false, named("/zz".into(), 0)));
        many.push((true, named("/large".into(), 7)));
        let shown = that_fit(many, usize::MAX);
        assert_eq!(shown.len(), MAX_NAMESPACES + 1);
        assert!(shown.contains(&named("/zz".into(), 0)));
        assert!(shown.contains(&named("/large".into(), 7)));
        assert_eq!(shown.last(), Some(&named("… and 11 more".into(), 11)));
        // Characters count as they are sent.
        let many = (0..9).map(|n| (true, named("\u{1}".repeat(100 + n), 1))).collect();
        assert_eq!(that_fit(many, 1_500).len(), 3);
    }

    #[test]
    fn polling_clients_are_those_that_poll_at_this_moment() {
        let stats = Stats::new(Server::here(None));
        stats.opened(Transport::Polling);
        stats.opened(Transport::Polling);
        stats.opened(Transport::Websocket);
        stats.upgraded();
        stats.closed(Transport::Websocket, CloseReason::TransportClose);
        assert_eq!(stats.polling.load(Ordering::Relaxed), 1);
        stats.closed(Transport::Polling, CloseReason::PingTimeout);
        assert_eq!(stats.polling.load(Ordering::Relaxed), 0);
    }
}
