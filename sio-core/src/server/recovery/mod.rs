//! Connection state recovery: a client that lost its connection comes back as the socket it was.
//!
//! Off, nothing of it exists: namespaces have no log, sockets no [`Presence`]. On, every event that is
//! neither volatile nor asks for an ack goes through the [`PacketLog`] of its namespace: the log's lock
//! covers drawing the offset, encoding, and queueing for *all* workers, the own one included, so that
//! every receiver gets the events of a namespace in the order of the log. Direct delivery is not used for
//! them; whatever the same thread says next queues behind, because its worker is behind then.
//!
//! A socket that ends by accident is kept on the [`Shelf`]. A CONNECT with its secret `pid` takes it from
//! there, once. What the log holds behind the client's offset is sent before the answer to CONNECT, and
//! what still waits in this worker's queue up to that point is not delivered again.
//!
//! With an adapter that has a log which all nodes share, that log takes the place of both: a namespace has a
//! [`Relay`] instead of a [`PacketLog`], what is said is delivered when it comes back from there, and a socket
//! that ends by accident is saved beside it. `relay` says what follows from that for the order of things,
//! `shared` how clients come back.

mod log;
mod offset;
mod presence;
mod relay;
mod shared;
mod shelf;
mod worker;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::cluster::Offset;
use crate::limits::{Limit, LimitCounts, Limits};
use crate::sid::SidSource;

use super::hub::Hub;

pub(crate) use log::{Addressees, PacketLog};
pub(crate) use presence::Presence;
pub(crate) use relay::{Deferred, Relay};
pub(crate) use shared::Restored;
pub(super) use shared::unless_it_panics;
pub(crate) use shelf::{Kept, Shelf};
pub(super) use worker::Admission;

/// Longest time between two looks at what has expired.
const SWEEP: Duration = Duration::from_secs(1);
/// Shortest.
const SWEEP_AT_LEAST: Duration = Duration::from_millis(10);

/// How clients come back after they have lost their connection (the reference's
/// `connectionStateRecovery`).
///
/// A client that returns in time gets its socket id, rooms, stored values and the events it has missed,
/// in order; [`Socket::is_recovered`](super::Socket::is_recovered) is `true` then. What cannot be
/// recovered completely is not recovered at all: the client is connected as a new one.
///
/// Events are kept in the memory of this process, within [`Limits`]. A client can only come back after it
/// has got an event that carries an offset: volatile ones and those that ask for an ack carry none. Which
/// events it has missed is decided by the rooms it was in at its end.
///
/// # In a cluster
///
/// With an [`Adapter`](crate::cluster::Adapter) that only passes messages on, each node keeps events and
/// sockets for itself, also what the others say: clients come back to the node they were on, which a load
/// balancer with sticky sessions gives them. On any other they are new.
///
/// With one that has an [`EventLog`](crate::cluster::EventLog), clients come back to any node, also to one of
/// another implementation, and after the end of the node they were on. What is different then:
///
/// - An event with an offset is delivered when it comes back from the log: one round trip later, on the node
///   that said it, too. What is said to many sockets afterwards, and disconnecting a socket, waits for that;
///   acks and what is said to one socket without an offset do not. Rooms count as they are at the delivery.
/// - If the log does not take it in time, it is delivered on this node at once, without an offset, and clients
///   that are away may miss it. Until it is clear that it does not come a second time, nobody is recovered who
///   could get it twice.
/// - Values of [`Socket::set_state`](super::Socket::set_state) do not come back; data of
///   [`Socket::set_data`](super::Socket::set_data) does.
/// - Of [`Limits`], those for recovery bound what is on its way: sockets and events are kept by the log.
/// - What was volatile or asked for an ack on its way into the log is among what was missed, as with the
///   reference.
///
/// Differs from the reference: what is kept of a socket is used once; a socket that was not recovered
/// before can be taken over while the server still holds its connection for alive; and a client to which
/// nothing was sent for long can come back as well.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use sio_core::server::{Io, Recovery, Socket};
///
/// let mut recovery = Recovery::default();
/// recovery.max_disconnection_duration = Duration::from_secs(30);
/// let server = Io::builder().connection_state_recovery(recovery).namespace("/", |ns| {
///     ns.on_connection(|socket: Socket| {
///         if !socket.is_recovered() {
///             socket.join("news");
///         }
///     });
/// });
/// # drop(server);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// How long after its end a socket can be recovered; two minutes by default, above zero.
    pub max_disconnection_duration: Duration,
    /// Whether connect guards, guards and the middleware around them are left out when a socket is
    /// recovered, as they are by default. If not, they run with
    /// [`Socket::is_recovered`](super::Socket::is_recovered) already `true`, and may refuse; the client
    /// may come again then. What makes the controllers of a connection always runs.
    pub skip_guards: bool,
}

impl Default for Recovery {
    fn default() -> Self {
        Self { max_disconnection_duration: Duration::from_secs(120), skip_guards: true }
    }
}

/// A broadcast's place among the logged events of its namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Logged {
    /// It is none of them.
    #[default]
    Not,
    /// Its number in the log of this server.
    Here(u64),
    /// It comes from the log that all nodes share.
    Shared {
        /// Its number among what this server got from there.
        number: u64,
        offset: Offset,
        /// Nothing that was said without an offset comes behind it.
        settles: bool,
    },
    /// It has no offset because the shared log did not take it, as far as is known.
    Refused,
}

