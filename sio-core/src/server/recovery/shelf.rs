//! Sockets that can be recovered: those that ended by accident, and those that are connected.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use crate::adapter::Room;
use crate::sid::Sid;

use super::super::hub::SessionHandle;
use super::super::namespace::Namespace;
use super::super::socket::{Socket, States};

/// What is kept of a socket that ended by accident; it counts as a member of its namespace.
///
/// Numbers are those of the namespace's log.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(in crate::server) namespace: Arc<Namespace>,
    pub(in crate::server) id: Sid,
    pub(super) pid: Sid,
    pub(in crate::server) rooms: Vec<Room>,
    pub(in crate::server) states: States,
    pub(in crate::server) data: Option<serde_json::Value>,
    /// When it was to be disconnected.
    pub(in crate::server) expiry: Option<Instant>,
    pub(super) joined_at: u64,
    pub(super) sent: u64,
    pub(super) left_at: u64,
    pub(super) deadline: Instant,
    /// Its place among all that are kept.
    pub(super) place: u64,
}

impl Kept {
    /// Where the log is taken up again for a client that knows everything up to `offset`.
    ///
    /// One that got the last event that was sent to it has missed nothing up to its end, however long ago
    /// that event was.
    pub(super) fn resumes_at(&self, offset: u64) -> u64 {
        let known = if offset >= self.sent { offset.max(self.left_at) } else { offset };
        known.max(self.joined_at)
    }
}

/// A socket that is connected, or about to be with what was kept.
#[derive(Debug)]
struct Live {
    session: Arc<SessionHandle>,
    namespace: u64,
    /// It was recovered: its `pid` has been used, and nobody takes it over.
    used: bool,
    /// The socket that waits for the end of this one.
    successor: Option<Socket>,
}

/// Who may take what is asked for.
#[derive(Debug)]
pub(super) enum Found {
    Kept(Kept),
    /// The socket lives; its session has to be ended first.
    Live(Arc<SessionHandle>),
    Nothing,
}

/// The sockets of a server that can be recovered, by `pid`.
#[derive(Debug)]
pub(crate) struct Shelf {
    max: usize,
    /// In the order of their deadlines.
    kept: BTreeMap<u64, Kept>,
    places: HashMap<Sid, u64, ahash::RandomState>,
    live: HashMap<Sid, Live, ahash::RandomState>,
    last_place: u64,
}

impl Shelf {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            kept: BTreeMap::new(),
            places: HashMap::default(),
            live: HashMap::default(),
            last_place: 0,
        }
    }

    /// Nothing is kept.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Sockets that are kept.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// A socket is connected.
    pub(super) fn add_live(
        &mut self,
        pid: &Sid,
        session: &Arc<SessionHandle>,
        namespace: u64,
        used: bool,
    ) {
        let session = Arc::clone(session);
        let live = Live { session, namespace, used, successor: None };
        self.live.insert(pid.clone(), live);
    }

    /// A socket is gone; gives who waited for that.
    pub(super) fn remove_live(&mut self, pid: &Sid) -> Option<Socket> {
        self.live.remove(pid)?.successor
    }

    /// Keeps a socket; gives those that have no room any more, the oldest first.
    pub(super) fn keep(&mut self, mut kept: Kept) -> Vec<Kept> {
        self.last_place += 1;
        kept.place = self.last_place;
        self.put(kept)
    }

    /// Puts back what was taken and not used.
    pub(super) fn put(&mut self, kept: Kept) -> Vec<Kept> {
        self.places.insert(kept.pid.clone(), kept.place);
        self.kept.insert(kept.place, kept);
        let mut dropped = Vec::new();
        while self.kept.len() > self.max {
            dropped.extend(self.pop());
        }
        dropped
    }

    fn pop(&mut self) -> Option<Kept> {
        let (_, oldest) = self.kept.pop_first()?;
        self.places.remove(&oldest.pid);
        Some(oldest)
    }

    /// Looks for a connected socket of a namespace; `None`: nobody who is connected has this `pid`.
    pub(super) fn find_live(&self, pid: &str, namespace: &Namespace) -> Option<Found> {
        let live = self.live.get(pid)?;
        let free = live.namespace == namespace.id() && !live.used && live.successor.is_none();
        Some(if free { Found::Live(Arc::clone(&live.session)) } else { Found::Nothing })
    }

    /// Looks for a socket of a namespace. What was kept is given away with that, to `session`.
    pub(super) fn find(
        &mut self,
        pid: &str,
        namespace: &Arc<Namespace>,
        now: Instant,
        session: &Arc<SessionHandle>,
    ) -> Found {
        if let Some(found) = self.find_live(pid, namespace) {
            return found;
        }
        let place = self.places.get(pid).copied();
        let found = place
            .and_then(|place| self.kept.get(&place))
            .is_some_and(|kept| Arc::ptr_eq(&kept.namespace, namespace) && kept.deadline >= now);
        match place.filter(|_| found).and_then(|place| self.kept.remove(&place)) {
            Some(kept) => {
                self.places.remove(pid);
                self.add_live(&kept.pid, session, namespace.id(), true);
                Found::Kept(kept)
            }
            None => Found::Nothing,
        }
    }

    /// `socket` waits for the end of the one with this `pid`; `false`: it is gone already.
    pub(super) fn wait(&mut self, pid: &str, socket: &Socket) -> bool {
        self.live.get_mut(pid).map(|live| live.successor = Some(socket.clone())).is_some()
    }

    /// The socket lives, or may come back.
    pub(super) fn knows(&self, pid: &Sid) -> bool {
        self.live.contains_key(pid) || self.places.contains_key(pid)
    }

    pub(super) fn take_expired(&mut self, now: Instant) -> Vec<Kept> {
        let mut expired = Vec::new();
        while self.kept.first_key_value().is_some_and(|(_, oldest)| oldest.deadline < now) {
            expired.extend(self.pop());
        }
        expired
    }

    pub(super) fn take_all(&mut self) -> Vec<Kept> {
        self.places.clear();
        std::mem::take(&mut self.kept).into_values().collect()
    }
}
