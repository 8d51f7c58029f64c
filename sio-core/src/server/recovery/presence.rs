//! What a socket of a recovering server knows about its way through the log.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::cluster::Offset;
use crate::sid::Sid;

use super::shared::Restored;
use super::shelf::Kept;
use super::{Logged, lock};

/// What a socket was recovered from.
#[derive(Debug)]
pub(crate) enum Claim {
    /// This server kept it.
    Here(Box<Kept>),
    /// It comes from the log that all nodes share.
    Shared(Box<Restored>),
}

/// A socket's place in the log of its namespace; numbers are those of the log.
#[derive(Debug)]
pub(crate) struct Presence {
    /// The client's secret: whoever knows it can be the socket.
    pid: Sid,
    recovered: bool,
    /// What was said before is not for this socket.
    joined_at: u64,
    /// What a recovered socket gets with the answer to its CONNECT begins behind this.
    resumes_at: u64,
    /// What was logged up to here is not delivered: it came with the answer to CONNECT, or was said before.
    synced: AtomicU64,
    /// The newest that was sent to the client.
    sent: AtomicU64,
    /// When the socket began to end, everything up to here had been delivered.
    left_at: AtomicU64,
    /// What came from the shared log up to here was sent with the answer to CONNECT.
    read_to: Option<Offset>,
    /// It got an event that may come again: the shared log did not take it in time.
    doubt: AtomicBool,
    /// A client that knows less of the shared log than this cannot be recovered.
    since: Mutex<Offset>,
    /// The socket has ended, and its client may come back, on any node.
    saved: AtomicBool,
    /// What the socket was recovered from, until its CONNECT is answered.
    claim: Mutex<Option<Claim>>,
}

impl Presence {
    /// Of a socket that is new; `joined_at` is the newest entry of the log.
    pub(in crate::server) fn fresh(pid: Sid, joined_at: u64) -> Self {
        Self {
            pid,
            recovered: false,
            joined_at,
            resumes_at: joined_at,
            synced: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            left_at: AtomicU64::new(0),
            read_to: None,
            doubt: AtomicBool::new(false),
            since: Mutex::default(),
            saved: AtomicBool::new(false),
            claim: Mutex::new(None),
        }
    }

    /// Of a socket whose client knows everything up to `offset`.
    pub(in crate::server) fn restored(kept: Kept, offset: u64) -> Self {
        Self {
            recovered: true,
            resumes_at: kept.resumes_at(offset),
            // Nothing is delivered before the answer to CONNECT, which holds it all.
            synced: AtomicU64::new(u64::MAX),
            sent: AtomicU64::new(kept.sent.max(offset)),
            ..Self::fresh(kept.pid.clone(), kept.joined_at)
        }
        .claiming(Claim::Here(Box::new(kept)))
    }

    /// Of a socket that was found beside the shared log.
    pub(super) fn shared(pid: Sid, restored: Restored) -> Self {
        Self {
            recovered: true,
            read_to: Some(restored.found().position),
            since: Mutex::new(restored.found().session.since),
            synced: AtomicU64::new(u64::MAX),
            ..Self::fresh(pid, 0)
        }
        .claiming(Claim::Shared(Box::new(restored)))
    }

    fn claiming(mut self, claim: Claim) -> Self {
        self.claim = Mutex::new(Some(claim));
        self
    }

    pub(crate) const fn pid(&self) -> &Sid {
        &self.pid
    }

    pub(crate) const fn is_recovered(&self) -> bool {
        self.recovered
    }

    pub(super) const fn joined_at(&self) -> u64 {
        self.joined_at
    }

    pub(super) const fn resumes_at(&self) -> u64 {
        self.resumes_at
    }

    /// A broadcast is for the socket, which gets it now.
    pub(super) fn takes_broadcast(&self, logged: Logged) -> bool {
        match logged {
            Logged::Not => true,
            Logged::Here(number) => self.takes(number),
            Logged::Shared { number, offset, settles } => {
                let takes = Some(offset) > self.read_to && self.takes(number);
                if takes && settles && self.doubt.swap(false, Ordering::Relaxed) {
                    *lock(&self.since) = offset;
                }
                takes
            }
            Logged::Refused => {
                self.doubt.store(true, Ordering::Relaxed);
                true
            }
        }
    }

    /// Whether an event with this number is for the socket, if it is said to this socket only: a new one gets
    /// also what its connect guards say.
    pub(super) fn takes_direct(&self, number: u64) -> bool {
        if self.recovered {
            return self.takes(number);
        }
        self.sent.fetch_max(number, Ordering::Relaxed);
        true
    }

    fn takes(&self, number: u64) -> bool {
        let takes = number > self.synced.load(Ordering::Relaxed);
        if takes {
            self.sent.fetch_max(number, Ordering::Relaxed);
        }
        takes
    }

    /// CONNECT is answered: everything up to `synced` is said, `newest` is the last of it that is for this
    /// socket.
    pub(super) fn connect(&self, synced: u64, newest: u64) {
        self.synced.store(synced, Ordering::Relaxed);
        self.sent.fetch_max(newest, Ordering::Relaxed);
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn set_left_at(&self, number: u64) {
        self.left_at.store(number, Ordering::Relaxed);
    }

    pub(super) fn left_at(&self) -> u64 {
        self.left_at.load(Ordering::Relaxed)
    }

    pub(super) fn take_claim(&self) -> Option<Claim> {
        lock(&self.claim).take()
    }

    /// It is not known whether the last events it got come again.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.doubt.load(Ordering::Relaxed)
    }

    /// As in [`SavedSession`](crate::cluster::SavedSession).
    pub(super) fn since(&self) -> Offset {
        *lock(&self.since)
    }

    /// CONNECT of a new socket is answered when the shared log has come to here.
    pub(super) fn begin(&self, offset: Offset) {
        *lock(&self.since) = offset;
    }

    pub(super) fn note_saved(&self) {
        self.saved.store(true, Ordering::Release);
    }

    pub(super) fn was_saved(&self) -> bool {
        self.saved.load(Ordering::Acquire)
    }
}
