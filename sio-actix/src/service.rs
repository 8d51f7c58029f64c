//! The route: from a request to a transport.
//!
//! Checks run in the reference's order: CORS, client files, engine middlewares, then those of the
//! handshake. A refused request gets the reference's code as JSON; a refused WebSocket handshake gets 400
//! and the bare text.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use actix_http::ConnectionType;
use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt as _;
use sio_core::engine::handshake::EngineQuery;
use sio_core::engine::{HandshakeError, Transport};
use sio_core::server::{Extensions, Handshake, Io, OpenError, Opening};
use sio_core::sid::Sid;
use tracing::field::display;

use crate::config::Forbidden;
use crate::http::answers::shielded;
use crate::http::head::{self, KeptHeaders};
use crate::http::headers;
use crate::http::holding::Holding;
use crate::http::refusal::{ErrorContext, Refusal};
use crate::io::Endpoint;
use crate::local;
use crate::transport::polling;
use crate::transport::websocket::{self, Accepted};

/// Digits of a JSONP index; clients count from 0.
const MAX_JSONP_DIGITS: usize = 16;
/// What the log says about requests, beside what the core says about sessions.
const LOG: &str = "sio::engine";
/// Seconds after which a client may try again while the server shuts down.
const RETRY_AFTER: &str = "1";

pub(crate) async fn handle(
    core: &Io,
    endpoint: &Endpoint,
    request: &HttpRequest,
    mut payload: Payload,
) -> HttpResponse {
    // Without CORS and middlewares this stays empty, which needs no memory.
    let mut gathered = HeaderMap::new();
    let mut extensions = Extensions::default();
    let upgrade = websocket::wants_upgrade(request);
    // Not its target: queries hold tokens.
    tracing::trace!(target: LOG, post = request.method() == Method::POST, upgrade, "request");
    let handled = if let Some(limit) = head::excess(request, core.hub().limits()) {
        core.hub().count_limit(limit);
        let status = head::status_above(limit);
        tracing::debug!(target: LOG, status = status.as_u16(), "request refused: its head is too large");
        Handled::refused_with_status(HttpResponse::build(status).force_close().finish())
    } else {
        match before(endpoint, request, upgrade, &mut gathered, &mut extensions).await {
            Ok(None) => {
                match route(core, endpoint, request, &mut payload, upgrade, extensions).await {
                    Ok(response) => Handled::routed(response),
                    Err(refusal) => endpoint.refuse(&refusal, request, upgrade),
                }
            }
            Ok(Some(response)) => Handled { response, refused: None, routed: false },
            Err(refusal) => endpoint.refuse(&refusal, request, upgrade),
        }
    };
    let Handled { mut response, refused, routed } = handled;
    if let Some(code) = refused {
        core.tell_refused(code);
    }
    if !gathered.is_empty() {
        headers::put(&mut response, &gathered);
    }
    let status = response.status();
    let read = routed && (status.is_success() || status.is_informational());
    if read || matches!(payload, Payload::None) {
        return response;
    }
    // actix goes on reading a chunked body whose payload was dropped, for as long as the peer likes. A payload
    // that is held until the answer is written ends the connection instead.
    response.map_body(|_, body| BoxBody::new(Holding::new(body, payload)))
}

/// The answer to a request.
struct Handled {
    response: HttpResponse,
    /// A code of the engine, or the status of a refusal that has none.
    refused: Option<u16>,
    /// A session may have read the request's body.
    routed: bool,
}

impl Handled {
    /// What a transport answered; its refusals have no code.
    fn routed(response: HttpResponse) -> Self {
        let status = response.status();
        let failed = status.is_client_error() || status.is_server_error();
        Self { response, refused: failed.then_some(status.as_u16()), routed: true }
    }

    fn refused_with_status(response: HttpResponse) -> Self {
        let refused = Some(response.status().as_u16());
        Self { response, refused, routed: false }
    }
}

