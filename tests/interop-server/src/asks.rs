//! Questions to clients.

use std::time::Duration;

use futures_util::future::join_all;
use serde::Serialize;
use sio_actix::prelude::*;
use sio_actix::{AckError, AckFuture};

use crate::records::WATCH;
use crate::rooms::select;

/// What came of one question.
#[derive(Serialize)]
struct Outcome {
    id: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Value>,
}

/// What came of a question to many.
#[derive(Serialize)]
struct Answers {
    error: Option<&'static str>,
    answers: Vec<Value>,
}

/// Emits `question` at once; an answer without a value reads as `null`.
fn question(socket: &Socket, value: impl Serialize, ms: u64) -> AckFuture<Option<Value>> {
    socket.emit_with_ack("question", value, Duration::from_millis(ms))
}

pub(crate) fn register(ns: &mut NamespaceBuilder) {
    ns.on("ask", async |socket: Socket, value: Value, ms: u64| {
        let (outcome, answer) = match question(&socket, value, ms).await {
            Ok(answer) => ("answer", Some(answer.unwrap_or_default())),
            Err(AckError::Disconnected) => ("disconnected", None),
            Err(_) => ("timeout", None),
        };
        let result = Outcome { id: socket.id().as_str().to_owned(), outcome, answer };
        socket.io().of(WATCH).emit("asked", &result)?;
        Ok::<_, EventError>(result)
    });
    ns.on("ask-burst", async |socket: Socket, n: u64, ms: u64| {
        let questions: Vec<_> = (0..n).map(|i| question(&socket, i, ms)).collect();
        let answers: Result<Vec<_>, AckError> = join_all(questions).await.into_iter().collect();
        match answers {
            Ok(answers) => Value::Array(answers.into_iter().map(Value::from).collect()),
            Err(_) => Value::from("timeout"),
        }
    });
    ns.on("ask-all", async |socket: Socket, room: Option<String>, value: Value, ms: u64| {
        let timeout = Duration::from_millis(ms);
        let asked =
            select(&socket, room).emit_with_ack::<Option<Value>>("question", value, timeout);
        let (error, answers) = match asked.await {
            Ok(answers) => (None, answers),
            Err(error) => (Some("timeout"), error.responses),
        };
        Answers { error, answers: answers.into_iter().map(Option::unwrap_or_default).collect() }
    });
}
