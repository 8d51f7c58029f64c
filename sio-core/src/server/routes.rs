//! What is registered on a server, as a table to look at.

use std::fmt;

use crate::handler::Rules;

use super::hub::{Hub, Known};
use super::io::Io;
use super::namespace::{ConnectScope, EventEntry, Handlers, LifeEntry, Step};

/// What is registered on a server: its namespaces with everything that is called there; see [`Io::routes`].
///
/// Shown as a table of several lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Routes {
    /// The path of the server's route, if its carrier has said.
    pub path: String,
    /// Namespaces by their names, then patterns in the order of registration; none of a bare Engine.IO server.
    pub namespaces: Vec<NamespaceRoutes>,
}

/// A namespace, or as many as a pattern makes, with what is called there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamespaceRoutes {
    /// Its name, or the pattern as it was written; `a function` if it is one.
    pub namespace: String,
    /// Clients make such namespaces.
    pub is_pattern: bool,
    /// What is called: about sockets first, then events by their names.
    pub routes: Vec<Route>,
}

/// Something that is called.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// When it is called.
    pub kind: RouteKind,
    /// The handler's name, `Chat::say`; `a closure` if it has none, empty where only guards decide.
    pub handler: String,
    /// Guards that are asked before.
    pub guards: usize,
    /// Middleware around it.
    pub middleware: usize,
}

/// When something is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RouteKind {
    /// Before CONNECT is answered.
    Connect,
    /// When a socket is connected.
    Connection,
    /// When a socket ends, while its rooms are still listed.
    Disconnecting,
    /// When a socket has ended.
    Disconnect,
    /// Before all events: socket middleware.
    Middleware,
    /// For all events, besides their own handlers.
    Any,
    /// For an event of this name.
    Event(String),
    /// For events that have no handler of their own.
    Fallback,
    /// For an event of this name that another server has sent.
    ServerSide(String),
}

impl fmt::Display for RouteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.pad("(connect)"),
            Self::Connection => f.pad("(connection)"),
            Self::Disconnecting => f.pad("(disconnecting)"),
            Self::Disconnect => f.pad("(disconnect)"),
            Self::Middleware => f.pad("(socket middleware)"),
            Self::Any => f.pad("(any event)"),
            Self::Event(name) => f.pad(name),
            Self::Fallback => f.pad("(other events)"),
            Self::ServerSide(name) => f.pad(&format!("(server-side) {name}")),
        }
    }
}

impl fmt::Display for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            writeln!(f, "path {}", self.path)?;
        }
        if self.namespaces.is_empty() {
            return writeln!(f, "no namespaces: messages go to an Engine.IO handler");
        }
        self.namespaces.iter().try_for_each(|namespace| namespace.fmt(f))
    }
}

impl fmt::Display for NamespaceRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_pattern { "namespaces" } else { "namespace" };
        writeln!(f, "{kind} {}", self.namespace)?;
        let width = self.routes.iter().map(|route| route.kind.to_string().chars().count());
        let width = width.max().unwrap_or_default();
        for Route { kind, handler, guards, middleware } in &self.routes {
            let mut words = Vec::new();
            if !handler.is_empty() {
                words.push(handler.clone());
            }
            words.extend(counted(*guards, "guard", "guards"));
            words.extend(counted(*middleware, "middleware", "middlewares"));
            writeln!(f, "  {kind:width$}  {}", words.join(", "))?;
        }
        Ok(())
    }
}

fn counted(count: usize, one: &str, many: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        more => Some(format!("{more} {many}")),
    }
}

impl Route {
    fn new(kind: RouteKind, handler: String, rules: &Rules) -> Self {
        Self { kind, handler, guards: rules.guards.len(), middleware: rules.middleware.len() }
    }

    fn of_event(kind: RouteKind, entry: &EventEntry) -> Self {
        Self::new(kind, entry.name(), &entry.rules)
    }

    fn of_life(kind: RouteKind, entry: &LifeEntry) -> Self {
        Self::new(kind, entry.rules.name_or_closure(), &entry.rules)
    }

    /// Everything that decides about a CONNECT; `None`: nothing does.
    fn of_connect<'a>(scopes: impl Iterator<Item = &'a ConnectScope>) -> Option<Self> {
        let (mut guards, mut middleware) = (0, 0);
        for scope in scopes {
            let asked = |step: &&Step| matches!(step, Step::Guard(_) | Step::Run(_));
            guards += scope.steps.iter().filter(asked).count();
            middleware += scope.rules.middleware.len();
        }
        let route = Self { kind: RouteKind::Connect, handler: String::new(), guards, middleware };
        (guards + middleware > 0).then_some(route)
    }
}

fn routes_of(hub: &Hub, handlers: &Handlers) -> Vec<Route> {
    let global = hub.global_connect.iter();
    let mut routes = Vec::new();
    routes.extend(Route::of_connect(global.chain(&handlers.connect).map(|scope| &**scope)));
    for (kind, entries) in [
        (RouteKind::Connection, &handlers.connection),
        (RouteKind::Disconnecting, &handlers.disconnecting),
        (RouteKind::Disconnect, &handlers.disconnect),
    ] {
        routes.extend(entries.iter().map(|entry| Route::of_life(kind.clone(), entry)));
    }
    let middleware = handlers.middleware.len();
    if middleware > 0 {
        let (kind, handler) = (RouteKind::Middleware, String::new());
        routes.push(Route { kind, handler, guards: 0, middleware });
    }
    routes.extend(handlers.any.iter().map(|entry| Route::of_event(RouteKind::Any, entry)));
    let mut events: Vec<_> = handlers.event_entries().collect();
    events.sort_by_key(|(name, _)| *name);
    for (name, registered) in events {
        let all = [&registered.first].into_iter().chain(&registered.others);
        routes.extend(all.map(|entry| Route::of_event(RouteKind::Event(name.to_owned()), entry)));
    }
    let fallback = handlers.fallback.as_ref();
    routes.extend(fallback.map(|entry| Route::of_event(RouteKind::Fallback, entry)));
    let mut server_side: Vec<_> = handlers.server_side_entries().collect();
    server_side.sort_by_key(|(name, _)| *name);
    for (name, entries) in server_side {
        let kind = || RouteKind::ServerSide(name.to_owned());
        let route = |rules: &Rules, name| Route::new(kind(), name, rules);
        routes.extend(entries.iter().map(|entry| route(&entry.rules, entry.name())));
    }
    routes
}

impl Io {
    /// What is registered at this moment, to be looked at; its `Display` is a table.
    ///
    /// Namespaces that clients have made by a pattern are not listed, the pattern is.
    ///
    /// # Examples
    ///
    /// ```
    /// use sio_core::server::{Io, Routes};
    ///
    /// fn show(io: &Io) -> String {
    ///     // namespace /chat
    ///     //   (connection)  a closure
    ///     //   say           a closure, 1 guard
    ///     io.routes().to_string()
    /// }
    /// ```
    #[must_use]
    pub fn routes(&self) -> Routes {
        let hub = self.hub();
        let known = if hub.raw.is_some() { Vec::new() } else { hub.registered() };
        let namespace = |Known { pattern, handlers }: Known| NamespaceRoutes {
            namespace: pattern.source().to_owned(),
            is_pattern: pattern.name().is_none(),
            routes: routes_of(hub, &handlers),
        };
        Routes { path: String::new(), namespaces: known.into_iter().map(namespace).collect() }
    }
}