/// What answers a request before it is verified: CORS, the client's files, a middleware.
async fn before(
    endpoint: &Endpoint,
    request: &HttpRequest,
    upgrade: bool,
    gathered: &mut HeaderMap,
    extensions: &mut Extensions,
) -> Result<Option<HttpResponse>, Refusal> {
    if let Some(cors) = &endpoint.cors
        && let Some(preflight) = cors.apply(request, gathered)
    {
        return Ok(Some(preflight));
    }
    if let Some(client) = &endpoint.client
        && let Some(name) = request.match_info().unprocessed().strip_prefix('/')
        && let Some(file) = client.file(name)
    {
        return Ok(Some(client.respond(file, request).await));
    }
    if endpoint.middlewares.is_empty() {
        return Ok(None);
    }
    match endpoint.middlewares.run(request, gathered, extensions).await {
        Ok(None) => Ok(None),
        Ok(Some(mut answer)) => {
            if upgrade {
                answer.head_mut().set_connection_type(ConnectionType::Close);
            }
            Ok(Some(answer))
        }
        Err(_failed) => Err(Refusal::bad_request(ErrorContext::MiddlewareFailure)),
    }
}

impl Endpoint {
    /// Tells the hook and answers.
    fn refuse(&self, refusal: &Refusal, request: &HttpRequest, upgrade: bool) -> Handled {
        let code = refusal.error.code();
        let (cause, remote) = (refusal.context.cause(), request.peer_addr().map(display));
        tracing::debug!(target: LOG, code, cause, remote, "request refused");
        if let Some(hook) = &self.on_connection_error {
            shielded(|| hook(&refusal.seen_by(request)));
        }
        let response = if upgrade { refused_upgrade(refusal) } else { refused(&refusal.error) };
        Handled { response, refused: Some(refusal.error.code().into()), routed: false }
    }
}

async fn route(
    core: &Io,
    endpoint: &Endpoint,
    request: &HttpRequest,
    payload: &mut Payload,
    upgrade: bool,
    extensions: Extensions,
) -> Result<HttpResponse, Refusal> {
    let hub = core.hub();
    let query = EngineQuery::parse(request.query_string());
    let transport = query.transport(hub.engine_config()).map_err(|error| {
        let transport = query.transport.as_deref().map(str::to_owned);
        Refusal { error, context: ErrorContext::UnknownTransport { transport } }
    })?;
    if let Some(origin) = illegal_origin(request) {
        return Err(Refusal::bad_request(ErrorContext::InvalidOrigin { origin }));
    }
    if let Some(sid) = &query.sid {
        let session = hub.session(sid).ok_or_else(|| Refusal::unknown_sid(sid))?;
        if !endpoint.binding.admits(request, session.handshake()) {
            return Err(Refusal::unbound(sid));
        }
        // The revision is that of the handshake; a request cannot change it.
        let revision = query.revision(hub.engine_config());
        if query.revision.is_some() && revision != Ok(session.revision()) {
            return Err(Refusal::bad_request(ErrorContext::TransportHandshake));
        }
        let worker = local::worker(core);
        let answers = &endpoint.answers;
        let answer = match (transport, upgrade) {
            (Transport::Websocket, true) => {
                websocket::upgrade(&worker, &session, request, payload.take(), query.base64)
                    .await
                    .map(|response| answers.switching(response, request, None))
            }
            (Transport::Polling, false) => match *request.method() {
                Method::GET => polling::poll(&worker, &session, answers, request, false).await,
                Method::POST => polling::push(&worker, &session, answers, request, payload).await,
                _ => Ok(HttpResponse::BadRequest().finish()),
            },
            (Transport::Websocket, false) => {
                return Err(Refusal::mismatch(Transport::Websocket, Transport::Polling));
            }
            _ => {
                return Err(Refusal::bad_request(ErrorContext::TransportHandshake));
            }
        };
        return answer.map_err(|error| Refusal::of_session(error, sid));
    }
    if request.method() != Method::GET {
        let method = request.method().to_string();
        let error = HandshakeError::BadHandshakeMethod;
        return Err(Refusal { error, context: ErrorContext::BadMethod { method } });
    }
    if (transport == Transport::Websocket) != upgrade {
        return Err(Refusal::bad_request(ErrorContext::TransportHandshake));
    }
    if let Some(origin) = endpoint.origins.refuses(request, endpoint.cors.as_ref()) {
        return Err(Refusal::foreign(origin));
    }
    let handshake = KeptHeaders::All.copy(request).with_extensions(extensions.clone());
    let handshake = Arc::new(handshake);
    if let Some(allow) = &endpoint.allow_request {
        let deciding = AssertUnwindSafe(async { allow(Arc::clone(&handshake)).await });
        let verdict = deciding.catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!("the hook that decides about requests panicked");
            Err(Forbidden::default())
        });
        verdict.map_err(forbidden)?;
    }
    let revision = query.revision(hub.engine_config()).map_err(|error| Refusal {
        error,
        // Whatever was asked for, it is taken for the older one.
        context: ErrorContext::UnsupportedProtocol { protocol: 3 },
    })?;
    let accepted = match transport {
        Transport::Websocket => {
            let deflate = hub.engine_config().per_message_deflate.is_some();
            match websocket::accept(request, deflate) {
                Ok(accepted) => Some(accepted),
                Err(refusal) => {
                    let status = refusal.status().as_u16();
                    tracing::debug!(target: LOG, status, "request refused: no WebSocket handshake");
                    return Ok(*refusal);
                }
            }
        }
        _ => None,
    };
    // A script of a foreign page may read what it loads, with the visitor's cookies: only where old
    // clients are served.
    let scripts = accepted.is_none() && core.hub().engine_config().allow_eio3;
    let jsonp = query.jsonp.as_deref().filter(|_| scripts);
    let opening = Opening {
        revision,
        // A script cannot carry binary.
        base64: query.base64 || jsonp.is_some(),
        jsonp: jsonp.map(digits),
        deflate: accepted.as_ref().is_some_and(Accepted::deflate),
        sid: custom_sid(endpoint, &handshake).await?,
        ..Opening::new(kept(endpoint, request, handshake, extensions), transport)
    };
    let worker = local::worker(core);
    let connection = match worker.open(opening) {
        Ok(connection) => connection,
        Err(error @ OpenError::Unavailable) => {
            tracing::debug!(target: LOG, %error, "request refused");
            return Ok(unavailable());
        }
        Err(error @ OpenError::SidInUse) => return Err(no_sid(error.to_string())),
    };
    let session = Arc::clone(connection.handle());
    if let Some(accepted) = accepted {
        let response =
            websocket::carry(accepted, worker, connection, request, payload.take()).await;
        return Ok(endpoint.answers.switching(response, request, Some(&session)));
    }
    drop(connection);
    polling::poll(&worker, &session, &endpoint.answers, request, true)
        .await
        .map_err(|error| Refusal::of_session(error, session.sid().as_str()))
}

