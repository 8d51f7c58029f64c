//! Where the server is: what a URL and the options say, and the addresses of requests made from it.

use http::{HeaderMap, Uri};
use sio_core::engine::Transport;

use crate::error::ConfigError;

/// Characters that a query keeps as they are (RFC 3986, "unreserved").
const UNRESERVED: &[u8] = b"-._~";

#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) secure: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// With a slash at both ends, or only in front if the trailing slash is off.
    pub(crate) path: String,
    /// Percent-encoded pairs of the application.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
}

impl Endpoint {
    /// Reads scheme, host, port and query; returns the path of the URL beside it.
    pub(crate) fn from_url(url: &str) -> Result<(Self, String), ConfigError> {
        let invalid = || ConfigError::Url(url.to_owned());
        let uri: Uri = url.parse().map_err(|_no_uri| invalid())?;
        let secure = match uri.scheme_str() {
            Some("http" | "ws") => false,
            Some("https" | "wss") => true,
            _ => return Err(invalid()),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(invalid)?.to_owned();
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let endpoint = Self {
            secure,
            host,
            port,
            path: "/socket.io/".to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            headers: HeaderMap::new(),
        };
        Ok((endpoint, uri.path().to_owned()))
    }

    pub(crate) fn add_query(&mut self, key: &str, value: &str) {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        percent_encode(&mut self.query, key);
        self.query.push('=');
        percent_encode(&mut self.query, value);
    }

    /// The address of a request.
    pub(crate) fn uri(&self, transport: Transport, sid: Option<&str>) -> Result<Uri, http::Error> {
        let scheme = match (transport, self.secure) {
            (Transport::Websocket, false) => "ws",
            (Transport::Websocket, true) => "wss",
            (_, false) => "http",
            (_, true) => "https",
        };
        let mut query = self.query.clone();
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str("EIO=4&transport=");
        query.push_str(transport.as_str());
        if let Some(sid) = sid {
            query.push_str("&sid=");
            percent_encode(&mut query, sid);
        }
        Uri::builder()
            .scheme(scheme)
            .authority(self.authority())
            .path_and_query(format!("{}?{query}", self.path))
            .build()
    }

    /// Host and port as in a `Host` header: the port only where it is not the scheme's own.
    fn authority(&self) -> String {
        let usual = if self.secure { 443 } else { 80 };
        if self.port == usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

fn percent_encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || UNRESERVED.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                out.extend(char::from_digit(u32::from(digit), 16).map(|c| c.to_ascii_uppercase()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_without_scheme_or_host_are_refused() {
        for url in ["", "localhost:3000", "ftp://a", "http://", "//a", "http:// a"] {
            assert!(Endpoint::from_url(url).is_err(), "{url:?}");
        }
    }

    #[test]
    fn ports_follow_the_scheme() {
        let port = |url| Endpoint::from_url(url).unwrap().0.port;
        assert_eq!((port("http://a"), port("wss://a/x"), port("ws://[::1]:7")), (80, 443, 7));
    }

    #[test]
    fn request_addresses_carry_the_query() {
        let (mut endpoint, path) = Endpoint::from_url("http://a:8/chat?x=1").unwrap();
        endpoint.add_query("k &", "v/é");
        let uri = endpoint.uri(Transport::Polling, Some("s+1")).unwrap();
        assert_eq!(path, "/chat");
        assert_eq!(
            uri.to_string(),
            "http://a:8/socket.io/?x=1&k%20%26=v%2F%C3%A9&EIO=4&transport=polling&sid=s%2B1"
        );
    }
}
