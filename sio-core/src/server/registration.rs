//! Registering what handles the events of a namespace.
//!
//! Mistakes are collected and told together when the server is built.

mod server_side;

use std::sync::Arc;
use std::time::Instant;

use crate::handler::{
    ConnectGuardHandler, ContextFn, ContextHandler, Emission, ErasedSocketMiddleware, ErrorHook,
    Guard, Handler, HandlerFn, IntoEventError, Middleware, Phase, Requirements, Rules,
    SocketMiddleware, erase, erase_context, erase_guard,
};

use crate::packet::EventArg;

use super::incoming::MiddlewareEntry;
use super::namespace::{ConnectScope, EventEntry, LifeEntry, Step};
use super::node_events::ServerSideEntry;

use super::socket::Socket;

pub use server_side::ServerSideBuilder;

/// What a registered handler is called for.
#[derive(Debug)]
pub(crate) enum Calls {
    Events(Vec<Box<str>>),
    Any,
    Fallback,
    Life(Phase),
}

pub(crate) enum Run {
    Event(Box<HandlerFn>),
    Life(Box<ContextFn>),
}

/// The registration of one handler, to be refined.
pub struct EventBuilder {
    pub(crate) calls: Calls,
    pub(crate) run: Run,
    pub(crate) rules: Rules,
}

impl std::fmt::Debug for EventBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventBuilder")
            .field("calls", &self.calls)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

impl EventBuilder {
    /// Sends the handler's result somewhere besides the ack; several apply one after another.
    pub fn emit(&mut self, emission: Emission) -> &mut Self {
        self.rules.emissions.push(emission);
        self
    }

    /// Asks a guard before the event's arguments are read. On a connection handler it is asked before
    /// CONNECT is answered.
    pub fn guard<M>(&mut self, guard: impl Guard<M>) -> &mut Self {
        self.rules.guards.push(Arc::new(guard.erase()));
        self
    }

    /// Wraps the handler; the first added is the outermost.
    pub fn middleware(&mut self, middleware: impl Middleware) -> &mut Self {
        self.rules.middleware.push(Arc::new(middleware));
        self
    }

    /// Shows the handler's errors to a hook before the client sees them.
    pub fn on_error(&mut self, hook: impl ErrorHook) -> &mut Self {
        self.rules.hooks.push(Arc::new(hook));
        self
    }

    /// The socket's next event waits until this handler has finished.
    pub fn ordered(&mut self) -> &mut Self {
        self.rules.ordered = true;
        self
    }

    /// The handler's next event of the same socket drops this one where it waits; its ack is answered
    /// with the code `cancelled`.
    pub fn latest(&mut self) -> &mut Self {
        self.rules.latest = true;
        self
    }

    /// The end of the socket drops the handler where it waits; others run to their end.
    pub fn cancel_on_disconnect(&mut self) -> &mut Self {
        self.rules.cancel_on_disconnect = true;
        self
    }

    /// Other handlers of the same event that say so as well are expected: all run, and the one that was
    /// registered first answers.
    pub fn multi(&mut self) -> &mut Self {
        self.rules.multi = true;
        self
    }
}

/// Registers the handlers of a namespace.
///
/// Guards, middleware and error hooks apply to everything registered with the same builder, whatever
/// comes first.
///
/// # Examples
///
/// ```
/// use sio_core::handler::{Emission, EventCx};
/// use sio_core::server::{Io, Socket};
///
/// struct User;
///
/// let server = Io::builder().namespace("/chat", |ns| {
///     ns.guard(|cx: &EventCx<'_>| cx.state::<User>().is_some());
///     ns.on_connection(|socket: Socket| socket.join("lobby"));
///     ns.on("add", async |a: i64, b: i64| a + b);
///     ns.on("say", |text: String| text).emit(Emission::broadcast("said").room("lobby"));
/// });
/// # drop(server);
/// ```
#[derive(Default)]
pub struct NamespaceBuilder {
    scope: Rules,
    connect_guards: Vec<Box<ContextFn>>,
    creates: Vec<Box<ContextFn>>,
    socket_middleware: Vec<ErasedSocketMiddleware>,
    pub(crate) entries: Vec<EventBuilder>,
    server_side: Vec<ServerSideBuilder>,
    apart: bool,
    pub(crate) requirements: Vec<Requirements>,
}

impl std::fmt::Debug for NamespaceBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NamespaceBuilder").field("entries", &self.entries).finish_non_exhaustive()
    }
}

type Require = fn(&mut Requirements);

