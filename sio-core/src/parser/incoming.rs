//! What a decoder has read, before it is checked.

use bytes::Bytes;

use crate::packet::{DecodeError, DecodeLimits, Packet, PacketType, from_parts};

/// A packet that a decoder has read.
///
/// The server checks it as it checks packets in the default encoding: a decoder need not repeat that, and
/// cannot get around it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Incoming {
    /// The type; whether it is called a binary one makes no difference.
    pub kind: PacketType,
    /// The namespace.
    pub namespace: String,
    /// The ack id, at most 2^53−1.
    pub ack: Option<u64>,
    /// JSON text: the array of an event, with its name first, or of an ack; the object of a CONNECT.
    pub payload: Option<String>,
    /// What `{"_placeholder":true,"num":N}` in an event or ack stands for. A packet in the default encoding
    /// has as many as it has announced; here 1024 are accepted if the limit is not above that.
    pub attachments: Vec<Bytes>,
}

impl Incoming {
    /// A packet without ack id, payload and attachments.
    #[must_use]
    pub const fn new(kind: PacketType, namespace: String) -> Self {
        Self { kind, namespace, ack: None, payload: None, attachments: Vec::new() }
    }

    /// The packet as the multiplexer takes it.
    pub(crate) fn packet(&self, limits: &DecodeLimits) -> Result<Packet<'_>, DecodeError> {
        let payload = self.payload.as_deref().unwrap_or_default();
        let attachments = self.attachments.len();
        from_parts(self.kind, &self.namespace, self.ack, payload, attachments, limits)
    }
}
