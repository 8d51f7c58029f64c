//! What a session keeps of the request that opened it.
//!
//! A copy in one block, never the request itself: a held request costs kilobytes per connection.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use indexmap::IndexMap;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Value;

use crate::engine::handshake::query_pairs;
use crate::engine::{Revision, Transport};
use crate::sid::Sid;

use super::extensions::Extensions;
use super::trace_context::TraceContext;

/// The parts a carrier copies from a request.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "a carrier builds it field by field")]
pub struct HandshakeParts<'a> {
    /// Lower-case header names, and values.
    pub headers: &'a [(&'a str, &'a str)],
    /// Path and query as the client wrote them.
    pub url: &'a str,
    /// Address of the peer.
    pub address: Option<SocketAddr>,
    /// The request came over TLS.
    pub secure: bool,
    /// Time of the handshake.
    pub time: SystemTime,
}

/// How a session is opened.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "a carrier builds it field by field")]
pub struct Opening {
    /// Data of the request.
    pub handshake: Arc<Handshake>,
    /// The transport it came by.
    pub transport: Transport,
    /// The revision of the protocol it asked for.
    pub revision: Revision,
    /// The client takes no binary.
    pub base64: bool,
    /// The WebSocket agreed to compressed messages.
    pub deflate: bool,
    /// Index of the JSONP callback, digits only, if answers are to be wrapped.
    pub jsonp: Option<Box<str>>,
    /// The session id, if the application made one; otherwise a random one is drawn. Whoever knows it can
    /// speak for the session.
    pub sid: Option<Sid>,
}

/// Why a session was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "a carrier must answer each of them")]
pub enum OpenError {
    /// The server is closing, or has as many sessions as it may.
    #[error("the server takes no more sessions now")]
    Unavailable,
    /// Another session has the id that the application made.
    #[error("the session id is in use")]
    SidInUse,
}

impl Opening {
    /// An ordinary session of revision 4.
    #[must_use]
    pub fn new(handshake: impl Into<Arc<Handshake>>, transport: Transport) -> Self {
        Self {
            handshake: handshake.into(),
            transport,
            revision: Revision::V4,
            base64: false,
            deflate: false,
            jsonp: None,
            sid: None,
        }
    }
}

/// Data of the request that opened a session; the same for all its sockets, also after an upgrade.
///
/// Serialises as the reference's handshake object, without `auth`, which belongs to a socket: see
/// [`Socket::handshake_object`](super::Socket::handshake_object).
#[derive(Clone)]
pub struct Handshake {
    /// Name and value of each header, each ended by a line feed, which no header can contain; then the url.
    text: Box<str>,
    /// Where the url begins.
    url: u32,
    address: Option<SocketAddr>,
    secure: bool,
    time: SystemTime,
    extensions: Extensions,
}

/// Neither headers nor query: they hold cookies and tokens.
impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("path", &self.url().split('?').next())
            .field("address", &self.address)
            .field("secure", &self.secure)
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

impl Handshake {
    /// Copies the parts.
    #[must_use]
    pub fn new(parts: &HandshakeParts<'_>) -> Self {
        let headers: usize =
            parts.headers.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        let mut text = String::with_capacity(headers + parts.url.len());
        for (name, value) in parts.headers {
            text.extend([name, "\n", value, "\n"]);
        }
        Self::of_headers(text, parts.url, parts.address, parts.secure, parts.time)
    }

    /// `text` has the headers, and gets the url.
    fn of_headers(
        mut text: String,
        url: &str,
        address: Option<SocketAddr>,
        secure: bool,
        time: SystemTime,
    ) -> Self {
        let headers = text.len();
        text.push_str(url);
        // No carrier takes a request head of gigabytes.
        let url = u32::try_from(headers).unwrap_or(u32::MAX);
        Self { text: text.into(), url, address, secure, time, extensions: Extensions::default() }
    }

    /// Reads the object that [`Serialize`] writes, or another server; what is missing or of the wrong kind is
    /// empty. The port of the address is unknown then, and 0.
    pub(crate) fn of_object(object: &Value) -> Self {
        let mut headers = String::new();
        let mut add = |name: &str, value: &str| {
            if !name.contains('\n') && !value.contains('\n') {
                headers.extend([name, "\n", value, "\n"]);
            }
        };
        for (name, value) in object.get("headers").and_then(Value::as_object).into_iter().flatten()
        {
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            values.iter().filter_map(Value::as_str).for_each(|value| add(name, value));
        }
        let text = |key| object.get(key).and_then(Value::as_str).unwrap_or_default();
        let issued = object.get("issued").and_then(Value::as_u64).unwrap_or_default();
        let issued = UNIX_EPOCH.checked_add(Duration::from_millis(issued));
        Self::of_headers(
            headers,
            text("url"),
            text("address").parse().ok().map(|ip| SocketAddr::new(ip, 0)),
            object.get("secure").and_then(Value::as_bool).unwrap_or_default(),
            issued.unwrap_or(UNIX_EPOCH),
        )
    }

    fn url_at(&self) -> usize {
        usize::try_from(self.url).unwrap_or(usize::MAX)
    }

