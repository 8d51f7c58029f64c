//! The chat by hand: whom to tell, who reads too slowly, and when a client is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::http::header;
use actix_web::rt::{self, time};
use actix_web::web::{Data, Payload};
use actix_web::{Error, HttpRequest, HttpResponse};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, Session};
use futures_util::StreamExt as _;
use tokio::sync::broadcast;

/// Without a heartbeat nobody would notice a client whose network is gone.
const PING_INTERVAL: Duration = Duration::from_secs(25);
/// What a client may take to read a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(2);
/// How many messages a client may be behind.
const BEHIND: usize = 64;
const MAX_MESSAGE: usize = 64 * 1024;

/// What one client has said, for all others.
#[derive(Clone)]
struct Said {
    by: u64,
    line: Arc<str>,
}

/// Everybody who is connected, on whichever worker.
#[derive(Clone, Debug)]
pub struct Clients {
    said: broadcast::Sender<Said>,
    last_id: Arc<AtomicU64>,
}

impl Default for Clients {
    fn default() -> Self {
        Self { said: broadcast::Sender::new(BEHIND), last_id: Arc::default() }
    }
}

impl Clients {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.said.receiver_count()
    }
}

/// Answers the handshake, of a page of any origin: a route that trusts cookies has to look at who asks.
pub(crate) async fn connect(
    request: HttpRequest,
    body: Payload,
    clients: Data<Clients>,
) -> Result<HttpResponse, Error> {
    let (response, session, stream) = actix_ws::handle(&request, body)?;
    let messages = stream.aggregate_continuations().max_continuation_size(MAX_MESSAGE);
    let origin = request.headers().get(header::ORIGIN);
    let user = origin.and_then(|origin| origin.to_str().ok()).unwrap_or("somebody").to_owned();
    rt::spawn(async move {
        let reason = converse(session.clone(), messages, &clients, &user).await;
        // The peer may be gone already.
        let _gone = time::timeout(SEND_TIMEOUT, session.close(reason)).await;
    });
    Ok(response)
}

/// One client, from its first message to its last; with what to close it.
async fn converse(
    mut session: Session,
    mut messages: AggregatedMessageStream,
    clients: &Clients,
    user: &str,
) -> Option<CloseReason> {
    let id = clients.last_id.fetch_add(1, Ordering::Relaxed);
    let mut heard = clients.said.subscribe();
    let mut heartbeat = time::interval(PING_INTERVAL);
    let mut alive = true;
    loop {
        let sent = tokio::select! {
            _ = heartbeat.tick() => {
                if !std::mem::take(&mut alive) {
                    return None;
                }
                time::timeout(SEND_TIMEOUT, session.ping(b"")).await
            }
            said = heard.recv() => match said {
                Ok(said) if said.by == id => continue,
                Ok(said) => time::timeout(SEND_TIMEOUT, session.text(&*said.line)).await,
                Err(_) => return Some((CloseCode::Policy, "too slow").into()),
            },
            message = messages.next() => match message?.ok()? {
                AggregatedMessage::Text(text) => {
                    let line = format!("[{user}] {text}").into();
                    // Nobody else may be there.
                    let _count = clients.said.send(Said { by: id, line });
                    let echo = format!("[Echo] You sent -> {text}");
                    let sent = time::timeout(SEND_TIMEOUT, session.text(echo)).await;
                    if text == "bye" {
                        return Some((CloseCode::Normal, "Bye").into());
                    }
                    sent
                }
                AggregatedMessage::Ping(bytes) => {
                    time::timeout(SEND_TIMEOUT, session.pong(&bytes)).await
                }
                AggregatedMessage::Pong(_) => {
                    alive = true;
                    continue;
                }
                AggregatedMessage::Close(reason) => return reason,
                AggregatedMessage::Binary(_) => {
                    return Some((CloseCode::Unsupported, "text only").into());
                }
            },
        };
        sent.ok()?.ok()?;
    }
}
