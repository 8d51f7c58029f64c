//! Refused requests, as the hook of the application sees them.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use serde::ser::{Serialize, SerializeMap, Serializer};
use sio_core::engine::{HandshakeError, Transport};

/// A refused request: what the reference's `connection_error` tells.
#[derive(Debug)]
pub struct ConnectionError<'a> {
    request: &'a HttpRequest,
    error: &'a HandshakeError,
    context: &'a ErrorContext,
}

impl ConnectionError<'_> {
    /// The code that the client was told, 0 to 5.
    #[must_use]
    pub const fn code(&self) -> u8 {
        self.error.code()
    }

    /// The message of the code; of code 4 always `Forbidden`, the application's own text is in the context.
    #[must_use]
    pub fn message(&self) -> String {
        match self.error {
            HandshakeError::Forbidden(_) => HandshakeError::FORBIDDEN.to_string(),
            error => error.to_string(),
        }
    }

    /// What was wrong.
    #[must_use]
    pub const fn context(&self) -> &ErrorContext {
        self.context
    }

    /// The request's method.
    #[must_use]
    pub fn method(&self) -> &Method {
        self.request.method()
    }

    /// The request's path and query, as the client wrote them.
    #[must_use]
    pub fn url(&self) -> &str {
        self.request.uri().path_and_query().map_or("", |url| url.as_str())
    }

    /// The request's headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }
}

/// What was wrong with a refused request; serialises as the reference's `context`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorContext {
    /// Code 0: the transport is not known or not offered.
    UnknownTransport {
        /// What the query says, if anything.
        transport: Option<String>,
    },
    /// Code 1: there is no such session.
    UnknownSid {
        /// What the query says.
        sid: String,
    },
    /// Code 2: a session cannot be opened with this method.
    BadMethod {
        /// The method.
        method: String,
    },
    /// Code 3: the request is no handshake of its transport.
    TransportHandshake,
    /// Code 3: the session is on another transport.
    TransportMismatch {
        /// That of the request.
        transport: String,
        /// That of the session.
        previous: String,
    },
    /// Code 3: an engine middleware failed.
    MiddlewareFailure,
    /// Code 3: the `Origin` header cannot be repeated in an answer.
    InvalidOrigin {
        /// The header, what is no UTF-8 replaced.
        origin: String,
    },
    /// Code 4: a page of another origin may open no session; see [`OriginPolicy`](crate::OriginPolicy).
    ForeignOrigin {
        /// The `Origin` header, what is no UTF-8 replaced; `None` if only `Sec-Fetch-Site` tells.
        origin: Option<String>,
    },
    /// Code 1: the request does not come from where the session was opened; see
    /// [`SessionBinding`](crate::SessionBinding).
    SessionBinding {
        /// The id of the session, which goes on.
        sid: String,
    },
    /// Code 3: no session id could be made.
    IdGeneration {
        /// Why not.
        error: String,
    },
    /// Code 4: the application refused.
    Refused {
        /// Its text.
        message: Option<String>,
    },
    /// Code 5: the revision is not served.
    UnsupportedProtocol {
        /// The revision that the request is taken for.
        protocol: u8,
    },
}

impl ErrorContext {
    /// What was wrong, without anything that the client sent.
    pub(crate) const fn cause(&self) -> &'static str {
        match self {
            Self::UnknownTransport { .. } => "unknown transport",
            Self::UnknownSid { .. } => "unknown sid",
            Self::BadMethod { .. } => "bad method",
            Self::TransportHandshake => "no handshake of its transport",
            Self::TransportMismatch { .. } => "another transport than the session's",
            Self::MiddlewareFailure => "an engine middleware failed",
            Self::InvalidOrigin { .. } => "invalid origin",
            Self::ForeignOrigin { .. } => "foreign origin",
            Self::SessionBinding { .. } => "not from where the session was opened",
            Self::IdGeneration { .. } => "no session id",
            Self::Refused { .. } => "refused by the application",
            Self::UnsupportedProtocol { .. } => "unsupported protocol",
        }
    }
}

impl Serialize for ErrorContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            // The reference's object has the key, but without a value JSON drops it.
            Self::UnknownTransport { transport: None } => {}
            Self::UnknownTransport { transport: Some(transport) } => {
                map.serialize_entry("transport", transport)?;
            }
            Self::UnknownSid { sid } => map.serialize_entry("sid", sid)?,
            Self::BadMethod { method } => map.serialize_entry("method", method)?,
            Self::TransportHandshake => map.serialize_entry("name", "TRANSPORT_HANDSHAKE_ERROR")?,
            Self::TransportMismatch { transport, previous } => {
                map.serialize_entry("name", "TRANSPORT_MISMATCH")?;
                map.serialize_entry("transport", transport)?;
                map.serialize_entry("previousTransport", previous)?;
            }
            Self::MiddlewareFailure => map.serialize_entry("name", "MIDDLEWARE_FAILURE")?,
            Self::InvalidOrigin { origin } => {
                map.serialize_entry("name", "INVALID_ORIGIN")?;
                map.serialize_entry("origin", origin)?;
            }
            Self::ForeignOrigin { origin } => {
                map.serialize_entry("name", "FOREIGN_ORIGIN")?;
                map.serialize_entry("origin", origin)?;
            }
            Self::SessionBinding { sid } => {
                map.serialize_entry("name", "SESSION_BINDING")?;
                map.serialize_entry("sid", sid)?;
            }
            Self::IdGeneration { error } => {
                map.serialize_entry("name", "ID_GENERATION_ERROR")?;
                map.serialize_entry("error", error)?;
            }
            Self::Refused { message } => map.serialize_entry("message", message)?,
            Self::UnsupportedProtocol { protocol } => map.serialize_entry("protocol", protocol)?,
        }
        map.end()
    }
}

