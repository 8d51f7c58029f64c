//! The server under test, on a port or in memory.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::ServiceConfig;
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use sio_actix::Io;
use tokio::time::timeout;

use super::builder::TestClientBuilder;
use super::leaks::Leaks;
use super::memory::{self, MemoryServer};
use super::ports::{self, PortServer};
use crate::engine::stream::{Connector, TcpConnector};

/// The default deadline of every wait of a test.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);
/// Host and port of requests to a server in memory.
const MEMORY_HOST: (&str, u16) = ("memory.test", 80);

pub(crate) type Routes = Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>;

enum Back {
    Port(PortServer),
    Memory(MemoryServer),
}

/// A running server; see the [module](crate::test).
///
/// Dropped, it stops without looking for leaks.
pub struct TestServer {
    io: Io,
    back: Option<Back>,
    connector: Arc<dyn Connector>,
    host: String,
    port: u16,
    deadline: Duration,
}

impl fmt::Debug for TestServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestServer").field("url", &self.url()).finish_non_exhaustive()
    }
}

/// Configures a [`TestServer`].
#[must_use = "a builder does nothing until `start` or `memory`"]
pub struct TestServerBuilder {
    io: Io,
    app: Option<Routes>,
    routes: Vec<Routes>,
    workers: usize,
    port: u16,
    deadline: Duration,
}

impl fmt::Debug for TestServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestServerBuilder").field("workers", &self.workers).finish_non_exhaustive()
    }
}

impl TestServerBuilder {
    /// How many worker threads serve; 1 by default. In memory there is always one: the test's own.
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Adds HTTP routes to the server's app.
    pub fn routes(mut self, routes: impl Fn(&mut ServiceConfig) + Send + Sync + 'static) -> Self {
        self.routes.push(Arc::new(routes));
        self
    }

    /// The whole configuration of the app in place of [`Io::configure`], for a program that has it in a
    /// function of its own: `.app(|config| app(&io)(config))`.
    pub fn app(mut self, app: impl Fn(&mut ServiceConfig) + Send + Sync + 'static) -> Self {
        self.app = Some(Arc::new(app));
        self
    }

    /// The port; any free one by default. For a server that comes back where another one was.
    pub const fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The default deadline of [`TestServer::stop`] and of the clients; 5 s.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Everything the app serves.
    fn all_routes(&self) -> Vec<Routes> {
        let io = self.io.clone();
        let app =
            self.app.clone().unwrap_or_else(|| Arc::new(move |config| io.configure()(config)));
        std::iter::once(app).chain(self.routes.iter().cloned()).collect()
    }

    /// Starts on a port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// The port cannot be had.
    ///
    /// # Cancel safety
    ///
    /// The server stops if the future is dropped.
    pub async fn start(self) -> TestServer {
        let routes = self.all_routes();
        let started = ports::start(routes, self.port, self.workers).await;
        let server = match started {
            Ok(server) => server,
            #[expect(clippy::panic, reason = "documented: a test without its server has failed")]
            Err(error) => panic!("the test server cannot start: {error}"),
        };
        TestServer {
            io: self.io,
            connector: Arc::new(TcpConnector),
            host: server.address.ip().to_string(),
            port: server.address.port(),
            back: Some(Back::Port(server)),
            deadline: self.deadline,
        }
    }

    /// Starts without a port.
    ///
    /// # Panics
    ///
    /// There is no runtime of actix: use `#[actix_web::test]`.
    ///
    /// # Cancel safety
    ///
    /// The server stops if the future is dropped.
    #[expect(clippy::unused_async, reason = "one API with `start`")]
    pub async fn memory(self) -> TestServer {
        let (server, connector) = memory::start(&self.all_routes());
        let (host, port) = MEMORY_HOST;
        TestServer {
            io: self.io,
            back: Some(Back::Memory(server)),
            connector,
            host: host.to_owned(),
            port,
            deadline: self.deadline,
        }
    }
}

impl TestServer {
    /// Starts a server on a free port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// No port can be had.
    ///
    /// # Cancel safety
    ///
    /// The server stops if the future is dropped.
    pub async fn start(io: Io) -> Self {
        Self::builder(io).start().await
    }

