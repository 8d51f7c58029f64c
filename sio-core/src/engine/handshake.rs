//! The opening of a session: query, checks that need no server state, open packet, error bodies.

use std::borrow::Cow;
use std::time::Duration;

use memchr::memchr2;
use serde::Serialize;

use crate::frame::Frame;
use crate::limits::SendPolicy;
use crate::sid::Sid;

use super::deflate::PerMessageDeflate;
use super::revision::Revision;

/// Bytes of an open packet besides the id, with usual numbers.
const OPEN_PACKET: usize = 100;

/// How bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Transport {
    /// HTTP long-polling.
    Polling,
    /// WebSocket.
    Websocket,
}

impl Transport {
    /// The name in queries and in the open packet.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::Websocket => "websocket",
        }
    }
}

/// Options of the Engine.IO layer; defaults are the reference's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineConfig {
    /// Time between a pong and the next ping; 25 s.
    pub ping_interval: Duration,
    /// Time a client has for its pong; 20 s.
    pub ping_timeout: Duration,
    /// Time a probing transport has to finish the upgrade; 10 s.
    pub upgrade_timeout: Duration,
    /// Announced as `maxPayload`; 1,000,000 bytes.
    pub max_payload: usize,
    /// Polling is offered.
    pub polling: bool,
    /// WebSocket is offered.
    pub websocket: bool,
    /// Upgrades are announced.
    pub allow_upgrades: bool,
    /// Clients of revision 3 are served as well; off.
    pub allow_eio3: bool,
    /// A message that each session is sent right behind its open packet; none.
    pub initial_packet: Option<Frame>,
    /// WebSocket messages are compressed for clients that offer it; off.
    pub per_message_deflate: Option<PerMessageDeflate>,
    /// Orderly-close wait of a polling session; 30 s.
    pub close_timeout: Duration,
    /// Bytes waiting for a session at which it ends.
    pub send_buffer_max: usize,
    /// Frames waiting for a session at which it ends.
    pub send_buffer_max_frames: usize,
    /// What becomes of events above these two.
    pub send_policy: SendPolicy,
    /// Bytes waiting for a session from which on its peer is not read.
    pub send_buffer_high: usize,
}

impl Default for EngineConfig {
    fn default() -> Self {
        let limits = crate::limits::Limits::default();
        Self {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            upgrade_timeout: Duration::from_secs(10),
            max_payload: limits.max_payload,
            polling: true,
            websocket: true,
            allow_upgrades: true,
            allow_eio3: false,
            initial_packet: None,
            per_message_deflate: None,
            close_timeout: limits.close_timeout,
            send_buffer_max: limits.send_buffer_max,
            send_buffer_max_frames: limits.send_buffer_max_frames,
            send_policy: limits.send_policy,
            send_buffer_high: limits.send_buffer_high,
        }
    }
}

impl EngineConfig {
    /// Whether a transport is offered.
    #[must_use]
    pub const fn offers(&self, transport: Transport) -> bool {
        match transport {
            Transport::Polling => self.polling,
            Transport::Websocket => self.websocket,
        }
    }

    /// The size from which on messages are compressed for a WebSocket that `agreed` to that.
    #[must_use]
    pub fn deflate_from(&self, agreed: bool) -> Option<usize> {
        self.per_message_deflate.filter(|_| agreed).map(|deflate| deflate.threshold)
    }

