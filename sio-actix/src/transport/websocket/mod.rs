//! WebSocket: handshake (RFC 6455 section 4), and what carries the connection then.
//!
//! Under [`crate::Server`] that is the bare stream (`raw`), which the answer asks for (`offer`); anywhere else
//! the response body is the connection (`body`).

#[cfg(feature = "internals")]
mod bare;
mod body;
mod codec;
mod extensions;
mod offer;
mod protocol;
mod raw;

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::{Arc, Once};
use std::task::{Poll, Waker};

use actix_http::ws::hash_key;
use actix_web::body::BodyStream;
use actix_web::dev::Payload;
use actix_web::http::{Method, Version, header};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use sio_core::engine::HandshakeError;
use sio_core::server::{Connection, SessionHandle, Upgrade, Worker};

#[cfg(feature = "internals")]
pub(crate) use self::bare::carry_bare;
#[cfg(feature = "internals")]
pub(crate) use self::codec::{Message, Parser};
pub(crate) use self::offer::Carried;
pub(crate) use self::protocol::let_others;
pub(crate) use self::raw::{Closing, Ended, RawConnection, SharedConnection};

use self::body::BodyConnection;
use self::offer::OfferedBody;
use self::protocol::{Mode, Protocol};
use crate::server::Offer;

/// The version of the protocol (RFC 6455 section 4.1).
const VERSION: &str = "13";

/// The request asks for a WebSocket, rightly or wrongly.
pub(crate) fn wants_upgrade(request: &HttpRequest) -> bool {
    request.headers().get(header::UPGRADE).is_some_and(|value| has_token(value, "websocket"))
}

fn has_token(value: &header::HeaderValue, token: &str) -> bool {
    value
        .to_str()
        .is_ok_and(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
}

/// What a handshake is answered with.
pub(crate) struct Accepted {
    /// The answer to its key.
    key: [u8; 28],
    /// The compression it offered and gets.
    extension: Option<&'static str>,
}

impl Accepted {
    /// Messages may be compressed.
    pub(crate) const fn deflate(&self) -> bool {
        self.extension.is_some()
    }
}

/// Checks a handshake; the error is the response. `deflate`: compression is granted if it is offered.
pub(crate) fn accept(request: &HttpRequest, deflate: bool) -> Result<Accepted, Box<HttpResponse>> {
    let headers = request.headers();
    let well_formed = request.version() == Version::HTTP_11
        && request.method() == Method::GET
        && headers.get_all(header::CONNECTION).any(|value| has_token(value, "upgrade"));
    if !well_formed {
        return Err(Box::new(bad_request()));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != VERSION) {
        let mut refusal = HttpResponse::UpgradeRequired();
        return Err(Box::new(
            refusal.force_close().insert_header((header::SEC_WEBSOCKET_VERSION, VERSION)).finish(),
        ));
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| {
        // 16 bytes in base64.
        let key = key.as_bytes();
        key.len() == 24 && key.ends_with(b"==")
    });
    match key {
        Some(key) => Ok(Accepted {
            key: hash_key(key.as_bytes()),
            extension: if deflate { extensions::negotiate(headers) } else { None },
        }),
        None => Err(Box::new(bad_request())),
    }
}

fn bad_request() -> HttpResponse {
    HttpResponse::BadRequest()
        .force_close()
        .insert_header((header::CONTENT_TYPE, "text/html"))
        .body(HandshakeError::BadRequest.to_string())
}

fn switching(accepted: &Accepted) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::SwitchingProtocols();
    response.upgrade("websocket").insert_header((
        header::SEC_WEBSOCKET_ACCEPT,
        // Base64 is always a valid header value.
        header::HeaderValue::from_bytes(&accepted.key)
            .unwrap_or_else(|_| header::HeaderValue::from_static("")),
    ));
    if let Some(extension) = accepted.extension {
        response.insert_header((header::SEC_WEBSOCKET_EXTENSIONS, extension));
    }
    response
}

/// The waker of the task that runs this request; on HTTP/1 the response body is polled by the same.
async fn task_waker() -> Waker {
    poll_fn(|cx| Poll::Ready(cx.waker().clone())).await
}

