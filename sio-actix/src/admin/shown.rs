//! What the page is told, as it wants to read it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};
use sio_core::adapter::Room;
use sio_core::close::DisconnectReason;
use sio_core::packet::Value;
use sio_core::server::{EmitError, Handshake, Io, NamespaceRef, RemoteSocket, Socket};
use sio_core::sid::Sid;

use super::commands::Order;

/// Headers that prove who somebody is; the page has no use for them.
const SECRET_HEADERS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// What is told once to each page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Config {
    pub(super) read_only: bool,
    pub(super) is_verbose: bool,
}

impl Config {
    pub(super) fn to_json(self) -> Json {
        const COMMANDS: [&str; 7] =
            ["EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT"];
        let mut features = if self.read_only { Vec::new() } else { COMMANDS.to_vec() };
        features.push("AGGREGATED_EVENTS");
        if self.is_verbose {
            features.push("ALL_EVENTS");
        }
        json!({ "supportedFeatures": features })
    }
}

/// A socket of this server, or of another one.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownSocket {
    pub(super) id: Sid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) transport: Option<Cow<'static, str>>,
    #[serde(serialize_with = "text")]
    pub(super) nsp: Arc<str>,
    pub(super) data: Json,
    pub(super) handshake: ShownHandshake,
    #[serde(serialize_with = "texts")]
    pub(super) rooms: Vec<Room>,
}

fn text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

fn texts<S: Serializer>(texts: &[Room], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(texts.iter().map(|text| &**text))
}

impl ShownSocket {
    pub(super) fn of(socket: &Socket) -> Self {
        Self {
            id: socket.id().clone(),
            client_id: Some(socket.client_id()),
            transport: Some(socket.conn().transport().as_str().into()),
            nsp: socket.namespace().path().into(),
            data: data_of(socket),
            handshake: ShownHandshake(Arc::clone(socket.handshake())),
            rooms: socket.rooms(),
        }
    }

    pub(super) fn of_other(socket: &RemoteSocket, nsp: &Arc<str>) -> Self {
        Self {
            id: socket.id().clone(),
            client_id: socket.client_id().map(Into::into),
            transport: socket.transport().map(|transport| transport.to_owned().into()),
            nsp: Arc::clone(nsp),
            data: socket.data().unwrap_or_default(),
            handshake: ShownHandshake(Arc::clone(socket.handshake())),
            rooms: socket.rooms().to_vec(),
        }
    }
}

/// What others may see of a socket.
pub(super) fn data_of(socket: &Socket) -> Json {
    socket.data().unwrap_or_default()
}

/// The request that opened a session, without what its client proves itself with.
#[derive(Debug, Clone)]
pub(super) struct ShownHandshake(Arc<Handshake>);

impl Serialize for ShownHandshake {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serde_json::to_value(&*self.0).map_err(serde::ser::Error::custom)?;
        let forwarded = ["cf-connecting-ip", "x-forwarded-for"];
        if let Some(address) = forwarded.iter().find_map(|name| self.0.header(name))
            && let Some(known) = object.get_mut("address")
        {
            *known = address.into();
        }
        if let Some(headers) = object.get_mut("headers").and_then(Json::as_object_mut) {
            headers.retain(|name, _| !SECRET_HEADERS.contains(&name.as_str()));
        }
        let keys = ["address", "headers", "query", "issued", "secure", "time", "url", "xdomain"];
        let mut map = serializer.serialize_map(Some(keys.len()))?;
        for key in keys {
            map.serialize_entry(key, object.get(key).unwrap_or(&Json::Null))?;
        }
        map.end()
    }
}

/// Something about a socket is another one.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Update {
    pub(super) id: Sid,
    #[serde(serialize_with = "text")]
    pub(super) nsp: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) transport: Option<&'static str>,
}

/// A socket, of which something is told.
#[derive(Debug, Clone)]
pub(super) struct Whose {
    pub(super) nsp: Arc<str>,
    pub(super) id: Sid,
}

/// An event: its name, then its arguments.
pub(super) type ShownEvent = Vec<Value>;

/// What goes to the pages, and what comes from them.
#[derive(Debug)]
pub(super) enum News {
    /// What a page asks for.
    Order(Order),
    /// To one that is new.
    Config(Socket, Config),
    /// To one that is new.
    AllSockets(Socket, Vec<ShownSocket>),
    Connected(Box<ShownSocket>, String),
    Updated(Update),
    Disconnected(Whose, DisconnectReason, String),
    Joined(Whose, Room, String),
    Left(Whose, Room, String),
    Received(Whose, ShownEvent, String),
    Sent(Whose, ShownEvent, String),
}

impl News {
    /// Tells the pages of all servers, or the one that is meant.
    pub(super) fn tell(self, io: &Io, pages: &NamespaceRef) -> Result<(), EmitError> {
        match self {
            Self::Order(order) => {
                order.carry_out(io);
                Ok(())
            }
            // Not by the socket itself: that may take the way through a log that all servers share.
            Self::Config(page, config) => {
                pages.local().to(page.id()).emit("config", config.to_json())
            }
            Self::AllSockets(page, sockets) => {
                let sockets = that_fit(&page, sockets);
                pages.local().to(page.id()).emit("all_sockets", (sockets,))
            }
            Self::Connected(socket, at) => pages.emit("socket_connected", (socket, at)),
            Self::Updated(update) => pages.emit("socket_updated", update),
            Self::Disconnected(Whose { nsp, id }, reason, at) => {
                pages.emit("socket_disconnected", (&*nsp, id, reason.as_str(), at))
            }
            Self::Joined(Whose { nsp, id }, room, at) => {
                pages.emit("room_joined", (&*nsp, &*room, id, at))
            }
            Self::Left(Whose { nsp, id }, room, at) => {
                pages.emit("room_left", (&*nsp, &*room, id, at))
            }
            Self::Received(Whose { nsp, id }, event, at) => {
                pages.emit("event_received", (&*nsp, id, event, at))
            }
            Self::Sent(Whose { nsp, id }, event, at) => {
                pages.emit("event_sent", (&*nsp, id, event, at))
            }
        }
    }
}

/// As many sockets as one packet may have without filling what may wait for a client.
fn that_fit(page: &Socket, mut sockets: Vec<ShownSocket>) -> Vec<ShownSocket> {
    let mut room = page.io().hub().limits().send_buffer_max / 2;
    let fit = sockets.iter().take_while(|socket| {
        let len = serde_json::to_vec(socket).map_or(0, |json| json.len() + 1);
        let fits = len <= room;
        room = room.saturating_sub(len);
        fits
    });
    let fit = fit.count();
    if fit < sockets.len() {
        let missing = sockets.len() - fit;
        tracing::warn!(missing, "there are more sockets than the Admin UI can be shown");
        sockets.truncate(fit);
    }
    sockets
}

/// Milliseconds since 1970.
pub(super) fn millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Now, as JavaScript writes a date.
pub(super) fn now() -> String {
    i64::try_from(millis()).ok().and_then(sio_core::date::iso).unwrap_or_default()
}
