//! The route: from a request to a transport.
//!
//! Checks run in the reference's order. A refused request gets the reference's code as
//! JSON; a refused WebSocket handshake gets 400 and the bare text.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use sio_core::engine::handshake::EngineQuery;
use sio_core::engine::{HandshakeError, Transport};
use sio_core::server::{Handshake, HandshakeParts, Io, Opening};

use crate::config::Forbidden;
use crate::io::Endpoint;
use crate::local;
use crate::transport::{polling, websocket};

/// Digits of a JSONP index; clients count from 0.
const MAX_JSONP_DIGITS: usize = 16;
/// Seconds after which a client may try again while the server shuts down.
const RETRY_AFTER: &str = "1";

pub(crate) async fn handle(
    core: &Io,
    endpoint: Arc<Endpoint>,
    request: HttpRequest,
    mut payload: Payload,
) -> HttpResponse {
    if let Some(client) = &endpoint.client
        && let Some(name) = request.match_info().unprocessed().strip_prefix('/')
        && let Some(response) = client.respond(name, &request)
    {
        return response;
    }
    let upgrade = websocket::wants_upgrade(&request);
    let response = match route(core, &endpoint, request, &mut payload, upgrade).await {
        Ok(response) => response,
        Err(error) if upgrade => refused_upgrade(&error),
        Err(error) => refused(&error),
    };
    if response.status().is_success() || response.status().is_informational() {
        return response;
    }
    response.map_body(|_, body| BoxBody::new(Unread { body, _payload: payload }))
}

/// The body of a refusal, with what was not read of the request.
///
/// actix goes on reading a chunked body whose payload was dropped, for as long as the peer likes. A
/// payload that is held until the answer is written ends the connection instead.
struct Unread {
    body: BoxBody,
    _payload: Payload,
}

impl MessageBody for Unread {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(cx)
    }
}

async fn route(
    core: &Io,
    endpoint: &Arc<Endpoint>,
    request: HttpRequest,
    payload: &mut Payload,
    upgrade: bool,
) -> Result<HttpResponse, HandshakeError> {
    let hub = core.hub();
    let query = EngineQuery::parse(request.query_string());
    let transport = query.transport(hub.engine_config())?;
    if has_illegal_origin(&request) {
        return Err(HandshakeError::BadRequest);
    }
    if let Some(sid) = &query.sid {
        let session = hub.session(sid).ok_or(HandshakeError::UnknownSid)?;
        // The revision is that of the handshake; a request cannot change it.
        let revision = query.revision(hub.engine_config());
        if query.revision.is_some() && revision != Ok(session.revision()) {
            return Err(HandshakeError::BadRequest);
        }
        let base64 = query.base64;
        let worker = local::worker(core);
        return match (transport, upgrade) {
            (Transport::Websocket, true) => {
                websocket::upgrade(&worker, &session, request, payload.take(), base64).await
            }
            (Transport::Polling, false) => match *request.method() {
                Method::GET => {
                    drop(request);
                    Ok(polling::poll(&worker, session).await)
                }
                Method::POST => Ok(polling::push(&worker, &session, &request, payload).await),
                _ => Ok(HttpResponse::BadRequest().finish()),
            },
            _ => Err(HandshakeError::BadRequest),
        };
    }
    if request.method() != Method::GET {
        return Err(HandshakeError::BadHandshakeMethod);
    }
    if (transport == Transport::Websocket) != upgrade {
        return Err(HandshakeError::BadRequest);
    }
    let handshake = handshake(&request);
    let handshake = match &endpoint.allow_request {
        None => Arc::new(handshake),
        Some(allow) => {
            let handshake = Arc::new(handshake);
            allow(Arc::clone(&handshake)).await.map_err(forbidden)?;
            handshake
        }
    };
    let revision = query.revision(hub.engine_config())?;
    let mut opening = Opening {
        revision,
        base64: query.base64,
        jsonp: query.jsonp.as_deref().map(digits),
        ..Opening::new(handshake, transport)
    };
    let worker = local::worker(core);
    if transport == Transport::Websocket {
        let deflate = hub.engine_config().per_message_deflate.is_some();
        let accepted = match websocket::accept(&request, deflate) {
            Ok(accepted) => accepted,
            Err(refusal) => return Ok(*refusal),
        };
        opening.deflate = accepted.deflate();
        drop(request);
        let Some(connection) = worker.open(opening) else {
            return Ok(unavailable());
        };
        return Ok(websocket::carry(accepted, worker, connection, payload.take()).await);
    }
    drop(request);
    let Some(connection) = worker.open(opening) else {
        return Ok(unavailable());
    };
    let session = Arc::clone(connection.handle());
    drop(connection);
    Ok(polling::poll(&worker, session).await)
}

/// The digits of a JSONP index; nothing else may reach a script.
fn digits(index: &str) -> Box<str> {
    index.chars().filter(char::is_ascii_digit).take(MAX_JSONP_DIGITS).collect()
}

/// Copies what a session keeps of its first request.
fn handshake(request: &HttpRequest) -> Handshake {
    let headers: Vec<(&str, &str)> = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    let uri = request.uri();
    Handshake::new(&HandshakeParts {
        headers: &headers,
        url: uri.path_and_query().map_or("", |url| url.as_str()),
        address: request.peer_addr(),
        secure: request.app_config().secure(),
        time: SystemTime::now(),
    })
}

/// An origin that could not be echoed into a header.
fn has_illegal_origin(request: &HttpRequest) -> bool {
    request.headers().get(header::ORIGIN).is_some_and(|origin| {
        origin.as_bytes().iter().any(|byte| !matches!(byte, b'\t' | 0x20..=0x7e | 0x80..=0xff))
    })
}

fn forbidden(refusal: Forbidden) -> HandshakeError {
    match refusal.message {
        Some(message) => HandshakeError::Forbidden(message.into()),
        None => HandshakeError::FORBIDDEN,
    }
}

pub(crate) fn refused(error: &HandshakeError) -> HttpResponse {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .body(error.body())
}

fn refused_upgrade(error: &HandshakeError) -> HttpResponse {
    HttpResponse::BadRequest()
        .force_close()
        .insert_header((header::CONTENT_TYPE, "text/html"))
        .body(error.to_string())
}

fn unavailable() -> HttpResponse {
    HttpResponse::ServiceUnavailable().insert_header((header::RETRY_AFTER, RETRY_AFTER)).finish()
}
