//! Frames: one text or binary unit of a transport.
//!
//! A text frame holds a whole engine packet (`42["a"]`), a binary frame the bare bytes of a message.
//! The payload is shared: a broadcast is encoded once and its frames are cloned per receiver.
//! How a frame is wrapped for a transport (WebSocket header, payload separator, base64) is decided
//! when it is written, so that a queued frame survives an upgrade. One for many receivers holds the header
//! that most of them need in front of its payload, so that for them there is nothing left to write.

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::engine::deflate::Deflated;
use crate::engine::websocket;
use crate::packet::PacketType;

/// Text or binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a WebSocket message is text or binary, nothing else")]
pub enum FrameKind {
    /// A whole engine packet as UTF-8 text.
    Text,
    /// The bytes of a binary message.
    Binary,
}

/// Packets above this size are not copied for the sake of their headers.
const READY_BYTES: usize = 64 * 1024;

/// Where a frame is in the bytes of its packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    start: u32,
    payload: u32,
    end: u32,
}

impl Place {
    /// Positions in the bytes of a packet that is ready, which are few.
    fn new(start: usize, payload: usize, end: usize) -> Self {
        let small = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: small(start), payload: small(payload), end: small(end) }
    }

    const fn wire(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    const fn payload(self) -> std::ops::Range<usize> {
        self.payload as usize..self.end as usize
    }
}

/// What a frame is to the packet it belongs to, as far as its parser has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Nothing was said: a text begins a packet, in the default encoding, and bytes follow one.
    Unsaid,
    /// The frame begins the answer to an event.
    Answer,
    /// The frame begins an event.
    Event,
    /// The frame begins another packet.
    Other,
    /// The frame goes on with the packet before it.
    Rest,
}

/// One unit of a transport; cloning shares the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    kind: FrameKind,
    compressible: bool,
    ends_write: bool,
    role: Role,
    /// The payload, or what its whole packet is on the wire of most receivers: then `place` tells where in it.
    bytes: Bytes,
    place: Option<Place>,
    /// Where the compressed form is kept, of a frame for many.
    deflated: Option<Deflated>,
}

impl Frame {
    /// A text frame; the payload is an engine packet in UTF-8.
    #[must_use]
    pub const fn text(payload: Bytes) -> Self {
        Self {
            kind: FrameKind::Text,
            compressible: true,
            ends_write: false,
            role: Role::Unsaid,
            bytes: payload,
            place: None,
            deflated: None,
        }
    }

    /// A binary frame.
    #[must_use]
    pub const fn binary(payload: Bytes) -> Self {
        Self {
            kind: FrameKind::Binary,
            compressible: true,
            ends_write: false,
            role: Role::Unsaid,
            bytes: payload,
            place: None,
            deflated: None,
        }
    }

    /// A text frame of constant text.
    #[must_use]
    pub const fn constant(payload: &'static str) -> Self {
        Self::text(Bytes::from_static(payload.as_bytes()))
    }

    /// The frame as one that transports must not compress (the reference's `compress(false)`).
    #[must_use]
    pub fn uncompressed(self) -> Self {
        Self { compressible: false, ..self }
    }

    /// The frame as one for many receivers, whose clones are compressed once.
    #[must_use]
    pub fn shared(self) -> Self {
        Self { deflated: Some(Deflated::default()), ..self }
    }

    /// The frame with its WebSocket header, if that was written for many: see [`FrameGroup::ready`].
    #[must_use]
    pub fn as_ready(&self) -> Option<&[u8]> {
        self.bytes.get(self.place?.wire())
    }

    /// The frames of the packet on the wire, if they were written for many.
    pub(crate) fn ready_packet(&self) -> Option<&Bytes> {
        self.place.map(|_| &self.bytes)
    }

    /// As [`Self::ready_packet`], of a frame that is not needed any more.
    pub(crate) fn into_ready_packet(self) -> Option<Bytes> {
        self.place.map(|_| self.bytes)
    }

    pub(crate) const fn deflated(&self) -> Option<&Deflated> {
        self.deflated.as_ref()
    }

    /// A transport that compresses may compress it, as it may by default.
    #[must_use]
    pub const fn is_compressible(&self) -> bool {
        self.compressible
    }

    /// The frame as the last one of its write on a WebSocket: what follows leaves with the next.
    ///
    /// Clients that begin to listen for what follows only once they have seen this frame would miss it
    /// otherwise, for some libraries hand out all frames of one read at once.
    #[must_use]
    pub fn ending_write(self) -> Self {
        Self { ends_write: true, ..self }
    }

    /// The last frame of its write; see [`Self::ending_write`].
    #[must_use]
    pub const fn ends_write(&self) -> bool {
        self.ends_write
    }

    /// Whether this frame begins the answer to an event; `None`: it goes on with the packet before it.
    #[must_use]
    pub fn begins_answer(&self) -> Option<bool> {
        match (self.role, self.kind) {
            (Role::Unsaid, FrameKind::Text) => {
                Some(matches!(self.payload().get(..2), Some(b"43" | b"46")))
            }
            (Role::Answer, _) => Some(true),
            (Role::Event | Role::Other, _) => Some(false),
            (Role::Unsaid, FrameKind::Binary) | (Role::Rest, _) => None,
        }
    }

