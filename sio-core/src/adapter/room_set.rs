//! The rooms of one socket.

use std::collections::HashMap;

use super::options::Room;

/// Up to here comparing names with each other is quicker than hashing them, and takes less memory.
const FEW: usize = 32;

/// Names of rooms, each once, in the order in which they were added.
///
/// Adding, removing and asking for one costs the same however many there are.
#[derive(Debug)]
pub(crate) enum RoomSet {
    Few(Vec<Room>),
    Many(Box<Many>),
}

/// Names with their place in the order.
#[derive(Debug, Default)]
pub(crate) struct Many {
    places: HashMap<Room, u64, ahash::RandomState>,
    last: u64,
}

impl Many {
    fn insert(&mut self, room: Room) {
        self.last += 1;
        self.places.insert(room, self.last);
    }

    fn into_vec(self) -> Vec<Room> {
        let mut rooms: Vec<(Room, u64)> = self.places.into_iter().collect();
        rooms.sort_unstable_by_key(|(_, place)| *place);
        rooms.into_iter().map(|(room, _)| room).collect()
    }
}

impl Default for RoomSet {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl From<Vec<Room>> for RoomSet {
    fn from(rooms: Vec<Room>) -> Self {
        let mut set = Self::default();
        for room in &rooms {
            set.insert(room);
        }
        set
    }
}

impl RoomSet {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Few(rooms) => rooms.len(),
            Self::Many(many) => many.places.len(),
        }
    }

    pub(crate) fn contains(&self, room: &str) -> bool {
        match self {
            Self::Few(rooms) => rooms.iter().any(|known| **known == *room),
            Self::Many(many) => many.places.contains_key(room),
        }
    }

    /// Adds a room; `false` if it is there already.
    pub(crate) fn insert(&mut self, room: &Room) -> bool {
        if self.contains(room) {
            return false;
        }
        match self {
            Self::Few(rooms) if rooms.len() < FEW => rooms.push(Room::clone(room)),
            Self::Few(rooms) => {
                let mut many = Box::<Many>::default();
                rooms.drain(..).for_each(|known| many.insert(known));
                many.insert(Room::clone(room));
                *self = Self::Many(many);
            }
            Self::Many(many) => many.insert(Room::clone(room)),
        }
        true
    }

    /// Removes a room; `false` if it is not there.
    pub(crate) fn remove(&mut self, room: &str) -> bool {
        match self {
            Self::Few(rooms) => {
                let found = rooms.iter().position(|known| **known == *room);
                found.map(|position| rooms.remove(position)).is_some()
            }
            Self::Many(many) => {
                let removed = many.places.remove(room).is_some();
                // Far below the bound above, so that a room that comes and goes there does not rebuild
                // all this each time.
                if many.places.len() <= FEW / 2 {
                    *self = Self::Few(std::mem::take(&mut **many).into_vec());
                }
                removed
            }
        }
    }

    pub(crate) fn to_vec(&self) -> Vec<Room> {
        match self {
            Self::Few(rooms) => rooms.clone(),
            Self::Many(many) => Many { places: many.places.clone(), last: many.last }.into_vec(),
        }
    }

    pub(crate) fn into_vec(self) -> Vec<Room> {
        match self {
            Self::Few(rooms) => rooms,
            Self::Many(many) => many.into_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: usize) -> Room {
        Room::from(number.to_string())
    }

    #[test]
    fn what_is_not_there_is_not_removed_and_nothing_is_there_twice() {
        let mut set = RoomSet::default();
        assert!(!set.remove("a"));
        for (number, expected) in [(0..50, true), (0..50, false)] {
            for number in number {
                assert_eq!(set.insert(&name(number)), expected);
            }
        }
        assert!(set.contains("49") && !set.contains("50") && !set.remove("50"));
        assert_eq!(set.len(), 50);
    }

    /// Few become many and few again, and nothing but the order of the joins tells.
    #[test]
    fn rooms_are_listed_in_the_order_in_which_they_were_joined() {
        let (mut set, mut model) = (RoomSet::default(), Vec::new());
        let steps = [(0..40, true), (5..38, false), (3..90, true), (0..80, false), (1..20, true)];
        for (range, join) in steps {
            for room in range.map(name) {
                let known = model.iter().position(|known| *known == room);
                match (join, known) {
                    (true, None) => model.push(Room::clone(&room)),
                    (false, Some(position)) => drop(model.remove(position)),
                    _ => {}
                }
                let changed = if join { set.insert(&room) } else { set.remove(&room) };
                assert_eq!(changed, join == known.is_none());
                assert_eq!((set.len(), set.to_vec()), (model.len(), model.clone()));
            }
        }
        assert_eq!(set.into_vec(), model);
    }

    #[test]
    fn few_rooms_take_no_table() {
        let mut set = RoomSet::from((0..FEW).map(name).collect::<Vec<_>>());
        assert!(matches!(set, RoomSet::Few(_)));
        set.insert(&name(FEW));
        assert!(matches!(set, RoomSet::Many(_)));
        (0..FEW).for_each(|number| assert!(set.remove(&name(number))));
        assert!(matches!(&set, RoomSet::Few(rooms) if rooms.len() == 1));
    }
}
