//! The rooms of one socket, as the socket itself knows them.

use std::collections::{HashSet, VecDeque};

use crate::adapter::{Room, RoomSet};

/// Up to here comparing names with each other is quicker than hashing them. More are changed at a time by
/// few; other nodes may ask for a million.
const FEW: usize = 32;

/// The rooms a socket is in, besides the one of its own id.
///
/// The list changes at once, whoever asks; the worker's index follows. A change from another thread is on
/// its way for a while, and counts there only if no later change of the same room has overtaken it.
#[derive(Debug, Default)]
pub(crate) struct RoomList {
    rooms: RoomSet,
    last_change: u64,
    /// The log has said that rooms were not joined.
    told: bool,
    /// In the order of their departure, which is that of the numbers.
    on_their_way: OnTheirWay,
}

/// Changes of rooms by other threads, behind a pointer: few sockets have any.
type OnTheirWay = Option<Box<VecDeque<(u64, Room)>>>;

impl RoomList {
    /// A list that begins with these rooms.
    pub(crate) fn of(names: Vec<Room>) -> Self {
        Self { rooms: names.into(), ..Self::default() }
    }

    /// `true` once: the log has to say that rooms were not joined.
    pub(crate) const fn is_news(&mut self) -> bool {
        !std::mem::replace(&mut self.told, true)
    }

    /// The rooms, in the order they were joined.
    pub(crate) fn names(&self) -> Vec<Room> {
        self.rooms.to_vec()
    }

    /// As [`Self::names`], of a list that is not needed any more.
    pub(crate) fn into_names(self) -> Vec<Room> {
        self.rooms.into_vec()
    }

    /// Whether with these rooms there would be more than `limit`, and more than there are.
    pub(crate) fn would_exceed(&self, limit: usize, own: &str, rooms: &[Room]) -> bool {
        let is_new = |room: &&Room| ***room != *own && !self.rooms.contains(room);
        let new: HashSet<&Room, ahash::RandomState> = rooms.iter().filter(is_new).collect();
        !new.is_empty() && self.rooms.len() + new.len() > limit
    }

    /// Changes of these rooms are on their way; gives their number.
    pub(crate) fn depart(&mut self, rooms: &[Room]) -> u64 {
        self.last_change += 1;
        let change = self.last_change;
        let on_their_way = self.on_their_way.get_or_insert_default();
        on_their_way.extend(rooms.iter().map(|room| (change, Room::clone(room))));
        change
    }

    /// A change arrived, or was lost: gives the rooms for which no later change has overtaken it.
    pub(crate) fn arrive(&mut self, change: u64, mut rooms: Vec<Room>) -> Vec<Room> {
        let arrived = self.take_arrived(change);
        if arrived.len() == rooms.len() {
            return arrived;
        }
        if rooms.len() <= FEW {
            rooms.retain(|room| arrived.contains(room));
        } else {
            let arrived: HashSet<Room, ahash::RandomState> = arrived.into_iter().collect();
            rooms.retain(|room| arrived.contains(room));
        }
        rooms
    }

    /// What is left of a change that was on its way.
    fn take_arrived(&mut self, change: u64) -> Vec<Room> {
        let Some(on_their_way) = &mut self.on_their_way else { return Vec::new() };
        // They arrive in the order of their departure, so that this is the front.
        let begin = on_their_way.partition_point(|(number, _)| *number < change);
        let end = on_their_way.partition_point(|(number, _)| *number <= change);
        let arrived = on_their_way.drain(begin..end).map(|(_, room)| room).collect();
        if on_their_way.is_empty() {
            self.on_their_way = None;
        }
        arrived
    }

    /// A change was made at the index itself: what is on its way for these rooms is out of date.
    pub(crate) fn overtake(&mut self, rooms: &[Room]) {
        let Some(on_their_way) = &mut self.on_their_way else { return };
        if rooms.len() <= FEW {
            on_their_way.retain(|(_, room)| !rooms.contains(room));
        } else {
            let rooms: HashSet<&Room, ahash::RandomState> = rooms.iter().collect();
            on_their_way.retain(|(_, room)| !rooms.contains(room));
        }
    }

    /// Applies a change; gives the rooms for which it was one.
    pub(crate) fn change(&mut self, own: &str, mut rooms: Vec<Room>, join: bool) -> Vec<Room> {
        rooms.retain(|room| {
            if join { **room != *own && self.rooms.insert(room) } else { self.rooms.remove(room) }
        });
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

    #[test]
    fn the_own_room_and_known_ones_are_within_every_limit() {
        let mut list = RoomList::default();
        let own = ["own".into()];
        assert!(!list.would_exceed(0, "own", &own));
        assert!(list.would_exceed(0, "own", &names(0..1)));
        list.change("own", names(0..3), true);
        assert!(!list.would_exceed(3, "own", &[names(0..3), own.to_vec()].concat()));
        assert!(!list.would_exceed(4, "own", &[names(2..4), names(2..4)].concat()));
        assert!(list.would_exceed(4, "own", &names(3..5)));
        // A limit that came later takes nothing away.
        assert!(!list.would_exceed(1, "own", &names(0..3)));
    }

    #[test]
    fn a_change_that_was_lost_leaves_nothing_behind() {
        let mut list = RoomList::default();
        let (lost, next) = (list.depart(&names(0..3)), list.depart(&names(2..5)));
        list.arrive(lost, Vec::new());
        assert_eq!(list.arrive(next, names(2..5)), names(2..5));
        assert!(list.on_their_way.is_none());
    }
}
