//! Names of channels and streams.
//!
//! Everything is per namespace; all names end with `#`, so that no name is the beginning of another one's.

use sio_core::adapter::{BroadcastOptions, Room};
use sio_core::cluster::Message;

/// Length of the ids of sockets, by which senders tell private rooms from public ones.
const SOCKET_ID_LEN: usize = 20;

/// Which rooms have a channel of their own in sharded mode (reference: `subscriptionMode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoomChannels {
    /// None: `static`.
    Never,
    /// Rooms that are not named by a socket: `dynamic`.
    Public,
    /// All: `dynamic-private`.
    All,
}

/// `prefix#N#`: where a namespace's messages go.
pub(crate) fn namespace(prefix: &str, namespace: &str) -> String {
    format!("{prefix}#{namespace}#")
}

/// `prefix#N#X#`: of a room, or of a node by its id.
pub(crate) fn part(prefix: &str, namespace: &str, part: &str) -> String {
    format!("{prefix}#{namespace}#{part}#")
}

/// `prefix-request#N#`, classic only.
pub(crate) fn request(prefix: &str, namespace: &str) -> String {
    format!("{prefix}-request#{namespace}#")
}

/// `prefix-response#N#`, classic only.
pub(crate) fn response(prefix: &str, namespace: &str) -> String {
    format!("{prefix}-response#{namespace}#")
}

/// `prefix-response#N#UID#`, classic only.
pub(crate) fn own_response(prefix: &str, namespace: &str, id: &str) -> String {
    format!("{prefix}-response#{namespace}#{id}#")
}

/// Where a message goes in classic mode. One room has a channel; more have none, and neither have exclusions.
pub(crate) fn classic(prefix: &str, namespace_: &str, message: &Message) -> String {
    match message {
        Message::Broadcast { options, request: None, .. } => match only_room(options) {
            Some(room) => part(prefix, namespace_, room),
            None => namespace(prefix, namespace_),
        },
        _ => request(prefix, namespace_),
    }
}

/// Where a message goes in sharded mode.
pub(crate) fn sharded(
    prefix: &str,
    namespace_: &str,
    message: &Message,
    rooms: RoomChannels,
) -> String {
    let room = match message {
        Message::Broadcast { options, request: None, .. } => only_room(options),
        _ => None,
    };
    let room = room.filter(|room| match rooms {
        RoomChannels::Never => false,
        // As the reference counts: UTF-16 units.
        RoomChannels::Public => room.encode_utf16().count() != SOCKET_ID_LEN,
        RoomChannels::All => true,
    });
    match room {
        Some(room) => part(prefix, namespace_, room),
        None => namespace(prefix, namespace_),
    }
}

fn only_room(options: &BroadcastOptions) -> Option<&Room> {
    match options.rooms.as_slice() {
        [room] => Some(room),
        _ => None,
    }
}

/// The stream of a namespace: of several the one that its hash says.
///
/// The remainder keeps the sign of the hash, as in the reference, whose nodes write to `name--2` but do not read it.
pub(crate) fn stream(name: &str, count: u32, namespace: &str) -> String {
    if count <= 1 {
        return name.to_owned();
    }
    let hash = namespace
        .encode_utf16()
        .fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
    format!("{name}-{}", i64::from(hash) % i64::from(count))
}

/// All streams that may be written to, those with negative numbers included.
pub(crate) fn streams(name: &str, count: u32) -> Vec<String> {
    if count <= 1 {
        return vec![name.to_owned()];
    }
    let last = i64::from(count) - 1;
    (-last..=last).map(|number| format!("{name}-{number}")).collect()
}
