//! The chat by hand: who is there, whom to tell, who reads too slowly, and when a client is gone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::rt::{self, time};
use actix_web::web::{Data, Payload};
use actix_web::{Error, HttpRequest, HttpResponse};
use actix_ws::{AggregatedMessage, Session};
use futures_util::StreamExt as _;

/// Without a heartbeat nobody would notice a client whose network is gone.
const PING_INTERVAL: Duration = Duration::from_secs(25);
/// Time that one client has to take a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_MESSAGE: usize = 64 * 1024;

/// The clients that are connected, of all workers.
#[derive(Clone, Default)]
pub struct Clients(Arc<Mutex<Registry>>);

#[derive(Default)]
struct Registry {
    last: u64,
    sessions: HashMap<u64, Session>,
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Clients").field(&self.with(|registry| registry.sessions.len())).finish()
    }
}

impl Clients {
    fn with<T>(&self, call: impl FnOnce(&mut Registry) -> T) -> T {
        call(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, session: Session) -> u64 {
        self.with(|registry| {
            registry.last += 1;
            registry.sessions.insert(registry.last, session);
            registry.last
        })
    }

    fn remove(&self, id: u64) {
        self.with(|registry| registry.sessions.remove(&id));
    }

    /// Tells everybody but the sender, one after the other: each message is encoded for each of them.
    async fn broadcast(&self, from: u64, text: &str) {
        let others: Vec<(u64, Session)> = self.with(|registry| {
            let others = registry.sessions.iter().filter(|(id, _)| **id != from);
            others.map(|(id, session)| (*id, session.clone())).collect()
        });
        for (id, mut session) in others {
            let sent = time::timeout(SEND_TIMEOUT, session.text(text)).await;
            if !matches!(sent, Ok(Ok(()))) {
                self.remove(id);
            }
        }
    }
}

/// Answers the handshake; the conversation goes on in a task of its own.
pub(crate) async fn connect(
    request: HttpRequest,
    body: Payload,
    clients: Data<Clients>,
) -> Result<HttpResponse, Error> {
    let (response, session, stream) = actix_ws::handle(&request, body)?;
    let mut messages = stream.aggregate_continuations().max_continuation_size(MAX_MESSAGE);
    let mut session = session;
    rt::spawn(async move {
        let id = clients.add(session.clone());
        let mut heartbeat = time::interval(PING_INTERVAL);
        let mut answered = true;
        let reason = loop {
            let message = next_turn(&mut heartbeat, &mut messages).await;
            match message {
                Turn::Heartbeat if !answered => break None,
                Turn::Heartbeat => {
                    answered = false;
                    if session.ping(b"").await.is_err() {
                        break None;
                    }
                }
                Turn::Message(Some(Ok(AggregatedMessage::Text(text)))) => {
                    if session.text(format!("echo: {text}")).await.is_err() {
                        break None;
                    }
                    clients.broadcast(id, &text).await;
                }
                Turn::Message(Some(Ok(AggregatedMessage::Ping(bytes)))) => {
                    if session.pong(&bytes).await.is_err() {
                        break None;
                    }
                }
                Turn::Message(Some(Ok(AggregatedMessage::Pong(_)))) => answered = true,
                Turn::Message(Some(Ok(AggregatedMessage::Close(reason)))) => break reason,
                Turn::Message(Some(Ok(AggregatedMessage::Binary(_)))) => {}
                Turn::Message(Some(Err(_)) | None) => break None,
            }
        };
        clients.remove(id);
        // The peer may be gone already.
        let _gone = session.close(reason).await;
    });
    Ok(response)
}

/// What happens next on a connection.
enum Turn {
    Heartbeat,
    Message(Option<Result<AggregatedMessage, actix_ws::ProtocolError>>),
}

async fn next_turn(
    heartbeat: &mut time::Interval,
    messages: &mut actix_ws::AggregatedMessageStream,
) -> Turn {
    let tick = std::pin::pin!(heartbeat.tick());
    let next = std::pin::pin!(messages.next());
    match futures_util::future::select(next, tick).await {
        futures_util::future::Either::Left((message, _)) => Turn::Message(message),
        futures_util::future::Either::Right(_) => Turn::Heartbeat,
    }
}
