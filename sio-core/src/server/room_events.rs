//! What happens to rooms, for a hook of the application and for the adapter of a cluster.
//!
//! The events follow the sockets' own lists of rooms, which all threads share: how many members a room has
//! is counted once for all workers, and a session that moves changes nothing. Whoever changes a room adds
//! to one queue; one thread at a time empties it, so that the hook sees one order and is called while
//! nothing is locked.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::adapter::Room;
use crate::limits::{Limit, LimitCounts};
use crate::sid::Sid;

use super::cluster::{Change, Cluster};
use super::namespace::Namespace;
use super::observer::Watch;

/// Called with what happens to rooms.
pub(crate) type RoomHook = dyn Fn(RoomEvent) + Send + Sync;

/// A change of the rooms of a namespace on this node; the room of a socket's own id is one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomEvent {
    /// A room has its first member.
    CreateRoom {
        /// Name of the namespace.
        namespace: Arc<str>,
        /// Name of the room.
        room: Room,
    },
    /// A room has lost its last member.
    DeleteRoom {
        /// Name of the namespace.
        namespace: Arc<str>,
        /// Name of the room.
        room: Room,
    },
    /// A socket has joined a room; one that joins before it is connected does so when it is.
    JoinRoom {
        /// Name of the namespace.
        namespace: Arc<str>,
        /// Name of the room.
        room: Room,
        /// The socket.
        id: Sid,
    },
    /// A socket has left a room, or ended.
    LeaveRoom {
        /// Name of the namespace.
        namespace: Arc<str>,
        /// Name of the room.
        room: Room,
        /// The socket.
        id: Sid,
    },
    /// The hook is too slow: events were dropped here, and what it knows of rooms may be wrong.
    Missed {
        /// How many.
        events: u64,
    },
}

/// Who is in a room.
#[derive(Default)]
struct Members {
    count: usize,
    /// The first of them was the socket whose id it is.
    own: bool,
}

#[derive(Default)]
struct State {
    /// Members by the id of the namespace and the room.
    members: HashMap<(u64, Room), Members, ahash::RandomState>,
    /// For the hook.
    untold: VecDeque<RoomEvent>,
    /// Dropped behind the last of them.
    missed: u64,
    /// A thread calls the hook.
    telling: bool,
}

/// Counts the members of rooms for a hook, and for the adapter of a cluster.
pub(crate) struct RoomWatch {
    hook: Option<Box<RoomHook>>,
    /// The hook, or an observer, hears of rooms.
    is_heard: bool,
    /// Events that may wait for the hook; 0: no bound.
    max_events: usize,
    reached: Arc<LimitCounts>,
    state: Mutex<State>,
}

impl State {
    /// Queues an event for the hook.
    fn note(&mut self, (max, reached): (usize, &LimitCounts), event: RoomEvent) {
        if self.missed > 0 || (max > 0 && self.untold.len() >= max) {
            self.missed += 1;
            reached.count(Limit::MaxRoomEvents);
        } else {
            self.untold.push_back(event);
        }
    }

    /// The next event that the hook has not seen.
    fn next(&mut self) -> Option<RoomEvent> {
        let next = self.untold.pop_front();
        if next.is_none() && self.missed > 0 {
            return Some(RoomEvent::Missed { events: std::mem::take(&mut self.missed) });
        }
        next
    }
}

impl RoomWatch {
    pub(crate) fn new(
        hook: Option<Box<RoomHook>>,
        observed: bool,
        max_events: usize,
        reached: Arc<LimitCounts>,
    ) -> Self {
        let is_heard = observed || hook.is_some();
        Self { hook, is_heard, max_events, reached, state: Mutex::default() }
    }

    fn bound(&self) -> (usize, &LimitCounts) {
        (self.max_events, &self.reached)
    }

    /// The hook is not called under this lock, so a poisoned one is still consistent.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A socket has joined rooms it was not in; to be told later by `Hub::tell_rooms`.
    pub(crate) fn joined<'a>(
        &self,
        cluster: Option<&Cluster>,
        namespace: &Namespace,
        id: &Sid,
        rooms: impl IntoIterator<Item = &'a Room>,
    ) {
        let state = &mut *self.lock();
        let path = namespace.path_arc();
        for room in rooms {
            let members = state.members.entry((namespace.id(), Room::clone(room))).or_default();
            members.count += 1;
            let is_first = members.count == 1;
            if is_first {
                members.own = **room == *id.as_str();
                if let Some(cluster) = cluster {
                    let (namespace, room) = (Arc::clone(path), Room::clone(room));
                    cluster.note(Change::OpenRoom { namespace, room, own: members.own });
                }
            }
            if self.is_heard {
                if is_first {
                    let (namespace, room) = (Arc::clone(path), Room::clone(room));
                    state.note(self.bound(), RoomEvent::CreateRoom { namespace, room });
                }
                let (namespace, room, id) = (Arc::clone(path), Room::clone(room), id.clone());
                state.note(self.bound(), RoomEvent::JoinRoom { namespace, room, id });
            }
        }
    }

    /// A socket has left rooms it was in; to be told later by `Hub::tell_rooms`.
    pub(crate) fn left<'a>(
        &self,
        cluster: Option<&Cluster>,
        namespace: &Namespace,
        id: &Sid,
        rooms: impl IntoIterator<Item = &'a Room>,
    ) {
        let state = &mut *self.lock();
        let path = namespace.path_arc();
        for room in rooms {
            let key = (namespace.id(), Room::clone(room));
            if self.is_heard {
                let (namespace, room, id) = (Arc::clone(path), Room::clone(room), id.clone());
                state.note(self.bound(), RoomEvent::LeaveRoom { namespace, room, id });
            }
            let Some(members) = state.members.get_mut(&key) else { continue };
            members.count -= 1;
            if members.count > 0 {
                continue;
            }
            let own = members.own;
            state.members.remove(&key);
            if let Some(cluster) = cluster {
                let (namespace, room) = (Arc::clone(path), Room::clone(room));
                cluster.note(Change::CloseRoom { namespace, room, own });
            }
            if self.is_heard {
                let (namespace, room) = (Arc::clone(path), key.1);
                state.note(self.bound(), RoomEvent::DeleteRoom { namespace, room });
            }
        }
    }

    /// Calls the hook and the observers with what they have not seen, unless another thread, or the hook itself, is about it.
    pub(crate) fn tell(&self, watch: &Watch) {
        if !self.is_heard || std::mem::replace(&mut self.lock().telling, true) {
            return;
        }
        loop {
            let event = {
                let mut state = self.lock();
                let event = state.next();
                state.telling = event.is_some();
                event
            };
            let Some(event) = event else { return };
            if watch.interest().rooms {
                watch.tell(|observer| observer.room_changed(&event));
            }
            let Some(hook) = &self.hook else { continue };
            if catch_unwind(AssertUnwindSafe(|| hook(event))).is_err() {
                tracing::error!("the hook for rooms panicked");
            }
        }
    }
}
