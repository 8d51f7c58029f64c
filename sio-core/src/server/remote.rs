//! Sockets as others see them: copies that can be acted on wherever the socket lives.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::adapter::{Room, RoomNames};
use crate::cluster::SocketDescription;
use crate::packet::EventArg;
use crate::sid::Sid;

use super::ack::AckFuture;
use super::broadcast::BroadcastOperator;
use super::handshake::Handshake;
use super::origin::Origin;
use super::socket::{EmitError, Socket, read_data, without_input};

/// What a socket was when it was fetched, and a way to act on it.
///
/// The description is a copy and does not change. What is done goes to the room of the socket's own id:
/// after its end it reaches nobody.
///
/// # Examples
///
/// ```
/// use sio_core::server::NamespaceRef;
///
/// async fn close_lobby(chat: NamespaceRef) {
///     let sockets = match chat.to("lobby").fetch_sockets().await {
///         Ok(sockets) => sockets,
///         // Some nodes did not answer.
///         Err(error) => error.sockets,
///     };
///     for socket in sockets {
///         let _unsent = socket.emit("closing", ());
///         socket.leave("lobby");
///     }
/// }
/// ```
#[derive(Clone)]
pub struct RemoteSocket {
    id: Sid,
    handshake: Arc<Handshake>,
    auth: Box<str>,
    rooms: Vec<Room>,
    data: Option<serde_json::Value>,
    origin: Option<Origin>,
    is_local: bool,
    operator: BroadcastOperator,
}

/// Neither what came with CONNECT nor the data: they may hold tokens.
impl fmt::Debug for RemoteSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteSocket")
            .field("id", &self.id)
            .field("rooms", &self.rooms)
            .field("is_local", &self.is_local)
            .finish_non_exhaustive()
    }
}

impl RemoteSocket {
    pub(crate) fn of(socket: &Socket) -> Self {
        Self {
            id: socket.id().clone(),
            handshake: Arc::clone(socket.handshake()),
            auth: socket.auth_json().into(),
            rooms: socket.rooms(),
            data: socket.stored_data(),
            origin: Some(Origin::of(socket)),
            is_local: true,
            operator: socket.everybody().to(socket.id()),
        }
    }

    /// A socket of another node; `None` if its id cannot be one.
    pub(crate) fn described(
        everybody: &BroadcastOperator,
        mut description: SocketDescription,
    ) -> Option<Self> {
        let origin = Origin::take_from(&mut description.data);
        let id = Sid::foreign(&description.id)?;
        let auth = description.handshake.get("auth").filter(|auth| !auth.is_null());
        Some(Self {
            handshake: Arc::new(Handshake::of_object(&description.handshake)),
            auth: auth.map_or_else(|| "{}".into(), |auth| auth.to_string().into()),
            rooms: description.rooms,
            data: Some(description.data).filter(|data| !data.is_null()),
            origin,
            is_local: false,
            operator: everybody.to(&id),
            id,
        })
    }

    /// The socket id.
    #[must_use]
    pub const fn id(&self) -> &Sid {
        &self.id
    }

    /// Data of the request that opened the session.
    #[must_use]
    pub const fn handshake(&self) -> &Arc<Handshake> {
        &self.handshake
    }

    /// The CONNECT payload; an absent one reads as `{}`.
    ///
    /// # Errors
    ///
    /// The payload does not fit `T`.
    pub fn auth<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(&self.auth).map_err(|error| without_input(&error))
    }

    /// The rooms it was in, the one of its own id first.
    #[must_use]
    pub fn rooms(&self) -> &[Room] {
        &self.rooms
    }

    /// Reads a copy of what [`Socket::set_data`] stored; what was never stored reads as `{}`.
    ///
    /// # Errors
    ///
    /// The data does not fit `T`.
    pub fn data<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        read_data(self.data.clone())
    }

    /// It was on this node when it was fetched.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        self.is_local
    }

    /// Names the client: sockets of one connection in several namespaces have the same. The beginning of the
    /// session id, which is no secret by itself. Of other nodes it is known if they have the Admin UI.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.origin.as_ref().map(|origin| &*origin.client_id)
    }

    /// Name of the transport it had when it was fetched; known as [`Self::client_id`] is.
    #[must_use]
    pub fn transport(&self) -> Option<&str> {
        self.origin.as_ref().map(|origin| &*origin.transport)
    }

    /// The selection of this one socket, for flags.
    pub const fn operator(&self) -> &BroadcastOperator {
        &self.operator
    }

    /// Sends an event to the socket.
    ///
    /// # Errors
    ///
    /// As [`BroadcastOperator::emit`].
    pub fn emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        self.operator.emit(event, args)
    }

    /// Sends an event named `message`.
    ///
    /// # Errors
    ///
    /// As [`BroadcastOperator::emit`].
    pub fn send(&self, args: impl Serialize) -> Result<(), EmitError> {
        self.operator.send(args)
    }

    /// Sends an event and waits for the socket's ack; its first argument is the result.
    ///
    /// A socket that has ended is [`AckError::Disconnected`](super::AckError::Disconnected), one that does
    /// not answer in time, or ends meanwhile, [`AckError::Timeout`](super::AckError::Timeout).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the answer up; the event is sent all the same.
    pub fn emit_with_ack<T: EventArg>(
        &self,
        event: &str,
        args: impl Serialize,
        timeout: Duration,
    ) -> AckFuture<T> {
        self.operator.ask_one(event, args, timeout)
    }

    /// Makes the socket join rooms.
    pub fn join(&self, rooms: impl RoomNames) {
        self.operator.sockets_join(rooms);
    }

    /// Makes the socket leave rooms.
    pub fn leave(&self, rooms: impl RoomNames) {
        self.operator.sockets_leave(rooms);
    }

    /// Disconnects the socket; with `close` ends its session too.
    pub fn disconnect(&self, close: bool) {
        self.operator.disconnect_sockets(close);
    }
}

/// Who is in which room of a namespace on this node; the rooms of socket ids are among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomMap {
    /// The members of each room.
    pub rooms: HashMap<Room, HashSet<Sid>>,
    /// The rooms of each socket.
    pub sids: HashMap<Sid, HashSet<Room>>,
}

impl RoomMap {
    pub(crate) fn of(sockets: &[Socket]) -> Self {
        let mut map = Self::default();
        for socket in sockets {
            for room in socket.rooms() {
                map.rooms.entry(Room::clone(&room)).or_default().insert(socket.id().clone());
                map.sids.entry(socket.id().clone()).or_default().insert(room);
            }
        }
        map
    }
}
