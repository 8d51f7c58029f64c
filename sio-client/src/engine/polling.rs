//! A session on polling: one GET waits, one POST at a time sends, and a probe may run beside them.
//!
//! When the probe is answered nothing new is started; once the running GET and POST are finished the
//! session may move (Engine.IO 4, "upgrade"). The server ends a waiting GET with a noop.

use std::pin::Pin;
use std::time::Duration;

use futures_util::future::OptionFuture;
use tokio::time::{sleep_until, timeout};

use super::http::Http;
use super::websocket::Websocket;
use super::{CLOSE_TIMEOUT, Session, until_unwanted};
use crate::error::TransportError;
use crate::life::DisconnectReason;

/// Says that the session ends.
const CLOSE: &str = "1";

/// A WebSocket that is being tried; `None` if it cannot be had, then polling goes on.
pub(super) struct Probe(Pin<Box<dyn Future<Output = Option<Box<Websocket>>> + Send>>);

impl Probe {
    pub(super) fn new(
        limit: Duration,
        probe: impl Future<Output = Result<Websocket, TransportError>> + Send + 'static,
    ) -> Self {
        Self(Box::pin(async move {
            match timeout(limit, probe).await {
                Ok(Ok(websocket)) => Some(Box::new(websocket)),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "no upgrade");
                    None
                }
                Err(_) => None,
            }
        }))
    }
}

impl Session<'_> {
    /// Polls until the session can move to the WebSocket, or ends; `Err` with the client's own reason
    /// for an orderly end.
    pub(super) async fn polling(
        &mut self,
        http: &Http,
        max_payload: usize,
        probe: Option<Probe>,
    ) -> Result<Websocket, DisconnectReason> {
        let outbox = self.outbox;
        let mut get: OptionFuture<_> = Some(Box::pin(http.clone().poll())).into();
        let mut polls = true;
        let mut post: OptionFuture<_> = None.into();
        let mut pushes = false;
        let mut probing = probe.is_some();
        let mut probe: OptionFuture<_> = probe.map(|probe| probe.0).into();
        let mut next: Option<Box<Websocket>> = None;
        loop {
            if let Some(websocket) = next.take_if(|_| !polls && !pushes) {
                return Ok(*websocket);
            }
            if !pushes && next.is_none() {
                if let Some(payload) = outbox.take_payload(max_payload) {
                    post = Some(Box::pin(http.clone().push(payload))).into();
                    pushes = true;
                } else if self.closing {
                    let goodbye = http.clone().push(CLOSE);
                    // Whether the server heard it changes nothing for us.
                    let _told = timeout(CLOSE_TIMEOUT, goodbye).await;
                    return Err(DisconnectReason::ClientDisconnect);
                }
            }
            let deadline = self.deadline;
            tokio::select! {
                Some(body) = &mut get, if polls => {
                    let body = body.map_err(|error| failed(&error))?;
                    self.payload(&body)?;
                    polls = next.is_none();
                    get = polls.then(|| Box::pin(http.clone().poll())).into();
                }
                Some(result) = &mut post, if pushes => {
                    result.map_err(|error| failed(&error))?;
                    outbox.written();
                    pushes = false;
                    post = None.into();
                }
                Some(websocket) = &mut probe, if probing => {
                    probing = false;
                    probe = None.into();
                    next = websocket;
                }
                () = outbox.ready(), if !pushes && next.is_none() => {}
                () = until_unwanted(&mut self.wanted), if !self.closing => self.close_soon(),
                () = sleep_until(deadline) => return Err(DisconnectReason::PingTimeout),
            }
        }
    }
}

fn failed(error: &TransportError) -> DisconnectReason {
    tracing::debug!(%error, "polling failed");
    DisconnectReason::TransportError
}
