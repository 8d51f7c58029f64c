//! Several servers as one: what nodes say to each other, and what carries it.
//!
//! A server that is given an [`Adapter`] is a **node** of a cluster. What it says to sockets goes to its own
//! sockets at once and to the other nodes as a [`Message`]; what others say comes in through [`Node`]. The
//! adapter moves messages and answers, and knows neither sockets nor sessions. Counting nodes, collecting
//! answers and time-outs are the server's, once for all adapters.
//!
//! Values cross this border as JSON text with placeholders, and the bytes they stand for beside it.

mod adapter;
mod error;
mod log;
mod message;

pub use adapter::{Adapter, AdapterStats, BoxFuture, Node};
pub use error::ClusterError;
pub use log::{EventLog, LoggedEvent, NoOffset, Offset, RestoredSession, SavedSession};
pub use message::{Data, Message, Response, SocketDescription};
