//! Options of a test client.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::client::TestClient;
use super::fault::{FaultyConnector, Switch};
use super::server::TestServer;
use crate::backoff::Reconnection;
use crate::client::Client;
use crate::config::TransportMode;
use crate::error::ConnectError;

/// Options of [`TestClient::connect_with`].
#[derive(Debug, Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal with `..Opts::default()`")]
pub struct Opts {
    /// What the server gets as `auth`; an object.
    pub auth: Option<Value>,
    /// Headers of every request.
    pub headers: Vec<(String, String)>,
    /// Pairs of the query of every request.
    pub query: Vec<(String, String)>,
    /// How the client travels.
    pub transport: TransportMode,
    /// The path of the server, if it is not `/socket.io`.
    pub path: Option<String>,
    /// A lost connection is tried again; off by default, so that a loss is seen.
    pub reconnection: Option<Reconnection>,
    /// The deadline of every wait, if it is not the server's.
    pub timeout: Option<Duration>,
}

/// Configures a [`TestClient`]; see [`TestServer::client`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `connect`"]
pub struct TestClientBuilder<'a> {
    server: &'a TestServer,
    namespace: String,
    opts: Opts,
    deadline: Duration,
}

impl<'a> TestClientBuilder<'a> {
    pub(crate) fn new(server: &'a TestServer, deadline: Duration) -> Self {
        Self { server, namespace: "/".to_owned(), opts: Opts::default(), deadline }
    }

    /// The namespace; `/` by default.
    pub fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// Sets all other options.
    pub fn opts(mut self, opts: Opts) -> Self {
        self.opts = opts;
        self
    }

    /// What the server gets as `auth`.
    pub fn auth(mut self, auth: impl Serialize) -> Self {
        // What is no JSON is no object either, and is refused by `connect`.
        self.opts.auth = Some(serde_json::to_value(auth).unwrap_or_default());
        self
    }

    /// Adds a pair to the query of every request.
    pub fn query(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.opts.query.push((key.into(), value.into()));
        self
    }

    /// Adds a header to every request.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.opts.headers.push((name.into(), value.into()));
        self
    }

    /// How the client travels; polling and then WebSocket by default.
    pub const fn transport(mut self, mode: TransportMode) -> Self {
        self.opts.transport = mode;
        self
    }

    /// The path of the server; `/socket.io` by default.
    pub fn path(mut self, path: &str) -> Self {
        self.opts.path = Some(path.to_owned());
        self
    }

    /// Whether a lost connection is tried again, as the official client does; off by default.
    pub fn reconnect(mut self, reconnect: bool) -> Self {
        self.opts.reconnection = reconnect.then(Reconnection::default);
        self
    }

    /// When a lost connection is tried again.
    pub fn reconnection(mut self, reconnection: Reconnection) -> Self {
        self.opts.reconnection = Some(reconnection);
        self
    }

    /// The deadline of every wait; 5 s by default.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.opts.timeout = Some(timeout);
        self
    }

    /// Builds the client without connecting it, for tests that listen before they connect.
    ///
    /// # Errors
    ///
    /// Wrong options.
    pub fn build(self) -> Result<TestClient, ConnectError> {
        let deadline = self.opts.timeout.unwrap_or(self.deadline);
        let switch = Arc::new(Switch::default());
        let inner = self.server.connector();
        let mut client = Client::builder(&self.server.url())
            .connector(FaultyConnector { inner, switch: Arc::clone(&switch) })
            .transport(self.opts.transport)
            .reconnection(self.opts.reconnection)
            .connect_timeout(deadline)
            .ack_timeout(deadline);
        if let Some(path) = &self.opts.path {
            client = client.path(path);
        }
        for (key, value) in self.opts.query {
            client = client.query(key, value);
        }
        for (name, value) in self.opts.headers {
            client = client.header(name, value);
        }
        let socket = client.build()?.socket(&self.namespace);
        if let Some(auth) = self.opts.auth {
            socket.set_auth(auth)?;
        }
        Ok(TestClient::new(socket, switch, deadline))
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`]; a refusal carries the server's message and data.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the attempt up.
    pub async fn connect(self) -> Result<TestClient, ConnectError> {
        let client = self.build()?;
        client.socket().connect().await?;
        Ok(client)
    }
}
