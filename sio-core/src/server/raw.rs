//! Below the Socket.IO layer: what a session is, and bare Engine.IO servers, which have nothing above it.

use std::sync::Arc;

use bytes::Bytes;

use crate::close::CloseReason;
use crate::engine::{Revision, Transport};
use crate::frame::Frame;
use crate::sid::Sid;

use super::handshake::Handshake;
use super::hub::{Hub, SessionHandle};
use super::sessions::SessionOp;
use super::worker::Worker;

/// What a bare Engine.IO server does with its sessions; called on the session's worker, must not block.
pub trait EngineHandler: Send + Sync + 'static {
    /// A session opened.
    fn opened(&self, session: &EngineSocket) {
        let _ = session;
    }

    /// A text message came.
    fn text(&self, session: &EngineSocket, text: &str);

    /// A binary message came.
    fn binary(&self, session: &EngineSocket, bytes: Bytes);

    /// The session ended, once, after all its messages.
    fn closed(&self, session: &EngineSocket, reason: CloseReason) {
        let _ = (session, reason);
    }
}

/// A session, as `Socket::conn` or a bare Engine.IO server sees it; usable from any thread.
#[derive(Debug, Clone)]
pub struct EngineSocket {
    hub: Arc<Hub>,
    session: Arc<SessionHandle>,
}

impl EngineSocket {
    pub(crate) const fn new(hub: Arc<Hub>, session: Arc<SessionHandle>) -> Self {
        Self { hub, session }
    }

    /// The session id.
    #[must_use]
    pub fn id(&self) -> &Sid {
        self.session.sid()
    }

    /// Data of the request that opened the session.
    #[must_use]
    pub fn handshake(&self) -> &Arc<Handshake> {
        self.session.handshake()
    }

    /// The revision of the protocol, chosen by the first request.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.session.revision()
    }

    /// The transport that carries the session at this moment; an upgrade changes it.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.session.transport()
    }

    /// The session has not ended.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.session.has_ended()
    }

    /// Sends a text message; dropped if the session has ended.
    pub fn send_text(&self, text: &str) {
        let mut packet = Vec::with_capacity(text.len() + 1);
        packet.push(b'4');
        packet.extend_from_slice(text.as_bytes());
        self.route(SessionOp::SendFrame(Frame::text(packet.into())));
    }

    /// Sends a binary message; dropped if the session has ended.
    pub fn send_binary(&self, bytes: Bytes) {
        self.route(SessionOp::SendFrame(Frame::binary(bytes)));
    }

    /// Sends a text message that is no engine packet.
    #[cfg(feature = "internals")]
    #[doc(hidden)]
    pub fn send_bare_text(&self, text: &str) {
        let payload = Bytes::copy_from_slice(text.as_bytes());
        self.route(SessionOp::SendFrame(Frame::text(payload)));
    }

    /// Ends the session; what was sent before is delivered.
    pub fn close(&self) {
        self.route(SessionOp::Close(CloseReason::ForcedClose));
    }

    fn route(&self, op: SessionOp) {
        match Worker::current(&self.hub) {
            Some(worker) => worker.route(&self.session, op),
            None => {
                if self.hub.bus.send_home(&self.session, op).is_err() {
                    tracing::warn!("a worker's queue is full; an operation was dropped");
                }
            }
        }
    }
}
