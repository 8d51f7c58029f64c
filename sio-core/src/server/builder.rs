//! Configuring a server.

use std::any::{Any, TypeId};
use std::sync::Arc;
use std::time::Duration;

use crate::cluster::Adapter;
use crate::engine::EngineConfig;
use crate::handler::{
    ConnectGuardHandler, ConnectionController, Controller, ErrorHook, EventError, Fault, Guard,
    Middleware, Rules,
};
use crate::limits::Limits;
use crate::packet::MAX_DEPTH;
use crate::parser::Parser;
use crate::sid::SidSource;

use super::handshake::Handshake;
use super::hub::{DataMap, ErrorAnswer, Hub, HubParts, NewNamespaceHook};
use super::io::Io;
use super::observer::Observer;
use super::pattern::Pattern;
use super::raw::EngineHandler;
use super::recovery::Recovery;
use super::registration::NamespaceBuilder;
use super::room_events::{RoomEvent, RoomHook};
use super::spans::SessionSpanHook;

/// A configuration that no server can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Neither transport is offered.
    #[error("no transport is enabled: enable polling or websocket")]
    NoTransport,
    /// An interval or limit must be above zero.
    #[error("`{0}` must be above zero")]
    Zero(&'static str),
    /// The limit is not one that packets can be read with.
    #[error("`max_json_depth` must be from 1 to {MAX_DEPTH}")]
    Depth,
    /// Mistakes in what was registered, all of them.
    #[error("{}", list(.0))]
    Registration(Vec<Fault>),
}

fn list(faults: &[Fault]) -> String {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

/// Everything a running server is configured with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The Engine.IO layer.
    pub engine: EngineConfig,
    /// Bounds on what a peer can cause.
    pub limits: Limits,
    /// Time a session has to join a namespace; 45 s.
    pub connect_timeout: Duration,
    /// A namespace that a client made goes with its last socket; on.
    pub cleanup_empty_namespaces: bool,
    /// Whether and how clients come back after they have lost their connection; off by default.
    pub recovery: Option<Recovery>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            engine: EngineConfig::default(),
            limits: Limits::default(),
            connect_timeout: Duration::from_secs(45),
            cleanup_empty_namespaces: true,
            recovery: None,
        }
    }
}

/// Configures a server; option names and defaults are the reference's.
#[derive(Default)]
pub struct IoConfig {
    config: ServerConfig,
    namespaces: Vec<(Pattern, NamespaceBuilder)>,
    /// Guards, middleware, hooks and connect guards of all namespaces.
    global: NamespaceBuilder,
    data: DataMap,
    extension: Option<Arc<dyn Any + Send + Sync>>,
    new_namespace: Option<Box<NewNamespaceHook>>,
    room_event: Option<Box<RoomHook>>,
    raw: Option<Box<dyn EngineHandler>>,
    parser: Option<Box<dyn Parser>>,
    error_answer: Option<Box<ErrorAnswer>>,
    adapter: Option<Arc<dyn Adapter>>,
    observers: Vec<Arc<dyn Observer>>,
    session_span: Option<Box<SessionSpanHook>>,
}

impl std::fmt::Debug for IoConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IoConfig").field("config", &self.config).finish_non_exhaustive()
    }
}

impl IoConfig {
    /// Registers handlers on a namespace; `chat` is `/chat`. Called twice for one namespace, both apply.
    ///
    /// A [`Pattern`], or a path such as `/org/{org}`, is as many namespaces as clients ask for.
    #[must_use]
    pub fn namespace(
        mut self,
        pattern: impl Into<Pattern>,
        register: impl FnOnce(&mut NamespaceBuilder),
    ) -> Self {
        let mut builder = NamespaceBuilder::default();
        register(&mut builder);
        self.namespaces.push((pattern.into(), builder));
        self
    }

    /// Mounts a controller on the namespace its attribute names.
    #[must_use]
    pub fn mount<C: Controller>(self, controller: C) -> Self {
        self.mount_at(C::NAMESPACE, controller)
    }

    /// Mounts a controller on other namespaces than the one its attribute names.
    #[must_use]
    pub fn mount_at<C: Controller>(self, pattern: impl Into<Pattern>, controller: C) -> Self {
        self.namespace(pattern, |ns| Arc::new(controller).register(ns))
    }

