//! Room index: from a room to its members.
//!
//! A plain value without locks. The way back, from a member to its rooms, is the socket's own list.

use std::collections::HashMap;

use indexmap::IndexSet;

use super::options::Room;

type Members = IndexSet<usize, ahash::RandomState>;

/// Which members are in which room; empty rooms do not exist.
#[derive(Debug, Default)]
pub struct Rooms {
    rooms: HashMap<Room, Members, ahash::RandomState>,
}

impl Rooms {
    /// Adds a member; `false` if it is in the room already.
    pub fn join(&mut self, room: &Room, member: usize) -> bool {
        match self.rooms.get_mut(room) {
            Some(members) => members.insert(member),
            None => self.rooms.entry(room.clone()).or_default().insert(member),
        }
    }

    /// Removes a member, `false` if it was not there; the room goes with its last one.
    pub fn leave(&mut self, room: &str, member: usize) -> bool {
        let Some(members) = self.rooms.get_mut(room) else { return false };
        let left = members.swap_remove(&member);
        if members.is_empty() {
            self.rooms.remove(room);
        }
        left
    }

    /// The members of a room, in no particular order.
    pub fn members(&self, room: &str) -> impl Iterator<Item = usize> {
        self.rooms.get(room).into_iter().flatten().copied()
    }

    /// Whether a member is in a room.
    #[must_use]
    pub fn contains(&self, room: &str, member: usize) -> bool {
        self.rooms.get(room).is_some_and(|members| members.contains(&member))
    }

    /// The rooms that have members.
    pub fn names(&self) -> impl Iterator<Item = &Room> {
        self.rooms.keys()
    }

    /// Number of rooms.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rooms.len()
    }

    /// No room has a member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }
}
