//! What nodes say to each other.

use bytes::Bytes;
use serde_json::Value;

use crate::adapter::{BroadcastOptions, Room};

/// A value that may hold bytes: JSON text in which `{"_placeholder":true,"num":N}` stands for the N-th
/// attachment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_structs, reason = "text and bytes are all there is")]
pub struct Data {
    /// The JSON text of one value; for an event an array that begins with its name.
    pub json: Box<str>,
    /// What the placeholders stand for.
    pub attachments: Vec<Bytes>,
}

/// What one node tells or asks the others.
///
/// A request carries an id of the asking node's own making, which answers repeat.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Message {
    /// An event for the selected sockets.
    Broadcast {
        /// Name and arguments as one array.
        data: Data,
        /// An ack id that another node put in: this one has no such socket.
        id: Option<u64>,
        /// Whom it is for.
        options: BroadcastOptions,
        /// Acks are wanted, under this id.
        request: Option<Box<str>>,
    },
    /// The selected sockets join rooms.
    Join {
        /// Which sockets.
        options: BroadcastOptions,
        /// Which rooms.
        rooms: Vec<Room>,
    },
    /// The selected sockets leave rooms.
    Leave {
        /// Which sockets.
        options: BroadcastOptions,
        /// Which rooms.
        rooms: Vec<Room>,
    },
    /// The selected sockets are disconnected.
    Disconnect {
        /// Which sockets.
        options: BroadcastOptions,
        /// Their sessions end, too.
        close: bool,
    },
    /// Who is selected; answered by [`Response::Sockets`].
    FetchSockets {
        /// Which sockets.
        options: BroadcastOptions,
        /// The request.
        request: Box<str>,
    },
    /// An event for the nodes themselves; answered by [`Response::ServerSide`] if there is a request.
    ServerSide {
        /// Name and arguments as one array.
        data: Data,
        /// An answer is wanted.
        request: Option<Box<str>>,
    },
    /// Which rooms there are; answered by [`Response::Rooms`].
    AllRooms {
        /// The request.
        request: Box<str>,
    },
    /// Ids of the sockets in rooms, as older nodes ask; answered by [`Response::Ids`].
    SocketIds {
        /// Members of any of them; none means all.
        rooms: Vec<Room>,
        /// The request.
        request: Box<str>,
    },
    /// One socket joins a room, as older nodes ask; answered by [`Response::Done`] where the socket is.
    JoinOne {
        /// The socket.
        id: Box<str>,
        /// The room.
        room: Room,
        /// The request.
        request: Box<str>,
    },
    /// As [`Self::JoinOne`].
    LeaveOne {
        /// The socket.
        id: Box<str>,
        /// The room.
        room: Room,
        /// The request.
        request: Box<str>,
    },
    /// As [`Self::JoinOne`].
    DisconnectOne {
        /// The socket.
        id: Box<str>,
        /// Its session ends, too.
        close: bool,
        /// The request.
        request: Box<str>,
    },
}

/// What one node answers another.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Response {
    /// The selected sockets of the answering node.
    Sockets {
        /// The request.
        request: Box<str>,
        /// Its sockets.
        sockets: Vec<SocketDescription>,
    },
    /// What the handler of a server-side event answered.
    ServerSide {
        /// The request.
        request: Box<str>,
        /// Its first argument, if it gave one.
        value: Option<Data>,
    },
    /// How many sockets of the answering node were asked for an ack.
    ClientCount {
        /// The request.
        request: Box<str>,
        /// How many.
        count: u64,
    },
    /// The ack of one socket.
    Ack {
        /// The request.
        request: Box<str>,
        /// Its first argument, if it gave one.
        value: Option<Data>,
    },
    /// The rooms of the answering node.
    Rooms {
        /// The request.
        request: Box<str>,
        /// Their names.
        rooms: Vec<Room>,
    },
    /// The sockets that [`Message::SocketIds`] asked for.
    Ids {
        /// The request.
        request: Box<str>,
        /// Their ids.
        ids: Vec<Box<str>>,
    },
    /// The socket was here, and it is done.
    Done {
        /// The request.
        request: Box<str>,
    },
    /// An answer without what it should hold; its node counts as one that was heard.
    Unreadable {
        /// The request.
        request: Box<str>,
    },
}

impl Response {
    /// The request that is answered.
    #[must_use]
    pub const fn request(&self) -> &str {
        match self {
            Self::Sockets { request, .. }
            | Self::ServerSide { request, .. }
            | Self::ClientCount { request, .. }
            | Self::Ack { request, .. }
            | Self::Rooms { request, .. }
            | Self::Ids { request, .. }
            | Self::Done { request }
            | Self::Unreadable { request } => request,
        }
    }
}

/// A socket as its node describes it to others.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct SocketDescription {
    /// The socket id.
    pub id: Box<str>,
    /// The reference's handshake object.
    pub handshake: Value,
    /// Its rooms, that of its own id included.
    pub rooms: Vec<Room>,
    /// What the application stored.
    pub data: Value,
}
