//! Messages of the classic adapter.
//!
//! A broadcast is an array of sender, packet and options. Requests and answers are maps, as JSON, but for requests
//! that carry a packet and answers that carry an ack, which are in the codec's encoding.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use sio_core::cluster::{Message, Response};
use sio_core::packet::EncodeError;
use sio_core::parser::msgpack::Writer;

use super::form::{self, Form, Json, Options};
use super::raw::{Name, Names, RawOptions, RawPacket, Text, Truth, present};
use super::{Codec, Malformed, Received, Sender, unsupported};

/// Writes what goes to the broadcast channels if it is a broadcast without acks, otherwise a request.
pub(crate) fn encode(
    codec: Codec,
    from: Sender<'_>,
    namespace: &str,
    message: &Message,
) -> Result<Vec<u8>, EncodeError> {
    match (message, codec) {
        (Message::Broadcast { request: None, .. }, Codec::Msgpack) => {
            let mut out = Writer::new();
            broadcast(&mut out, from, namespace, message)?;
            Ok(out.finish())
        }
        (Message::Broadcast { request: None, .. }, Codec::Json) => {
            let mut out = Json::default();
            broadcast(&mut out, from, namespace, message)?;
            Ok(out.text.into())
        }
        (Message::Broadcast { .. }, Codec::Msgpack) => {
            let mut out = Writer::new();
            request(&mut out, from, namespace, message)?;
            Ok(out.finish())
        }
        _ => {
            let mut out = Json::default();
            request(&mut out, from, namespace, message)?;
            Ok(out.text.into())
        }
    }
}

/// How broadcasts of this node begin: its own come back, and need not be decoded.
pub(crate) fn own_prefix(codec: Codec, id: &str) -> Vec<u8> {
    match codec {
        Codec::Msgpack => {
            let mut out = Writer::new();
            out.array(3);
            out.text(id);
            out.finish()
        }
        Codec::Json => {
            let mut out = Json::default();
            out.array(3);
            Form::text(&mut out, id);
            out.text.push(',');
            out.text.into()
        }
    }
}

fn broadcast(
    out: &mut impl Form,
    from: Sender<'_>,
    namespace: &str,
    message: &Message,
) -> Result<(), EncodeError> {
    let Message::Broadcast { data, id, options, .. } = message else { return Err(unsupported()) };
    out.array(3);
    out.text(from.id());
    form::packet(out, data, Some(namespace), *id)?;
    let keys = if from == Sender::Emitter { Options::Emitter } else { Options::Node };
    form::options(out, options, keys);
    out.end_array();
    Ok(())
}

/// Requests do not differ in their order of keys only: emitters do not say who they are where nobody asks.
fn request(
    out: &mut impl Form,
    from: Sender<'_>,
    namespace: &str,
    message: &Message,
) -> Result<(), EncodeError> {
    let head = |out: &mut _, fields, request: Option<&str>, kind| {
        head(out, from, fields, request, kind);
    };
    match message {
        Message::SocketIds { rooms, request } => {
            head(out, 1, Some(request), 0);
            out.key("rooms");
            form::rooms(out, rooms);
        }
        Message::AllRooms { request } => head(out, 0, Some(request), 1),
        Message::Join { options, rooms } | Message::Leave { options, rooms } => {
            head(out, 2, None, if matches!(message, Message::Join { .. }) { 2 } else { 3 });
            out.key("opts");
            form::options(out, options, Options::Bare);
            out.key("rooms");
            form::rooms(out, rooms);
        }
        Message::Disconnect { options, close } => {
            head(out, 2, None, 4);
            out.key("opts");
            form::options(out, options, Options::Bare);
            out.key("close");
            out.bool(*close);
        }
        Message::JoinOne { id, room, request } | Message::LeaveOne { id, room, request } => {
            let is_join = matches!(message, Message::JoinOne { .. });
            head(out, 2, Some(request), if is_join { 2 } else { 3 });
            out.key("sid");
            out.text(id);
            out.key("room");
            out.text(room);
        }
        Message::DisconnectOne { id, close, request } => {
            head(out, 2, Some(request), 4);
            out.key("sid");
            out.text(id);
            out.key("close");
            out.bool(*close);
        }
        Message::FetchSockets { options, request } => {
            head(out, 1, Some(request), 5);
            out.key("opts");
            form::options(out, options, Options::Bare);
        }
        Message::ServerSide { data, request } => {
            head(out, 1, request.as_deref(), 6);
            out.key("data");
            out.data(data)?;
        }
        Message::Broadcast { data, id, options, request: Some(request) } => {
            head(out, 2, Some(request), 7);
            out.key("packet");
            form::packet(out, data, Some(namespace), *id)?;
            out.key("opts");
            form::options(out, options, Options::Node);
        }
        _ => return Err(unsupported()),
    }
    out.end_map();
    Ok(())
}

