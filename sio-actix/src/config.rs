//! Building a server for actix-web.

mod http;
mod log;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use actix_web::web;
use sio_core::cluster::Adapter;
use sio_core::engine::PerMessageDeflate;
use sio_core::handler::{
    ConnectGuardHandler, ConnectionController, Controller, ErrorHook, EventError, Guard, Middleware,
};
use sio_core::limits::Limits;
use sio_core::parser::Parser;
use sio_core::server::{
    BuildError, EngineHandler, Handshake, IoConfig, NamespaceBuilder, Observer, Pattern, Recovery,
    RoomEvent,
};

use crate::Transport;
use crate::bundle::{ClientFilesError, ClientSource};
use crate::drain::Drain;
use crate::http::answers::Answers;
use crate::http::binding::SessionBinding;
use crate::http::cors::Cors;
use crate::http::head::KeptHeaders;
use crate::http::ids::GenerateId;
use crate::http::middleware::Middlewares;
use crate::http::origin::OriginPolicy;
use crate::http::refusal::ConnectionError;
use crate::io::{Endpoint, Io};
use crate::sids::OsSids;

/// Why a server cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The options contradict each other, or what was registered does.
    #[error(transparent)]
    Options(#[from] BuildError),
    /// Options that cannot be, all of them.
    #[error("{}", list(.0))]
    Invalid(Vec<InvalidOption>),
    /// The client's files cannot be served.
    #[error(transparent)]
    Client(#[from] ClientFilesError),
    /// The Admin UI has no usable credentials, or no namespace.
    #[cfg(feature = "admin")]
    #[error(transparent)]
    Admin(#[from] crate::admin::AdminError),
}

fn list(invalid: &[InvalidOption]) -> String {
    let lines: Vec<String> = invalid.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

/// An option that is unknown, or whose value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}`: {problem}", if .name.is_empty() { "options" } else { .name })]
#[non_exhaustive]
pub struct InvalidOption {
    /// Its name in the reference, with dots between the levels: `cors.maxAge`; or that of the variable; empty
    /// if what was read are no options at all.
    pub name: String,
    /// What is wrong.
    pub problem: String,
}

impl InvalidOption {
    pub(crate) fn new(name: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { name: name.into(), problem: problem.into() }
    }
}

/// A refusal of [`IoBuilder::allow_request`]: 403 with code 4 and this text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forbidden {
    /// What the client reads; the reference's `Forbidden` if there is none.
    pub message: Option<String>,
}

impl From<&str> for Forbidden {
    fn from(message: &str) -> Self {
        Self { message: Some(message.to_owned()) }
    }
}

impl From<String> for Forbidden {
    fn from(message: String) -> Self {
        Self { message: Some(message) }
    }
}

type Verdict = Pin<Box<dyn Future<Output = Result<(), Forbidden>>>>;
pub(crate) type AllowRequest = dyn Fn(Arc<Handshake>) -> Verdict + Send + Sync;
pub(crate) type ConnectionErrorHook = dyn Fn(&ConnectionError<'_>) + Send + Sync;

/// Configures a server; names and defaults of the options are the reference's.
pub struct IoBuilder {
    pub(crate) core: IoConfig,
    path: String,
    trailing_slash: bool,
    serve_client: Option<bool>,
    client: ClientSource,
    allow_request: Option<Box<AllowRequest>>,
    cors: Option<Cors>,
    origins: OriginPolicy,
    binding: SessionBinding,
    keep_headers: KeptHeaders,
    middlewares: Middlewares,
    generate_id: Option<GenerateId>,
    on_connection_error: Option<Box<ConnectionErrorHook>>,
    answers: Answers,
    drain: Drain,
    goodbye_on_sigterm: bool,
    #[cfg(feature = "admin")]
    admin: Option<crate::admin::AdminUi>,
}

impl std::fmt::Debug for IoBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IoBuilder")
            .field("core", &self.core)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl IoBuilder {
    pub(crate) fn new() -> Self {
        Self {
            core: core(),
            path: "/socket.io".to_owned(),
            trailing_slash: true,
            serve_client: None,
            client: ClientSource::Search,
            allow_request: None,
            cors: None,
            origins: OriginPolicy::default(),
            binding: SessionBinding::default(),
            keep_headers: KeptHeaders::default(),
            middlewares: Middlewares::default(),
            generate_id: None,
            on_connection_error: None,
            answers: Answers::default(),
            drain: Drain::default(),
            goodbye_on_sigterm: false,
            #[cfg(feature = "admin")]
            admin: None,
        }
    }

    pub(crate) fn engine_handler(mut self, handler: impl EngineHandler) -> Self {
        self.core = self.core.engine_handler(handler);
        self.path("/engine.io")
    }

    /// The path prefix that belongs to the server; `/socket.io` by default, with or without a slash at
    /// its end.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.path = format!("/{}", path.trim_matches('/'));
        self
    }

    /// Whether the path needs a slash at its end, as it does by default; if not, both are served.
    #[must_use]
    pub const fn add_trailing_slash(mut self, add: bool) -> Self {
        self.trailing_slash = add;
        self
    }

    /// Time between a pong and the next ping; 25 s by default.
    #[must_use]
    pub fn ping_interval(mut self, interval: Duration) -> Self {
        self.core.config_mut().engine.ping_interval = interval;
        self
    }

    /// Time a client has for its pong; 20 s by default.
    #[must_use]
    pub fn ping_timeout(mut self, timeout: Duration) -> Self {
        self.core.config_mut().engine.ping_timeout = timeout;
        self
    }

    /// Time a WebSocket has to finish an upgrade; 10 s by default.
    #[must_use]
    pub fn upgrade_timeout(mut self, timeout: Duration) -> Self {
        self.core.config_mut().engine.upgrade_timeout = timeout;
        self
    }

    /// Time a session has to join a namespace; 45 s by default.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.core.config_mut().connect_timeout = timeout;
        self
    }

    /// Largest message and request body in bytes (the reference's `maxHttpBufferSize`); 1,000,000 by
    /// default.
    #[must_use]
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.core.config_mut().limits.max_payload = bytes;
        self
    }

    /// The transports on offer; both by default.
    #[must_use]
    pub fn transports(mut self, transports: &[Transport]) -> Self {
        let engine = &mut self.core.config_mut().engine;
        engine.polling = transports.contains(&Transport::Polling);
        engine.websocket = transports.contains(&Transport::Websocket);
        self
    }

    /// Whether upgrades are announced, as they are by default.
    #[must_use]
    pub fn allow_upgrades(mut self, allow: bool) -> Self {
        self.core.config_mut().engine.allow_upgrades = allow;
        self
    }

    /// Compresses WebSocket messages for clients that offer it (`permessage-deflate`, RFC 7692); off by
    /// default, as in the reference.
    ///
    /// It saves bandwidth and costs CPU time. Neither side keeps a window between messages, so a broadcast
    /// is compressed once for all and a connection needs no memory for it; a message's limit holds for
    /// its inflated size.
    #[must_use]
    pub fn per_message_deflate(mut self, deflate: impl Into<Option<PerMessageDeflate>>) -> Self {
        self.core.config_mut().engine.per_message_deflate = deflate.into();
        self
    }

    /// Whether Socket.IO 2 clients (Engine.IO 3) are served as well; off by default.
    ///
    /// With it, clients of either revision may poll by script elements (JSONP, `j` in the query).
    ///
    /// Differs from the reference: JSONP needs this option, for a script can be read by a page of any
    /// origin, with the visitor's cookies, whatever CORS says.
    #[must_use]
    pub fn allow_eio3(mut self, allow: bool) -> Self {
        self.core.config_mut().engine.allow_eio3 = allow;
        self
    }

    /// Lets clients come back as the sockets they were after they have lost their connection (the
    /// reference's `connectionStateRecovery`); off by default.
    ///
    /// ```
    /// use sio_actix::{Io, Recovery};
    ///
    /// let io = Io::builder().connection_state_recovery(Recovery::default()).build();
    /// # drop(io);
    /// ```
    #[must_use]
    pub fn connection_state_recovery(mut self, recovery: impl Into<Option<Recovery>>) -> Self {
        self.core.config_mut().recovery = recovery.into();
        self
    }

    /// Changes [`Limits`].
    #[must_use]
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.core.config_mut().limits);
        self
    }

    /// Registers handlers on a namespace; called twice for one namespace, both apply.
    ///
    /// # Panics
    ///
    /// Not here: mistakes are told together by [`Self::try_build`].
    #[must_use]
    pub fn namespace(
        mut self,
        pattern: impl Into<Pattern>,
        register: impl FnOnce(&mut NamespaceBuilder),
    ) -> Self {
        self.core = self.core.namespace(pattern, register);
        self
    }

    /// Mounts a controller on the namespace its `#[ws_controller]` names.
    #[must_use]
    pub fn mount<C: Controller>(mut self, controller: C) -> Self {
        self.core = self.core.mount(controller);
        self
    }

    /// Mounts a controller on other namespaces than the one its attribute names: a path, or a
    /// [`Pattern`].
    #[must_use]
    pub fn mount_at<C: Controller>(mut self, pattern: impl Into<Pattern>, controller: C) -> Self {
        self.core = self.core.mount_at(pattern, controller);
        self
    }

    /// Mounts a controller with `scope = connection`: each connection has its own.
    #[must_use]
    pub fn mount_scoped<C: ConnectionController>(mut self) -> Self {
        self.core = self.core.mount_scoped::<C>();
        self
    }

    /// Mounts a controller with `scope = connection` on other namespaces than its attribute names.
    #[must_use]
    pub fn mount_scoped_at<C: ConnectionController>(mut self, pattern: impl Into<Pattern>) -> Self {
        self.core = self.core.mount_scoped_at::<C>(pattern);
        self
    }

    /// Gives `web::Data` to handlers that take it as a parameter; one per type.
    ///
    /// What `App::app_data` holds is not seen here: it belongs to one worker.
    #[must_use]
    pub fn data<T: ?Sized + Send + Sync + 'static>(mut self, data: web::Data<T>) -> Self {
        self.core = self.core.data(data);
        self
    }

    /// Asks a guard before each event, and before each CONNECT is answered, of all namespaces.
    #[must_use]
    pub fn guard<M>(mut self, guard: impl Guard<M>) -> Self {
        self.core = self.core.guard(guard);
        self
    }

    /// Wraps all handlers, and the decision about each CONNECT; the first added is the outermost.
    #[must_use]
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.core = self.core.middleware(middleware);
        self
    }

    /// Shows all errors to a hook before clients see them, after the hooks of handlers and controllers.
    #[must_use]
    pub fn on_error(mut self, hook: impl ErrorHook) -> Self {
        self.core = self.core.on_error(hook);
        self
    }

    /// Runs before each CONNECT of any namespace is answered, before the namespace's own connect guards.
    #[must_use]
    pub fn connect_guard<M, H: ConnectGuardHandler<M>>(mut self, guard: H) -> Self {
        self.core = self.core.connect_guard(guard);
        self
    }

    /// Encodes packets in another way than as text (the reference's `parser`); clients must use the same.
    ///
    /// `MsgpackParser` comes with the feature `msgpack`; what one of your own needs is in
    /// [`core::parser`](sio_core::parser).
    #[must_use]
    pub fn parser(mut self, parser: impl Parser) -> Self {
        self.core = self.core.parser(parser);
        self
    }

    /// Makes this server a node of a cluster, with `RedisAdapter` of the crate `sio-redis` for instance;
    /// without, it stands alone. The last adapter that was given counts.
    #[must_use]
    pub fn adapter(mut self, adapter: impl Adapter) -> Self {
        self.core = self.core.adapter(adapter);
        self
    }

    /// Is called with the name of every namespace that is created, except `/`; of a dynamic one, before its
    /// connect guards have decided.
    #[must_use]
    pub fn on_new_namespace(mut self, hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.core = self.core.on_new_namespace(hook);
        self
    }

    /// Is called when a socket joins or leaves a room, and when a room comes into being or goes.
    ///
    /// Calls come one after another, in one order for all threads, on whichever thread made the change; the
    /// hook must not wait.
    #[must_use]
    pub fn on_room_event(mut self, hook: impl Fn(RoomEvent) + Send + Sync + 'static) -> Self {
        self.core = self.core.on_room_event(hook);
        self
    }

    /// Tells an observer what happens: see [`core::server::Observer`](sio_core::server::Observer).
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.core = self.core.observer(Arc::new(observer));
        self
    }

    /// Counts what the server does; see [`Metrics`](crate::Metrics). Each event costs some counters more.
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn metrics(mut self, metrics: &crate::Metrics) -> Self {
        self.core = self.core.observer(metrics.observer());
        self
    }

    /// Whether a namespace that a client made goes with its last socket (the reference's
    /// `cleanupEmptyChildNamespaces`), as it does by default.
    ///
    /// Differs from the reference, where it is off: clients choose the names. How many there may be is
    /// [`Limits::max_dynamic_namespaces`] in both cases.
    #[must_use]
    pub fn cleanup_empty_namespaces(mut self, cleanup: bool) -> Self {
        self.core = self.core.cleanup_empty_namespaces(cleanup);
        self
    }

    /// What handlers and clients get before [`Io::on_shutdown`] closes the server.
    #[must_use]
    pub fn drain(mut self, drain: Drain) -> Self {
        self.drain = drain;
        self
    }

    /// Says goodbye to all clients when SIGTERM comes, for an `HttpServer` that handles signals itself: it then
    /// waits for every connection, up to its `shutdown_timeout`, and would cut off those that are still open.
    ///
    /// [`Server`](crate::Server) does so by itself, and so does who passes [`Io::on_shutdown`] to
    /// `HttpServer::shutdown_signal`.
    #[must_use]
    pub const fn goodbye_on_sigterm(mut self) -> Self {
        self.goodbye_on_sigterm = true;
        self
    }

    /// Adds the server side of the official Admin UI (the reference's `instrument`); see
    /// [`AdminUi`](crate::AdminUi). The last one that was given counts.
    #[cfg(feature = "admin")]
    #[must_use]
    pub fn instrument(mut self, admin: crate::admin::AdminUi) -> Self {
        self.admin = Some(admin);
        self
    }

    /// Makes what clients are told of an error, in place of `{"error":{"code","message","data"}}` in an ack
    /// and the inner object in an `exception` event.
    ///
    /// The second argument is the event's name where no ack tells it. Error hooks have seen the error
    /// before. What only [`EventError::detail`] says is not for clients.
    ///
    /// ```
    /// use serde_json::json;
    /// use sio_actix::Io;
    ///
    /// let io = Io::builder()
    ///     .error_answer(|error, _event| json!({ "status": "error", "message": error.message() }))
    ///     .build();
    /// # drop(io);
    /// ```
    #[must_use]
    pub fn error_answer(
        mut self,
        answer: impl Fn(&EventError, Option<&str>) -> serde_json::Value + Send + Sync + 'static,
    ) -> Self {
        self.core = self.core.error_answer(answer);
        self
    }

    /// Builds the server: once per process, outside the closure that makes the `App`.
    ///
    /// # Errors
    ///
    /// The options contradict each other, or the client's files are missing.
    pub fn try_build(self) -> Result<Io, ConfigError> {
        let mut faults = Vec::new();
        if self.path.contains(['?', '#', '{', '}', '%']) || !self.path.bytes().all(is_path_byte) {
            let problem = "must be a plain path, without `?`, `#`, braces, blanks and escapes";
            faults.push(InvalidOption::new("path", problem));
        }
        let cors = self.cors.and_then(|cors| cors.compile(&mut faults));
        if let Some(cookie) = &self.answers.cookie {
            cookie.check(&mut faults);
        }
        if let SessionBinding::Cookie(name) = &self.binding
            && (name.is_empty() || !self.keep_headers.keeps("cookie"))
        {
            let problem = "a cookie needs a name, and `keepHeaders` has to keep `cookie`";
            faults.push(InvalidOption::new("bindSession", problem));
        }
        if !faults.is_empty() {
            return Err(ConfigError::Invalid(faults));
        }
        let client = self.client.load(self.serve_client)?;
        let endpoint = Arc::new(Endpoint {
            path: self.path,
            trailing_slash: self.trailing_slash,
            client,
            cors,
            origins: self.origins,
            binding: self.binding,
            keep_headers: self.keep_headers,
            middlewares: self.middlewares,
            allow_request: self.allow_request,
            generate_id: self.generate_id,
            on_connection_error: self.on_connection_error,
            answers: self.answers,
            drain: self.drain,
            waits_for_sigterm: AtomicBool::new(!self.goodbye_on_sigterm),
            told_routes: AtomicBool::new(false),
        });
        let core = self.core;
        #[cfg(feature = "admin")]
        let core = match self.admin {
            Some(admin) => admin.install(core)?,
            None => core,
        };
        let core = core.extension(Arc::clone(&endpoint) as Arc<_>);
        Ok(Io::from_parts(core.build(Box::new(OsSids::default()))?, endpoint))
    }

    /// As [`Self::try_build`].
    ///
    /// # Panics
    ///
    /// With the error's text: a server that cannot be built is a mistake in the program.
    #[must_use]
    pub fn build(self) -> Io {
        match self.try_build() {
            Ok(io) => io,
            #[expect(clippy::panic, reason = "documented: mistakes end the start-up")]
            Err(error) => panic!("the Socket.IO server cannot be built: {error}"),
        }
    }
}

/// The core as this crate configures it.
fn core() -> IoConfig {
    let core = IoConfig::default();
    #[cfg(feature = "opentelemetry")]
    let core = core.on_session_span(crate::telemetry::adopt);
    core
}

const fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_graphic()
}