    /// Header names in lower case, with their values, in the order of arrival.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut lines = self.text.get(..self.url_at()).unwrap_or_default().split('\n');
        std::iter::from_fn(move || Some((lines.next()?, lines.next()?)))
    }

    /// The first header with this lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Keys and values of the query, percent-decoded, `EIO` and `transport` included.
    pub fn query(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        query_pairs(self.url().split_once('?').map_or("", |(_, query)| query))
    }

    /// The last value of a query key.
    #[must_use]
    pub fn query_value(&self, key: &str) -> Option<Cow<'_, str>> {
        self.query().filter(|(known, _)| known == key).last().map(|(_, value)| value)
    }

    /// Path and query of the first request.
    #[must_use]
    pub fn url(&self) -> &str {
        self.text.get(self.url_at()..).unwrap_or_default()
    }

    /// Address of the peer.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The request came over TLS.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Time of the handshake.
    #[must_use]
    pub const fn time(&self) -> SystemTime {
        self.time
    }

    /// A value that came with the request, from a middleware of the application's for instance; it is this
    /// node's, and not part of the object that others see.
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.extensions.get()
    }

    /// The handshake with the values that came with its request.
    #[must_use]
    pub fn with_extensions(self, extensions: Extensions) -> Self {
        Self { extensions, ..self }
    }

    /// The request had an `Origin` header, and the session keeps it.
    #[must_use]
    pub fn is_cross_domain(&self) -> bool {
        self.header("origin").is_some()
    }

    /// Of which trace the client says that this session is a part: the `traceparent` and `tracestate` headers
    /// of its first request. `None` also if there are several of the former.
    #[must_use]
    pub fn trace_context(&self) -> Option<TraceContext> {
        let mut parent = None;
        let mut states = Vec::new();
        for (name, value) in self.headers() {
            match name {
                "traceparent" if parent.replace(value).is_some() => return None,
                "tracestate" => states.push(value),
                _ => {}
            }
        }
        let states = (!states.is_empty()).then(|| states.join(","));
        TraceContext::parse(parent?, states.as_deref())
    }

    /// Milliseconds since the epoch.
    fn issued(&self) -> u64 {
        self.time
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

struct Headers<'a>(&'a Handshake);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut headers: IndexMap<&str, Cow<'_, str>> = IndexMap::new();
        for (name, value) in self.0.headers() {
            headers
                .entry(name)
                // As Node.js joins what is given twice.
                .and_modify(|values| *values = format!("{values}, {value}").into())
                .or_insert(value.into());
        }
        serializer.collect_map(headers)
    }
}

struct Query<'a>(&'a Handshake);

impl Serialize for Query<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Of a key that is given twice the last value counts.
        serializer.collect_map(self.0.query().collect::<IndexMap<_, _>>())
    }
}

impl Handshake {
    fn serialize_with<S: Serializer>(
        &self,
        auth: Option<&Value>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut object =
            serializer.serialize_struct("Handshake", 8 + usize::from(auth.is_some()))?;
        object.serialize_field("headers", &Headers(self))?;
        object.serialize_field("time", &crate::date::text(self.issued() / 1_000))?;
        let address = self.address.map(|address| address.ip().to_string());
        object.serialize_field("address", &address.unwrap_or_default())?;
        object.serialize_field("xdomain", &self.is_cross_domain())?;
        object.serialize_field("secure", &self.secure)?;
        object.serialize_field("issued", &self.issued())?;
        object.serialize_field("url", self.url())?;
        object.serialize_field("query", &Query(self))?;
        if let Some(auth) = auth {
            object.serialize_field("auth", auth)?;
        }
        object.end()
    }
}

impl Serialize for Handshake {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize_with(None, serializer)
    }
}

/// The handshake of a session with a socket's CONNECT payload: the reference's `socket.handshake`.
#[derive(Clone)]
pub struct HandshakeObject {
    pub(super) handshake: Arc<Handshake>,
    pub(super) auth: Value,
}

/// As [`Handshake`], and without the CONNECT payload.
impl fmt::Debug for HandshakeObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handshake.fmt(f)
    }
}

impl Serialize for HandshakeObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.handshake.serialize_with(Some(&self.auth), serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handshake() -> Handshake {
        Handshake::new(&HandshakeParts {
            headers: &[("host", "a"), ("x-empty", ""), ("origin", "http://b"), ("x-empty", "b")],
            url: "/socket.io/?EIO=4&a=1&a=2",
            address: None,
            secure: false,
            time: UNIX_EPOCH,
        })
    }

    #[test]
    fn headers_survive_packing() {
        let handshake = handshake();
        let headers: Vec<_> = handshake.headers().collect();
        let twice = ("x-empty", "b");
        assert_eq!(headers, [("host", "a"), ("x-empty", ""), ("origin", "http://b"), twice]);
        assert_eq!(handshake.header("x-none"), None);
        assert_eq!(handshake.query_value("a").as_deref(), Some("2"));
    }

    #[test]
    fn a_trace_context_is_read_from_the_headers() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        let context = |headers: &[(&str, &str)]| {
            let (url, address, secure, time) = ("/", None, false, UNIX_EPOCH);
            Handshake::new(&HandshakeParts { headers, url, address, secure, time }).trace_context()
        };
        assert_eq!(context(&[("tracestate", "a=1")]), None);
        assert_eq!(context(&[("traceparent", parent), ("traceparent", parent)]), None);
        let states = [("tracestate", "a=1"), ("traceparent", parent), ("tracestate", "b=2")];
        let context = context(&states).unwrap();
        assert_eq!(context.to_string(), parent);
        assert_eq!(context.state(), Some("a=1,b=2"));
    }

    #[test]
    fn serialises_as_the_references_object() {
        assert_eq!(
            serde_json::to_string(&handshake()).unwrap(),
            r#"{"headers":{"host":"a","x-empty":", b","origin":"http://b"},"time":"Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)","address":"","xdomain":true,"secure":false,"issued":0,"url":"/socket.io/?EIO=4&a=1&a=2","query":{"EIO":"4","a":"2"}}"#
        );
    }
}
