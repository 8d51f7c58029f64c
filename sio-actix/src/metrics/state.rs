//! Everything that is counted, and the servers that are asked for the rest.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use sio_core::engine::TrafficTotals;
use sio_core::limits::Limit;
use sio_core::server::{ClusterStats, Hub, Inventory, Io};
use tokio::time::timeout;

use super::cells::{Counter, Tally};
use super::families::{Families, Handled, REASONS};
use super::pulse::Pulse;

/// How long workers have to tell what they hold; a scrape shows what they told before, if one is late.
const CENSUS_TIME: Duration = Duration::from_millis(500);

/// Codes of the engine, and the statuses of refusals that have none.
const CODES: [&str; 16] = [
    "0", "1", "2", "3", "4", "5", "400", "408", "413", "414", "415", "426", "431", "500", "503",
    "other",
];

/// What is counted, of all servers together.
#[derive(Debug)]
pub(super) struct State {
    servers: Mutex<Vec<Weak<Hub>>>,
    /// What the workers held when they were asked last.
    census: Mutex<Inventory>,
    pub(super) opened_polling: Counter,
    pub(super) opened_websocket: Counter,
    pub(super) upgraded: Counter,
    pub(super) closed: Tally<{ REASONS.len() }>,
    pub(super) refused: Tally<{ CODES.len() }>,
    pub(super) connects_refused: Counter,
    pub(super) recovered: Counter,
    /// Requests to other nodes.
    pub(super) asked: Handled,
    pub(super) families: Families,
    pub(super) pulse: Pulse,
}

impl Default for State {
    fn default() -> Self {
        Self {
            servers: Mutex::default(),
            census: Mutex::default(),
            opened_polling: Counter::default(),
            opened_websocket: Counter::default(),
            upgraded: Counter::default(),
            closed: Tally::new(REASONS),
            refused: Tally::new(CODES),
            connects_refused: Counter::default(),
            recovered: Counter::default(),
            asked: Handled::default(),
            families: Families::default(),
            pulse: Pulse::default(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// A server tells what it does; it is not kept alive.
    pub(super) fn add_server(&self, io: &Io) {
        lock(&self.servers).push(Arc::downgrade(io.hub()));
    }

    /// The servers that live.
    pub(super) fn servers(&self) -> Vec<Io> {
        lock(&self.servers).iter().filter_map(Weak::upgrade).map(|hub| hub.io()).collect()
    }

    pub(super) fn count_refused(&self, code: u16) {
        let code = code.to_string();
        let known = CODES.contains(&code.as_str());
        self.refused.count(if known { &code } else { "other" });
    }

    /// Asks the workers what they hold.
    pub(super) async fn take_census(&self) {
        let servers = self.servers();
        let census = join_all(servers.iter().map(Io::inventory));
        let Ok(census) = timeout(CENSUS_TIME, census).await else {
            tracing::warn!("a worker is too busy to tell what it holds");
            return;
        };
        let mut sum = Inventory::default();
        for one in census {
            sum.sessions += one.sessions;
            sum.websockets += one.websockets;
            sum.queued_bytes += one.queued_bytes;
            sum.queued_packets += one.queued_packets;
            sum.rooms += one.rooms;
            sum.pending_acks += one.pending_acks;
            sum.handlers += one.handlers;
            sum.recoverable += one.recoverable;
        }
        *lock(&self.census) = sum;
    }

    pub(super) fn census(&self) -> Inventory {
        *lock(&self.census)
    }
}

/// What servers count by themselves, added up.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) traffic: TrafficTotals,
    pub(super) namespaces: usize,
    /// One of them takes no new sessions.
    pub(super) draining: bool,
    /// How often each bound was reached, in the order of all of them.
    pub(super) limits: Vec<u64>,
    /// Of those that are in a cluster.
    pub(super) cluster: Option<ClusterStats>,
}

impl Totals {
    pub(super) fn of(servers: &[Io]) -> Self {
        let mut totals = Self { limits: vec![0; Limit::ALL.len()], ..Self::default() };
        for io in servers {
            totals.add_traffic(io.traffic());
            totals.namespaces += io.namespace_count();
            totals.draining |= io.refuses_sessions();
            let reached = io.hub().limits_reached().iter();
            totals.limits.iter_mut().zip(reached).for_each(|(sum, (_, more))| *sum += more);
            if let Some(stats) = io.cluster_stats() {
                totals.add_cluster(&stats);
            }
        }
        totals
    }

    const fn add_traffic(&mut self, more: TrafficTotals) {
        let sum = &mut self.traffic;
        sum.packets_in += more.packets_in;
        sum.bytes_in += more.bytes_in;
        sum.packets_out += more.packets_out;
        sum.bytes_out += more.bytes_out;
        sum.volatile_dropped += more.volatile_dropped;
        sum.events_dropped += more.events_dropped;
    }

    fn add_cluster(&mut self, more: &ClusterStats) {
        let Some(sum) = &mut self.cluster else {
            self.cluster = Some(*more);
            return;
        };
        sum.garbage += more.garbage;
        sum.lost += more.lost;
        sum.pending_requests += more.pending_requests;
        let (sum, more) = (&mut sum.adapter, &more.adapter);
        sum.published += more.published;
        sum.received += more.received;
        sum.garbage += more.garbage;
        sum.forged += more.forged;
        sum.dropped += more.dropped;
        sum.reconnects += more.reconnects;
        sum.queued += more.queued;
        sum.connected &= more.connected;
    }
}
