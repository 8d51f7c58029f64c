//! Answers to events of the server, in the form the server's own handlers answer in.

use std::sync::Arc;

use serde_json::{Value, json};
use sio_core::handler::{EncodedArgs, IntoReply, Reply};
use sio_core::packet::EventArg;

use crate::args::RawArgs;
use crate::listeners::{Answering, Responder};

/// `{"error":{"code","message","data"?}}`.
pub(crate) fn error_answer(code: &str, message: &str, data: Option<&Value>) -> EncodedArgs {
    let mut error = json!({ "code": code, "message": message });
    if let (Some(data), Some(fields)) = (data, error.as_object_mut()) {
        fields.insert("data".to_owned(), data.clone());
    }
    EncodedArgs::encode(&json!({ "error": error })).unwrap_or_default()
}

/// Turns a closure into what answers an event.
pub(crate) fn responder<M, T, A, F, Fut>(answer: F) -> Responder
where
    T: EventArg,
    F: Fn(T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = A> + Send + 'static,
    A: IntoReply<M>,
{
    Arc::new(move |args: &RawArgs| -> Answering {
        match args.read::<T>() {
            Ok(value) => {
                let answering = answer(value);
                Box::pin(async move { encode(answering.await.into_reply(true)) })
            }
            Err(error) => {
                let refusal = error_answer("bad_request", &error.to_string(), None);
                Box::pin(std::future::ready(refusal))
            }
        }
    })
}

fn encode(reply: Reply) -> EncodedArgs {
    match reply {
        Reply::Args(args) => args,
        Reply::Err(error) => {
            if let Some(detail) = error.detail() {
                tracing::error!(detail, "an answer failed");
            }
            error_answer(error.code(), error.message(), error.data())
        }
        // `Nothing`, which no value becomes when an answer is wanted.
        _ => EncodedArgs::default(),
    }
}
