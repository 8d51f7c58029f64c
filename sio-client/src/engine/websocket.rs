//! The WebSocket transport: opening it, probing it for an upgrade, and messages as engine frames.
//!
//! tungstenite does the WebSocket; this file gives it our streams and limits.

use futures_util::{SinkExt as _, StreamExt as _};
use http::HeaderMap;
use sio_core::engine::Transport;
use sio_core::frame::{Frame, FrameKind};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::http::refusal;
use super::stream::{ByteStream, Dialer};
use crate::error::TransportError;
use crate::life::DisconnectReason;

/// One read takes at most this much; the default of the library reserves more per connection.
const READ_BUFFER: usize = 16 * 1024;
/// The question and the answer of an upgrade (Engine.IO 4, "upgrade").
const PROBE: &str = "2probe";
const PROBE_ANSWER: &str = "3probe";

pub(crate) type Websocket = WebSocketStream<Box<dyn ByteStream>>;

/// Opens a WebSocket: for a new session, or for the session `sid`.
pub(crate) async fn open(
    dialer: &Dialer,
    sid: Option<&str>,
    limit: usize,
) -> Result<Websocket, TransportError> {
    let endpoint = dialer.endpoint();
    let uri = endpoint
        .uri(Transport::Websocket, sid)
        .map_err(|error| TransportError::Protocol(error.to_string()))?;
    let mut request = uri.into_client_request().map_err(|error| from_tungstenite(&error))?;
    extend(request.headers_mut(), &endpoint.headers);
    let stream = dialer.clone().dial().await?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit));
    match Box::pin(client_async_with_config(request, stream, Some(config))).await {
        Ok((websocket, _)) => Ok(websocket),
        Err(tungstenite::Error::Http(answer)) => {
            let body = answer.body().as_deref().unwrap_or_default();
            Err(refusal(answer.status(), body))
        }
        Err(error) => Err(from_tungstenite(&error)),
    }
}

/// The headers of the handshake stay as they are: they belong to the protocol.
fn extend(headers: &mut HeaderMap, more: &HeaderMap) {
    for (name, value) in more {
        if !headers.contains_key(name) || name == http::header::HOST {
            headers.insert(name.clone(), value.clone());
        }
    }
}

/// Opens a WebSocket for the session `sid` and asks whether the server would take it.
pub(crate) async fn probe(
    dialer: Dialer,
    sid: String,
    limit: usize,
) -> Result<Websocket, TransportError> {
    let mut websocket = open(&dialer, Some(&sid), limit).await?;
    let failed = |error: tungstenite::Error| from_tungstenite(&error);
    websocket.send(Message::text(PROBE)).await.map_err(failed)?;
    loop {
        match websocket.next().await {
            Some(Ok(Message::Text(text))) if text.as_str() == PROBE_ANSWER => return Ok(websocket),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(_)) => return Err(TransportError::NotEngineIo("the probe was not answered")),
            Some(Err(error)) => return Err(failed(error)),
            None => return Err(TransportError::NotEngineIo("the probe was closed")),
        }
    }
}

/// A frame as a message; `None` for what is not text after all, which nothing here produces.
pub(crate) fn message(frame: &Frame) -> Option<Message> {
    match frame.kind() {
        FrameKind::Binary => Some(Message::Binary(frame.to_payload())),
        FrameKind::Text => Utf8Bytes::try_from(frame.to_payload()).ok().map(Message::Text),
    }
}

/// Why reading ended, in the words of a socket.
pub(crate) fn end_of(error: &tungstenite::Error) -> DisconnectReason {
    match error {
        tungstenite::Error::ConnectionClosed
        | tungstenite::Error::AlreadyClosed
        | tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            DisconnectReason::TransportClose
        }
        _ => DisconnectReason::TransportError,
    }
}

fn from_tungstenite(error: &tungstenite::Error) -> TransportError {
    match error {
        tungstenite::Error::Io(error) => {
            TransportError::Io { kind: error.kind(), message: error.to_string() }
        }
        other => TransportError::Protocol(other.to_string()),
    }
}
