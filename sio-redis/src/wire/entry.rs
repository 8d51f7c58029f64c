//! Entries of streams, and the sessions that are kept beside them.
//!
//! An entry has the parts of an envelope as fields; its `data` is JSON, or MessagePack as base64 if there are bytes
//! in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use deadpool_redis::redis::{Cmd, cmd};
use serde::Deserialize;
use serde_json::Value;
use sio_core::cluster::{Message, Offset, SavedSession};
use sio_core::packet::EncodeError;
use sio_core::parser::msgpack::Writer;

pub(crate) use super::envelope::Envelope;
use super::envelope::{Body, RawBody, Said};
use super::form::{Form, Json, rooms};
use super::raw::{Names, Text};
use super::{MAX_MESSAGE, Malformed, Sender};
use crate::seal::{Seal, SignedEntry};

/// The fields `type` and `data` of a new entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) kind: u64,
    pub(crate) data: String,
}

/// Writes an entry; `only_plaintext`: bytes take the form of Node.js buffers in JSON.
pub(crate) fn encode(
    from: Sender<'_>,
    namespace: &str,
    message: &Message,
    only_plaintext: bool,
) -> Result<Fields, EncodeError> {
    let said = Said::Message(message);
    let kind = said.kind()?;
    if said.has_bytes() && !only_plaintext {
        let mut out = Writer::new();
        said.write(&mut out, from, namespace)?;
        return Ok(Fields { kind, data: STANDARD.encode(out.finish()) });
    }
    let mut out = Json::default();
    said.write(&mut out, from, namespace)?;
    Ok(Fields { kind, data: out.text })
}

/// The command that adds an entry and lets the stream have about `max_len` of them; its signature is a field more.
pub(crate) fn command(
    stream: &str,
    max_len: u64,
    from: &str,
    namespace: &str,
    fields: &Fields,
    seal: Option<&Seal>,
) -> Cmd {
    let mut command = cmd("XADD");
    command.arg(stream).arg("MAXLEN").arg("~").arg(max_len).arg("*");
    command.arg("uid").arg(from).arg("nsp").arg(namespace);
    command.arg("type").arg(fields.kind).arg("data").arg(&fields.data);
    if let Some(seal) = seal {
        let kind = &fields.kind.to_string();
        let entry = SignedEntry { stream, from, namespace, kind, data: &fields.data };
        command.arg("sig").arg(seal.entry(entry));
    }
    command
}

/// Reads an entry. Old nodes put answers and signs of life into streams, too.
pub(crate) fn decode(from: &str, kind: &str, data: Option<&str>) -> Result<Envelope, Malformed> {
    let kind = kind.parse().map_err(|_error| Malformed::Missing("type"))?;
    let body = match data {
        None => {
            RawBody::default().read(kind, &Text { json: "".into(), attachments: Vec::new() })?
        }
        Some(data) => {
            let bytes = payload(data)?;
            let text = Text::read(&bytes)?;
            serde_json::from_str::<RawBody<'_>>(&text.json)?.read(kind, &text)?
        }
    };
    Ok(Envelope { from: from.into(), body })
}

/// Whether an entry is a message, as opposed to answers and signs of life.
impl Envelope {
    pub(crate) fn into_message(self) -> Option<Message> {
        match self.body {
            Body::Message(message) => Some(message),
            Body::Response(_) | Body::Presence => None,
        }
    }
}

fn payload(data: &str) -> Result<Bytes, Malformed> {
    if data.len() > MAX_MESSAGE {
        return Err(Malformed::TooLarge(data.len()));
    }
    if data.starts_with('{') {
        return Ok(Bytes::copy_from_slice(data.as_bytes()));
    }
    STANDARD.decode(data).map(Bytes::from).map_err(|_error| Malformed::Base64)
}

/// Writes a session of a namespace. The keys `since` and `nsp` are our own; other servers read past them.
pub(crate) fn encode_session(
    namespace: &str,
    session: &SavedSession,
) -> Result<String, EncodeError> {
    let mut out = Writer::new();
    let since = (session.since != Offset::default()).then_some(session.since);
    Form::map(&mut out, 5 + u32::from(since.is_some()));
    out.key("sid");
    Form::text(&mut out, &session.sid);
    out.key("pid");
    Form::text(&mut out, &session.pid);
    out.key("rooms");
    rooms(&mut out, &session.rooms);
    out.key("data");
    out.value(&session.data)?;
    out.key("nsp");
    Form::text(&mut out, namespace);
    if let Some(since) = since {
        out.key("since");
        Form::text(&mut out, &since.to_string());
    }
    Ok(STANDARD.encode(out.finish()))
}

#[derive(Deserialize)]
struct RawSession {
    sid: Box<str>,
    pid: Box<str>,
    rooms: Names,
    #[serde(default)]
    data: Value,
    since: Option<Box<str>>,
    nsp: Option<Box<str>>,
}

/// Reads a session, and of which namespace it is, if it says so.
pub(crate) fn decode_session(session: &str) -> Result<(Option<Box<str>>, SavedSession), Malformed> {
    if session.len() > MAX_MESSAGE {
        return Err(Malformed::TooLarge(session.len()));
    }
    let bytes = STANDARD.decode(session).map_err(|_error| Malformed::Base64)?.into();
    let text = Text::read_msgpack(&bytes)?;
    let raw: RawSession = serde_json::from_str(&text.with_buffers(&text.json)?)?;
    let since = match &raw.since {
        Some(since) => since.parse().map_err(|_error| Malformed::Offset)?,
        None => Offset::default(),
    };
    let RawSession { sid, pid, rooms, data, nsp, .. } = raw;
    Ok((nsp, SavedSession { sid, pid, rooms: rooms.0, data, since }))
}
