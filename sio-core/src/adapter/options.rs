//! The selection of a broadcast: rooms, exclusions, flags.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::sid::Sid;

/// Name of a room; every socket is also in the room of its own id.
pub type Room = Arc<str>;

/// One or several room names: `"a"`, `String`, a socket id, a slice, an array or a `Vec` of them.
pub trait RoomNames {
    /// Appends the names.
    fn append_to(self, rooms: &mut Vec<Room>);
}

impl RoomNames for &str {
    fn append_to(self, rooms: &mut Vec<Room>) {
        rooms.push(self.into());
    }
}

impl RoomNames for String {
    fn append_to(self, rooms: &mut Vec<Room>) {
        rooms.push(self.into());
    }
}

impl RoomNames for &String {
    fn append_to(self, rooms: &mut Vec<Room>) {
        rooms.push(self.as_str().into());
    }
}

impl RoomNames for Room {
    fn append_to(self, rooms: &mut Vec<Room>) {
        rooms.push(self);
    }
}

impl RoomNames for &Room {
    fn append_to(self, rooms: &mut Vec<Room>) {
        rooms.push(Arc::clone(self));
    }
}

impl RoomNames for Sid {
    fn append_to(self, rooms: &mut Vec<Room>) {
        rooms.push(Arc::clone(self.as_arc()));
    }
}

impl RoomNames for &Sid {
    fn append_to(self, rooms: &mut Vec<Room>) {
        rooms.push(Arc::clone(self.as_arc()));
    }
}

impl<T: RoomNames> RoomNames for Vec<T> {
    fn append_to(self, rooms: &mut Vec<Room>) {
        self.into_iter().for_each(|name| name.append_to(rooms));
    }
}

impl<'a, T> RoomNames for &'a [T]
where
    &'a T: RoomNames,
{
    fn append_to(self, rooms: &mut Vec<Room>) {
        self.iter().for_each(|name| name.append_to(rooms));
    }
}

impl<'a, T> RoomNames for &'a Vec<T>
where
    &'a T: RoomNames,
{
    fn append_to(self, rooms: &mut Vec<Room>) {
        self.iter().for_each(|name| name.append_to(rooms));
    }
}

impl<T: RoomNames, const N: usize> RoomNames for [T; N] {
    fn append_to(self, rooms: &mut Vec<Room>) {
        self.into_iter().for_each(|name| name.append_to(rooms));
    }
}

impl RoomNames for &&str {
    fn append_to(self, rooms: &mut Vec<Room>) {
        rooms.push((**self).into());
    }
}

/// How a broadcast is delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BroadcastFlags {
    /// Dropped for each receiver whose transport cannot take it at that moment.
    pub volatile: bool,
    /// Only to sockets of this node.
    pub local: bool,
    /// Whether transports that compress may compress it; if it does not say, they may.
    pub compress: Option<bool>,
    /// How long acks, or answers of other nodes, are waited for.
    pub timeout: Option<Duration>,
    /// The ack of one socket is wanted, not a list.
    pub expect_single_response: bool,
}

/// The selection of a broadcast: no rooms means everybody, several mean their
/// union, members of an excluded room never get it, and nobody gets it twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BroadcastOptions {
    /// Rooms to reach.
    pub rooms: Vec<Room>,
    /// Rooms to leave out.
    pub except: Vec<Room>,
    /// Flags.
    pub flags: BroadcastFlags,
}

impl BroadcastOptions {
    /// Whether a socket in these rooms is selected; that of its own id is one of them.
    #[must_use]
    pub fn include(&self, rooms: &HashSet<&str>) -> bool {
        (self.rooms.is_empty() || self.rooms.iter().any(|room| rooms.contains(&**room)))
            && !self.except.iter().any(|room| rooms.contains(&**room))
    }
}
