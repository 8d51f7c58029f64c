//! Socket.IO without I/O: bytes to packets, sessions, namespaces, rooms, dispatch.
//!
//! This crate holds all rules of Engine.IO 4 and Socket.IO 5 and none of their transport. It reads no
//! clock (time is an argument, or comes from the carrier), opens no socket, spawns nothing and names no
//! web framework. Every queue and buffer is bounded by [`limits`].
//!
//! - [`engine`]: engine packets, polling payloads, the state machine of a session;
//! - [`packet`]: Socket.IO packets and their arguments;
//! - [`parser`]: other encodings of Socket.IO packets;
//! - [`mux`]: namespaces, acks and attachments over one session;
//! - [`adapter`]: rooms and the selection of a broadcast;
//! - [`cluster`]: what several servers that act as one say to each other;
//! - [`handler`]: what users register;
//! - [`budget`]: what all clients together may leave unfinished;
//! - [`server`]: what ties them together on the threads of a carrier.
//!
//! Users of actix-web depend on `sio-actix`, which re-exports what they need.

pub mod adapter;
pub mod budget;
pub mod close;
pub mod cluster;
pub mod date;
pub mod engine;
pub mod frame;
pub mod handler;
pub mod limits;
pub mod login;
#[doc(hidden)]
#[allow(missing_docs, clippy::missing_errors_doc, reason = "called by generated code only")]
pub mod macros;
pub mod mux;
pub mod packet;
pub mod parser;
pub mod server;
mod shown;
pub mod sid;
mod sync;