/// Why a request is refused: what the client is told, and what the hook is.
pub(crate) struct Refusal {
    pub(crate) error: HandshakeError,
    pub(crate) context: ErrorContext,
}

impl Refusal {
    /// Code 3.
    pub(crate) const fn bad_request(context: ErrorContext) -> Self {
        Self { error: HandshakeError::BadRequest, context }
    }

    pub(crate) fn unknown_sid(sid: &str) -> Self {
        Self {
            error: HandshakeError::UnknownSid,
            context: ErrorContext::UnknownSid { sid: sid.to_owned() },
        }
    }

    /// A handshake of a page that may open no session.
    pub(crate) const fn foreign(origin: Option<String>) -> Self {
        Self {
            error: HandshakeError::Forbidden(Cow::Borrowed("Origin not allowed")),
            context: ErrorContext::ForeignOrigin { origin },
        }
    }

    /// A request for a session that was opened from elsewhere: it is told what it would be told of a session
    /// that does not exist.
    pub(crate) fn unbound(sid: &str) -> Self {
        Self {
            error: HandshakeError::UnknownSid,
            context: ErrorContext::SessionBinding { sid: sid.to_owned() },
        }
    }

    /// The status of a refused WebSocket handshake: the reference's is 400 whatever was wrong.
    pub(crate) const fn status_of_upgrade(&self) -> StatusCode {
        match self.context {
            // The reference does not refuse it at all.
            ErrorContext::ForeignOrigin { .. } => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// A request by one transport for a session on the other.
    pub(crate) fn mismatch(transport: Transport, session_on: Transport) -> Self {
        Self::bad_request(ErrorContext::TransportMismatch {
            transport: transport.as_str().to_owned(),
            previous: session_on.as_str().to_owned(),
        })
    }

    /// What a session refuses: it is gone, or on WebSocket by now.
    pub(crate) fn of_session(error: HandshakeError, sid: &str) -> Self {
        match error {
            HandshakeError::UnknownSid => Self::unknown_sid(sid),
            _ => Self { error, ..Self::mismatch(Transport::Polling, Transport::Websocket) },
        }
    }

    pub(crate) const fn seen_by<'a>(&'a self, request: &'a HttpRequest) -> ConnectionError<'a> {
        ConnectionError { request, error: &self.error, context: &self.context }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_serialise_as_the_references() {
        let text = |context| serde_json::to_string(&context).unwrap();
        let owned = str::to_owned;
        assert_eq!(text(ErrorContext::UnknownTransport { transport: None }), "{}");
        assert_eq!(
            text(ErrorContext::UnknownTransport { transport: Some(owned("x")) }),
            r#"{"transport":"x"}"#
        );
        assert_eq!(text(ErrorContext::UnknownSid { sid: owned("s") }), r#"{"sid":"s"}"#);
        assert_eq!(text(ErrorContext::BadMethod { method: owned("PUT") }), r#"{"method":"PUT"}"#);
        assert_eq!(
            text(ErrorContext::TransportHandshake),
            r#"{"name":"TRANSPORT_HANDSHAKE_ERROR"}"#
        );
        assert_eq!(
            text(Refusal::mismatch(Transport::Websocket, Transport::Polling).context),
            r#"{"name":"TRANSPORT_MISMATCH","transport":"websocket","previousTransport":"polling"}"#
        );
        assert_eq!(text(ErrorContext::MiddlewareFailure), r#"{"name":"MIDDLEWARE_FAILURE"}"#);
        assert_eq!(
            text(ErrorContext::InvalidOrigin { origin: owned("o") }),
            r#"{"name":"INVALID_ORIGIN","origin":"o"}"#
        );
        assert_eq!(
            text(ErrorContext::IdGeneration { error: owned("e") }),
            r#"{"name":"ID_GENERATION_ERROR","error":"e"}"#
        );
        assert_eq!(
            text(ErrorContext::ForeignOrigin { origin: Some(owned("o")) }),
            r#"{"name":"FOREIGN_ORIGIN","origin":"o"}"#
        );
        assert_eq!(
            text(ErrorContext::SessionBinding { sid: owned("s") }),
            r#"{"name":"SESSION_BINDING","sid":"s"}"#
        );
        assert_eq!(text(ErrorContext::Refused { message: None }), r#"{"message":null}"#);
        assert_eq!(text(ErrorContext::UnsupportedProtocol { protocol: 3 }), r#"{"protocol":3}"#);
    }
}