/// How the events of a namespace are logged.
#[derive(Debug)]
pub(crate) enum Log {
    /// By this server, for itself.
    Here(PacketLog),
    /// By what connects all nodes.
    Shared(Relay),
}

/// What the logs of all namespaces may hold, and do.
#[derive(Debug)]
pub(crate) struct Budget {
    max_packets: usize,
    max_bytes: usize,
    max_total: usize,
    total: AtomicUsize,
    /// Something may have to expire.
    used: AtomicBool,
    reached: Arc<LimitCounts>,
}

impl Budget {
    /// The oldest of a log has to go, which is counted.
    fn is_exceeded(&self, entries: usize, bytes: usize) -> bool {
        let excess = if entries > self.max_packets {
            Limit::MaxRecoveryPackets
        } else if bytes > self.max_bytes {
            Limit::MaxRecoveryBytes
        } else if entries > 0 && self.total.load(Ordering::Relaxed) > self.max_total {
            Limit::MaxRecoveryBytesTotal
        } else {
            return false;
        };
        self.reached.count(excess);
        true
    }

    fn note_use(&self) {
        if !self.used.load(Ordering::Acquire) {
            self.used.store(true, Ordering::Release);
        }
    }
}

/// What a recovering server shares between its threads.
#[derive(Debug)]
pub(crate) struct Keeper {
    options: Recovery,
    budget: Arc<Budget>,
    /// How long an event is kept: a connection may be dead for a while before the server notices.
    retention: Duration,
    interval: Duration,
    shelf: Mutex<Shelf>,
    next_sweep: Mutex<Option<Instant>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Keeper {
    /// `patience` is the time after which a dead connection is noticed at the latest.
    pub(crate) fn new(
        options: Recovery,
        limits: &Limits,
        patience: Duration,
        reached: Arc<LimitCounts>,
    ) -> Self {
        let window = options.max_disconnection_duration;
        Self {
            budget: Arc::new(Budget {
                max_packets: limits.max_recovery_packets,
                max_bytes: limits.max_recovery_bytes,
                max_total: limits.max_recovery_bytes_total,
                total: AtomicUsize::new(0),
                used: AtomicBool::new(false),
                reached,
            }),
            retention: window.saturating_add(patience),
            interval: (window / 2).clamp(SWEEP_AT_LEAST, SWEEP),
            shelf: Mutex::new(Shelf::new(limits.max_recovery_sockets)),
            next_sweep: Mutex::new(None),
            options,
        }
    }

    /// The log of a new namespace; `shared`: there is one that all nodes share.
    pub(super) fn new_log(&self, shared: bool, sids: &dyn SidSource) -> Log {
        match shared {
            true => Log::Shared(Relay::new(&self.budget)),
            false => Log::Here(PacketLog::new(&self.budget, sids)),
        }
    }

    pub(super) const fn skips_guards(&self) -> bool {
        self.options.skip_guards
    }

    const fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Locked behind a log, never before one; no user code runs under it.
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        lock(&self.shelf)
    }

    /// Sockets that are kept.
    pub(super) fn kept(&self) -> usize {
        self.shelf().len()
    }

    /// When a worker has to look again, if anything is kept.
    pub(super) fn next_sweep(&self, now: Instant) -> Option<Instant> {
        let mut next = lock(&self.next_sweep);
        if next.is_none() && self.budget.used.load(Ordering::Acquire) {
            *next = now.checked_add(self.interval);
        }
        *next
    }

    /// `true` for one of the workers that come when it is time.
    fn begin_sweep(&self, now: Instant) -> bool {
        let mut next = lock(&self.next_sweep);
        let due = next.is_some_and(|next| next <= now);
        if due {
            *next = None;
            self.budget.used.store(false, Ordering::Release);
        }
        due
    }
}

impl Hub {
    /// Forgets what is too old, if it is time to look.
    pub(super) fn sweep(&self, now: Instant) {
        let Some(keeper) = &self.keeper else { return };
        if !keeper.begin_sweep(now) {
            return;
        }
        let mut left = false;
        for namespace in self.namespaces() {
            if let Some(log) = namespace.log() {
                left |= log.expire(now, keeper.retention);
            }
            if let Some(relay) = namespace.relay() {
                left |= relay.sweep(&self.bus, now);
            }
        }
        let expired = {
            let mut shelf = keeper.shelf();
            let expired = shelf.take_expired(now);
            left |= !shelf.is_empty();
            expired
        };
        self.discard(expired);
        if left {
            keeper.budget.note_use();
        }
    }

    /// What there is no room for any more.
    fn forget_oldest(&self, kept: impl IntoIterator<Item = Kept>) {
        self.discard(kept.into_iter().inspect(|_| self.count_limit(Limit::MaxRecoverySockets)));
    }

    /// What was kept is not wanted any more; it may hold values of the user's, and keep a namespace.
    pub(super) fn discard(&self, kept: impl IntoIterator<Item = Kept>) {
        for kept in kept {
            let namespace = Arc::clone(&kept.namespace);
            drop(kept);
            self.leave(&namespace);
        }
    }

    /// Nobody can come back: the server closes, or its last worker has ended.
    pub(super) fn forget_everything(&self) {
        let Some(keeper) = &self.keeper else { return };
        let kept = keeper.shelf().take_all();
        self.discard(kept);
        for namespace in self.namespaces() {
            if let Some(log) = namespace.log() {
                log.clear();
            }
            if let Some(relay) = namespace.relay() {
                relay.clear();
            }
        }
    }
}
