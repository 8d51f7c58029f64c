//! What tests of this repository reach below the public interface; no part of it.

#![allow(missing_docs, reason = "for tests of this repository only")]

use bytes::Bytes;
use sio_core::cluster::{Message, Response};

use crate::wire::envelope::{Body, Encoding, Said};
use crate::wire::{Codec, Sender, classic, entry, envelope};

/// Who writes what is written again.
const SELF: Sender<'static> = Sender::Node("self");
const NAMESPACE: &str = "/";

/// Something another node said, in the form that all formats have in common.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "for tests")]
pub enum Heard {
    Message(Message),
    Response(Response),
    /// Nothing for us.
    Nothing,
}

/// A format in which nodes speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "for tests")]
pub enum Format {
    ClassicBroadcast,
    ClassicRequest,
    ClassicResponse,
    Envelope,
    /// The type and the data of an entry, with a zero byte between them.
    Entry,
    /// A saved session.
    Session,
}

impl Format {
    pub const ALL: [Self; 6] = [
        Self::ClassicBroadcast,
        Self::ClassicRequest,
        Self::ClassicResponse,
        Self::Envelope,
        Self::Entry,
        Self::Session,
    ];

    /// Reads bytes that came from Redis; `None` if they are refused.
    #[must_use]
    pub fn read(self, payload: &Bytes) -> Option<Heard> {
        let message = |message: Option<Message>| message.map_or(Heard::Nothing, Heard::Message);
        Some(match self {
            Self::ClassicBroadcast => {
                let heard = classic::decode_broadcast(payload, NAMESPACE).ok()?;
                message(heard.map(|heard| heard.message))
            }
            Self::ClassicRequest => Heard::Message(classic::decode_request(payload).ok()?.message),
            Self::ClassicResponse => Heard::Response(classic::decode_response(payload).ok()?.1),
            Self::Envelope => {
                match envelope::decode(payload, NAMESPACE).ok()?.map(|envelope| envelope.body) {
                    Some(Body::Message(message)) => Heard::Message(message),
                    Some(Body::Response(response)) => Heard::Response(response),
                    Some(Body::Presence) | None => Heard::Nothing,
                }
            }
            Self::Entry => {
                let text = std::str::from_utf8(payload).ok()?;
                let (kind, data) = text.split_once('\0').unwrap_or((text, ""));
                let data = (!data.is_empty()).then_some(data);
                message(entry::decode("other", kind, data).ok()?.into_message())
            }
            Self::Session => {
                let text = std::str::from_utf8(payload).ok()?;
                let (namespace, session) = entry::decode_session(text).ok()?;
                let namespace = namespace.as_deref().unwrap_or(NAMESPACE);
                let written = entry::encode_session(namespace, &session).ok()?;
                let again = entry::decode_session(&written).ok()?;
                assert_eq!(again, (Some(namespace.into()), session), "a session changed");
                Heard::Nothing
            }
        })
    }

    /// Writes what was heard; `None` if this format has no such thing.
    #[must_use]
    pub fn write(self, heard: &Heard) -> Option<Bytes> {
        let said = match heard {
            Heard::Message(message) => Said::Message(message),
            Heard::Response(response) => Said::Response(response),
            Heard::Nothing => return None,
        };
        let bytes = match (self, heard) {
            (Self::ClassicBroadcast | Self::ClassicRequest, Heard::Message(message)) => {
                let is_broadcast = matches!(message, Message::Broadcast { request: None, .. });
                if is_broadcast != (self == Self::ClassicBroadcast) {
                    return None;
                }
                classic::encode(Codec::Msgpack, SELF, NAMESPACE, message).ok()?
            }
            (Self::Envelope, _) => {
                envelope::encode(SELF, NAMESPACE, said, Encoding::Smallest).ok()?
            }
            (Self::Entry, Heard::Message(message)) => {
                let fields = entry::encode(SELF, NAMESPACE, message, false).ok()?;
                format!("{}\0{}", fields.kind, fields.data).into_bytes()
            }
            _ => return None,
        };
        Some(bytes.into())
    }
}