    /// Mounts a controller with `scope = connection`: each connection has its own.
    #[must_use]
    pub fn mount_scoped<C: ConnectionController>(self) -> Self {
        self.mount_scoped_at::<C>(C::NAMESPACE)
    }

    /// Mounts a controller with `scope = connection` on other namespaces than its attribute names.
    #[must_use]
    pub fn mount_scoped_at<C: ConnectionController>(self, pattern: impl Into<Pattern>) -> Self {
        self.namespace(pattern, C::register)
    }

    /// Asks a guard before each event, and before each CONNECT is answered, of all namespaces.
    #[must_use]
    pub fn guard<M>(mut self, guard: impl Guard<M>) -> Self {
        self.global.guard(guard);
        self
    }

    /// Wraps all handlers, and the decision about each CONNECT; the first added is the outermost.
    #[must_use]
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.global.middleware(middleware);
        self
    }

    /// Shows all errors to a hook before clients see them, after the hooks of handlers and controllers.
    #[must_use]
    pub fn on_error(mut self, hook: impl ErrorHook) -> Self {
        self.global.on_error(hook);
        self
    }

    /// Runs before each CONNECT is answered, before the namespace's own connect guards.
    #[must_use]
    pub fn connect_guard<M, H: ConnectGuardHandler<M>>(mut self, guard: H) -> Self {
        self.global.connect_guard(guard);
        self
    }

    /// Gives a value of the application to handlers, guards and middleware; one per type.
    #[must_use]
    pub fn data<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.data.insert(TypeId::of::<T>(), Box::new(value));
        self
    }

    /// Lets clients come back as the sockets they were after they have lost their connection (the
    /// reference's `connectionStateRecovery`); off by default.
    #[must_use]
    pub fn connection_state_recovery(mut self, recovery: Recovery) -> Self {
        self.config.recovery = Some(recovery);
        self
    }

    /// Makes what clients are told of an error, in place of `{"error":{"code","message","data"}}` in an ack
    /// and the inner object in an `exception` event; the second argument is the event's name where no ack
    /// tells it.
    ///
    /// Error hooks have seen the error before. What only [`EventError::detail`] says is not for clients.
    #[must_use]
    pub fn error_answer(
        mut self,
        answer: impl Fn(&EventError, Option<&str>) -> serde_json::Value + Send + Sync + 'static,
    ) -> Self {
        self.error_answer = Some(Box::new(answer));
        self
    }

    /// Keeps something of the carrier's with the server, for [`Hub::extension`].
    #[must_use]
    pub fn extension(mut self, extension: Arc<dyn Any + Send + Sync>) -> Self {
        self.extension = Some(extension);
        self
    }

    /// Is called with the name of every namespace that is created, except `/`; of a dynamic one, before its
    /// connect guards have decided.
    #[must_use]
    pub fn on_new_namespace(mut self, hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.new_namespace = Some(Box::new(hook));
        self
    }

    /// Is called when a socket joins or leaves a room, and when a room comes into being or goes.
    ///
    /// Calls come one after another, in one order for all threads, on whichever thread made the change; the
    /// hook must not wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use sio_core::server::{Io, RoomEvent};
    ///
    /// let server = Io::builder().on_room_event(|event| {
    ///     if let RoomEvent::CreateRoom { namespace, room } = event {
    ///         println!("{namespace} has a room {room}");
    ///     }
    /// });
    /// # drop(server);
    /// ```
    #[must_use]
    pub fn on_room_event(mut self, hook: impl Fn(RoomEvent) + Send + Sync + 'static) -> Self {
        self.room_event = Some(Box::new(hook));
        self
    }

    /// Whether a namespace that a client made goes with its last socket, as it does by default.
    ///
    /// If not, it stays as long as the server; see
    /// [`Limits::max_dynamic_namespaces`](crate::limits::Limits::max_dynamic_namespaces).
    #[must_use]
    pub const fn cleanup_empty_namespaces(mut self, cleanup: bool) -> Self {
        self.config.cleanup_empty_namespaces = cleanup;
        self
    }

    /// Encodes packets in another way than as text (the reference's `parser`); clients must use the same.
    #[must_use]
    pub fn parser(mut self, parser: impl Parser) -> Self {
        self.parser = Some(Box::new(parser));
        self
    }

    /// Makes this server a node of a cluster; without, it stands alone.
    ///
    /// The last adapter that was given counts.
    #[must_use]
    pub fn adapter(mut self, adapter: impl Adapter) -> Self {
        self.adapter = Some(Arc::new(adapter));
        self
    }

    /// Tells an observer what happens; each that was given is told.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Is shown the span of each session that is opened, before anything runs in it, if somebody listens to such
    /// spans: what connects it with the trace that its client has begun goes here.
    ///
    /// The last hook that was given counts. It must not wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use sio_core::server::Io;
    ///
    /// let server = Io::builder().on_session_span(|span, handshake| {
    ///     if let Some(context) = handshake.trace_context() {
    ///         println!("{span:?} is a part of {:032x}", context.trace_id());
    ///     }
    /// });
    /// # drop(server);
    /// ```
    #[must_use]
    pub fn on_session_span(
        mut self,
        hook: impl Fn(&tracing::Span, &Handshake) + Send + Sync + 'static,
    ) -> Self {
        self.session_span = Some(Box::new(hook));
        self
    }

    /// Makes this a bare Engine.IO server: messages go to `handler`, and there are no namespaces.
    #[must_use]
    pub fn engine_handler(mut self, handler: impl EngineHandler) -> Self {
        self.raw = Some(Box::new(handler));
        self
    }

    /// The options, to be changed in place.
    pub const fn config_mut(&mut self) -> &mut ServerConfig {
        &mut self.config
    }

    /// Builds the server; session and socket ids are drawn from `sids`.
    ///
    /// # Errors
    ///
    /// The options contradict each other.
    pub fn build(mut self, sids: Box<dyn SidSource>) -> Result<Io, BuildError> {
        let ServerConfig { engine, limits, connect_timeout, recovery, .. } = &mut self.config;
        if !engine.polling && !engine.websocket {
            return Err(BuildError::NoTransport);
        }
        engine.max_payload = limits.max_payload;
        engine.close_timeout = limits.close_timeout;
        engine.send_buffer_high = limits.send_buffer_high;
        engine.send_buffer_max = limits.send_buffer_max;
        engine.send_buffer_max_frames = limits.send_buffer_max_frames;
        engine.send_policy = limits.send_policy;
        for (name, duration) in [
            ("ping_interval", engine.ping_interval),
            ("ping_timeout", engine.ping_timeout),
            ("upgrade_timeout", engine.upgrade_timeout),
            ("connect_timeout", *connect_timeout),
        ] {
            if duration.is_zero() {
                return Err(BuildError::Zero(name));
            }
        }
        if recovery.as_ref().is_some_and(|r| r.max_disconnection_duration.is_zero()) {
            return Err(BuildError::Zero("max_disconnection_duration"));
        }
        if limits.max_payload == 0 {
            return Err(BuildError::Zero("max_payload"));
        }
        if !(1..=MAX_DEPTH).contains(&limits.max_json_depth) {
            return Err(BuildError::Depth);
        }
        let finished = self.global.finish(&Rules::default());
        let parts = HubParts {
            new_namespace: self.new_namespace,
            room_event: self.room_event,
            raw: self.raw,
            parser: self.parser,
            global: finished.scope,
            global_connect: finished.connect,
            data: self.data,
            extension: self.extension,
            error_answer: self.error_answer,
            adapter: self.adapter,
            observers: self.observers,
            session_span: self.session_span,
        };
        let hub = Arc::new(Hub::new(self.config, sids, parts));
        let mut faults = hub.add_namespace(&"/".into(), NamespaceBuilder::default(), true);
        for mut requirements in finished.requirements {
            faults.append(&mut requirements.faults);
        }
        for (pattern, builder) in self.namespaces {
            faults.extend(hub.add_namespace(&pattern, builder, true));
        }
        if !faults.is_empty() {
            return Err(BuildError::Registration(faults));
        }
        if let Some(cluster) = &hub.cluster {
            cluster.start(&hub);
        }
        let io = Io::from_hub(hub);
        io.hub().watch.tell(|observer| observer.attached(&io));
        Ok(io)
    }
}
