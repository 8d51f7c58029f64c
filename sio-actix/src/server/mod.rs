//! An HTTP server that gives WebSockets their connection's bare stream.

mod bind;
mod config;
mod connection;
mod goodbye;
mod heads;
mod listen;
mod stream;
mod takeover;

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_http::body::MessageBody;
use actix_http::{Extensions, KeepAlive, Request, Response};
use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::Error;
use actix_web::dev::{AppConfig, ServerHandle};
use futures_channel::oneshot;

pub(crate) use self::config::registered;
pub(crate) use self::stream::Stream;
pub(crate) use self::takeover::{Offer, watch_answer};

use self::config::Settings;
use self::goodbye::Goodbye;
use crate::termination;

/// How many connections may wait to be accepted, as in `HttpServer`.
const BACKLOG: u32 = 1024;

/// When the server stops.
enum Stop {
    /// SIGTERM or SIGINT.
    Signals,
    /// The application says.
    When(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// Only a `ServerHandle` does.
    Never,
}

struct Socket {
    scheme: &'static str,
    address: SocketAddr,
}

/// An HTTP server like `actix_web::HttpServer`, with WebSockets that cost less.
///
/// It takes the same closure and has the same methods; the application, its middleware and its handlers stay as
/// they are, and so does the type that [`Self::run`] gives. What differs:
///
/// - A Socket.IO WebSocket gets the bare stream of its connection once its handshake has been answered, and
///   actix's dispatcher goes with its buffers: an idle one costs about a tenth of the memory, and each
///   message less time. Everything else on the server, other libraries' WebSockets included, runs as ever.
/// - It ends in order by itself: on SIGTERM, SIGINT, the future given to [`Self::shutdown_signal`], and
///   `ServerHandle::stop(true)`, every [`Io`](crate::Io) of the application ends as [`Io::on_shutdown`]
///   says, which need not be wired; doing so all the same changes nothing.
/// - [`Self::tcp_nodelay`] is on by default.
/// - [`Self::client_request_timeout`] holds for every request over HTTP/1, and not for a connection's first only.
/// - A client that does not read its answer is cut off: [`Self::write_timeout`].
///
/// Under any other server, `HttpServer` and `actix_web::test` among them, the same application works alike, but
/// for the cost; which of the two carries is logged at debug level with the first WebSocket.
///
/// Not offered: rustls before 0.23 and what `HttpServer` has deprecated. Middleware that logs requests writes a
/// WebSocket's line when it begins and not when it ends, for the answer is complete by then.
///
/// ```no_run
/// use actix_web::App;
/// use sio_actix::prelude::*;
///
/// #[actix_web::main]
/// async fn main() -> std::io::Result<()> {
///     let io = Io::builder()
///         .namespace("/", |ns| {
///             ns.on("add", |a: i64, b: i64| a + b);
///         })
///         .build();
///     sio_actix::Server::new(move || App::new().configure(io.configure()))
///         .bind(("127.0.0.1", 3000))?
///         .run()
///         .await
/// }
/// ```
///
/// [`Io::on_shutdown`]: crate::Io::on_shutdown
#[must_use]
pub struct Server<F, I, S, B>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig>,
    S::Error: Into<Error>,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>>,
    B: MessageBody,
{
    factory: F,
    settings: Settings,
    backlog: u32,
    sockets: Vec<Socket>,
    builder: ServerBuilder,
    goodbye: Arc<Goodbye>,
    stop: Stop,
    _types: PhantomData<(S, B)>,
}

impl<F, I, S, B> fmt::Debug for Server<F, I, S, B>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig>,
    S::Error: Into<Error>,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>>,
    B: MessageBody,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<_> = self.sockets.iter().map(|socket| socket.address).collect();
        f.debug_struct("Server").field("addresses", &addresses).finish_non_exhaustive()
    }
}

