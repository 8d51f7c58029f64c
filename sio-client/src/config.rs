//! Options of a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use crate::backoff::Reconnection;
use crate::client::Client;
use crate::engine::endpoint::Endpoint;
use crate::engine::stream::{Connector, TcpConnector};
use crate::engine::{Dialer, Settings};
use crate::error::ConfigError;

/// How a client travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportMode {
    /// Begins with polling and moves to WebSocket if the server offers it, as the official client.
    #[default]
    Upgrade,
    /// HTTP long-polling only.
    Polling,
    /// WebSocket only.
    Websocket,
}

/// Bounds on what a server can make a client hold, and on what waits for the server.
///
/// What happens at each bound stands at its field.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientLimits {
    /// Largest WebSocket message or polling answer, in bytes; 16 MiB. Above, the session ends with
    /// `transport error`.
    pub max_message_size: usize,
    /// Attachments of one packet; 1000. Above, the session ends with `parse error`.
    pub max_attachments: usize,
    /// Bytes of the attachments of one packet; 64 MiB. Above, the session ends with `parse error`.
    pub max_binary_packet: usize,
    /// Packets of one socket that wait for its connection; 1000. Above,
    /// [`EmitError::BufferFull`](crate::EmitError::BufferFull).
    pub send_buffer: usize,
    /// Bytes of those packets; 16 MiB. Above, the same error.
    pub send_buffer_bytes: usize,
    /// Acks one socket waits for; 10,000. Above,
    /// [`EmitError::TooManyAcks`](crate::EmitError::TooManyAcks).
    pub max_pending_acks: usize,
    /// Unfinished answers of one socket to events of the server; 1000. Above, the event is answered
    /// with the error `overloaded`.
    pub max_responders: usize,
    /// Events one stream keeps for its reader; 1000. Above,
    /// [`ReceiveError::Lagged`](crate::ReceiveError::Lagged).
    pub stream_buffer: usize,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            max_message_size: 16 << 20,
            max_attachments: 1000,
            max_binary_packet: 64 << 20,
            send_buffer: 1000,
            send_buffer_bytes: 16 << 20,
            max_pending_acks: 10_000,
            max_responders: 1000,
            stream_buffer: 1000,
        }
    }
}

/// The options as the rest of the crate reads them.
pub(crate) struct Config {
    pub(crate) dialer: Dialer,
    pub(crate) settings: Settings,
    pub(crate) reconnection: Option<Reconnection>,
    pub(crate) connect_timeout: Duration,
    pub(crate) ack_timeout: Duration,
    pub(crate) limits: ClientLimits,
}

/// Configures a [`Client`].
#[must_use = "a builder does nothing until `build`"]
pub struct ClientBuilder {
    url: String,
    path: String,
    trailing_slash: bool,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    mode: TransportMode,
    reconnection: Option<Reconnection>,
    connect_timeout: Duration,
    ack_timeout: Duration,
    limits: ClientLimits,
    connector: Arc<dyn Connector>,
    #[cfg(feature = "tls")]
    tls: Option<Arc<tokio_rustls::rustls::ClientConfig>>,
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("url", &self.url)
            .field("path", &self.path)
            .field("mode", &self.mode)
            .field("reconnection", &self.reconnection)
            .finish_non_exhaustive()
    }
}

impl ClientBuilder {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            path: "socket.io".to_owned(),
            trailing_slash: true,
            query: Vec::new(),
            headers: Vec::new(),
            mode: TransportMode::default(),
            reconnection: Some(Reconnection::default()),
            connect_timeout: Duration::from_secs(20),
            ack_timeout: Duration::from_secs(20),
            limits: ClientLimits::default(),
            connector: Arc::new(TcpConnector),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// The path of the server; `/socket.io` by default.
    pub fn path(mut self, path: &str) -> Self {
        path.trim_matches('/').clone_into(&mut self.path);
        self
    }

    /// Whether a slash ends the path of requests, as it does by default.
    pub const fn add_trailing_slash(mut self, add: bool) -> Self {
        self.trailing_slash = add;
        self
    }

    /// Adds a pair to the query of every request; handlers find it in the handshake.
    pub fn query(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((key.into(), value.into()));
        self
    }

    /// Adds a header to every request.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// How the client travels; [`TransportMode::Upgrade`] by default.
    pub const fn transport(mut self, mode: TransportMode) -> Self {
        self.mode = mode;
        self
    }

    /// When a lost connection is tried again; `None` is never.
    pub fn reconnection(mut self, reconnection: impl Into<Option<Reconnection>>) -> Self {
        self.reconnection = reconnection.into();
        self
    }

    /// How long the handshake, an upgrade and the answer to CONNECT may each take, and
    /// [`Socket::connect`](crate::Socket::connect) as a whole; 20 s by default.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long an ack is waited for unless the call says otherwise; 20 s by default.
    pub const fn ack_timeout(mut self, timeout: Duration) -> Self {
        self.ack_timeout = timeout;
        self
    }

    /// Changes [`ClientLimits`].
    pub fn limits(mut self, change: impl FnOnce(&mut ClientLimits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// Who opens byte streams to the server; TCP by default.
    pub fn connector(mut self, connector: impl Connector) -> Self {
        self.connector = Arc::new(connector);
        self
    }

    /// The TLS configuration for `https` and `wss`; the default trusts the operating system's roots.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, config: Arc<tokio_rustls::rustls::ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Builds the client; nothing is opened before a socket connects.
    ///
    /// # Errors
    ///
    /// The URL or a header cannot be used.
    pub fn build(self) -> Result<Client, ConfigError> {
        let (mut endpoint, url_path) = Endpoint::from_url(&self.url)?;
        if !matches!(url_path.as_str(), "" | "/") {
            return Err(ConfigError::UrlPath(url_path));
        }
        let slash = if self.trailing_slash { "/" } else { "" };
        endpoint.path = format!("/{}{slash}", self.path);
        if endpoint.path.bytes().any(|b| !b.is_ascii_graphic() || matches!(b, b'?' | b'#')) {
            return Err(ConfigError::UrlPath(endpoint.path));
        }
        for (key, value) in &self.query {
            endpoint.add_query(key, value);
        }
        for (name, value) in &self.headers {
            let invalid = || ConfigError::Header(name.clone());
            let key = HeaderName::try_from(name.as_str()).map_err(|_bad_name| invalid())?;
            let value = HeaderValue::try_from(value.as_str()).map_err(|_bad_value| invalid())?;
            endpoint.headers.append(key, value);
        }
        #[cfg(not(feature = "tls"))]
        if endpoint.secure {
            return Err(ConfigError::TlsMissing(self.url));
        }
        #[cfg(feature = "tls")]
        let tls = if endpoint.secure {
            Some(match self.tls {
                Some(config) => config,
                None => crate::tls::system_config()?,
            })
        } else {
            None
        };
        let dialer = Dialer::new(
            self.connector,
            Arc::new(endpoint),
            #[cfg(feature = "tls")]
            tls,
        );
        let settings = Settings {
            websocket: self.mode == TransportMode::Websocket,
            upgrade: self.mode == TransportMode::Upgrade,
            connect_timeout: self.connect_timeout,
            max_message_size: self.limits.max_message_size,
        };
        Ok(Client::from_config(Config {
            dialer,
            settings,
            reconnection: self.reconnection,
            connect_timeout: self.connect_timeout,
            ack_timeout: self.ack_timeout,
            limits: self.limits,
        }))
    }
}