    /// Whether this frame begins an event; `None`: it goes on with the packet before it.
    #[must_use]
    pub fn begins_event(&self) -> Option<bool> {
        match (self.role, self.kind) {
            (Role::Unsaid, FrameKind::Text) => {
                Some(matches!(self.payload().get(..2), Some(b"42" | b"45")))
            }
            (Role::Event, _) => Some(true),
            (Role::Answer | Role::Other, _) => Some(false),
            (Role::Unsaid, FrameKind::Binary) | (Role::Rest, _) => None,
        }
    }

    /// Text or binary.
    #[must_use]
    pub const fn kind(&self) -> FrameKind {
        self.kind
    }

    /// The payload without any transport's wrapping.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        match self.place {
            None => &self.bytes,
            Some(place) => self.bytes.get(place.payload()).unwrap_or_default(),
        }
    }

    /// As [`Self::payload`], shared.
    #[must_use]
    pub fn to_payload(&self) -> Bytes {
        match self.place {
            None => self.bytes.clone(),
            Some(_) => self.bytes.slice_ref(self.payload()),
        }
    }
}

/// The frames of one Socket.IO packet, adjacent on every transport: with the default parser a text frame
/// and its attachments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameGroup {
    head: Frame,
    rest: Vec<Frame>,
}

impl FrameGroup {
    /// Joins the text of a packet and its attachments.
    #[must_use]
    pub fn new(text: Bytes, attachments: Vec<Bytes>) -> Self {
        Self { head: Frame::text(text), rest: attachments.into_iter().map(Frame::binary).collect() }
    }

    /// The frames of a packet as a parser wrote them; `rest` follows `head`.
    #[must_use]
    pub const fn of_frames(head: Frame, rest: Vec<Frame>) -> Self {
        Self { head, rest }
    }

    /// As [`Self::of_frames`], for a parser whose frames do not tell by themselves what they are.
    pub(crate) fn of_parser(head: Frame, rest: Vec<Frame>, kind: PacketType) -> Self {
        let role = match kind {
            PacketType::Ack | PacketType::BinaryAck => Role::Answer,
            PacketType::Event | PacketType::BinaryEvent => Role::Event,
            PacketType::Connect | PacketType::ConnectError | PacketType::Disconnect => Role::Other,
        };
        let rest = rest.into_iter().map(|frame| Frame { role: Role::Rest, ..frame }).collect();
        Self { head: Frame { role, ..head }, rest }
    }

    /// The group as one for many receivers, whose clones are compressed once.
    #[must_use]
    pub fn shared(self) -> Self {
        let rest = self.rest.into_iter().map(Frame::shared).collect();
        Self { head: self.head.shared(), rest }
    }

    /// The group as one for many receivers: what most of them read is written now, once, unless that is large.
    #[must_use]
    pub fn ready(self) -> Self {
        let len: usize =
            self.iter().map(|frame| frame.payload().len() + websocket::MAX_HEADER).sum();
        if len > READY_BYTES {
            return self;
        }
        let mut wire = BytesMut::with_capacity(len);
        let mut places = Vec::with_capacity(self.frame_count());
        for frame in self.iter() {
            let start = wire.len();
            websocket::put_header(&mut wire, frame.kind, frame.payload().len());
            let payload = wire.len();
            wire.put_slice(frame.payload());
            places.push(Place::new(start, payload, wire.len()));
        }
        let wire = wire.freeze();
        let mut places = places.into_iter();
        let mut ready = |frame| Frame { bytes: wire.clone(), place: places.next(), ..frame };
        Self { head: ready(self.head), rest: self.rest.into_iter().map(ready).collect() }
    }

    /// The group with its last frame as the end of a write: see [`Frame::ending_write`].
    #[must_use]
    pub fn ending_write(mut self) -> Self {
        match self.rest.pop() {
            Some(last) => self.rest.push(last.ending_write()),
            None => self.head = self.head.ending_write(),
        }
        self
    }

    /// The group as one that transports must not compress.
    #[must_use]
    pub fn uncompressed(self) -> Self {
        let rest = self.rest.into_iter().map(Frame::uncompressed).collect();
        Self { head: self.head.uncompressed(), rest }
    }

    /// The frames in wire order.
    pub fn iter(&self) -> impl Iterator<Item = &Frame> {
        std::iter::once(&self.head).chain(&self.rest)
    }

    /// An event, as opposed to an answer or a packet about the namespace.
    #[must_use]
    pub fn is_event(&self) -> bool {
        self.head.begins_event() == Some(true)
    }

    /// Number of frames.
    #[must_use]
    pub fn frame_count(&self) -> usize {
        1 + self.rest.len()
    }

    /// Payload bytes of all frames.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.iter().map(|f| f.payload().len()).sum()
    }
}