impl<F, I, S, B> Server<F, I, S, B>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    /// A server of the application that `factory` makes, which is called once per worker and listener.
    pub fn new(factory: F) -> Self {
        Self {
            factory,
            settings: Settings::default(),
            backlog: BACKLOG,
            sockets: Vec::new(),
            builder: ServerBuilder::default().backlog(BACKLOG),
            goodbye: Arc::default(),
            stop: Stop::Signals,
            _types: PhantomData,
        }
    }

    // ---- threads and connections ----------------------------------------------------------------

    /// Sets the number of worker threads; as many as the machine has cores by default.
    ///
    /// # Panics
    ///
    /// If it is 0 or greater than 512.
    pub fn workers(mut self, number: usize) -> Self {
        self.builder = self.builder.workers(number);
        self
    }

    /// Sets how many threads for blocking work each worker may have.
    pub fn worker_max_blocking_threads(mut self, number: usize) -> Self {
        self.builder = self.builder.worker_max_blocking_threads(number);
        self
    }

    /// Sets how many connections may wait to be accepted, 1,024 by default; for listeners that are bound
    /// afterwards.
    pub fn backlog(mut self, backlog: u32) -> Self {
        self.backlog = backlog;
        self.builder = self.builder.backlog(backlog);
        self
    }

    /// Sets how many connections each worker may have at once, 25,000 by default; further ones wait. A
    /// WebSocket counts as long as it is open.
    pub fn max_connections(mut self, number: usize) -> Self {
        self.builder = self.builder.max_concurrent_connections(number);
        self
    }

    /// Sets how many TLS handshakes each worker may have at once, 256 by default.
    pub fn max_connection_rate(self, number: usize) -> Self {
        #[cfg(any(feature = "rustls-0_23", feature = "openssl"))]
        actix_tls::accept::max_concurrent_tls_connect(number);
        let _without_tls = number;
        self
    }

    // ---- requests -------------------------------------------------------------------------------

    /// Sets how long an idle connection waits for its next request, 5 seconds by default.
    pub fn keep_alive(self, keep_alive: impl Into<KeepAlive>) -> Self {
        self.settings.lock().keep_alive = keep_alive.into();
        self
    }

    /// Sets how long the head of a request may take, 5 seconds by default; zero is without limit. The first one of
    /// a connection is answered 408, behind a later one the connection is closed.
    pub fn client_request_timeout(self, timeout: Duration) -> Self {
        self.settings.lock().client_request_timeout = timeout;
        self
    }

    /// Sets how long a client has to close its half of a connection that the server closed, 1 second by
    /// default; for WebSockets as well. Zero cuts it at once, which may lose the last bytes.
    pub fn client_disconnect_timeout(self, timeout: Duration) -> Self {
        self.settings.lock().client_disconnect_timeout = timeout;
        self
    }

    /// Sets how long a client may take nothing of an answer, 30 seconds by default; then its connection is cut.
    /// It takes nothing as long as its connection is not writable: what the system's buffers have taken counts
    /// as taken, whether the client has read it or not. Zero is without limit. For WebSockets it is `write_timeout` of [`Limits`](crate::Limits).
    pub fn write_timeout(self, timeout: Duration) -> Self {
        self.settings.lock().write_timeout = timeout;
        self
    }

    /// Sets whether a request goes on when its client has closed its half of the connection, as it does by
    /// default. With `false` a polling client that went away is noticed at once, and not by its missing pong.
    /// A WebSocket ends either way.
    pub fn h1_allow_half_closed(self, allow: bool) -> Self {
        self.settings.lock().h1_allow_half_closed = allow;
        self
    }

    /// Sets how many bytes of HTTP/1 answers are gathered before they are written. A WebSocket writes what
    /// its turn said, whatever this says.
    ///
    /// # Panics
    ///
    /// If it is 0.
    pub fn h1_write_buffer_size(self, size: usize) -> Self {
        assert!(size > 0, "the write buffer needs a size");
        self.settings.lock().h1_write_buffer_size = Some(size);
        self
    }

    /// Sets the initial window of each HTTP/2 stream, in bytes.
    #[cfg(feature = "http2")]
    pub fn h2_initial_window_size(self, size: u32) -> Self {
        self.settings.lock().h2_initial_window_size = Some(size);
        self
    }

    /// Sets the initial window of each HTTP/2 connection, in bytes.
    #[cfg(feature = "http2")]
    pub fn h2_initial_connection_window_size(self, size: u32) -> Self {
        self.settings.lock().h2_initial_connection_window_size = Some(size);
        self
    }

    /// Sets how long a TLS handshake may take, 3 seconds by default; for listeners that are added afterwards.
    #[cfg(any(feature = "rustls-0_23", feature = "openssl"))]
    pub fn tls_handshake_timeout(self, timeout: Duration) -> Self {
        self.settings.lock().tls_handshake_timeout = Some(timeout);
        self
    }

    /// Sets whether small writes leave at once instead of waiting for the answer to the one before, as they do
    /// by default.
    pub fn tcp_nodelay(self, enabled: bool) -> Self {
        self.settings.lock().tcp_nodelay = enabled;
        self
    }

    /// Sets the host name for URLs that the application makes; the listener's address by default.
    pub fn server_hostname(self, host: impl AsRef<str>) -> Self {
        self.settings.lock().host = Some(host.as_ref().to_owned());
        self
    }

    /// Calls `hook` with each connection before its first request: the stream, of the same type as under
    /// `HttpServer`, and data for `HttpRequest::conn_data`.
    pub fn on_connect(
        self,
        hook: impl Fn(&dyn Any, &mut Extensions) + Send + Sync + 'static,
    ) -> Self {
        self.settings.lock().on_connect = Some(Arc::new(hook));
        self
    }

    // ---- the end --------------------------------------------------------------------------------

    /// Sets how long connections have to finish after the goodbye, in seconds; 30 by default. A second signal ends
    /// that time.
    pub fn shutdown_timeout(mut self, seconds: u64) -> Self {
        self.builder = self.builder.shutdown_timeout(seconds);
        self
    }

    /// Stops in order when `signal` is ready, instead of on signals of the operating system.
    pub fn shutdown_signal(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.stop = Stop::When(Box::pin(signal));
        self
    }

    /// Leaves signals of the operating system to the application.
    pub fn disable_signals(mut self) -> Self {
        if matches!(self.stop, Stop::Signals) {
            self.stop = Stop::Never;
        }
        self
    }

    /// Stops the actix system with the server.
    pub fn system_exit(mut self) -> Self {
        self.builder = self.builder.system_exit();
        self
    }

    /// Starts the server; to be awaited in an actix or tokio runtime.
    ///
    /// Before it stops accepting connections on a signal, all clients are told, at the latest one second after
    /// what [`Drain`](crate::Drain) gives to handlers and spreads ends over; then other connections have their
    /// [time to finish](Self::shutdown_timeout). A second signal, at any time, cuts all connections off.
    /// `ServerHandle::stop(true)` stops accepting at once and tells them meanwhile; `stop(false)` cuts them off.
    ///
    /// # Panics
    ///
    /// If it listens nowhere.
    pub fn run(self) -> actix_server::Server {
        let goodbye = self.goodbye;
        let (running, handle) = oneshot::channel::<ServerHandle>();
        let builder = match self.stop {
            Stop::Never => self.builder.disable_signals(),
            Stop::Signals => self.builder.shutdown_signal(async move {
                termination().await;
                // Who says it again wants it now, also while connections have their time to finish.
                let again = Arc::clone(&goodbye);
                tokio::spawn(async move {
                    termination().await;
                    again.hurry();
                });
                tokio::select! {
                    () = goodbye.say() => {}
                    () = goodbye.is_hurried() => {
                        if let Ok(handle) = handle.await {
                            handle.stop(false).await;
                        }
                    }
                }
            }),
            Stop::When(signal) => self.builder.shutdown_signal(async move {
                signal.await;
                goodbye.say().await;
            }),
        };
        let server = builder.run();
        // Without signals nobody asks for it.
        let _unused = running.send(server.handle());
        server
    }
}
