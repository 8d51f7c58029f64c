//! What messages have in common when they are read.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use sio_core::adapter::{BroadcastOptions, Room};
use sio_core::cluster::{Data, Response, SocketDescription};
use sio_core::packet::check_placeholders;
use sio_core::packet::{DecodeError, MAX_DEPTH, MAX_OUTGOING_ATTACHMENTS, check_depth};
use sio_core::parser::msgpack::read_value;

use super::form::{replace_placeholders, with_buffers};
use super::{
    MAX_BYTE_STRINGS, MAX_BYTES_IN_VALUES, MAX_CONTAINERS_IN_VALUES, MAX_MESSAGE, Malformed,
};

/// Arrays and objects around the value that a message carries.
const ENVELOPE_DEPTH: usize = 4;

/// Longest time-out that is taken from a message: what JavaScript's timers can do.
const MAX_TIMEOUT_MS: f64 = 2_147_483_647.0;

/// A message as JSON text, and the bytes that its placeholders stand for.
pub(super) struct Text<'a> {
    pub(super) json: Cow<'a, str>,
    pub(super) attachments: Vec<Bytes>,
}

impl<'a> Text<'a> {
    /// Reads either encoding; the first byte tells which it is.
    pub(super) fn read(payload: &'a Bytes) -> Result<Self, Malformed> {
        if payload.len() > MAX_MESSAGE {
            return Err(Malformed::TooLarge(payload.len()));
        }
        if !matches!(payload.first(), Some(b'{' | b'[')) {
            return Self::read_msgpack(payload);
        }
        let json = std::str::from_utf8(payload).map_err(|_error| Malformed::Text)?;
        Ok(Self { json: Cow::Borrowed(json), attachments: Vec::new() })
    }

    pub(super) fn read_msgpack(payload: &Bytes) -> Result<Self, Malformed> {
        let value = read_value(payload, MAX_BYTE_STRINGS, MAX_DEPTH + ENVELOPE_DEPTH)?;
        Ok(Self { json: Cow::Owned(value.json.into()), attachments: value.attachments })
    }

    /// A value of the message, with the bytes that are in it.
    pub(super) fn data(&self, raw: &RawValue) -> Result<Data, Malformed> {
        let json = raw.get();
        check_depth(json, 0)?;
        if self.attachments.is_empty() {
            return Ok(Data { json: json.into(), attachments: Vec::new() });
        }
        let mut attachments = Vec::new();
        let mut is_known = true;
        let json = replace_placeholders(json, |num, out| {
            out.push_str(super::form::PLACEHOLDER);
            let num = match self.attachments.get(num) {
                Some(bytes) => {
                    attachments.push(bytes.clone());
                    attachments.len() - 1
                }
                None => {
                    is_known = false;
                    num
                }
            };
            out.push_str(&num.to_string());
            out.push('}');
        });
        if !is_known {
            return Err(DecodeError::IllegalAttachments.into());
        }
        if attachments.len() > MAX_OUTGOING_ATTACHMENTS {
            let (announced, limit) = (attachments.len(), MAX_OUTGOING_ATTACHMENTS);
            return Err(DecodeError::TooManyAttachments { announced, limit }.into());
        }
        check_placeholders(&json, attachments.len())?;
        Ok(Data { json: json.into(), attachments })
    }

    /// An array that begins with a name.
    pub(super) fn event(&self, raw: Option<&RawValue>) -> Result<Data, Malformed> {
        let raw = raw.ok_or(Malformed::NoEvent)?;
        let first = raw.get().strip_prefix('[').map(str::trim_start).unwrap_or_default();
        if !first.starts_with('"') {
            return Err(Malformed::NoEvent);
        }
        self.data(raw)
    }

    pub(super) fn answer(&self, raw: Option<&RawValue>) -> Result<Option<Data>, Malformed> {
        raw.map(|raw| self.data(raw)).transpose()
    }

    /// Text in which bytes have the form of Node.js buffers, for values that are kept as such.
    pub(super) fn with_buffers<'t>(&self, json: &'t str) -> Result<Cow<'t, str>, Malformed> {
        let bytes = self.attachments.iter().map(Bytes::len).sum();
        if bytes > MAX_BYTES_IN_VALUES {
            return Err(Malformed::TooLarge(bytes));
        }
        // Those in strings count, too: that is simple, and nobody has so many.
        let containers = json.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count();
        if containers > MAX_CONTAINERS_IN_VALUES {
            return Err(Malformed::TooManyContainers(containers));
        }
        Ok(with_buffers(json, &self.attachments))
    }

    /// The answer with the sockets of a node.
    pub(super) fn sockets(
        &self,
        request: Box<str>,
        raw: Option<&RawValue>,
    ) -> Result<Response, Malformed> {
        let json = self.with_buffers(raw.map(RawValue::get).unwrap_or_default())?;
        Ok(match serde_json::from_str::<Vec<RawSocket>>(&json) {
            Ok(sockets) => Response::Sockets {
                request,
                sockets: sockets.into_iter().map(RawSocket::into_description).collect(),
            },
            Err(_) => Response::Unreadable { request },
        })
    }
}