impl NamespaceBuilder {
    /// Handles an event.
    ///
    /// The handler's result answers the client's ack; see [`Handler`] for parameters and results.
    /// Events of one socket start in the order they arrived; a handler that waits lets the next start.
    /// An event has one handler, unless all say [`EventBuilder::multi`]; a second one, and a reserved
    /// name, are mistakes that are told when the server is built.
    ///
    /// Differs from the reference: several handlers for one event could not say which one answers.
    pub fn on<M, H: Handler<M>>(
        &mut self,
        event: impl Into<Box<str>>,
        handler: H,
    ) -> &mut EventBuilder {
        let calls = Calls::Events(vec![event.into()]);
        self.add(calls, None, "", H::requirements, Run::Event(erase(handler)))
    }

    /// Is called for every event, before the event's own handler; it cannot answer an ack.
    pub fn on_any<M, H: Handler<M>>(&mut self, handler: H) -> &mut EventBuilder {
        self.add(Calls::Any, None, "", H::requirements, Run::Event(erase(handler)))
    }

    /// Handles the events that have no handler; it answers their acks.
    pub fn fallback<M, H: Handler<M>>(&mut self, handler: H) -> &mut EventBuilder {
        self.add(Calls::Fallback, None, "", H::requirements, Run::Event(erase(handler)))
    }

    /// Runs for each socket after its CONNECT was answered; several start in order of registration.
    ///
    /// The socket's events wait until all have finished: what has to go on for as long as the connection
    /// belongs into a task of its own, or is returned as a stream.
    pub fn on_connection<M, H: ContextHandler<M>>(&mut self, handler: H) -> &mut EventBuilder {
        self.add_life_of(Phase::Connection, handler)
    }

    /// Runs when a socket ends, while its rooms are still listed.
    pub fn on_disconnecting<M, H: ContextHandler<M>>(&mut self, handler: H) -> &mut EventBuilder {
        self.add_life_of(Phase::Disconnecting, handler)
    }

    /// Runs once for each socket that was connected, after it left all rooms.
    pub fn on_disconnect<M, H: ContextHandler<M>>(&mut self, handler: H) -> &mut EventBuilder {
        self.add_life_of(Phase::Disconnect, handler)
    }

    fn add_life_of<M, H: ContextHandler<M>>(
        &mut self,
        phase: Phase,
        handler: H,
    ) -> &mut EventBuilder {
        let run = Run::Life(erase_context(handler));
        self.add(Calls::Life(phase), None, "", H::requirements, run)
    }

    /// Runs before CONNECT is answered; an error refuses the socket (see
    /// [`ConnectError`](super::ConnectError)), and a `State` is stored on it.
    ///
    /// Several run one after another in order of registration, before the guards.
    pub fn connect_guard<M, H: ConnectGuardHandler<M>>(&mut self, guard: H) -> &mut Self {
        self.require(Phase::Connect, None, "", H::requirements);
        self.connect_guards.push(erase_guard(guard));
        self
    }

    /// Asks a guard before each event and before CONNECT is answered.
    pub fn guard<M>(&mut self, guard: impl Guard<M>) -> &mut Self {
        self.scope.guards.push(Arc::new(guard.erase()));
        self
    }

    /// Wraps all handlers, and the decision about each CONNECT; the first added is the outermost.
    pub fn middleware(&mut self, middleware: impl Middleware) -> &mut Self {
        self.scope.middleware.push(Arc::new(middleware));
        self
    }

    /// Shows each event of a socket to a middleware before its handlers, behind catch-all listeners (the
    /// reference's `socket.use`).
    ///
    /// It may rename the event, replace its arguments, or refuse it. Error hooks registered with the same
    /// builder, and those of all namespaces, see a refusal. Events wait in order behind one that the
    /// middleware makes wait; CONNECT, DISCONNECT and acks do not come here.
    ///
    /// Differs from the reference: a client that asked for an ack gets the error, for it would wait for
    /// ever.
    pub fn socket_middleware<M>(&mut self, middleware: impl SocketMiddleware<M>) -> &mut Self {
        self.socket_middleware.push(middleware.erase());
        self
    }

    /// Shows all errors to a hook before the client sees them.
    pub fn on_error(&mut self, hook: impl ErrorHook) -> &mut Self {
        self.scope.hooks.push(Arc::new(hook));
        self
    }