fn head(out: &mut impl Form, from: Sender<'_>, fields: u32, request: Option<&str>, kind: u64) {
    let says_who = from != Sender::Emitter || !matches!(kind, 2..=4);
    out.map(fields + 1 + u32::from(says_who) + u32::from(request.is_some()));
    if says_who {
        out.key("uid");
        out.text(from.id());
    }
    if let Some(request) = request {
        out.key("requestId");
        out.text(request);
    }
    out.key("type");
    out.unsigned(kind);
}

/// Writes an answer; `from` is an extra key that Node.js servers do not look at.
pub(crate) fn encode_response(
    codec: Codec,
    from: Option<&str>,
    response: &Response,
) -> Result<Vec<u8>, EncodeError> {
    if let (Response::Ack { .. }, Codec::Msgpack) = (response, codec) {
        let mut out = Writer::new();
        answer(&mut out, from, response)?;
        return Ok(out.finish());
    }
    let mut out = Json::default();
    answer(&mut out, from, response)?;
    Ok(out.text.into())
}

fn answer(out: &mut impl Form, from: Option<&str>, response: &Response) -> Result<(), EncodeError> {
    let (kind, fields) = match response {
        Response::Sockets { .. } | Response::Ids { .. } | Response::Rooms { .. } => (None, 1),
        Response::ServerSide { value, .. } => (Some(6), u32::from(value.is_some())),
        Response::ClientCount { .. } => (Some(8), 1),
        Response::Ack { value, .. } => (Some(9), u32::from(value.is_some())),
        Response::Done { .. } => (None, 0),
        _ => return Err(unsupported()),
    };
    out.map(1 + fields + u32::from(kind.is_some()) + u32::from(from.is_some()));
    if let Some(kind) = kind {
        out.key("type");
        out.unsigned(kind);
    }
    out.key("requestId");
    out.text(response.request());
    match response {
        Response::Sockets { sockets, .. } => {
            out.key("sockets");
            form::sockets(out, sockets)?;
        }
        Response::Ids { ids, .. } => {
            out.key("sockets");
            out.array(form::count(ids.len()));
            ids.iter().for_each(|id| out.text(id));
            out.end_array();
        }
        Response::Rooms { rooms, .. } => {
            out.key("rooms");
            form::rooms(out, rooms);
        }
        Response::ServerSide { value: Some(value), .. } => {
            out.key("data");
            out.data(value)?;
        }
        Response::ClientCount { count, .. } => {
            out.key("clientCount");
            out.unsigned(*count);
        }
        Response::Ack { value: Some(value), .. } => {
            out.key("packet");
            out.data(value)?;
        }
        _ => {}
    }
    if let Some(from) = from {
        out.key("uid");
        out.text(from);
    }
    out.end_map();
    Ok(())
}

