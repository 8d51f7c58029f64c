//! What writes the text: a generator of our own, or a model behind HTTP.

use std::pin::Pin;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::rt::time;
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use serde::Deserialize;
use serde_json::json;
use sio_actix::prelude::EventError;

use crate::chat::{Section, Task};

/// Pieces of a text, as they come.
pub(crate) type Text = Pin<Box<dyn Stream<Item = Result<String, EventError>>>>;

/// Time between two words of the built-in generator.
const PACE: Duration = Duration::from_millis(40);
/// The longest silence of a model before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// A line of a model's answer may be as long as this, in bytes.
const MAX_LINE: usize = 64 * 1024;

/// Writes texts.
#[derive(Debug, Clone)]
pub struct Model(Kind);

#[derive(Debug, Clone)]
enum Kind {
    BuiltIn,
    Remote { url: String, key: String, model: String },
}

impl Model {
    /// Words about the outline, at a steady pace.
    #[must_use]
    pub const fn built_in() -> Self {
        Self(Kind::BuiltIn)
    }

    /// A model that speaks like OpenAI's: `POST {url}/chat/completions` with `"stream": true`.
    #[must_use]
    pub fn remote(url: String, key: String, model: String) -> Self {
        // Fails if there is one already, which will do.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        Self(Kind::Remote { url, key, model })
    }

    pub(crate) async fn write(&self, task: &Task) -> Result<Text, EventError> {
        match &self.0 {
            Kind::BuiltIn => Ok(Box::pin(built_in(task))),
            Kind::Remote { url, key, model } => remote(url, key, model, task).await,
        }
    }
}

fn built_in(task: &Task) -> impl Stream<Item = Result<String, EventError>> + use<> {
    let mut text = format!("{}.", task.info.title);
    for section in &task.info.outline {
        describe(section, &mut text);
    }
    let words: Vec<String> = text.split_inclusive(' ').map(str::to_owned).collect();
    stream::iter(words).then(async |word| {
        time::sleep(PACE).await;
        Ok(word)
    })
}

fn describe(section: &Section, text: &mut String) {
    if !section.no_output {
        let Section { header, keypoint, paragraph_instruction, .. } = section;
        text.push_str(&format!(
            " {header}: what matters here is {keypoint}, told {paragraph_instruction}."
        ));
    }
    for child in &section.children {
        describe(child, text);
    }
}

async fn remote(url: &str, key: &str, model: &str, task: &Task) -> Result<Text, EventError> {
    let outline = serde_json::to_string(&task.info)?;
    let question = json!({
        "model": model,
        "stream": true,
        "messages": [{ "role": "user", "content": format!("Write the text that this outlines: {outline}") }],
    });
    let request = awc::Client::new().post(format!("{url}/chat/completions")).timeout(PATIENCE);
    let answer = request.bearer_auth(key).send_json(&question).await.map_err(failed)?;
    if !answer.status().is_success() {
        return Err(failed(answer.status()));
    }
    let pieces = stream::try_unfold((answer, Vec::new()), async |(mut body, mut rest)| {
        while let Some(line) = line(&mut body, &mut rest).await? {
            match line.trim().strip_prefix("data:").map(str::trim_start) {
                Some("[DONE]") => break,
                Some(data) => {
                    if let Some(piece) = piece(data)? {
                        return Ok(Some((piece, (body, rest))));
                    }
                }
                // Empty lines and comments.
                None => {}
            }
        }
        Ok(None)
    });
    Ok(Box::pin(pieces))
}

/// The next line of a body; `rest` is what came behind the line before.
async fn line<B>(body: &mut B, rest: &mut Vec<u8>) -> Result<Option<String>, EventError>
where
    B: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    loop {
        if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line = rest.drain(..=end).collect::<Vec<u8>>();
            return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
        }
        if rest.len() > MAX_LINE {
            return Err(failed("a line without an end"));
        }
        match time::timeout(PATIENCE, body.next()).await.map_err(failed)? {
            Some(chunk) => rest.extend_from_slice(&chunk.map_err(failed)?),
            None => return Ok(None),
        }
    }
}

/// What an event adds to the text, if anything.
fn piece(data: &str) -> Result<Option<String>, EventError> {
    #[derive(Deserialize)]
    struct Chunk {
        choices: Vec<Choice>,
    }
    #[derive(Deserialize)]
    struct Choice {
        delta: Delta,
    }
    #[derive(Deserialize)]
    struct Delta {
        content: Option<String>,
    }
    let chunk: Chunk = serde_json::from_str(data).map_err(failed)?;
    Ok(chunk.choices.into_iter().next().and_then(|choice| choice.delta.content))
}

/// What goes wrong there is for the log, not for clients.
fn failed(why: impl std::fmt::Display) -> EventError {
    EventError::internal(format!("the model: {why}"))
}
