//! The in-memory adapter: sockets and rooms of one namespace on one worker.

use std::cell::Cell;
use std::collections::HashMap;

use slab::Slab;

use crate::sid::Sid;

use super::options::{BroadcastOptions, Room};
use super::room_set::RoomSet;
use super::rooms::Rooms;

/// Identifies a member of a [`MemoryAdapter`] as long as it is one.
pub type MemberKey = usize;

#[derive(Debug)]
struct Member<M> {
    id: Sid,
    value: M,
    /// The rooms it is indexed in.
    rooms: RoomSet,
    /// Epoch of the last selection that visited this member: each gets a broadcast once.
    visited: Cell<u64>,
}

/// Sockets and rooms of one namespace on one worker; `M` is what a broadcast is delivered to.
///
/// The room of a member's own id is answered from the id table and takes no room entry.
#[derive(Debug)]
pub struct MemoryAdapter<M> {
    members: Slab<Member<M>>,
    by_id: HashMap<Sid, MemberKey, ahash::RandomState>,
    rooms: Rooms,
    epoch: Cell<u64>,
}

impl<M> Default for MemoryAdapter<M> {
    fn default() -> Self {
        Self {
            members: Slab::new(),
            by_id: HashMap::default(),
            rooms: Rooms::default(),
            epoch: Cell::new(0),
        }
    }
}

impl<M> MemoryAdapter<M> {
    /// Adds a member with the rooms it is in.
    pub fn add(&mut self, id: &Sid, value: M, rooms: &[Room]) -> MemberKey {
        let member =
            Member { id: id.clone(), value, rooms: RoomSet::default(), visited: Cell::new(0) };
        let key = self.members.insert(member);
        self.by_id.insert(id.clone(), key);
        for room in rooms {
            self.join(id, room);
        }
        key
    }

    /// Removes a member from the namespace; gives it back with the rooms it was in.
    pub fn remove(&mut self, id: &Sid) -> Option<(M, Vec<Room>)> {
        let key = self.by_id.remove(id)?;
        let member = self.members.try_remove(key)?;
        let rooms = member.rooms.into_vec();
        for room in &rooms {
            self.rooms.leave(room, key);
        }
        Some((member.value, rooms))
    }

    /// Puts a member into a room; nothing happens if the id is unknown.
    pub fn join(&mut self, id: &Sid, room: &Room) {
        if let Some(key) = self.by_id.get(id)
            && let Some(member) = self.members.get_mut(*key)
            && self.rooms.join(room, *key)
        {
            member.rooms.insert(room);
        }
    }

    /// Takes a member out of a room.
    pub fn leave(&mut self, id: &Sid, room: &str) {
        if let Some(key) = self.by_id.get(id)
            && let Some(member) = self.members.get_mut(*key)
            && self.rooms.leave(room, *key)
        {
            member.rooms.remove(room);
        }
    }

    /// Number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// No members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The rooms that have members here, without the rooms of their own ids.
    #[must_use]
    pub const fn rooms(&self) -> &Rooms {
        &self.rooms
    }

    /// Calls `deliver` once for each member that `options` selects.
    pub fn select(&self, options: &BroadcastOptions, mut deliver: impl FnMut(&M)) {
        if options.rooms.is_empty() && options.except.is_empty() {
            self.members.iter().for_each(|(_, member)| deliver(&member.value));
            return;
        }
        let epoch = self.epoch.get() + 1;
        self.epoch.set(epoch);
        for room in &options.except {
            for member in self.members_of(room) {
                member.visited.set(epoch);
            }
        }
        let mut visit = |member: &Member<M>| {
            if member.visited.replace(epoch) != epoch {
                deliver(&member.value);
            }
        };
        if options.rooms.is_empty() {
            self.members.iter().for_each(|(_, member)| visit(member));
        } else {
            for room in &options.rooms {
                self.members_of(room).for_each(&mut visit);
            }
        }
    }

    /// Whether `options` select the member with this id.
    #[must_use]
    pub fn selects(&self, options: &BroadcastOptions, id: &Sid) -> bool {
        let Some(key) = self.by_id.get(id) else {
            return false;
        };
        let is_in = |room: &Room| **room == *id.as_str() || self.rooms.contains(room, *key);
        (options.rooms.is_empty() || options.rooms.iter().any(is_in))
            && !options.except.iter().any(is_in)
    }

    fn members_of(&self, room: &str) -> impl Iterator<Item = &Member<M>> {
        let own = self.by_id.get(room).copied();
        self.rooms.members(room).chain(own).filter_map(|key| self.members.get(key))
    }

    /// The member with an id.
    #[must_use]
    pub fn get(&self, id: &Sid) -> Option<&M> {
        self.by_id.get(id).and_then(|key| self.members.get(*key)).map(|member| &member.value)
    }

