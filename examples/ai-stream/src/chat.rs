//! What clients may ask for: an estimate, and that it stops.

use std::sync::Arc;

use futures_util::StreamExt as _;
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
        let known = [Some(auth.0.token.trim_start_matches("Bearer ")), bearer];
        if known.into_iter().flatten().any(|token| is_same(token, &self.token)) {
            Ok(State::new(Stop::default()))
        } else {
            Err(ConnectError::new("unauthorized"))
        }
    }

    /// Each piece is sent as soon as it is there. The text goes on while its client is away for a moment: what it
    /// missed is sent again when it comes back.
    #[on_message("estimate")]
    #[emit("estimate_done")]
    async fn estimate(
        &self,
        socket: Socket,
        stop: State<Stop>,
        task: Task,
    ) -> Result<Outcome, EventError> {
        let mut text = self.model.write(&task).await?;
        let stop = Arc::clone(&stop.0);
        let mut stopped = std::pin::pin!(stop.0.notified());
        let Task { task_id, .. } = task;
        let mut pieces = 0;
        loop {
            let next = futures_util::future::select(text.next(), stopped.as_mut()).await;
            let futures_util::future::Either::Left((piece, _)) = next else {
                return Ok(Outcome { task_id, pieces, cancelled: true });
            };
            let Some(piece) = piece.transpose()? else {
                return Ok(Outcome { task_id, pieces, cancelled: false });
            };
            socket.emit("estimate_response", Piece { task_id, index: pieces, data: &piece })?;
            pieces += 1;
        }
    }

    /// The stop button: everything that this client asked for ends.
    #[on_message("cancel")]
    fn cancel(&self, stop: State<Stop>) {
        stop.0.0.notify_waiters();
    }
}

/// Compares without telling by the time it takes how much was right.
fn is_same(one: &str, other: &str) -> bool {
    let differ = one.bytes().zip(other.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && differ == 0
}