    /// The open packet of a session (Engine.IO 4, "handshake"), type digit included.
    #[must_use]
    pub fn open_packet(&self, sid: &Sid, transport: Transport) -> String {
        let upgrades = transport == Transport::Polling && self.allow_upgrades && self.websocket;
        let numbers = [
            (",\"pingInterval\":", millis(self.ping_interval)),
            (",\"pingTimeout\":", millis(self.ping_timeout)),
            (",\"maxPayload\":", u64::try_from(self.max_payload).unwrap_or(u64::MAX)),
        ];
        let mut packet = String::with_capacity(OPEN_PACKET + sid.as_str().len());
        // The id of a session has no character that JSON would escape.
        packet.push_str("0{\"sid\":\"");
        packet.push_str(sid.as_str());
        packet.push_str("\",\"upgrades\":");
        packet.push_str(if upgrades { "[\"websocket\"]" } else { "[]" });
        for (key, number) in numbers {
            packet.push_str(key);
            packet.push_str(itoa::Buffer::new().format(number));
        }
        packet.push('}');
        packet
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Why a request was refused, with the reference's code, message and HTTP status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// Code 0.
    #[error("Transport unknown")]
    UnknownTransport,
    /// Code 1.
    #[error("Session ID unknown")]
    UnknownSid,
    /// Code 2.
    #[error("Bad handshake method")]
    BadHandshakeMethod,
    /// Code 3.
    #[error("Bad request")]
    BadRequest,
    /// Code 4, with the application's own text or the default one.
    #[error("{0}")]
    Forbidden(Cow<'static, str>),
    /// Code 5.
    #[error("Unsupported protocol version")]
    UnsupportedVersion,
}

impl HandshakeError {
    /// The refusal of an application that gives no text.
    pub const FORBIDDEN: Self = Self::Forbidden(Cow::Borrowed("Forbidden"));

    /// The number in the error body.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::UnknownTransport => 0,
            Self::UnknownSid => 1,
            Self::BadHandshakeMethod => 2,
            Self::BadRequest => 3,
            Self::Forbidden(_) => 4,
            Self::UnsupportedVersion => 5,
        }
    }

    /// The HTTP status of a plain request; a refused WebSocket handshake is always 400.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Forbidden(_) => 403,
            _ => 400,
        }
    }

    /// The body of a plain request's answer: `{"code":N,"message":"…"}`.
    #[must_use]
    pub fn body(&self) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            code: u8,
            message: &'a str,
        }
        let message = self.to_string();
        serde_json::to_string(&Body { code: self.code(), message: &message }).unwrap_or_default()
    }
}

/// The Engine.IO part of a request's query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineQuery<'a> {
    /// `transport`, percent-decoded.
    pub transport: Option<Cow<'a, str>>,
    /// `sid`; empty counts as absent.
    pub sid: Option<Cow<'a, str>>,
    /// `EIO`.
    pub revision: Option<Cow<'a, str>>,
    /// `b64` is present and not empty: the client cannot take binary.
    pub base64: bool,
    /// `j`: the client polls by script elements, and this is the index of its callback.
    pub jsonp: Option<Cow<'a, str>>,
}

impl<'a> EngineQuery<'a> {
    /// Reads a raw query. Of a repeated key the last one counts, except `sid`,
    /// whose first one counts: a key to a session must not be replaced by appending.
    #[must_use]
    pub fn parse(query: &'a str) -> Self {
        let mut parsed = Self::default();
        for (key, value) in query_pairs(query) {
            match &*key {
                "transport" => parsed.transport = Some(value),
                "sid" if parsed.sid.is_none() && !value.is_empty() => parsed.sid = Some(value),
                "EIO" => parsed.revision = Some(value),
                "b64" => parsed.base64 = !value.is_empty(),
                "j" => parsed.jsonp = Some(value),
                _ => {}
            }
        }
        parsed
    }

    /// The transport the request names, if it is known and offered.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::UnknownTransport`].
    pub fn transport(&self, config: &EngineConfig) -> Result<Transport, HandshakeError> {
        let transport = match self.transport.as_deref() {
            Some("polling") => Transport::Polling,
            Some("websocket") => Transport::Websocket,
            _ => return Err(HandshakeError::UnknownTransport),
        };
        if config.offers(transport) { Ok(transport) } else { Err(HandshakeError::UnknownTransport) }
    }

    /// The protocol revision asked for: 4, or 3 for everything else if the server allows that.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::UnsupportedVersion`].
    pub fn revision(&self, config: &EngineConfig) -> Result<Revision, HandshakeError> {
        match self.revision.as_deref() {
            Some("4") => Ok(Revision::V4),
            _ if config.allow_eio3 => Ok(Revision::V3),
            _ => Err(HandshakeError::UnsupportedVersion),
        }
    }
}