    /// Lets clients renew the credentials that they connected with: they emit `event` with new ones.
    ///
    /// `renew` looks at them and gives the moment at which the socket is to be disconnected, or `None` for
    /// never; [`Socket::disconnect_at`] is moved there, and an ack is answered without arguments. After an
    /// error, which the client is told, the moment stays as it was. [`Socket::auth`] stays what CONNECT
    /// brought: what `renew` finds out goes into [`Socket::set_state`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// use sio_core::handler::{Auth, EventError};
    /// use sio_core::server::{Io, Socket};
    ///
    /// /// When a token expires.
    /// fn check(token: &str) -> Result<Instant, EventError> {
    ///     match token {
    ///         "secret" => Ok(Instant::now() + Duration::from_secs(3600)),
    ///         _ => Err(EventError::new("denied", "the token is not valid")),
    ///     }
    /// }
    ///
    /// let server = Io::builder().namespace("/", |ns| {
    ///     ns.connect_guard(|socket: Socket, Auth(token): Auth<String>| {
    ///         check(&token).map(|expires| socket.disconnect_at(expires))
    ///     });
    ///     ns.reauthenticate("reauthenticate", async |_: Socket, token: String| check(&token));
    /// });
    /// # drop(server);
    /// ```
    pub fn reauthenticate<T, F, R, E>(
        &mut self,
        event: impl Into<Box<str>>,
        renew: F,
    ) -> &mut EventBuilder
    where
        T: EventArg + 'static,
        F: AsyncFn(Socket, T) -> Result<R, E> + Send + Sync + 'static,
        R: Into<Option<Instant>>,
        E: IntoEventError,
    {
        let renew = Arc::new(renew);
        self.on(event, async move |socket: Socket, credentials: T| {
            let renewed = renew(socket.clone(), credentials).await;
            renewed
                .map(|until| socket.disconnect_at(until))
                .map_err(IntoEventError::into_event_error)
        })
    }

    /// The namespace is none of the application's, but of a tool that checks by itself who may join: nothing
    /// that applies to all namespaces applies here, neither guards nor connect guards, middleware or error
    /// hooks.
    ///
    /// Nobody else can register anything on it, and those who come back after a lost connection are checked
    /// again. What its clients sent with CONNECT is told to no other node. A pattern cannot be apart.
    pub const fn apart(&mut self) -> &mut Self {
        self.apart = true;
        self
    }

    /// Every event handler is [`EventBuilder::ordered`].
    pub fn ordered(&mut self) -> &mut Self {
        self.scope.ordered = true;
        self
    }

    /// Every handler is [`EventBuilder::cancel_on_disconnect`], those of disconnections left out.
    pub fn cancel_on_disconnect(&mut self) -> &mut Self {
        self.scope.cancel_on_disconnect = true;
        self
    }

    // ---- for the macros -------------------------------------------------------------------------

