//! The rooms of one socket, as the socket itself knows them.

use std::collections::HashSet;

use crate::adapter::Room;

/// Up to here comparing names with each other is quicker than hashing them. More are changed at a time by
/// few; other nodes may ask for a million.
const FEW: usize = 32;

type Names = HashSet<Room, ahash::RandomState>;

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
    pub(crate) fn arrive(&mut self, change: u64, mut rooms: Vec<Room>) -> Vec<Room> {
        let arrived = self.on_their_way.extract_if(.., |(number, _)| *number == change);
        if rooms.len() <= FEW {
            let arrived: Vec<Room> = arrived.map(|(_, room)| room).collect();
            rooms.retain(|room| arrived.contains(room));
        } else {
            let arrived: Names = arrived.map(|(_, room)| room).collect();
            rooms.retain(|room| arrived.contains(room));
        }
        rooms
    }

    /// A change was made at the index itself: what is on its way for these rooms is out of date.
    pub(crate) fn overtake(&mut self, rooms: &[Room]) {
        if self.on_their_way.is_empty() {
            return;
        }
        if rooms.len() <= FEW {
            self.on_their_way.retain(|(_, room)| !rooms.contains(room));
        } else {
            let rooms: HashSet<&Room, ahash::RandomState> = rooms.iter().collect();
            self.on_their_way.retain(|(_, room)| !rooms.contains(room));
        }
    }

    /// Applies a change; gives the rooms for which it was one.
    pub(crate) fn change(&mut self, own: &str, mut rooms: Vec<Room>, join: bool) -> Vec<Room> {
        if rooms.len() > FEW {
            return self.change_many(own, rooms, join);
        }
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

    fn change_many(&mut self, own: &str, mut rooms: Vec<Room>, join: bool) -> Vec<Room> {
        let mut known: Names = self.names.iter().cloned().collect();
        if join {
            rooms.retain(|room| **room != *own && known.insert(Room::clone(room)));
            self.names.extend_from_slice(&rooms);
        } else {
            rooms.retain(|room| known.remove(room));
            self.names.retain(|room| known.contains(room));
        }
        rooms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(range: std::ops::Range<usize>) -> Vec<Room> {
        range.map(|number| Room::from(number.to_string())).collect()
    }

    #[test]
    fn many_rooms_change_as_few_do() {
        let (mut one_by_one, mut at_once) = (RoomList::default(), RoomList::default());
        for (range, join) in [(0..50, true), (25..100, true), (10..90, false), (5..200, true)] {
            // Each name twice, and the room that no socket leaves.
            let mut rooms = [names(range.clone()), names(range)].concat();
            rooms.push("own".into());
            let expected: Vec<Room> = rooms
                .chunks(1)
                .flat_map(|room| one_by_one.change("own", room.to_vec(), join))
                .collect();
            assert_eq!(at_once.change("own", rooms, join), expected);
            assert_eq!(at_once.names(), one_by_one.names());
        }
    }

    #[test]
    fn a_change_of_many_rooms_that_was_overtaken_arrives_without_those() {
        let mut list = RoomList::default();
        let (first, second) = (list.depart(&names(0..100)), list.depart(&names(50..60)));
        list.overtake(&names(0..40));
        list.overtake(&names(55..57));
        let expected = [names(40..55), names(57..100)].concat();
        assert_eq!(list.arrive(first, names(0..100)), expected);
        let expected = [names(50..55), names(57..60)].concat();
        assert_eq!(list.arrive(second, names(50..60)), expected);
        assert_eq!(list.arrive(first, names(0..100)), []);
    }

    #[test]
    fn very_many_rooms_are_joined_and_left() {
        let mut list = RoomList::default();
        let change = list.depart(&names(0..100_000));
        assert_eq!(list.arrive(change, names(0..100_000)).len(), 100_000);
        for join in [true, false] {
            assert_eq!(list.change("own", names(0..100_000), join).len(), 100_000);
        }
        assert!(list.names().is_empty());
    }
}
