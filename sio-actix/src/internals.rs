//! What tests of this repository reach below the public interface; no part of it.

#![allow(missing_docs, clippy::exhaustive_enums, reason = "for tests of this repository only")]

use actix_web::dev::Payload;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;

use crate::io::Io;
use crate::local;
use crate::transport::websocket::{Message, Parser, carry_bare};

/// What frames of a client say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameEvent {
    Text(String),
    Binary(Bytes),
    Ping(Vec<u8>),
    Pong,
    Close(Option<(u16, String)>),
    /// A rule was broken; the close code that tells it.
    Violation(u16),
}

/// The reader of a client's frames.
#[derive(Debug)]
pub struct FrameReader {
    parser: Parser,
    scratch: Vec<u8>,
}

impl FrameReader {
    #[must_use]
    pub fn new(max_message: usize, deflate: bool) -> Self {
        Self { parser: Parser::new(max_message, deflate), scratch: Vec::new() }
    }

    /// Takes a chunk of the stream and appends what it says.
    pub fn read(&mut self, mut chunk: &[u8], events: &mut Vec<FrameEvent>) {
        loop {
            events.push(match self.parser.next(&mut chunk, &mut self.scratch) {
                Ok(None) => return,
                Ok(Some(Message::Text(text))) => FrameEvent::Text(text.to_owned()),
                Ok(Some(Message::Binary(bytes))) => FrameEvent::Binary(bytes),
                Ok(Some(Message::Ping(payload))) => FrameEvent::Ping(payload.to_vec()),
                Ok(Some(Message::Pong)) => FrameEvent::Pong,
                Ok(Some(Message::Close(close))) => {
                    FrameEvent::Close(close.map(|close| (close.code, close.reason.to_owned())))
                }
                Err(violation) => FrameEvent::Violation(violation.close_code()),
            });
        }
    }

    /// Bytes that wait for the end of a message or frame, as memory that is taken for them.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.parser.held()
    }
}

/// Answers a WebSocket handshake; messages go to the server's engine handler as they are.
pub async fn bare_websocket(io: &Io, request: &HttpRequest, payload: Payload) -> HttpResponse {
    carry_bare(&local::worker(io), request, payload).await
}