/// Answers 101 with a body that carries the session.
pub(crate) async fn carry(
    accepted: Accepted,
    worker: Rc<Worker>,
    connection: Rc<Connection>,
    request: &HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let deflate = accepted.deflate();
    let protocol = Protocol::new(worker, connection, Mode::Session, deflate);
    finish(&accepted, protocol, request, payload).await
}

async fn finish(
    accepted: &Accepted,
    protocol: Protocol,
    request: &HttpRequest,
    payload: Payload,
) -> HttpResponse {
    // A payload that middleware replaced does not end where the stream goes on.
    let plain = matches!(payload, Payload::H1 { .. });
    let offer = if plain { Offer::new(request) } else { None };
    say_carrier(offer.is_some());
    let body = BodyConnection::new(protocol, payload, task_waker().await);
    let mut response = switching(accepted);
    let response = match offer {
        Some(offer) => response
            .message_body(OfferedBody::new(offer, body))
            .map(HttpResponse::map_into_boxed_body),
        None => response.message_body(body).map(HttpResponse::map_into_boxed_body),
    };
    response.unwrap_or_else(HttpResponse::from_error)
}

/// Says, once per process, what carries WebSockets.
fn say_carrier(raw: bool) {
    static BODY: Once = Once::new();
    static RAW: Once = Once::new();
    if raw {
        RAW.call_once(|| tracing::debug!("WebSockets have their connection's stream"));
    } else {
        BODY.call_once(|| {
            tracing::debug!(
                "WebSockets are response bodies; under sio_actix::Server they cost less memory"
            );
        });
    }
}

/// A session claimed for a WebSocket; given back unless the WebSocket takes it.
struct Claim<'a> {
    worker: &'a Worker,
    session: &'a Arc<SessionHandle>,
    taken: bool,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if !self.taken {
            self.worker.release_websocket(self.session);
        }
    }
}

/// A WebSocket for a session that is on polling (Engine.IO 4, "upgrade").
///
/// The session comes to this worker first, so that its frames never cross threads.
pub(crate) async fn upgrade(
    worker: &Rc<Worker>,
    session: &Arc<SessionHandle>,
    request: &HttpRequest,
    payload: Payload,
    base64: bool,
) -> Result<HttpResponse, HandshakeError> {
    let deflate = worker.hub().engine_config().per_message_deflate.is_some();
    let accepted = match accept(request, deflate) {
        Ok(accepted) => accepted,
        Err(refusal) => return Ok(*refusal),
    };
    if !session.claim_websocket() {
        return Ok(closed_at_once(&accepted));
    }
    let mut claim = Claim { worker, session, taken: false };
    let connection = match worker.fetch(session) {
        Upgrade::Here(connection) => Some(connection),
        Upgrade::Coming(arrival) => match arrival.await {
            Ok(()) => worker.local(session),
            Err(_ended) => None,
        },
        // The client goes on by polling and may try again.
        Upgrade::Busy => return Ok(closed_at_once(&accepted)),
        Upgrade::Gone => None,
    };
    let connection = connection.ok_or(HandshakeError::UnknownSid)?;
    if !worker.probe_opened(&connection) {
        return Ok(closed_at_once(&accepted));
    }
    claim.taken = true;
    let deflate = accepted.deflate();
    let protocol =
        Protocol::new(Rc::clone(worker), connection, Mode::Probe { base64, deflate }, deflate);
    Ok(finish(&accepted, protocol, request, payload).await)
}

/// A second WebSocket for one session: opened and closed, the session is unharmed.
fn closed_at_once(accepted: &Accepted) -> HttpResponse {
    let close = futures_util::stream::once(std::future::ready(Ok::<_, std::convert::Infallible>(
        Bytes::from_static(codec::CLOSE_FRAME),
    )));
    match switching(accepted).message_body(BodyStream::new(close)) {
        Ok(response) => response.map_into_boxed_body(),
        Err(error) => HttpResponse::from_error(error),
    }
}
