//! Request heads: how large they may be, and what a session keeps of its first one.

use std::borrow::Cow;
use std::time::SystemTime;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use sio_core::limits::{Limit, Limits};
use sio_core::server::{Handshake, HandshakeParts};

/// Bytes of a header besides its name and value: colon, blank, line end.
const SEPARATORS: usize = 4;

/// What says of which trace a request is a part; see [`Handshake::trace_context`].
const TRACE: [&str; 2] = ["traceparent", "tracestate"];

/// Which headers of its first request a session keeps; for
/// [`IoBuilder::keep_headers`](crate::IoBuilder::keep_headers).
///
/// `traceparent` and `tracestate` are kept in any case: they say of which trace the session is a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeptHeaders {
    /// All of them, once per session, as the reference does.
    #[default]
    All,
    /// Those with these names, in lower case; an empty list keeps none.
    Only(Vec<String>),
}

impl KeptHeaders {
    pub(crate) fn keeps(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => {
                TRACE.contains(&name) || names.iter().any(|known| known.eq_ignore_ascii_case(name))
            }
        }
    }

    /// Copies what is kept of a request, never more than its head may have.
    pub(crate) fn copy(&self, request: &HttpRequest) -> Handshake {
        let headers: Vec<(&str, Cow<'_, str>)> = request
            .headers()
            .iter()
            .filter(|(name, _)| self.keeps(name.as_str()))
            .map(|(name, value)| (name.as_str(), text(value)))
            .collect();
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, &**value)).collect();
        let uri = request.uri();
        Handshake::new(&HandshakeParts {
            headers: &headers,
            url: uri.path_and_query().map_or("", |url| url.as_str()),
            address: request.peer_addr(),
            secure: request.app_config().secure(),
            time: SystemTime::now(),
        })
    }
}

/// A header's value. Browsers write cookies as UTF-8; what is none is replaced, so that no header looks as if it
/// had not been sent.
pub(super) fn text(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

/// What of a request's head is larger than it may be.
///
/// actix has read it by then: it refuses more than 96 headers and more than 128 KiB itself.
pub(crate) fn excess(request: &HttpRequest, limits: &Limits) -> Option<Limit> {
    let above = |size: usize, limit: usize| limit > 0 && size > limit;
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if above(target, limits.max_request_target) {
        return Some(Limit::MaxRequestTarget);
    }
    let headers = request.headers();
    let size =
        |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + SEPARATORS;
    let head = target + headers.iter().map(size).sum::<usize>();
    if above(head, limits.max_request_head) {
        return Some(Limit::MaxRequestHead);
    }
    above(headers.len(), limits.max_request_headers).then_some(Limit::MaxRequestHeaders)
}

/// The answer to a request that is above one of these.
pub(crate) const fn status_above(limit: Limit) -> StatusCode {
    match limit {
        Limit::MaxRequestTarget => StatusCode::URI_TOO_LONG,
        _ => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn excess_of(target: &str, headers: usize, value: usize) -> Option<u16> {
        let mut request = TestRequest::with_uri(target);
        for number in 0..headers {
            let name = format!("x-{number:03}");
            request = request.append_header((name.as_str(), "v".repeat(value)));
        }
        let limit = excess(&request.to_http_request(), &Limits::default())?;
        Some(status_above(limit).as_u16())
    }

    #[test]
    fn limit_20_one_above_each_limit_of_a_head() {
        let target = |length: usize| format!("/{}", "a".repeat(length - 1));
        assert_eq!(excess_of(&target(8_192), 0, 0), None);
        assert_eq!(excess_of(&target(8_193), 0, 0), Some(414));
        assert_eq!(excess_of("/", 96, 1), None);
        assert_eq!(excess_of("/", 97, 1), Some(431));
        // A target of one byte, and a header of name, value and separators.
        assert_eq!(excess_of("/", 1, 32_768 - 1 - 5 - SEPARATORS), None);
        assert_eq!(excess_of("/", 1, 32_768 - 5 - SEPARATORS), Some(431));
    }

    #[test]
    fn only_named_headers_are_kept() {
        let request = TestRequest::default()
            .append_header(("Cookie", "a=1"))
            .append_header(("X-A", "1"))
            .append_header(("X-A", "2"))
            .to_http_request();
        let kept = |keep: KeptHeaders| keep.copy(&request).headers().count();
        assert_eq!(kept(KeptHeaders::All), 3);
        assert_eq!(kept(KeptHeaders::Only(vec!["x-a".to_owned()])), 2);
        assert_eq!(kept(KeptHeaders::Only(Vec::new())), 0);
    }

    #[test]
    fn the_trace_that_a_session_belongs_to_is_always_kept() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let request = TestRequest::default()
            .append_header(("TraceParent", parent))
            .append_header(("TraceState", "a=1"))
            .append_header(("Cookie", "a=1"))
            .to_http_request();
        let handshake = KeptHeaders::Only(Vec::new()).copy(&request);
        let context = handshake.trace_context().unwrap();
        assert_eq!((context.to_string().as_str(), context.state()), (parent, Some("a=1")));
        assert_eq!(handshake.headers().count(), 2);
    }
}
