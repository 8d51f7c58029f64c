//! Socket.IO 5 packets in the default text encoding.
//!
//! Sits between the Engine.IO session, which delivers whole frames, and the multiplexer, which
//! knows namespaces and sockets.
//! [`decode`] reads the header and the event name; [`ArgCursor`] reads arguments one by one into
//! the types a handler asks for; the `encode_*` functions append whole frames to a buffer.
//! The module holds no state between packets and never keeps text: a [`Packet`] borrows it.

mod args;
mod binary;
mod decode;
mod encode;
mod error;
mod text;
mod value;

use std::{borrow::Cow, fmt};

pub(crate) use self::args::{are_plain, message_for_client};
pub(crate) use self::decode::{from_parts, plain_event, server_event};
pub(crate) use self::encode::{ack_in_parts, append_text_argument, event_in_parts, write_string};
pub use self::{
    args::{ArgCursor, ArgError, EventArg, MAX_PROBLEMS, Problem, Rest, Try},
    binary::{Binary, check_placeholders},
    decode::{DecodeLimits, MAX_ACK_ID, MAX_DEPTH, check_depth, decode, validate},
    encode::{
        MAX_OUTGOING_ATTACHMENTS, check_name, encode_ack, encode_ack_encoded, encode_args,
        encode_connect, encode_connect_error, encode_connect_error_bare, encode_connect_request,
        encode_disconnect, encode_event, encode_event_encoded,
    },
    error::{DecodeError, EncodeError},
    value::{Object, Value},
};

/// The type of a Socket.IO packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "version 5 of the protocol has exactly these types")]
pub enum PacketType {
    /// Asks for a namespace, or grants it.
    Connect,
    /// Leaves a namespace.
    Disconnect,
    /// An event without attachments.
    Event,
    /// The reply to an event, without attachments.
    Ack,
    /// Refuses a namespace.
    ConnectError,
    /// An event with attachments.
    BinaryEvent,
    /// The reply to an event, with attachments.
    BinaryAck,
}

impl PacketType {
    /// Returns the digit that stands for the type on the wire, as ASCII.
    #[must_use]
    #[inline]
    pub const fn digit(self) -> u8 {
        match self {
            Self::Connect => b'0',
            Self::Disconnect => b'1',
            Self::Event => b'2',
            Self::Ack => b'3',
            Self::ConnectError => b'4',
            Self::BinaryEvent => b'5',
            Self::BinaryAck => b'6',
        }
    }

    /// Returns the type an ASCII digit stands for.
    #[must_use]
    #[inline]
    pub const fn from_digit(digit: u8) -> Option<Self> {
        Some(match digit {
            b'0' => Self::Connect,
            b'1' => Self::Disconnect,
            b'2' => Self::Event,
            b'3' => Self::Ack,
            b'4' => Self::ConnectError,
            b'5' => Self::BinaryEvent,
            b'6' => Self::BinaryAck,
            _ => return None,
        })
    }

    /// Tells whether attachments follow the packet.
    #[must_use]
    #[inline]
    pub const fn is_binary(self) -> bool {
        matches!(self, Self::BinaryEvent | Self::BinaryAck)
    }

    /// Tells whether the packet carries an event name.
    #[must_use]
    #[inline]
    pub const fn is_event(self) -> bool {
        matches!(self, Self::Event | Self::BinaryEvent)
    }
}

/// A decoded packet that borrows from the frame it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The type.
    pub kind: PacketType,
    /// How many attachments follow; at least 1 for binary types, otherwise 0.
    pub attachments: usize,
    /// The namespace, `/` when the packet names none.
    pub namespace: &'a str,
    /// The ack id.
    pub ack: Option<u64>,
    /// The JSON text without blanks around it; empty when absent.
    pub data: &'a str,
    /// The event name, for EVENT and BINARY_EVENT only.
    pub event: Option<EventName<'a>>,
    /// What an [`ArgCursor`] reads.
    ///
    /// For events the text behind the event name up to and including the final bracket, such as
    /// `,1,2]` or `]`; for acks the text behind the opening bracket; empty for all others.
    pub args: &'a str,
}

/// The name of an event.
///
/// A number in this place is legal and stands for its decimal text, as in JavaScript, where
/// handlers are properties of an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventName<'a>(Cow<'a, str>);

impl<'a> EventName<'a> {
    /// Returns the name without escapes.
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name; it is borrowed from the frame unless it was written with escapes.
    #[must_use]
    #[inline]
    pub fn into_inner(self) -> Cow<'a, str> {
        self.0
    }
}

impl<'a> From<Cow<'a, str>> for EventName<'a> {
    fn from(name: Cow<'a, str>) -> Self {
        Self(name)
    }
}

impl<'a> From<&'a str> for EventName<'a> {
    fn from(name: &'a str) -> Self {
        Self(Cow::Borrowed(name))
    }
}

impl AsRef<str> for EventName<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for EventName<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for EventName<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for EventName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Event names that clients and servers give a meaning of their own.
///
/// They are refused in both directions, so that no client can fake a life cycle notification.
const RESERVED_EVENTS: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Tells whether an event name is reserved in both directions.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    reserved(name).is_some()
}

/// Returns the reserved name that `name` equals, if any.
#[inline]
pub(crate) fn reserved(name: &str) -> Option<&'static str> {
    // All of them start with one of four letters; most names end here.
    match name.as_bytes().first() {
        Some(b'c' | b'd' | b'n' | b'r') => RESERVED_EVENTS.into_iter().find(|r| *r == name),
        _ => None,
    }
}
