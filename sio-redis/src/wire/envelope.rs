//! Messages of the sharded adapter and of the streams adapter: one map with `type`, `data`, `uid` and `nsp`.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use sio_core::cluster::{Message, Response};
use sio_core::packet::EncodeError;
use sio_core::parser::msgpack::Writer;

use super::form::{self, Form, Json, Options};
use super::raw::{Names, RawOptions, RawPacket, Text, Truth, present};
use super::{Malformed, Sender, unsupported};

/// How an envelope is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As JSON, unless there are bytes in it: sharded.
    Smallest,
    /// As MessagePack: what the streams adapter says on channels.
    Msgpack,
}

/// What one says to the others: a message or an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Said<'a> {
    Message(&'a Message),
    Response(&'a Response),
}

/// What was in an envelope.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    Message(Message),
    Response(Response),
    /// A sign of life or a farewell of nodes that count each other by them.
    Presence,
}

/// An envelope for this namespace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Envelope {
    pub(crate) from: Box<str>,
    pub(crate) body: Body,
}

impl<'a> Said<'a> {
    /// The number of its type.
    pub(super) fn kind(self) -> Result<u64, EncodeError> {
        Ok(match self {
            Said::Message(message) => match message {
                Message::Broadcast { .. } => 3,
                Message::Join { .. } => 4,
                Message::Leave { .. } => 5,
                Message::Disconnect { .. } => 6,
                Message::FetchSockets { .. } => 7,
                Message::ServerSide { .. } => 9,
                _ => return Err(unsupported()),
            },
            Said::Response(response) => match response {
                Response::Sockets { .. } => 8,
                Response::ServerSide { .. } => 10,
                Response::ClientCount { .. } => 11,
                Response::Ack { .. } => 12,
                _ => return Err(unsupported()),
            },
        })
    }

    pub(super) fn has_bytes(self) -> bool {
        match self {
            Said::Message(Message::Broadcast { data, .. } | Message::ServerSide { data, .. }) => {
                !data.attachments.is_empty()
            }
            Said::Response(
                Response::ServerSide { value: Some(value), .. }
                | Response::Ack { value: Some(value), .. },
            ) => !value.attachments.is_empty(),
            Said::Response(Response::Sockets { sockets, .. }) => {
                sockets.iter().any(|socket| form::has_bytes(&socket.data))
            }
            _ => false,
        }
    }

    /// Writes `data`. Emitters name the namespace in packets, nodes do not.
    pub(super) fn write(
        self,
        out: &mut impl Form,
        from: Sender<'_>,
        namespace: &str,
    ) -> Result<(), EncodeError> {
        let keys = if from == Sender::Emitter { Options::Emitter } else { Options::Node };
        match self {
            Said::Message(message) => write_message(out, message, keys, namespace)?,
            Said::Response(response) => write_response(out, response)?,
        }
        out.end_map();
        Ok(())
    }
}

fn write_message(
    out: &mut impl Form,
    message: &Message,
    keys: Options,
    namespace: &str,
) -> Result<(), EncodeError> {
    match message {
        Message::Broadcast { data, id, options, request } => {
            out.map(2 + u32::from(request.is_some()));
            out.key("packet");
            form::packet(out, data, (keys == Options::Emitter).then_some(namespace), *id)?;
            if let Some(request) = request {
                out.key("requestId");
                out.text(request);
            }
            out.key("opts");
            form::options(out, options, keys);
        }
        Message::Join { options, rooms } | Message::Leave { options, rooms } => {
            out.map(2);
            out.key("opts");
            form::options(out, options, Options::Node);
            out.key("rooms");
            form::rooms(out, rooms);
        }
        Message::Disconnect { options, close } => {
            out.map(2);
            out.key("opts");
            form::options(out, options, Options::Node);
            out.key("close");
            out.bool(*close);
        }
        Message::FetchSockets { options, request } => {
            out.map(2);
            out.key("opts");
            form::options(out, options, Options::Node);
            out.key("requestId");
            out.text(request);
        }
        Message::ServerSide { data, request } => {
            out.map(1 + u32::from(request.is_some()));
            if let Some(request) = request {
                out.key("requestId");
                out.text(request);
            }
            out.key("packet");
            out.data(data)?;
        }
        _ => return Err(unsupported()),
    }
    Ok(())
}

fn write_response(out: &mut impl Form, response: &Response) -> Result<(), EncodeError> {
    let fields = match response {
        Response::ServerSide { value, .. } | Response::Ack { value, .. } => {
            u32::from(value.is_some())
        }
        _ => 1,
    };
    out.map(1 + fields);
    out.key("requestId");
    out.text(response.request());
    match response {
        Response::Sockets { sockets, .. } => {
            out.key("sockets");
            form::sockets(out, sockets)?;
        }
        Response::ServerSide { value: Some(value), .. }
        | Response::Ack { value: Some(value), .. } => {
            out.key("packet");
            out.data(value)?;
        }
        Response::ServerSide { .. } | Response::Ack { .. } => {}
        Response::ClientCount { count, .. } => {
            out.key("clientCount");
            out.unsigned(*count);
        }
        _ => return Err(unsupported()),
    }
    Ok(())
}

