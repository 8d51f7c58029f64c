//! What clients may ask for: an estimate, and that it stops.

use std::cell::Cell;

use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use sio_actix::prelude::*;
use tokio::sync::Notify;

use crate::model::Model;

/// What is to be written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a message is all of its fields")]
pub struct Task {
    /// Chosen by the client, and part of each answer.
    pub task_id: u64,
    /// The text in outline.
    pub info: Info,
}

/// A text in outline.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "a message is all of its fields")]
pub struct Info {
    /// Its sections.
    pub outline: Vec<Section>,
    /// What it is about, in a word each.
    pub tags: Vec<String>,
    /// Texts to draw on.
    pub docs: Vec<String>,
    /// Its title.
    pub title: String,
    /// How to write it.
    pub instruction: String,
}

/// A section of the outline.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "a message is all of its fields")]
pub struct Section {
    /// Sections within it.
    pub children: Vec<Self>,
    /// Its headline.
    pub header: String,
    /// What it has to say.
    pub keypoint: String,
    /// Nothing is to be written for it.
    pub no_output: bool,
    /// Chosen by the client.
    pub paragraph_id: String,
    /// How to write it.
    pub paragraph_instruction: String,
}

/// A piece of the text, as the event `estimate_response`.
#[derive(Debug, Serialize)]
struct Piece<'a> {
    task_id: u64,
    index: u64,
    data: &'a str,
}

/// How it ended: the ack, or the event `estimate_done`, which a client gets that was away.
#[derive(Debug, Serialize)]
struct Outcome {
    task_id: u64,
    pieces: u64,
    cancelled: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Credentials {
    token: String,
}

/// Stops what a socket has asked for.
#[derive(Debug, Default)]
struct Stop(Notify);

pub(crate) struct Chat {
    model: Model,
    token: String,
}

impl Chat {
    pub(crate) const fn new(model: Model, token: String) -> Self {
        Self { model, token }
    }

    /// Sends each piece as soon as it is there, also while the client is away for a moment: what it missed is sent
    /// again when it comes back.
    async fn write(
        &self,
        socket: &Socket,
        task: &Task,
        pieces: &Cell<u64>,
    ) -> Result<(), EventError> {
        let mut text = self.model.write(task).await?;
        while let Some(data) = text.try_next().await? {
            let index = pieces.get();
            socket
                .emit("estimate_response", Piece { task_id: task.task_id, index, data: &data })?;
            pieces.set(index + 1);
        }
        Ok(())
    }
}

#[ws_controller("/chat")]
impl Chat {
    /// The token comes in `auth`, or as `Authorization: Bearer …`, which pages can send with polling only.
    #[connect_guard]
    fn authenticate(
        &self,
        handshake: Handshake,
        auth: Auth<Credentials>,
    ) -> Result<State<Stop>, ConnectError> {
        let bearer =
            handshake.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let said = [Some(auth.0.token.trim_start_matches("Bearer ")), bearer];
        if said.into_iter().flatten().any(|token| !token.is_empty() && is_same(token, &self.token))
        {
            Ok(State::new(Stop::default()))
        } else {
            Err(ConnectError::new("unauthorized"))
        }
    }

    /// Writes the text, until it is whole or the stop button is pressed.
    #[on_message("estimate")]
    #[emit("estimate_done")]
    async fn estimate(
        &self,
        socket: Socket,
        stop: State<Stop>,
        task: Task,
    ) -> Result<Outcome, EventError> {
        let pieces = Cell::new(0);
        let cancelled = tokio::select! {
            written = self.write(&socket, &task, &pieces) => written.map(|()| false)?,
            () = stop.0.0.notified() => true,
        };
        Ok(Outcome { task_id: task.task_id, pieces: pieces.get(), cancelled })
    }

    /// The stop button: everything that this client asked for ends.
    #[on_message("cancel")]
    fn cancel(&self, stop: State<Stop>) {
        stop.0.0.notify_waiters();
    }

    /// Who says goodbye reads no more. Who vanished may come back, and its text is written to the end.
    #[on_disconnect]
    fn disconnected(&self, stop: State<Stop>, reason: DisconnectReason) {
        if reason == DisconnectReason::ClientNamespaceDisconnect {
            stop.0.0.notify_waiters();
        }
    }
}

/// Compares without telling by the time it takes how much was right.
fn is_same(one: &str, other: &str) -> bool {
    let differ = one.bytes().zip(other.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && differ == 0
}
