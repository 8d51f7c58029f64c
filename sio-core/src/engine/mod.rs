//! Engine.IO 4, and 3 where the server allows it: one session over any transport.
//!
//! [`packet`] and [`payload`] turn bytes into engine packets and back, [`handshake`] reads the query
//! of a request and makes the open packet, [`Session`] is the state machine of one session id:
//! heartbeat, upgrade, close, outgoing frames. It takes bytes and `now` and gives back messages and
//! bytes; it knows no clock, no socket and nothing of Socket.IO.

pub mod deflate;
pub mod handshake;
pub mod outbox;
pub mod packet;
pub mod payload;
pub mod revision;
mod session;
pub mod timer;
mod traffic;
pub mod websocket;

pub use deflate::PerMessageDeflate;
pub use handshake::{EngineConfig, HandshakeError, Transport};
pub use payload::Payload;
pub use revision::{Revision, Wire};
pub use session::{PollOutcome, ProbeReply, Received, Session};
pub use traffic::{Traffic, TrafficTotals};