    /// Ids of all members.
    pub fn ids(&self) -> impl Iterator<Item = &Sid> {
        self.members.iter().map(|(_, member)| &member.id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn sid(n: u8) -> Sid {
        Sid::from_bytes(&[n; 15])
    }

    fn options(rooms: &[&str], except: &[&str]) -> BroadcastOptions {
        BroadcastOptions {
            rooms: rooms.iter().map(|room| Room::from(*room)).collect(),
            except: except.iter().map(|room| Room::from(*room)).collect(),
            flags: Default::default(),
        }
    }

    fn selected(adapter: &MemoryAdapter<u8>, options: &BroadcastOptions) -> Vec<u8> {
        let mut out = Vec::new();
        adapter.select(options, |member| out.push(*member));
        out.sort_unstable();
        out
    }

    #[test]
    fn unknown_rooms_and_ids_reach_nobody() {
        let mut adapter = MemoryAdapter::default();
        adapter.add(&sid(1), 1, &[]);
        assert!(selected(&adapter, &options(&["x"], &[])).is_empty());
        adapter.leave(&sid(1), "x");
        adapter.join(&sid(9), &"x".into());
        assert!(adapter.rooms().is_empty());
    }

    #[test]
    fn a_member_is_in_the_room_of_its_id() {
        let mut adapter = MemoryAdapter::default();
        adapter.add(&sid(1), 1, &[]);
        adapter.add(&sid(2), 2, &[]);
        assert_eq!(selected(&adapter, &options(&[sid(2).as_str()], &[])), [2]);
        assert_eq!(selected(&adapter, &options(&[], &[sid(2).as_str()])), [1]);
    }

    #[test]
    fn a_room_goes_with_its_last_member() {
        let mut adapter = MemoryAdapter::default();
        let rooms = [Room::from("a"), Room::from("b")];
        adapter.add(&sid(1), 1, &rooms);
        assert_eq!(adapter.rooms().len(), 2);
        adapter.leave(&sid(1), "a");
        assert_eq!(adapter.remove(&sid(1)), Some((1, vec![Room::from("b")])));
        assert!(adapter.rooms().is_empty());
        assert!(adapter.is_empty());
    }

    /// The mark of the last selection tells whom it looked at.
    #[test]
    fn a_selection_of_rooms_looks_at_nobody_else() {
        let mut adapter = MemoryAdapter::default();
        for n in 0..200 {
            let rooms = [Room::from(if n % 10 == 0 { "tenth" } else { "other" })];
            adapter.add(&sid(n), n, &rooms);
        }
        let looked_at = |adapter: &MemoryAdapter<u8>| {
            let epoch = adapter.epoch.get();
            adapter.members.iter().filter(|(_, m)| m.visited.get() == epoch).count()
        };
        for (rooms, except, expected) in [
            (&["tenth"][..], &[][..], 20),
            (&["tenth", sid(1).as_str()], &[], 21),
            (&["tenth"], &[sid(2).as_str()], 21),
            (&["nobody"], &[], 0),
        ] {
            selected(&adapter, &options(rooms, except));
            assert_eq!(looked_at(&adapter), expected, "{rooms:?} {except:?}");
        }
    }

    #[test]
    fn very_many_rooms_are_left_and_the_others_stay() {
        let mut adapter = MemoryAdapter::default();
        let rooms: Vec<Room> = (0..100_000).map(|n| Room::from(n.to_string())).collect();
        adapter.add(&sid(1), 1, &rooms);
        adapter.add(&sid(2), 2, &rooms[..2]);
        rooms[1..].iter().for_each(|room| adapter.leave(&sid(1), room));
        assert_eq!(selected(&adapter, &options(&["0"], &[])), [1, 2]);
        assert_eq!(selected(&adapter, &options(&["1"], &[])), [2]);
        assert_eq!(adapter.rooms().len(), 2);
        assert_eq!(adapter.remove(&sid(1)), Some((1, rooms[..1].to_vec())));
        adapter.leave(&sid(1), &rooms[0]);
    }

    /// Random joins, leaves and removals agree with a naive model.
    #[test]
    fn selection_equals_a_naive_model() {
        let mut seed = 7u64;
        let mut random = move |below: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % below
        };
        let names = ["a", "b", "c", "d"];
        let mut adapter = MemoryAdapter::default();
        let mut model: BTreeMap<u8, BTreeSet<&str>> = BTreeMap::new();
        for _ in 0..5_000 {
            let id = u8::try_from(random(20)).unwrap();
            let name = names[usize::try_from(random(4)).unwrap()];
            match random(5) {
                0 => {
                    if let std::collections::btree_map::Entry::Vacant(entry) = model.entry(id) {
                        entry.insert(BTreeSet::new());
                        adapter.add(&sid(id), id, &[]);
                    }
                }
                1 => {
                    let known = model.remove(&id).map(|rooms| rooms.len());
                    let removed = adapter.remove(&sid(id)).map(|(_, rooms)| rooms.len());
                    assert_eq!(removed, known);
                }
                2 => {
                    adapter.leave(&sid(id), name);
                    model.entry(id).and_modify(|rooms| {
                        rooms.remove(name);
                    });
                }
                _ => {
                    adapter.join(&sid(id), &name.into());
                    model.entry(id).and_modify(|rooms| {
                        rooms.insert(name);
                    });
                }
            }
            let mut pick = |n: u64| -> Vec<&str> {
                (0..random(n)).map(|_| names[usize::try_from(random(4)).unwrap()]).collect()
            };
            let (rooms, except) = (pick(3), pick(3));
            let expected: Vec<u8> = model
                .iter()
                .filter(|(_, is_in)| rooms.is_empty() || rooms.iter().any(|r| is_in.contains(r)))
                .filter(|(_, is_in)| !except.iter().any(|r| is_in.contains(r)))
                .map(|(id, _)| *id)
                .collect();
            let options = options(&rooms, &except);
            assert_eq!(selected(&adapter, &options), expected);
            for id in 0..20 {
                assert_eq!(adapter.selects(&options, &sid(id)), expected.contains(&id));
            }
        }
    }
}
