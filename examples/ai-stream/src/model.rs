//! What writes the text: a generator of our own, or a model behind HTTP.

use std::pin::Pin;
use std::time::Duration;

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
    pub const fn remote(url: String, key: String, model: String) -> Self {
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
    // What goes wrong there is for the log, not for clients.
    let failed = |why: &dyn std::fmt::Display| EventError::internal(format!("the model: {why}"));
    let request = awc::Client::new().post(format!("{url}/chat/completions")).bearer_auth(key);
    let answer = request.send_json(&question).await.map_err(|error| failed(&error))?;
    if !answer.status().is_success() {
        return Err(failed(&answer.status()));
    }
    Ok(Box::pin(
        lines(answer.map(|chunk| chunk.map_err(|e| EventError::internal(e.to_string()))))
            .filter_map(piece),
    ))
}

/// The lines of a body.
fn lines(
    body: impl Stream<Item = Result<Bytes, EventError>>,
) -> impl Stream<Item = Result<String, EventError>> {
    let state = (Box::pin(body), Vec::new());
    stream::try_unfold(state, async |(mut body, mut rest): (_, Vec<u8>)| {
        loop {
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line = rest.drain(..=end).collect::<Vec<u8>>();
                return Ok(Some((String::from_utf8_lossy(&line).trim().to_owned(), (body, rest))));
            }
            if rest.len() > MAX_LINE {
                return Err(EventError::internal("the model: a line without an end"));
            }
            match body.next().await {
                Some(chunk) => rest.extend_from_slice(&chunk?),
                None => return Ok(None),
            }
        }
    })
}

/// What a line of an event stream adds to the text, if anything.
async fn piece(line: Result<String, EventError>) -> Option<Result<String, EventError>> {
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
    let line = match line {
        Ok(line) => line,
        Err(error) => return Some(Err(error)),
    };
    let data = line.strip_prefix("data:")?.trim();
    if data == "[DONE]" {
        return None;
    }
    match serde_json::from_str::<Chunk>(data) {
        Ok(chunk) => chunk.choices.into_iter().next()?.delta.content.map(Ok),
        Err(error) => Some(Err(EventError::internal(format!("the model: {error}")))),
    }
}
