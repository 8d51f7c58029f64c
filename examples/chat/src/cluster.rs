//! What a node asks the others, if there are any.
//!
//! People and lines stay on the node where they came in; who wants to know everything of a room asks all.
//! A node that does not answer in time is left out: it has gone, or cannot be reached, and the chat goes on.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use sio_actix::core::server::BroadcastAckError;
use sio_actix::core::server::Io;

use crate::room::{Part, Summary};

/// Whether there are other nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cluster {
    /// This is the only node.
    Alone,
    /// Redis connects this node with others.
    Connected,
}

impl Cluster {
    pub(crate) fn has_others(self) -> bool {
        self == Self::Connected
    }

    /// What the others have of a room.
    pub(crate) async fn parts(self, io: &Io, room: &str) -> Vec<Part> {
        self.ask(io, "room", (room,)).await
    }

    /// Adds the others' rooms to this node's.
    pub(crate) async fn add_rooms(self, io: &Io, here: Vec<Summary>) -> Vec<Summary> {
        let lists: Vec<Vec<Summary>> = self.ask(io, "rooms", ()).await;
        let mut all = BTreeMap::new();
        for Summary { room, members } in here.into_iter().chain(lists.into_iter().flatten()) {
            *all.entry(room).or_insert(0) += members;
        }
        all.into_iter().map(|(room, members)| Summary { room, members }).collect()
    }

    async fn ask<T: DeserializeOwned + Send + 'static>(
        self,
        io: &Io,
        question: &str,
        args: impl serde::Serialize,
    ) -> Vec<T> {
        if self == Self::Alone {
            return Vec::new();
        }
        let answered = io.server_side_emit_with_ack(question, args).await;
        answered.unwrap_or_else(|BroadcastAckError { responses, .. }| responses)
    }
}
