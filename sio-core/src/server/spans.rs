//! Spans of the log: to which session, socket and event a line belongs.
//!
//! A session has one span for its life, and inside of it one per CONNECT, event and end of a socket: users' code
//! runs in these, also where it waits. While nobody listens at level debug, one number is compared per event and
//! nothing is made.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing::{Level, Span, span};

use crate::adapter::Room;
use crate::close::DisconnectReason;
use crate::engine::Revision;
use crate::frame::{Frame, FrameGroup, FrameKind};
use crate::shown::{Shown, ShownKey};
use crate::sid::Sid;

use super::handshake::{Handshake, Opening};
use super::hub::SessionHandle;
use super::namespace::Namespace;
use super::socket::Socket;

/// What sessions, transports and requests have to say.
pub(crate) const ENGINE: &str = "sio::engine";
/// What namespaces, sockets, rooms and events have to say.
pub(crate) const SOCKET: &str = "sio::socket";

/// Is shown the span of each new session.
pub(crate) type SessionSpanHook = dyn Fn(&Span, &Handshake) + Send + Sync;

/// Somebody may listen to the lives of sessions and sockets.
#[inline]
pub(super) fn are_wanted() -> bool {
    tracing::level_enabled!(Level::DEBUG)
}

/// Somebody may listen to single packets.
#[inline]
pub(super) fn packets_are_wanted() -> bool {
    tracing::level_enabled!(Level::TRACE)
}

/// A span that is kept, if somebody listens: no more than a pointer.
#[derive(Debug, Default)]
pub(crate) struct Kept(Option<Box<Span>>);

impl Kept {
    fn of(span: Span) -> Self {
        Self((!span.is_disabled()).then(|| Box::new(span)))
    }

    /// The span that the caller runs in.
    pub(crate) fn current() -> Self {
        if are_wanted() { Self::of(Span::current()) } else { Self(None) }
    }

    /// Calls something inside of the span.
    #[inline]
    pub(crate) fn within<R>(&self, call: impl FnOnce() -> R) -> R {
        match &self.0 {
            None => call(),
            Some(span) => span.in_scope(call),
        }
    }

    /// For spans and lines inside of this one.
    pub(crate) fn id(&self) -> Option<span::Id> {
        self.0.as_ref()?.id()
    }
}

/// The span of a session that is opened; it has no parent here, for the session outlives its first request.
pub(super) fn of_session(sid: &Sid, opening: &Opening, hook: Option<&SessionSpanHook>) -> Kept {
    if !are_wanted() {
        return Kept::default();
    }
    let handshake = &opening.handshake;
    let context = handshake.trace_context();
    let context = context.as_ref();
    let span = tracing::debug_span!(
        target: ENGINE,
        parent: None,
        "session",
        sid = %ShownKey(sid.as_str()),
        transport = opening.transport.as_str(),
        remote = handshake.address().map(display),
        trace_id = context.map(|context| display(format!("{:032x}", context.trace_id()))),
        parent_span_id = context.map(|context| display(format!("{:016x}", context.parent_span_id()))),
    );
    if let Some(hook) = hook
        && !span.is_disabled()
        && catch_unwind(AssertUnwindSafe(|| hook(&span, handshake))).is_err()
    {
        tracing::error!("the hook for sessions' spans panicked");
    }
    Kept::of(span)
}

impl Socket {
    /// Around the guards that decide about a CONNECT, and connection handlers.
    pub(super) fn connect_span(&self) -> Span {
        if !are_wanted() {
            return Span::none();
        }
        tracing::debug_span!(
            target: SOCKET,
            parent: self.session().span().id(),
            "connect",
            namespace = %Shown(self.namespace().path()),
            socket = %self.shown_id(),
        )
    }

    /// Around everything that an event leads to.
    pub(super) fn event_span(&self, event: &str, ack: bool) -> Span {
        tracing::debug_span!(
            target: SOCKET,
            parent: self.session().span().id(),
            "event",
            namespace = %Shown(self.namespace().path()),
            socket = %self.shown_id(),
            event = %Shown(event),
            ack,
        )
    }

    /// Around the handlers of a socket's end.
    pub(super) fn disconnect_span(&self, reason: DisconnectReason) -> Span {
        if !are_wanted() {
            return Span::none();
        }
        tracing::debug_span!(
            target: SOCKET,
            parent: self.session().span().id(),
            "disconnect",
            namespace = %Shown(self.namespace().path()),
            socket = %self.shown_id(),
            reason = reason.as_str(),
        )
    }

    /// The socket's id for a log.
    pub(crate) fn shown_id(&self) -> ShownSocket<'_> {
        ShownSocket(self)
    }
}

/// Around the handlers of an event that another server has sent.
pub(super) fn of_node_event(namespace: &Namespace, event: &str) -> Span {
    if !are_wanted() {
        return Span::none();
    }
    tracing::debug_span!(
        target: SOCKET,
        parent: None,
        "server_side_event",
        namespace = %Shown(namespace.path()),
        event = %Shown(event),
    )
}