/// Reads what came on a broadcast channel; `None` if it is for another namespace, whose channels the pattern covers,
/// too.
pub(crate) fn decode_broadcast(
    payload: &Bytes,
    namespace: &str,
) -> Result<Option<Received>, Malformed> {
    let text = Text::read(payload)?;
    let (from, packet, options): (Option<Box<str>>, RawPacket<'_>, Option<RawOptions>) =
        serde_json::from_str(&text.json)?;
    if packet.nsp.as_deref().unwrap_or("/") != namespace {
        return Ok(None);
    }
    let message = Message::Broadcast {
        data: packet.event(&text)?,
        id: packet.id,
        options: options.unwrap_or_default().into_options(),
        request: None,
    };
    Ok(Some(Received { from: from.unwrap_or_default(), message }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRequest<'a> {
    #[serde(rename = "type")]
    kind: u64,
    uid: Option<Box<str>>,
    request_id: Option<Box<str>>,
    opts: Option<RawOptions>,
    #[serde(default)]
    rooms: Names,
    sid: Option<Box<str>>,
    room: Option<Name>,
    #[serde(default)]
    close: Truth,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    packet: Option<RawPacket<'a>>,
}

/// Reads what came on the request channel.
pub(crate) fn decode_request(payload: &Bytes) -> Result<Received, Malformed> {
    let text = Text::read(payload)?;
    let raw: RawRequest<'_> = serde_json::from_str(&text.json)?;
    let request = raw.request_id.ok_or(Malformed::Missing("requestId"));
    let message = match (raw.kind, raw.opts) {
        (0, _) => Message::SocketIds { rooms: raw.rooms.0, request: request? },
        (1, _) => Message::AllRooms { request: request? },
        (2, Some(options)) => Message::Join { options: options.into_options(), rooms: raw.rooms.0 },
        (3, Some(options)) => {
            Message::Leave { options: options.into_options(), rooms: raw.rooms.0 }
        }
        (4, Some(options)) => {
            Message::Disconnect { options: options.into_options(), close: raw.close.0 }
        }
        (kind @ (2..=4), None) => {
            let id = raw.sid.ok_or(Malformed::Missing("sid"))?;
            let request = request?;
            let room = raw.room.map(|Name(room)| room).ok_or(Malformed::Missing("room"));
            match kind {
                2 => Message::JoinOne { id, room: room?, request },
                3 => Message::LeaveOne { id, room: room?, request },
                _ => Message::DisconnectOne { id, close: raw.close.0, request },
            }
        }
        (5, options) => Message::FetchSockets {
            options: options.unwrap_or_default().into_options(),
            request: request?,
        },
        (6, _) => Message::ServerSide { data: text.event(raw.data)?, request: request.ok() },
        (7, options) => {
            let packet = raw.packet.ok_or(Malformed::Missing("packet"))?;
            Message::Broadcast {
                data: packet.event(&text)?,
                id: packet.id,
                options: options.unwrap_or_default().into_options(),
                request: Some(request?),
            }
        }
        (kind, _) => return Err(Malformed::UnknownType(kind)),
    };
    Ok(Received { from: raw.uid.unwrap_or_default(), message })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawResponse<'a> {
    #[serde(rename = "type")]
    kind: Option<u64>,
    uid: Option<Box<str>>,
    request_id: Box<str>,
    #[serde(borrow, default, deserialize_with = "present")]
    sockets: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    rooms: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    packet: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    client_count: Option<&'a RawValue>,
}

/// Reads what came on a response channel, and who says it, if it does.
pub(crate) fn decode_response(payload: &Bytes) -> Result<(Option<Box<str>>, Response), Malformed> {
    let text = Text::read(payload)?;
    let raw: RawResponse<'_> = serde_json::from_str(&text.json)?;
    let request = raw.request_id;
    let response = match raw.kind {
        Some(6) => Response::ServerSide { request, value: text.answer(raw.data)? },
        Some(8) => match raw.client_count.and_then(|count| count.get().parse().ok()) {
            Some(count) => Response::ClientCount { request, count },
            None => Response::Unreadable { request },
        },
        Some(9) => Response::Ack { request, value: text.answer(raw.packet)? },
        _ if raw.sockets.is_some() => {
            let ids = raw.sockets.map(RawValue::get).unwrap_or_default();
            match serde_json::from_str::<Vec<Box<str>>>(ids) {
                Ok(ids) if !ids.is_empty() => Response::Ids { request, ids },
                _ => text.sockets(request, raw.sockets)?,
            }
        }
        _ if raw.rooms.is_some() => {
            let rooms = raw.rooms.map(RawValue::get).filter(|rooms| rooms.starts_with('['));
            match serde_json::from_str::<Names>(rooms.unwrap_or_default()) {
                Ok(Names(rooms)) => Response::Rooms { request, rooms },
                Err(_) => Response::Unreadable { request },
            }
        }
        _ => Response::Done { request },
    };
    Ok((raw.uid, response))
}