    pub(crate) fn add_event(
        &mut self,
        events: &[&'static str],
        owner: Option<&'static str>,
        method: &'static str,
        require: Require,
        handler: Box<HandlerFn>,
    ) -> &mut EventBuilder {
        let events = events.iter().map(|event| (*event).into()).collect();
        self.add(Calls::Events(events), owner, method, require, Run::Event(handler))
    }

    pub(crate) fn add_any(
        &mut self,
        owner: Option<&'static str>,
        method: &'static str,
        require: Require,
        handler: Box<HandlerFn>,
    ) -> &mut EventBuilder {
        self.add(Calls::Any, owner, method, require, Run::Event(handler))
    }

    pub(crate) fn add_fallback(
        &mut self,
        owner: Option<&'static str>,
        method: &'static str,
        require: Require,
        handler: Box<HandlerFn>,
    ) -> &mut EventBuilder {
        self.add(Calls::Fallback, owner, method, require, Run::Event(handler))
    }

    pub(crate) fn add_life(
        &mut self,
        phase: Phase,
        owner: Option<&'static str>,
        method: &'static str,
        require: Require,
        handler: Box<ContextFn>,
    ) -> &mut EventBuilder {
        self.add(Calls::Life(phase), owner, method, require, Run::Life(handler))
    }

    pub(crate) fn add_connect_guard(
        &mut self,
        owner: Option<&'static str>,
        method: &'static str,
        require: Require,
        handler: Box<ContextFn>,
    ) {
        self.require(Phase::Connect, owner, method, require);
        self.connect_guards.push(handler);
    }

    pub(crate) fn add_create(
        &mut self,
        owner: Option<&'static str>,
        method: &'static str,
        require: Require,
        handler: Box<ContextFn>,
    ) {
        self.require(Phase::Connect, owner, method, require);
        self.creates.push(handler);
    }

    #[expect(clippy::expect_used, reason = "the entry was pushed in the line above")]
    fn add(
        &mut self,
        calls: Calls,
        owner: Option<&'static str>,
        method: &'static str,
        require: Require,
        run: Run,
    ) -> &mut EventBuilder {
        let phase = match &calls {
            Calls::Life(phase) => *phase,
            _ => Phase::Event,
        };
        self.require(phase, owner, method, require);
        let rules = Rules { owner, method, ..Rules::default() };
        self.entries.push(EventBuilder { calls, run, rules });
        self.entries.last_mut().expect("just pushed")
    }

    fn require(
        &mut self,
        phase: Phase,
        owner: Option<&'static str>,
        method: &'static str,
        require: Require,
    ) {
        let rules = Rules { owner, method, ..Rules::default() };
        let handler = if rules.name().is_empty() { "a closure".to_owned() } else { rules.name() };
        let mut requirements = Requirements::new(handler, phase);
        require(&mut requirements);
        self.requirements.push(requirements);
    }

    // ---- the result -----------------------------------------------------------------------------

    /// Everything registered, inside of what is global.
    pub(crate) fn finish(self, global: &Rules) -> Finished {
        let nothing = Rules::default();
        let global = if self.apart { &nothing } else { global };
        let mut finished = Finished { apart: self.apart, ..Finished::default() };
        let mut steps: Vec<Step> = self.connect_guards.into_iter().map(Step::Run).collect();
        steps.extend(self.scope.guards.iter().cloned().map(Step::Guard));
        for EventBuilder { calls, run, rules } in self.entries {
            let mut own = rules;
            if matches!(calls, Calls::Life(_)) {
                // A connection can be refused before it is one, an end not at all.
                steps.extend(own.guards.drain(..).map(Step::Guard));
            }
            let mut rules = own.within(&self.scope).within(global);
            match (calls, run) {
                (Calls::Life(phase), Run::Life(run)) => {
                    rules.guards = Vec::new();
                    rules.cancel_on_disconnect &= phase == Phase::Connection;
                    let entry = Arc::new(LifeEntry { run, rules: Arc::new(rules) });
                    match phase {
                        Phase::Disconnecting => finished.disconnecting.push(entry),
                        Phase::Disconnect => finished.disconnect.push(entry),
                        _ => finished.connection.push(entry),
                    }
                }
                (calls, Run::Event(run)) => {
                    let entry = Arc::new(EventEntry::new(run, rules));
                    match calls {
                        Calls::Any => finished.any.push(entry),
                        Calls::Fallback => finished.fallback.push(entry),
                        Calls::Events(names) => {
                            finished
                                .events
                                .extend(names.into_iter().map(|name| (name, Arc::clone(&entry))));
                        }
                        Calls::Life(_) => {}
                    }
                }
                (_, Run::Life(_)) => {}
            }
        }
        for ServerSideBuilder { events, entry } in self.server_side {
            let entry = Arc::new(entry);
            let named = events.into_iter().map(|name| (name, Arc::clone(&entry)));
            finished.server_side.extend(named);
        }
        if !self.socket_middleware.is_empty() {
            let mut hooks = self.scope.hooks.clone();
            hooks.extend(global.hooks.iter().cloned());
            let rules = Arc::new(Rules { hooks, ..Rules::default() });
            let entry = |run| Arc::new(MiddlewareEntry { run, rules: Arc::clone(&rules) });
            finished.middleware = self.socket_middleware.into_iter().map(entry).collect();
        }
        steps.extend(self.creates.into_iter().map(Step::Create));
        finished.scope = self.scope.clone();
        let scope = Rules { guards: Vec::new(), ..self.scope };
        if !steps.is_empty() || !scope.middleware.is_empty() || !scope.hooks.is_empty() {
            finished.connect = Some(Arc::new(ConnectScope { steps, rules: Arc::new(scope) }));
        }
        finished.requirements = self.requirements;
        finished
    }
}

/// What a builder registered, ready to be merged into a namespace.
#[derive(Default)]
pub(crate) struct Finished {
    pub(crate) events: Vec<(Box<str>, Arc<EventEntry>)>,
    pub(crate) server_side: Vec<(Box<str>, Arc<ServerSideEntry>)>,
    pub(crate) any: Vec<Arc<EventEntry>>,
    pub(crate) middleware: Vec<Arc<MiddlewareEntry>>,
    pub(crate) fallback: Vec<Arc<EventEntry>>,
    pub(crate) connect: Option<Arc<ConnectScope>>,
    pub(crate) connection: Vec<Arc<LifeEntry>>,
    pub(crate) disconnecting: Vec<Arc<LifeEntry>>,
    pub(crate) disconnect: Vec<Arc<LifeEntry>>,
    pub(crate) requirements: Vec<Requirements>,
    /// What applies to all namespaces does not apply.
    pub(crate) apart: bool,
    /// What applies to everything registered with the builder.
    pub(crate) scope: Rules,
}