/// The id that the application gives the session.
async fn custom_sid(
    endpoint: &Endpoint,
    handshake: &Arc<Handshake>,
) -> Result<Option<Sid>, Refusal> {
    match &endpoint.generate_id {
        None => Ok(None),
        Some(generate) => generate.make(handshake).await.map(Some).map_err(no_sid),
    }
}

fn no_sid(error: String) -> Refusal {
    tracing::error!(error, "no session id could be made");
    Refusal::bad_request(ErrorContext::IdGeneration { error })
}

/// The digits of a JSONP index; nothing else may reach a script.
fn digits(index: &str) -> Box<str> {
    index.chars().filter(char::is_ascii_digit).take(MAX_JSONP_DIGITS).collect()
}

/// What the session keeps of the handshake that the application has decided about.
fn kept(
    endpoint: &Endpoint,
    request: &HttpRequest,
    seen: Arc<Handshake>,
    extensions: Extensions,
) -> Arc<Handshake> {
    match &endpoint.keep_headers {
        KeptHeaders::All => seen,
        only => Arc::new(only.copy(request).with_extensions(extensions)),
    }
}

/// An origin that could not be echoed into a header.
fn illegal_origin(request: &HttpRequest) -> Option<String> {
    let origin = request.headers().get(header::ORIGIN)?.as_bytes();
    let legal = |byte: &u8| matches!(byte, b'\t' | 0x20..=0x7e | 0x80..=0xff);
    (!origin.iter().all(legal)).then(|| String::from_utf8_lossy(origin).into_owned())
}

fn forbidden(refusal: Forbidden) -> Refusal {
    let message = refusal.message;
    Refusal {
        error: match &message {
            Some(message) => HandshakeError::Forbidden(message.clone().into()),
            None => HandshakeError::FORBIDDEN,
        },
        context: ErrorContext::Refused { message },
    }
}

fn refused(error: &HandshakeError) -> HttpResponse {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .body(error.body())
}

fn refused_upgrade(refusal: &Refusal) -> HttpResponse {
    HttpResponse::build(refusal.status_of_upgrade())
        .force_close()
        .insert_header((header::CONTENT_TYPE, "text/html"))
        .body(refusal.error.to_string())
}

fn unavailable() -> HttpResponse {
    HttpResponse::ServiceUnavailable().insert_header((header::RETRY_AFTER, RETRY_AFTER)).finish()
}
