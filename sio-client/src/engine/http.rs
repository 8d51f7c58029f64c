//! HTTP requests of the polling transport: a GET waits for packets, a POST brings some.
//!
//! hyper does the HTTP; this file gives it our streams, limits the size of answers, and turns refusals
//! into errors that say what the server said.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sio_core::engine::Transport;
use tokio::time::timeout;

use super::stream::{ByteStream, Dialer};
use crate::error::TransportError;

/// Longest part of an error page that is repeated in an error.
const MAX_MESSAGE: usize = 200;

/// A stream as hyper wants it.
pub(crate) struct HyperStream(TokioIo<Box<dyn ByteStream>>);

impl Connection for HyperStream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for HyperStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(cx, buf)
    }
}

impl Write for HyperStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}

/// Opens streams for hyper; the address is that of the endpoint, whatever the request says.
#[derive(Clone)]
struct Dial(Dialer);

impl tower_service::Service<Uri> for Dial {
    type Response = HyperStream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<HyperStream>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let dialer = self.0.clone();
        Box::pin(async move { Ok(HyperStream(TokioIo::new(dialer.dial().await?))) })
    }
}

/// The polling side of one session; cloning shares its connections.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client<Dial, Full<Bytes>>,
    dialer: Dialer,
    /// Largest answer.
    limit: usize,
    /// How long a POST may take; a GET waits as long as the heartbeat allows.
    push_timeout: Duration,
    sid: Option<Arc<str>>,
}

impl Http {
    pub(crate) fn new(dialer: Dialer, limit: usize, push_timeout: Duration) -> Self {
        let client = Client::builder(TokioExecutor::new()).build(Dial(dialer.clone()));
        Self { client, dialer, limit, push_timeout, sid: None }
    }

    pub(crate) fn set_sid(&mut self, sid: &str) {
        self.sid = Some(sid.into());
    }

    /// Waits for packets; the answer is a payload.
    pub(crate) async fn poll(self) -> Result<String, TransportError> {
        let body = self.request(Method::GET, Bytes::new()).await?;
        String::from_utf8(body.into()).or(Err(TransportError::NotEngineIo("not UTF-8")))
    }

    /// Brings a payload.
    pub(crate) async fn push(self, payload: impl Into<Bytes>) -> Result<(), TransportError> {
        let limit = self.push_timeout;
        match timeout(limit, self.request(Method::POST, payload.into())).await {
            Ok(result) => result.map(drop),
            Err(_) => Err(TransportError::Timeout(limit)),
        }
    }

    async fn request(&self, method: Method, body: Bytes) -> Result<Bytes, TransportError> {
        let endpoint = self.dialer.endpoint();
        let protocol = |error: http::Error| TransportError::Protocol(error.to_string());
        let uri = endpoint.uri(Transport::Polling, self.sid.as_deref()).map_err(protocol)?;
        let mut request = Request::builder().method(method.clone()).uri(uri);
        if method == Method::POST {
            request = request.header(header::CONTENT_TYPE, "text/plain;charset=UTF-8");
        }
        let mut request = request.body(Full::new(body)).map_err(protocol)?;
        request.headers_mut().extend(endpoint.headers.clone());
        let answer = self.client.request(request).await.map_err(|error| from_legacy(&error))?;
        let status = answer.status();
        let body = match Limited::new(answer.into_body(), self.limit).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return Err(TransportError::TooLarge { limit: self.limit });
            }
            Err(error) => return Err(TransportError::Protocol(error.to_string())),
        };
        if status == StatusCode::OK { Ok(body) } else { Err(refusal(status, &body)) }
    }
}

/// hyper wraps what happened; the innermost cause says most.
fn from_legacy(error: &hyper_util::client::legacy::Error) -> TransportError {
    let mut cause: &dyn std::error::Error = error;
    loop {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return TransportError::Io { kind: io.kind(), message: io.to_string() };
        }
        match cause.source() {
            Some(source) => cause = source,
            None => return TransportError::Protocol(cause.to_string()),
        }
    }
}

/// The error of an HTTP answer that is not 200: `{"code":1,"message":"…"}`, or some page.
pub(crate) fn refusal(status: StatusCode, body: &[u8]) -> TransportError {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let field = |name: &str| json.as_ref().and_then(|json| json.get(name));
    let message = match field("message").and_then(serde_json::Value::as_str) {
        Some(message) => message.chars().take(MAX_MESSAGE).collect(),
        None => {
            let start = body.get(..body.len().min(MAX_MESSAGE)).unwrap_or_default();
            let text = String::from_utf8_lossy(start).trim().to_owned();
            let reason = || status.canonical_reason().unwrap_or("no reason given").to_owned();
            if text.is_empty() { reason() } else { text }
        }
    };
    let code = field("code").and_then(serde_json::Value::as_u64);
    TransportError::Refused { status: status.as_u16(), code, message }
}