    /// Starts a server without a port, on this thread.
    ///
    /// # Panics
    ///
    /// There is no runtime of actix: use `#[actix_web::test]`.
    ///
    /// # Cancel safety
    ///
    /// The server stops if the future is dropped.
    pub async fn memory(io: Io) -> Self {
        Self::builder(io).memory().await
    }

    /// Starts configuring a server.
    pub const fn builder(io: Io) -> TestServerBuilder {
        TestServerBuilder {
            io,
            app: None,
            routes: Vec::new(),
            workers: 1,
            port: 0,
            deadline: DEADLINE,
        }
    }

    /// Where the server is: `http://127.0.0.1:PORT`, or a name that only its clients know.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}:{}", self.host, self.port)
    }

    /// The port; 80 in memory.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The Socket.IO server.
    #[must_use]
    pub const fn io(&self) -> &Io {
        &self.io
    }

    /// Opens streams to this server, for clients of one's own.
    #[must_use]
    pub fn connector(&self) -> Arc<dyn Connector> {
        Arc::clone(&self.connector)
    }

    /// Starts configuring a client.
    pub fn client(&self) -> TestClientBuilder<'_> {
        TestClientBuilder::new(self, self.deadline)
    }

    /// GETs a path; gives status and body.
    ///
    /// # Panics
    ///
    /// No answer within the deadline.
    ///
    /// # Cancel safety
    ///
    /// The request may have been served.
    pub async fn get(&self, path: &str) -> (u16, String) {
        self.request(Method::GET, path, None, String::new()).await
    }

    /// POSTs a text to a path; gives status and body.
    ///
    /// # Panics
    ///
    /// No answer within the deadline.
    ///
    /// # Cancel safety
    ///
    /// The request may have been served.
    pub async fn post(&self, path: &str, body: impl Into<String>) -> (u16, String) {
        self.request(Method::POST, path, None, body.into()).await
    }

    /// POSTs a value as JSON to a path; gives status and body.
    ///
    /// # Panics
    ///
    /// The value cannot be serialised, or no answer came within the deadline.
    ///
    /// # Cancel safety
    ///
    /// The request may have been served.
    #[expect(clippy::panic, reason = "documented: such a value fails the test")]
    pub async fn post_json(&self, path: &str, body: impl Serialize) -> (u16, String) {
        let body = serde_json::to_string(&body)
            .unwrap_or_else(|error| panic!("the body cannot be serialised: {error}"));
        self.request(Method::POST, path, Some("application/json"), body).await
    }

    #[expect(clippy::panic, reason = "documented: no answer fails the test")]
    async fn request(
        &self,
        method: Method,
        path: &str,
        kind: Option<&str>,
        body: String,
    ) -> (u16, String) {
        let request = Box::pin(self.try_request(&method, path, kind, body));
        match timeout(self.deadline, request).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => panic!("{method} {path} failed: {error}"),
            Err(_) => panic!("{method} {path} was not answered within {:?}", self.deadline),
        }
    }

    async fn try_request(
        &self,
        method: &Method,
        path: &str,
        kind: Option<&str>,
        body: String,
    ) -> Result<(u16, String), Box<dyn std::error::Error>> {
        let stream = self.connector.connect(&self.host, self.port).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, format!("{}:{}", self.host, self.port));
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let mut answer = pin!(async {
            let answer = sender.send_request(request).await?;
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await?.to_bytes();
            Ok((status, String::from_utf8_lossy(&body).into_owned()))
        });
        tokio::select! {
            answer = &mut answer => answer,
            // A server may close with its answer, which has been read by then.
            _ended = connection => answer.await,
        }
    }

    /// Ends everything, and fails if something is left that no client needs any more: sessions, sockets,
    /// rooms, pending acks, unfinished handlers.
    ///
    /// It first waits until the ends of clients that were closed or dropped are processed, at most for
    /// the deadline.
    ///
    /// # Panics
    ///
    /// With a list of what is left.
    ///
    /// # Cancel safety
    ///
    /// The server stops if the future is dropped; nothing is checked then.
    pub async fn stop(mut self) {
        let left = Leaks::settle(&self.io, self.deadline).await;
        self.io.close();
        match self.back.take() {
            Some(Back::Port(server)) => server.stop().await,
            Some(Back::Memory(server)) => drop(server),
            None => {}
        }
        assert!(left.is_empty(), "{left}");
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if self.back.is_some() {
            self.io.close();
        }
    }
}
