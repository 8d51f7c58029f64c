//! A log of events that all nodes share, and the sessions kept beside it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

use crate::adapter::Room;

use super::adapter::BoxFuture;
use super::message::Message;

/// The place of an event in the shared log, as clients see it: `<milliseconds>-<sequence>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[expect(clippy::exhaustive_structs, reason = "two numbers, as the log gives them")]
pub struct Offset {
    /// Milliseconds since the epoch.
    pub millis: u64,
    /// Number within the millisecond.
    pub sequence: u64,
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.sequence)
    }
}

/// The text is no offset of the shared log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an offset")]
#[non_exhaustive]
pub struct NoOffset;

impl FromStr for Offset {
    type Err = NoOffset;

    fn from_str(text: &str) -> Result<Self, NoOffset> {
        let number = |digits: &str| match digits.bytes().all(|b| b.is_ascii_digit()) {
            true => digits.parse().map_err(|_overflow| NoOffset),
            false => Err(NoOffset),
        };
        let (millis, sequence) = text.split_once('-').ok_or(NoOffset)?;
        Ok(Self { millis: number(millis)?, sequence: number(sequence)? })
    }
}

/// What is kept of a socket that ended by accident.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(clippy::exhaustive_structs, reason = "the fields of the stored record")]
pub struct SavedSession {
    /// The socket id.
    pub sid: Box<str>,
    /// The client's secret.
    pub pid: Box<str>,
    /// Its rooms, that of its own id included.
    pub rooms: Vec<Room>,
    /// What the application stored.
    pub data: Value,
    /// A client that knows less than this is not who it says, or got some of what follows without an offset:
    /// it is not to be recovered. Zero, which is not written: there is no such bound. Other servers do not
    /// know this field.
    pub since: Offset,
}

/// An event from the log that a client has missed.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "an entry of the log")]
pub struct LoggedEvent {
    /// Its place.
    pub offset: Offset,
    /// A [`Message::Broadcast`].
    pub message: Message,
}

/// A session that was found, and what its client has missed.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "what a client that returns needs")]
pub struct RestoredSession {
    /// What was kept.
    pub session: SavedSession,
    /// What the log holds for it behind the client's offset, in order.
    pub missed: Vec<LoggedEvent>,
    /// Up to here the log was read.
    pub position: Offset,
}

/// A log of events that all nodes read in one order, with a store of sessions.
pub trait EventLog: Send + Sync {
    /// Adds an event. It comes back once, and those of one namespace in the order in which they were added:
    /// through [`Node::receive_logged`](super::Node::receive_logged) with its offset and with `from` this
    /// node's id, or through [`Node::receive_unlogged`](super::Node::receive_unlogged) if the log does not
    /// take it in time, or at all.
    ///
    /// The server counts on that: what it says afterwards waits for what comes back, and it takes an event
    /// that came back with an offset as a sign that none turns up any more in the log that came back before
    /// without one.
    fn append(&self, namespace: &str, message: Message);

    /// Keeps a session for as long as `keep`. Of two with one `pid` the later one stays.
    fn save(&self, namespace: &str, session: SavedSession, keep: Duration);

    /// Takes a session, once, with what its client has missed behind `offset`. `None`: it is not there, it was
    /// saved for another namespace, or something it may have missed is not there.
    fn restore(
        &self,
        namespace: &str,
        pid: &str,
        offset: Offset,
    ) -> BoxFuture<Option<RestoredSession>>;
}