/// The id of a socket for a log. Of a Socket.IO 2 client that is its session's id, a secret.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShownSocket<'a>(&'a Socket);

impl fmt::Display for ShownSocket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.session().revision() {
            Revision::V3 => ShownKey(self.0.session().sid().as_str()).fmt(f),
            Revision::V4 => Shown(self.0.id().as_str()).fmt(f),
        }
    }
}

// ---- packets ------------------------------------------------------------------------------------

/// Which packet a text frame is, by its first two characters.
fn kind_of(engine: Option<u8>, packet: Option<u8>) -> &'static str {
    match (engine, packet) {
        (Some(b'0'), _) => "open",
        (Some(b'1'), _) => "close",
        (Some(b'2'), _) => "ping",
        (Some(b'3'), _) => "pong",
        (Some(b'5'), _) => "upgrade",
        (Some(b'6'), _) => "noop",
        (Some(b'b'), _) => "binary",
        (Some(b'4'), Some(b'0')) => "connect",
        (Some(b'4'), Some(b'1')) => "disconnect",
        (Some(b'4'), Some(b'2')) => "event",
        (Some(b'4'), Some(b'3')) => "ack",
        (Some(b'4'), Some(b'4')) => "connect error",
        (Some(b'4'), Some(b'5')) => "binary event",
        (Some(b'4'), Some(b'6')) => "binary ack",
        (Some(b'4'), _) => "message",
        _ => "unknown",
    }
}

/// Says of which kind and how long a text frame is that came; inside of its session's span.
#[cold]
pub(super) fn tell_received_text(text: &str) {
    let mut bytes = text.bytes();
    let packet = kind_of(bytes.next(), bytes.next());
    tracing::trace!(target: ENGINE, packet, bytes = text.len(), "received");
}

#[cold]
pub(super) fn tell_received_binary(bytes: usize) {
    tracing::trace!(target: ENGINE, packet = "binary", bytes, "received");
}

impl SessionHandle {
    /// Says of which kinds and how long the frames are that are queued for the client.
    #[inline]
    pub(super) fn tell_sent(&self, group: &FrameGroup) {
        if packets_are_wanted() {
            self.tell_sent_group(group);
        }
    }

    #[cold]
    fn tell_sent_group(&self, group: &FrameGroup) {
        group.iter().for_each(|frame| self.tell_frame(frame));
    }

    /// As [`Self::tell_sent`], of a message that is no Socket.IO packet.
    pub(super) fn tell_sent_frame(&self, frame: &Frame) {
        if packets_are_wanted() {
            self.tell_frame(frame);
        }
    }

    #[cold]
    fn tell_frame(&self, frame: &Frame) {
        let payload = frame.payload();
        match frame.kind() {
            FrameKind::Text => self.tell_sent_text(&[payload]),
            FrameKind::Binary => self.tell_sent_binary(payload.len()),
        }
    }

    /// As [`Self::tell_sent`], of a packet given in parts.
    #[cold]
    pub(super) fn tell_sent_parts(&self, text: &[&[u8]], attachments: &[bytes::Bytes]) {
        self.tell_sent_text(text);
        attachments.iter().for_each(|attachment| self.tell_sent_binary(attachment.len()));
    }

    fn tell_sent_text(&self, parts: &[&[u8]]) {
        let mut start = parts.iter().copied().flatten().copied();
        let packet = kind_of(start.next(), start.next());
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        tracing::trace!(target: ENGINE, parent: self.span().id(), packet, bytes, "sent");
    }

    fn tell_sent_binary(&self, bytes: usize) {
        tracing::trace!(target: ENGINE, parent: self.span().id(), packet = "binary", bytes, "sent");
    }
}

/// Says what a broadcast was, once for all its receivers on this worker.
#[inline]
pub(super) fn tell_broadcast(namespace: &Namespace, group: &FrameGroup, receivers: usize) {
    if packets_are_wanted() {
        let bytes: usize = group.iter().map(|frame| frame.payload().len()).sum();
        let namespace = Shown(namespace.path());
        tracing::trace!(target: SOCKET, %namespace, bytes, receivers, "broadcast");
    }
}

/// Says that a socket has joined or left rooms, or wanted to.
#[cold]
pub(super) fn tell_rooms(socket: &Socket, rooms: &[Room], join: bool) {
    let parent = socket.session().span().id();
    let namespace = Shown(socket.namespace().path());
    let (socket, rooms) = (socket.shown_id(), ShownRooms(rooms));
    if join {
        tracing::debug!(target: SOCKET, parent: parent, %namespace, %socket, %rooms, "joins");
    } else {
        tracing::debug!(target: SOCKET, parent: parent, %namespace, %socket, %rooms, "leaves");
    }
}

/// Names of rooms for a log; not all of very many.
struct ShownRooms<'a>(&'a [Room]);

impl fmt::Display for ShownRooms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 8;
        for (index, room) in self.0.iter().take(MOST).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{}", Shown(room))?;
        }
        if self.0.len() > MOST { write!(f, ", and {} more", self.0.len() - MOST) } else { Ok(()) }
    }
}
