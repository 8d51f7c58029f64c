//! Who gets a broadcast: rooms of the sockets on this node.
//!
//! [`MemoryAdapter`] keeps the rooms of one namespace on one worker and selects the receivers of a
//! [`BroadcastOptions`]; the server asks every worker once per broadcast.
//! It knows neither sessions nor packets.

mod memory;
mod options;
mod room_set;
mod rooms;

pub use memory::{MemberKey, MemoryAdapter};
pub use options::{BroadcastFlags, BroadcastOptions, Room, RoomNames};
pub(crate) use room_set::RoomSet;
pub use rooms::Rooms;
