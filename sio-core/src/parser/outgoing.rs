//! What a parser is given to write.

use bytes::Bytes;

use crate::packet::PacketType;

/// A packet to be written by a [`Parser`](super::Parser).
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    kind: PacketType,
    namespace: &'a str,
    ack: Option<u64>,
    payload: &'a str,
    attachments: &'a [Bytes],
    undefined: Option<&'static str>,
    namespace_first: bool,
}

impl<'a> Outgoing<'a> {
    /// A packet without ack id and attachments; `payload` is JSON text, or empty.
    #[must_use]
    pub const fn new(kind: PacketType, namespace: &'a str, payload: &'a str) -> Self {
        Self {
            kind,
            namespace,
            ack: None,
            payload,
            attachments: &[],
            undefined: None,
            namespace_first: false,
        }
    }

    /// The packet with an ack id.
    #[must_use]
    pub const fn with_ack(mut self, ack: Option<u64>) -> Self {
        self.ack = ack;
        self
    }

    /// The packet with the bytes that its placeholders stand for.
    #[must_use]
    pub const fn with_attachments(mut self, attachments: &'a [Bytes]) -> Self {
        self.attachments = attachments;
        self
    }

    /// The packet with a key of its object that the reference leaves undefined, for encodings that can say so.
    #[must_use]
    pub(crate) const fn with_undefined(mut self, key: &'static str) -> Self {
        self.undefined = Some(key);
        self
    }

    /// The packet as one in which the reference names the namespace before the payload, for encodings in which
    /// that can be seen.
    #[must_use]
    pub(crate) const fn with_namespace_first(mut self) -> Self {
        self.namespace_first = true;
        self
    }

    /// The type, never one of the binary ones: whether there are attachments is all the difference.
    #[must_use]
    pub const fn kind(&self) -> PacketType {
        self.kind
    }

    /// The namespace.
    #[must_use]
    pub const fn namespace(&self) -> &'a str {
        self.namespace
    }

    /// The ack id: of an event that asks for an answer, and of an answer.
    #[must_use]
    pub const fn ack(&self) -> Option<u64> {
        self.ack
    }

    /// JSON text: the array of an event, with its name first, or of an ack; the object of a CONNECT or
    /// CONNECT_ERROR; empty when there is none.
    #[must_use]
    pub const fn payload(&self) -> &'a str {
        self.payload
    }

    /// What `{"_placeholder":true,"num":N}` in the payload stands for.
    #[must_use]
    pub const fn attachments(&self) -> &'a [Bytes] {
        self.attachments
    }

    #[cfg(feature = "msgpack")]
    pub(crate) const fn undefined(&self) -> Option<&'static str> {
        self.undefined
    }

    #[cfg(feature = "msgpack")]
    pub(crate) const fn is_namespace_first(&self) -> bool {
        self.namespace_first
    }
}
