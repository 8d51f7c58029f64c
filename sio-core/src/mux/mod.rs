//! Socket.IO over one session: which namespaces it joined, whose packet this is, which ack it answers.
//!
//! [`Multiplexer`] takes messages of a session and gives back socket events; [`attachments`] gathers
//! the binary parts of a packet, [`acks`] holds the emits that wait for an answer.
//! Nothing here knows the engine layer, a clock or the server's sockets.

pub mod acks;
pub mod attachments;
mod multiplexer;

pub use multiplexer::{Member, Multiplexer, MuxError, MuxEvent, ProtocolViolation};
