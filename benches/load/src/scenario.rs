//! What the clients do: the scenarios by name.

use std::fmt::Write as _;

/// What is sent, and what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// Each client sends `echo` and asks for an ack; counts acks.
    Ack,
    /// Each client sends `echo` without; counts the events that come back.
    Event,
    /// One more client sends `publish`; counts deliveries to everybody, that client included.
    Broadcast,
    /// One more client sends `publish_room` to one room after the other; counts deliveries.
    Room {
        /// How many rooms share the clients evenly.
        rooms: usize,
    },
    /// Each client connects once; counts connections.
    Connect,
    /// The clients connect and do nothing; memory is what counts.
    Idle,
}

/// Of what type a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A JSON string.
    Text,
    /// A JSON object with numbers, an array and a string.
    Json,
    /// An attachment.
    Binary,
}

/// How a client reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// A WebSocket from the first byte.
    Websocket,
    /// Polling first, then the upgrade.
    Upgrade,
    /// Polling only: one connection polls, one posts.
    Polling,
}

/// One entry of [`SCENARIOS`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// What is done.
    pub shape: Shape,
    /// How many clients; for broadcasts and rooms the one that publishes comes on top.
    pub clients: usize,
    /// Messages of each client that wait for an answer; for broadcasts and rooms, of all together.
    pub window: usize,
    /// Bytes of a payload.
    pub payload: usize,
    /// Its type.
    pub kind: Kind,
    /// How clients connect.
    pub transport: Transport,
    /// How many clients connect at once.
    pub concurrency: usize,
}

const fn scenario(name: &'static str, shape: Shape, clients: usize, payload: usize) -> Scenario {
    Scenario {
        name,
        shape,
        clients,
        window: 1,
        payload,
        kind: Kind::Text,
        transport: Transport::Websocket,
        concurrency: 64,
    }
}

/// All scenarios.
pub const SCENARIOS: &[Scenario] = &[
    scenario("ack1", Shape::Ack, 100, 16),
    Scenario { window: 16, ..scenario("ack16", Shape::Ack, 100, 16) },
    scenario("ack1k", Shape::Ack, 100, 1024),
    Scenario { kind: Kind::Json, ..scenario("ackjson", Shape::Ack, 100, 1024) },
    Scenario { kind: Kind::Binary, ..scenario("ackbin", Shape::Ack, 100, 1024) },
    scenario("ack64k", Shape::Ack, 20, 65_536),
    scenario("ev1", Shape::Event, 100, 16),
    Scenario { window: 16, ..scenario("ev16", Shape::Event, 100, 16) },
    scenario("bc1000", Shape::Broadcast, 1000, 64),
    Scenario { window: 4, ..scenario("bc1000w4", Shape::Broadcast, 1000, 1024) },
    Scenario { kind: Kind::Binary, ..scenario("bcbin", Shape::Broadcast, 1000, 1024) },
    Scenario { window: 4, ..scenario("room", Shape::Room { rooms: 20 }, 1000, 64) },
    scenario("conn", Shape::Connect, 3000, 0),
    Scenario {
        transport: Transport::Upgrade,
        concurrency: 256,
        ..scenario("connup", Shape::Connect, 2000, 0)
    },
    Scenario { transport: Transport::Polling, ..scenario("poll", Shape::Ack, 100, 16) },
    scenario("idle10k", Shape::Idle, 10_000, 1024),
    scenario("room10", Shape::Room { rooms: 1000 }, 10_000, 64),
    scenario("room100", Shape::Room { rooms: 100 }, 10_000, 64),
    scenario("room1000", Shape::Room { rooms: 10 }, 10_000, 64),
    scenario("room10000", Shape::Room { rooms: 1 }, 10_000, 64),
];

impl Scenario {
    /// The scenario of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name).copied()
    }

    /// One line for people.
    #[must_use]
    pub fn about(&self) -> String {
        let Self { clients, window, payload, .. } = *self;
        let mut text = match self.shape {
            Shape::Ack => format!("echo with an ack, {clients} clients"),
            Shape::Event => format!("echo as an event, {clients} clients"),
            Shape::Broadcast => format!("broadcast to {clients}"),
            Shape::Room { rooms } => format!("broadcast to a room of {}", clients / rooms.max(1)),
            Shape::Connect => return format!("{clients} connections{}", self.transport.about()),
            Shape::Idle => return format!("{clients} connections that do nothing"),
        };
        let kind = match self.kind {
            Kind::Text => "text",
            Kind::Json => "JSON",
            Kind::Binary => "binary",
        };
        // Writing into a string does not fail.
        let _ = write!(text, ", {payload} B {kind}, {window} in flight{}", self.transport.about());
        text
    }

    /// With whoever publishes.
    pub(crate) const fn sockets(&self) -> usize {
        self.clients + self.has_publisher() as usize
    }

    pub(crate) const fn has_publisher(&self) -> bool {
        matches!(self.shape, Shape::Broadcast | Shape::Room { .. })
    }
}

impl Transport {
    const fn about(self) -> &'static str {
        match self {
            Self::Websocket => "",
            Self::Upgrade => ", polling first, then the upgrade",
            Self::Polling => ", long-polling",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_rooms_share_their_clients_evenly() {
        for (at, scenario) in SCENARIOS.iter().enumerate() {
            assert!(SCENARIOS.iter().skip(at + 1).all(|other| other.name != scenario.name));
            if let Shape::Room { rooms } = scenario.shape {
                assert_eq!(scenario.clients % rooms, 0, "{}", scenario.name);
            }
        }
    }
}
