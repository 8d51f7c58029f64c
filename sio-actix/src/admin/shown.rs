//! What the page is told, as it wants to read it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};
use sio_core::adapter::Room;
use sio_core::close::DisconnectReason;
use sio_core::packet::{Rest, Value};
use sio_core::server::{EmitError, Handshake, Io, NamespaceRef, RemoteSocket, Socket};
use sio_core::sid::Sid;

use super::budget::{
    Charge, MAX_ROOMS, MAX_SHOWN, cut_data, cut_text, encoded_len, json_weight, room_for_one,
    size_only, weight,
};
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
    let mut room = MAX_ROOMS;
    let fit = texts.iter().map(|text| cut_text(text)).take_while(|text| {
        let fits = text.len() <= room;
        room = room.saturating_sub(text.len());
        fits
    });
    serializer.collect_seq(fit)
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
            data: cut_data(socket.data().unwrap_or_default()),
            handshake: ShownHandshake(Arc::clone(socket.handshake())),
            rooms: socket.rooms().to_vec(),
        }
    }
}

/// What others may see of a socket.
pub(super) fn data_of(socket: &Socket) -> Json {
    cut_data(socket.data().unwrap_or_default())
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
        cut_texts(&mut object);
        let keys = ["address", "headers", "query", "issued", "secure", "time", "url", "xdomain"];
        let mut map = serializer.serialize_map(Some(keys.len()))?;
        for key in keys {
            map.serialize_entry(key, object.get(key).unwrap_or(&Json::Null))?;
        }
        map.end()
    }
}

impl ShownHandshake {
    /// Bytes of it, about.
    fn weight(&self) -> usize {
        let headers: usize = self.0.headers().map(|(name, value)| name.len() + value.len()).sum();
        headers + self.0.url().len()
    }
}

/// Cuts all texts in a value of little depth.
fn cut_texts(value: &mut Json) {
    match value {
        Json::String(text) => *text = cut_text(text),
        Json::Array(values) => values.iter_mut().for_each(cut_texts),
        Json::Object(object) => object.values_mut().for_each(cut_texts),
        _ => {}
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
#[derive(Debug)]
pub(super) struct ShownEvent {
    name: String,
    args: Vec<Value>,
    /// The room that it takes.
    pub(super) charge: Option<Charge>,
}

impl ShownEvent {
    /// `read` is called if the arguments are not too large to be shown; then their size is. `None`: they cannot
    /// be read.
    pub(super) fn of(
        name: &str,
        size: usize,
        read: impl FnOnce() -> Option<Rest<Value>>,
    ) -> Option<Self> {
        let args = if size > MAX_SHOWN { vec![Value::String(size_only(size))] } else { read()?.0 };
        Some(Self { name: cut_text(name), args, charge: None })
    }

    pub(super) fn weight(&self) -> usize {
        size_of::<Self>() + self.name.len() + self.args.iter().map(weight).sum::<usize>()
    }
}

impl Serialize for ShownEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut event = serializer.serialize_seq(Some(1 + self.args.len()))?;
        event.serialize_element(&self.name)?;
        for arg in &self.args {
            event.serialize_element(arg)?;
        }
        event.end()
    }
}

/// What goes to the pages, and what comes from them.
#[derive(Debug)]
pub(super) enum News {
    /// What a page asks for.
    Order(Order),
    /// To one that is new.
    Config(Socket, Config),
    /// To one that is new.
    AllSockets(Socket, Vec<Arc<ShownSocket>>),
    Connected(Arc<ShownSocket>, String),
    Updated(Update),
    Disconnected(Whose, DisconnectReason, String),
    Joined(Whose, Room, String),
    Left(Whose, Room, String),
    Received(Whose, Arc<ShownEvent>, String),
    Sent(Whose, Arc<ShownEvent>, String),
}

/// What news take beside what they hold.
const OVERHEAD: usize = 256;

impl News {
    /// Bytes that they take while they wait, about. Events have a charge of their own.
    pub(super) fn weight(&self) -> usize {
        OVERHEAD
            + match self {
                Self::Order(order) => order.weight(),
                Self::Connected(socket, _) => {
                    let rooms: usize = socket.rooms.iter().map(|room| room.len()).sum();
                    socket.handshake.weight() + json_weight(&socket.data) + rooms
                }
                Self::Updated(update) => update.data.as_ref().map_or(0, json_weight),
                Self::Joined(_, room, _) | Self::Left(_, room, _) => room.len(),
                _ => 0,
            }
    }

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
                let sockets: Vec<_> = sockets.iter().map(|socket| &**socket).collect();
                let sockets = that_fit(io, &sockets);
                pages.local().to(page.id()).emit("all_sockets", (sockets,))
            }
            Self::Connected(socket, at) => pages.emit("socket_connected", (&*socket, at)),
            Self::Updated(update) => pages.emit("socket_updated", update),
            Self::Disconnected(Whose { nsp, id }, reason, at) => {
                pages.emit("socket_disconnected", (&*nsp, id, reason.as_str(), at))
            }
            Self::Joined(Whose { nsp, id }, room, at) => {
                pages.emit("room_joined", (&*nsp, cut_text(&room), id, at))
            }
            Self::Left(Whose { nsp, id }, room, at) => {
                pages.emit("room_left", (&*nsp, cut_text(&room), id, at))
            }
            Self::Received(Whose { nsp, id }, event, at) => {
                pages.emit("event_received", (&*nsp, id, &*event, at))
            }
            Self::Sent(Whose { nsp, id }, event, at) => {
                pages.emit("event_sent", (&*nsp, id, &*event, at))
            }
        }
    }
}

/// As many sockets as one packet may have.
fn that_fit<'a>(io: &Io, sockets: &'a [&'a ShownSocket]) -> &'a [&'a ShownSocket] {
    let mut room = room_for_one(io);
    let fit = sockets.iter().take_while(|socket| {
        let len = encoded_len(socket) + 1;
        let fits = len <= room;
        room = room.saturating_sub(len);
        fits
    });
    let fit = fit.count();
    if fit < sockets.len() {
        let missing = sockets.len() - fit;
        tracing::warn!(missing, "there are more sockets than the Admin UI can be shown");
    }
    sockets.get(..fit).unwrap_or_default()
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
