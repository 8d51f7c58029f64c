//! The rooms of a socket, and the selections that begin with it.
//!
//! The list is the socket's own, shared by all threads; the index that broadcasts follow is its worker's,
//! and hears of each change.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::adapter::{Room, RoomNames};
use crate::limits::Limit;

use super::super::broadcast::BroadcastOperator;
use super::super::room_list::RoomList;
use super::super::sessions::SessionOp;
use super::super::spans;
use super::super::worker::Worker;
use super::{CONNECTING, ENDED, Socket, lock};

/// A socket would be in more rooms than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a socket may be in at most {limit} rooms")]
pub struct TooManyRooms {
    /// The limit.
    pub limit: usize,
}

impl Socket {
    /// Joins rooms; effective for every broadcast this task makes afterwards.
    ///
    /// Above [`Limits::max_rooms`](crate::limits::Limits::max_rooms) it joins none of them, which is logged for
    /// the first time; see [`Self::try_join`].
    pub fn join(&self, rooms: impl RoomNames) {
        if let Err(error) = self.try_join(rooms)
            && lock(&self.0.rooms).is_news()
        {
            tracing::warn!(%error, socket = %self.shown_id(), "rooms were not joined");
        }
    }

    /// As [`Self::join`].
    ///
    /// # Errors
    ///
    /// The socket would be in more rooms than [`Limits::max_rooms`](crate::limits::Limits::max_rooms) allows;
    /// it has joined none.
    pub fn try_join(&self, rooms: impl RoomNames) -> Result<(), TooManyRooms> {
        self.change_rooms(rooms, true)
    }

    /// Leaves rooms; those it is not in are no error. The room of the own id stays.
    pub fn leave(&self, rooms: impl RoomNames) {
        // Only joining can be refused.
        let _left = self.change_rooms(rooms, false);
    }

    fn change_rooms(&self, rooms: impl RoomNames, join: bool) -> Result<(), TooManyRooms> {
        let mut names = Vec::new();
        rooms.append_to(&mut names);
        let told = spans::are_wanted().then(|| names.clone());
        let changed = self.change_listed_rooms(names, join);
        if let (Some(names), Ok(())) = (told, changed) {
            spans::tell_rooms(self, &names, join);
        }
        self.0.hub.tell_rooms();
        changed
    }

    fn change_listed_rooms(&self, names: Vec<Room>, join: bool) -> Result<(), TooManyRooms> {
        let mut list = lock(&self.0.rooms);
        let status = self.0.status.load(Ordering::Acquire);
        if status >= ENDED {
            return Ok(());
        }
        if join {
            self.check_rooms(&list, &names)?;
        }
        let changed = list.change(self.0.id.as_str(), names, join);
        // Before CONNECT is answered the list is all there is; it is indexed with the answer.
        if changed.is_empty() || status == CONNECTING {
            return Ok(());
        }
        self.note_rooms(&changed, join);
        if let Some(worker) = Worker::current(&self.0.hub)
            && worker.owns(&self.0.session)
        {
            list.overtake(&changed);
            worker.index_rooms(self, &changed, join);
            return Ok(());
        }
        let change = list.depart(&changed);
        let op = SessionOp::Rooms { socket: self.clone(), change, rooms: changed, join };
        // Queued under the list's lock: two threads' changes arrive in the order they were made.
        if self.route(op).is_err() {
            list.arrive(change, Vec::new());
            tracing::warn!("a worker's queue is full; a change of rooms was dropped");
        }
        Ok(())
    }

    fn check_rooms(&self, list: &RoomList, names: &[Room]) -> Result<(), TooManyRooms> {
        let limit = self.0.hub.config.limits.max_rooms;
        if limit > 0 && list.would_exceed(limit, self.0.id.as_str(), names) {
            self.0.hub.count_limit(Limit::MaxRooms);
            return Err(TooManyRooms { limit });
        }
        Ok(())
    }

    /// A change that the socket's own worker makes while it handles messages.
    pub(crate) fn change_rooms_here(&self, worker: &Worker, rooms: Vec<Room>, join: bool) {
        if spans::are_wanted() {
            spans::tell_rooms(self, &rooms, join);
        }
        {
            let mut list = lock(&self.0.rooms);
            if self.0.status.load(Ordering::Acquire) < ENDED {
                if join && let Err(error) = self.check_rooms(&list, &rooms) {
                    if list.is_news() {
                        tracing::warn!(%error, socket = %self.shown_id(), "rooms were not joined");
                    }
                    return;
                }
                let changed = list.change(self.0.id.as_str(), rooms, join);
                list.overtake(&changed);
                worker.index_rooms(self, &changed, join);
                self.note_rooms(&changed, join);
            }
        }
        self.0.hub.tell_rooms();
    }

    /// For the adapter and the hook of rooms, which are told when nothing is locked.
    pub(super) fn note_rooms(&self, rooms: &[Room], join: bool) {
        let Some(watch) = &self.0.hub.rooms else { return };
        let cluster = self.0.hub.cluster.as_ref();
        if join {
            watch.joined(cluster, &self.0.namespace, &self.0.id, rooms);
        } else {
            watch.left(cluster, &self.0.namespace, &self.0.id, rooms);
        }
    }

    /// Of the rooms of a change that arrived, those no later change has overtaken.
    pub(crate) fn take_change(&self, change: u64, rooms: Vec<Room>) -> Vec<Room> {
        let mut list = lock(&self.0.rooms);
        list.arrive(change, rooms)
    }

    /// The rooms this socket is in, the one of its own id first; none once it has ended.
    #[must_use]
    pub fn rooms(&self) -> Vec<Room> {
        if self.0.status.load(Ordering::Acquire) >= ENDED {
            return Vec::new();
        }
        let mut rooms = vec![Arc::clone(self.0.id.as_arc())];
        rooms.extend(lock(&self.0.rooms).names());
        rooms
    }

    /// Everybody in the namespace, this socket included.
    pub fn everybody(&self) -> BroadcastOperator {
        BroadcastOperator::new(Arc::clone(&self.0.hub), Some(Arc::clone(&self.0.namespace)))
    }

    /// Everybody in the namespace but this socket.
    pub fn broadcast(&self) -> BroadcastOperator {
        self.everybody().except(&self.0.id)
    }

    /// The members of rooms but this socket.
    pub fn to(&self, rooms: impl RoomNames) -> BroadcastOperator {
        self.broadcast().to(rooms)
    }

    /// As [`Self::to`]; the reference's `in`, which is a reserved word here.
    pub fn within(&self, rooms: impl RoomNames) -> BroadcastOperator {
        self.to(rooms)
    }

    /// Everybody in the namespace but this socket and the members of rooms.
    pub fn except(&self, rooms: impl RoomNames) -> BroadcastOperator {
        self.broadcast().except(rooms)
    }
}
