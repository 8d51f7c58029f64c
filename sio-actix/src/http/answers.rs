//! What answers of the transports have in common: headers, cookie, compression, and the hooks for them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use sio_core::engine::Payload;
use sio_core::server::{Handshake, SessionHandle};

use super::compression::{HttpCompression, quickly};
use super::cookie::Cookie;
use super::jsonp;

const BINARY: HeaderValue = HeaderValue::from_static("application/octet-stream");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NO_TRANSFORM: HeaderValue = HeaderValue::from_static("no-store, no-transform");
/// Tells proxies to pass on what they get at once (nginx and those that follow it).
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// Headers that proxies add to requests.
const PROXIED: [HeaderName; 3] =
    [header::FORWARDED, HeaderName::from_static("x-forwarded-for"), header::VIA];

/// Sees the first answer of a session.
pub(crate) type InitialHeaders = dyn Fn(&mut HeaderMap, &Handshake) + Send + Sync;
/// Sees every answer of a transport.
pub(crate) type ResponseHeaders = dyn Fn(&mut HeaderMap, &HttpRequest) + Send + Sync;

/// How transports answer.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) cookie: Option<Cookie>,
    pub(crate) compression: HttpCompression,
    pub(crate) initial: Option<Box<InitialHeaders>>,
    pub(crate) every: Option<Box<ResponseHeaders>>,
}

impl Answers {
    /// The answer to a poll; `first`: it is the one to the handshake.
    pub(crate) fn payload(
        &self,
        payload: Payload,
        request: &HttpRequest,
        session: &SessionHandle,
        first: bool,
    ) -> HttpResponse {
        let (kind, compressible) =
            (if payload.binary { BINARY } else { TEXT }, payload.compressible);
        let mut body = match session.jsonp() {
            Some(index) => jsonp::script(index, payload.as_str()),
            None => payload.body,
        };
        let mut response = HttpResponse::Ok();
        response
            .insert_header((header::CONTENT_TYPE, kind))
            .insert_header((X_ACCEL_BUFFERING, HeaderValue::from_static("no")));
        if compressible
            && let Some(coding) = self.compression.coding(request, &body)
            && let Some(compressed) = quickly(coding, &body)
        {
            response.insert_header(coding.header());
            body = compressed;
        }
        let mut response = response.body(body);
        common(&mut response, request);
        self.hooks(&mut response, request, first.then_some(session));
        if let Some(cookie) = self.cookie.as_ref().filter(|_| first)
            && let Some(value) = cookie.header(session.sid(), session.handshake().is_secure())
        {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
        response
    }

    /// The answer to a push.
    pub(crate) fn ok(&self, request: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, HTML))
            .body(Bytes::from_static(b"ok"));
        common(&mut response, request);
        self.hooks(&mut response, request, None);
        response
    }

    /// The answer to a WebSocket handshake; `opened`: the session that it opened.
    pub(crate) fn switching(
        &self,
        mut response: HttpResponse,
        request: &HttpRequest,
        opened: Option<&SessionHandle>,
    ) -> HttpResponse {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            self.hooks(&mut response, request, opened);
        }
        response
    }

    fn hooks(
        &self,
        response: &mut HttpResponse,
        request: &HttpRequest,
        opened: Option<&SessionHandle>,
    ) {
        if let (Some(hook), Some(session)) = (&self.initial, opened) {
            shielded(|| hook(response.headers_mut(), session.handshake()));
        }
        if let Some(hook) = &self.every {
            shielded(|| hook(response.headers_mut(), request));
        }
    }
}

/// Runs a hook; its panic ends only this call.
pub(crate) fn shielded(hook: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(hook)).is_err() {
        tracing::error!("a hook of the server panicked");
    }
}

/// Headers of all answers to polls and pushes.
fn common(response: &mut HttpResponse, request: &HttpRequest) {
    let (asked, headers) = (request.headers(), response.headers_mut());
    // A proxy that compresses holds back what it got, and the client waits for it.
    let proxied = PROXIED.iter().any(|name| asked.contains_key(name));
    headers.insert(header::CACHE_CONTROL, if proxied { NO_TRANSFORM } else { NO_STORE });
    let agent = asked.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    if agent.is_some_and(|agent| agent.contains(";MSIE") || agent.contains("Trident/")) {
        // The filter of these browsers mistakes payloads for scripts of an attacker.
        headers.insert(header::X_XSS_PROTECTION, HeaderValue::from_static("0"));
    }
}