#[derive(Deserialize)]
struct RawSocket {
    id: Box<str>,
    #[serde(default)]
    handshake: Value,
    #[serde(default)]
    rooms: Names,
    #[serde(default)]
    data: Value,
}

impl RawSocket {
    fn into_description(self) -> SocketDescription {
        let mut description = SocketDescription::default();
        description.id = self.id;
        description.handshake = self.handshake;
        description.rooms = self.rooms.0;
        description.data = self.data;
        description
    }
}

/// The object form of a packet. That of a broadcast is always an event.
#[derive(Deserialize)]
pub(super) struct RawPacket<'a> {
    #[serde(rename = "type")]
    kind: u64,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    pub(super) nsp: Option<Box<str>>,
    pub(super) id: Option<u64>,
}

impl RawPacket<'_> {
    /// Name and arguments. Another type must not reach clients: it would end their connection.
    pub(super) fn event(&self, text: &Text<'_>) -> Result<Data, Malformed> {
        if !matches!(self.kind, 2 | 5) {
            return Err(Malformed::NoEvent);
        }
        text.event(self.data)
    }
}

#[derive(Deserialize, Default)]
pub(super) struct RawOptions {
    #[serde(default)]
    rooms: Names,
    #[serde(default)]
    except: Names,
    flags: Option<RawFlags>,
}

impl RawOptions {
    pub(super) fn into_options(self) -> BroadcastOptions {
        let mut options = BroadcastOptions::default();
        options.rooms = self.rooms.0;
        options.except = self.except.0;
        let Some(raw) = self.flags else { return options };
        let flags = &mut options.flags;
        flags.volatile = raw.volatile.0;
        flags.compress = raw.compress.map(|Truth(compress)| compress);
        flags.timeout = raw.timeout.filter(|timeout| *timeout >= 0.0).map(|timeout| {
            // In range.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
            Duration::from_millis(timeout.min(MAX_TIMEOUT_MS) as u64)
        });
        flags.expect_single_response = raw.expect_single_response.0;
        options
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawFlags {
    #[serde(default)]
    volatile: Truth,
    compress: Option<Truth>,
    timeout: Option<f64>,
    #[serde(default)]
    expect_single_response: Truth,
}

/// A value of which `null` is one, too.
pub(super) fn present<'de: 'a, 'a, D: Deserializer<'de>>(
    de: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(de).map(Some)
}

/// Whatever JavaScript takes for true.
#[derive(Clone, Copy, Default)]
pub(super) struct Truth(pub(super) bool);

impl<'de> Deserialize<'de> for Truth {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = bool;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true or false")
            }

            fn visit_bool<E>(self, value: bool) -> Result<bool, E> {
                Ok(value)
            }

            fn visit_unit<E>(self) -> Result<bool, E> {
                Ok(false)
            }

            fn visit_i64<E>(self, value: i64) -> Result<bool, E> {
                Ok(value != 0)
            }

            fn visit_u64<E>(self, value: u64) -> Result<bool, E> {
                Ok(value != 0)
            }

            fn visit_f64<E>(self, value: f64) -> Result<bool, E> {
                Ok(value != 0.0)
            }

            fn visit_str<E>(self, value: &str) -> Result<bool, E> {
                Ok(!value.is_empty())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(true)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(true)
            }
        }
        de.deserialize_any(Read).map(Self)
    }
}

/// Names of rooms; numbers are names, too, and one alone is a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Names(pub(super) Vec<Room>);

/// One name.
pub(super) struct Name(pub(super) Room);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        de.deserialize_any(ReadName).map(Self)
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Vec<Room>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names of rooms")
            }

            fn visit_unit<E>(self) -> Result<Vec<Room>, E> {
                Ok(Vec::new())
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Vec<Room>, E> {
                ReadName.visit_i64(value).map(|name| vec![name])
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Vec<Room>, E> {
                ReadName.visit_u64(value).map(|name| vec![name])
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Vec<Room>, E> {
                ReadName.visit_f64(value).map(|name| vec![name])
            }

            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Vec<Room>, E> {
                ReadName.visit_str(value).map(|name| vec![name])
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Room>, A::Error> {
                let mut names = Vec::new();
                while let Some(Name(name)) = seq.next_element()? {
                    names.push(name);
                }
                Ok(names)
            }
        }
        de.deserialize_any(Read).map(Self)
    }
}

struct ReadName;

impl Visitor<'_> for ReadName {
    type Value = Room;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a room")
    }

    fn visit_i64<E>(self, value: i64) -> Result<Room, E> {
        Ok(value.to_string().into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Room, E> {
        Ok(value.to_string().into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Room, E> {
        Ok(value.to_string().into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Room, E> {
        Ok(value.into())
    }
}