/// The key-value pairs of a query, percent-decoded, `+` read as a blank.
pub fn query_pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    // Every request has a query, and most have nothing to decode.
    let escaped = memchr2(b'%', b'+', query.as_bytes()).is_some();
    let decoded = move |text| if escaped { percent_decode(text) } else { Cow::Borrowed(text) };
    let mut rest = query;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let (pair, behind) = split_at(rest, b'&');
            rest = behind;
            if !pair.is_empty() {
                let (key, value) = split_at(pair, b'=');
                return Some((decoded(key), decoded(value)));
            }
        }
        None
    })
}

/// What is before an ASCII character and what is behind it, if it is there.
fn split_at(text: &str, mark: u8) -> (&str, &str) {
    // Keys and values are so short that a search in wide steps does not get going.
    let end = text.bytes().position(|byte| byte == mark).unwrap_or(text.len());
    (text.get(..end).unwrap_or_default(), text.get(end + 1..).unwrap_or_default())
}

fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|b| b == b'%' || b == b'+') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut ahead = bytes.clone();
                match (ahead.next().and_then(hex_digit), ahead.next().and_then(hex_digit)) {
                    (Some(high), Some(low)) => {
                        out.push(high << 4 | low);
                        bytes = ahead;
                    }
                    _ => out.push(b'%'),
                }
            }
            other => out.push(other),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_transports_are_refused() {
        let config = EngineConfig::default();
        for query in ["", "EIO=4", "transport=", "transport=webtransport", "transport=__proto__"] {
            assert_eq!(
                EngineQuery::parse(query).transport(&config),
                Err(HandshakeError::UnknownTransport),
                "{query}"
            );
        }
        let polling_only = EngineConfig { websocket: false, ..EngineConfig::default() };
        assert!(EngineQuery::parse("transport=websocket").transport(&polling_only).is_err());
    }

    #[test]
    fn only_revision_four_passes_unless_three_is_allowed() {
        let config = EngineConfig::default();
        let legacy = EngineConfig { allow_eio3: true, ..EngineConfig::default() };
        for query in ["", "EIO=3", "EIO=04", "EIO=4x", "EIO=", "EIO=5"] {
            let revision = |config| EngineQuery::parse(query).revision(config);
            assert!(revision(&config).is_err(), "{query}");
            assert_eq!(revision(&legacy), Ok(Revision::V3), "{query}");
        }
        assert_eq!(EngineQuery::parse("EIO=4").revision(&config), Ok(Revision::V4));
        assert_eq!(EngineQuery::parse("EIO=4").revision(&legacy), Ok(Revision::V4));
    }

    #[test]
    fn first_sid_and_last_of_other_keys_count() {
        let query = EngineQuery::parse("sid=a&sid=b&EIO=3&EIO=4&sid=");
        assert_eq!(query.sid.as_deref(), Some("a"));
        assert_eq!(query.revision.as_deref(), Some("4"));
        assert_eq!(EngineQuery::parse("sid=").sid, None);
    }

    #[test]
    fn query_values_are_percent_decoded() {
        let pairs: Vec<_> = query_pairs("&%26a=%26%3D%3Fa&&b=1+2&c&=&e==&d=%zz%4&").collect();
        assert_eq!(
            pairs,
            [
                ("&a".into(), "&=?a".into()),
                ("b".into(), "1 2".into()),
                ("c".into(), "".into()),
                ("".into(), "".into()),
                ("e".into(), "=".into()),
                ("d".into(), "%zz%4".into()),
            ]
        );
    }

    #[test]
    fn error_bodies_are_the_references() {
        assert_eq!(
            HandshakeError::UnknownSid.body(),
            r#"{"code":1,"message":"Session ID unknown"}"#
        );
        assert_eq!(
            HandshakeError::Forbidden("no \"entry\"".into()).body(),
            r#"{"code":4,"message":"no \"entry\""}"#
        );
    }

    #[test]
    fn open_packet_has_five_keys_in_order() {
        let sid = Sid::from_bytes(&[0; 15]);
        let config = EngineConfig::default();
        assert_eq!(
            config.open_packet(&sid, Transport::Polling),
            r#"0{"sid":"AAAAAAAAAAAAAAAAAAAA","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#
        );
        assert!(config.open_packet(&sid, Transport::Websocket).contains(r#""upgrades":[]"#));
    }
}
