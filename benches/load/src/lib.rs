//! A load generator for Socket.IO servers: many clients on one thread, each reply compared with what was asked.
//!
//! A [`Scenario`] says what the clients do, [`Options`] which server they meet and for how long, and
//! [`run`] returns a [`Report`]: what the server's process spent per message, rates, latencies, memory.
//! What the server must offer stands in `README.md` of the folder `benches`.
//!
//! `run` drives phases, `clients` what they do, `net` their connections; `websocket` and `http` know the bytes.
//! It is a closed loop: a client sends its next message when the answer to an earlier one is there.

mod clients;
mod histogram;
mod http;
mod message;
mod net;
mod options;
mod process;
mod report;
mod run;
mod scenario;
mod websocket;

pub use options::{Options, Pace, USAGE};
pub use report::Report;
pub use run::run;
pub use scenario::{Kind, SCENARIOS, Scenario, Shape, Transport};
