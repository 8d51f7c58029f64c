//! The rooms of one socket, as the socket itself knows them.

use crate::adapter::Room;

/// The rooms a socket is in, besides the one of its own id.
///
/// The list changes at once, whoever asks; the worker's index follows. A change from another thread is on
/// its way for a while, and counts there only if no later change of the same room has overtaken it.
#[derive(Debug, Default)]
pub(crate) struct RoomList {
    names: Vec<Room>,
    last_change: u64,
    on_their_way: Vec<(u64, Room)>,
}

impl RoomList {
    /// A list that begins with these rooms.
    pub(crate) fn of(names: Vec<Room>) -> Self {
        Self { names, ..Self::default() }
    }

    /// The rooms, in the order they were joined.
    pub(crate) fn names(&self) -> &[Room] {
        &self.names
    }

    /// Changes of these rooms are on their way; gives their number.
    pub(crate) fn depart(&mut self, rooms: &[Room]) -> u64 {
        self.last_change += 1;
        let change = self.last_change;
        self.on_their_way.extend(rooms.iter().map(|room| (change, Room::clone(room))));
        change
    }

    /// A change arrived: gives the rooms for which no later change has overtaken it.
    pub(crate) fn arrive(&mut self, change: u64, rooms: Vec<Room>) -> Vec<Room> {
        rooms
            .into_iter()
            .filter(|room| {
                let known = self.on_their_way.iter().position(|(n, r)| *n == change && r == room);
                known.map(|position| self.on_their_way.swap_remove(position)).is_some()
            })
            .collect()
    }

    /// A change was made at the index itself: what is on its way for these rooms is out of date.
    pub(crate) fn overtake(&mut self, rooms: &[Room]) {
        self.on_their_way.retain(|(_, room)| !rooms.contains(room));
    }

    /// Applies a change; gives the rooms for which it was one.
    pub(crate) fn change(&mut self, own: &str, mut rooms: Vec<Room>, join: bool) -> Vec<Room> {
        rooms.retain(|room| match self.names.iter().position(|known| known == room) {
            None if join && **room != *own => {
                self.names.push(Room::clone(room));
                true
            }
            Some(position) if !join => {
                self.names.remove(position);
                true
            }
            _ => false,
        });
        rooms
    }
}