/// Writes an envelope.
pub(crate) fn encode(
    from: Sender<'_>,
    namespace: &str,
    said: Said<'_>,
    encoding: Encoding,
) -> Result<Vec<u8>, EncodeError> {
    if encoding == Encoding::Msgpack || said.has_bytes() {
        let mut out = Writer::new();
        write(&mut out, from, namespace, said)?;
        return Ok(out.finish());
    }
    let mut out = Json::default();
    write(&mut out, from, namespace, said)?;
    Ok(out.text.into())
}

fn write(
    out: &mut impl Form,
    from: Sender<'_>,
    namespace: &str,
    said: Said<'_>,
) -> Result<(), EncodeError> {
    out.map(4);
    out.key("type");
    out.unsigned(said.kind()?);
    out.key("data");
    said.write(out, from, namespace)?;
    who(out, from.id(), namespace);
    out.end_map();
    Ok(())
}

fn who(out: &mut impl Form, from: &str, namespace: &str) {
    out.key("uid");
    out.text(from);
    out.key("nsp");
    out.text(namespace);
}

/// How envelopes of this node end, in either encoding: its own come back, and need not be decoded.
#[derive(Debug, Clone)]
pub(crate) struct OwnMark {
    json: Box<[u8]>,
    msgpack: Box<[u8]>,
}

impl OwnMark {
    pub(crate) fn new(id: &str, namespace: &str) -> Self {
        // Before it is the end of `data`, which is always a map.
        let mut json = Json { text: "}".to_owned() };
        who(&mut json, id, namespace);
        json.end_map();
        let mut msgpack = Writer::new();
        who(&mut msgpack, id, namespace);
        Self { json: json.text.into_bytes().into(), msgpack: msgpack.finish().into() }
    }

    pub(crate) fn is_on(&self, payload: &[u8]) -> bool {
        match payload.first() {
            Some(b'{') => payload.ends_with(&self.json),
            _ => payload.ends_with(&self.msgpack),
        }
    }
}

#[derive(Deserialize)]
struct RawEnvelope<'a> {
    #[serde(rename = "type")]
    kind: u64,
    #[serde(borrow)]
    data: Option<RawBody<'a>>,
    uid: Option<Box<str>>,
    nsp: Option<Box<str>>,
}

/// The inner part, whatever the type.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawBody<'a> {
    opts: Option<RawOptions>,
    #[serde(default)]
    rooms: Names,
    #[serde(default)]
    close: Truth,
    request_id: Option<Box<str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    packet: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    sockets: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    client_count: Option<&'a RawValue>,
}

impl RawBody<'_> {
    pub(super) fn read(self, kind: u64, text: &Text<'_>) -> Result<Body, Malformed> {
        let request = self.request_id.ok_or(Malformed::Missing("requestId"));
        let options = self.opts.map(RawOptions::into_options).ok_or(Malformed::Missing("opts"));
        let message = match kind {
            1 | 2 | 13 => return Ok(Body::Presence),
            3 => {
                let raw = self.packet.map(RawValue::get).ok_or(Malformed::Missing("packet"))?;
                let packet: RawPacket<'_> = serde_json::from_str(raw)?;
                Message::Broadcast {
                    data: packet.event(text)?,
                    id: packet.id,
                    options: options.unwrap_or_default(),
                    request: request.ok(),
                }
            }
            4 => Message::Join { options: options?, rooms: self.rooms.0 },
            5 => Message::Leave { options: options?, rooms: self.rooms.0 },
            6 => Message::Disconnect { options: options?, close: self.close.0 },
            7 => Message::FetchSockets { options: options.unwrap_or_default(), request: request? },
            9 => Message::ServerSide { data: text.event(self.packet)?, request: request.ok() },
            8 => return text.sockets(request?, self.sockets).map(Body::Response),
            10 => {
                let value = text.answer(self.packet)?;
                return Ok(Body::Response(Response::ServerSide { request: request?, value }));
            }
            11 => {
                let request = request?;
                let count = self.client_count.and_then(|count| count.get().parse().ok());
                return Ok(Body::Response(match count {
                    Some(count) => Response::ClientCount { request, count },
                    None => Response::Unreadable { request },
                }));
            }
            12 => {
                let value = text.answer(self.packet)?;
                return Ok(Body::Response(Response::Ack { request: request?, value }));
            }
            kind => return Err(Malformed::UnknownType(kind)),
        };
        Ok(Body::Message(message))
    }
}

/// Reads an envelope; `None` if it is for another namespace.
pub(crate) fn decode(payload: &Bytes, namespace: &str) -> Result<Option<Envelope>, Malformed> {
    let text = Text::read(payload)?;
    let raw: RawEnvelope<'_> = serde_json::from_str(&text.json)?;
    if raw.nsp.as_deref() != Some(namespace) {
        return Ok(None);
    }
    let body = raw.data.unwrap_or_default().read(raw.kind, &text)?;
    Ok(Some(Envelope { from: raw.uid.unwrap_or_default(), body }))
}
