//! Engine.IO 4: one session over any transport.
//!
//! [`packet`] and [`payload`] turn bytes into engine packets and back, [`handshake`] reads the query
//! of a request and makes the open packet, [`Session`] is the state machine of one session id:
//! heartbeat, upgrade, close, outgoing frames. It takes bytes and `now` and gives back messages and
//! bytes; it knows no clock, no socket and nothing of Socket.IO.

pub mod handshake;
pub mod outbox;
pub mod packet;
pub mod payload;
mod session;
pub mod timer;
pub mod websocket;

pub use handshake::{EngineConfig, HandshakeError, Transport};
pub use session::{PollOutcome, ProbeReply, Received, Session};
