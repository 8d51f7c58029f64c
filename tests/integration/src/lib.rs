//! Harness of the raw wire tests: a real server in this process, and clients that write literal bytes.
//!
//! The clients know HTTP/1.1 and WebSocket framing and nothing of Engine.IO or Socket.IO, so an error
//! made alike in our encoder and decoder is seen. Every wait has a deadline; its failure prints the bytes
//! exchanged so far.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a harness fails by panicking, and its results are assertions"
)]

mod app;
mod http;
mod journal;
mod legacy;
mod log;
mod packets;
mod polling;
mod server;
mod wire;
mod ws;

pub use app::echo;
pub use http::{Http, Response};
pub use journal::Journal;
pub use legacy::Legacy;
pub use log::Log;
pub use packets::{In, PacketBench};
pub use polling::{Polling, sid_of};
pub use server::{Server, stock};
pub use wire::{DEADLINE, Wire};
pub use ws::{Frame, Ws, masked};
