//! Namespaces and what is registered on them.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use crate::handler::{
    ContextFn, ErasedGuard, EventError, Fault, FitsNamespace, HandlerFn, IntoEventError, Rules,
};
use crate::sync::RwLock;
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::incoming::MiddlewareEntry;
use super::node_events::ServerSideEntry;
use super::pattern::{Params, Pattern};
use super::recovery::{Log, PacketLog, Relay};
use super::registration::Finished;
use super::server_side;

/// `abc` is `/abc`, and nothing is `/`.
pub(crate) fn normalize(path: &str) -> Cow<'_, str> {
    if path.starts_with('/') { Cow::Borrowed(path) } else { Cow::Owned(format!("/{path}")) }
}

/// A refusal of a connect guard: the client gets CONNECT_ERROR with this message and data.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectError {
    message: Cow<'static, str>,
    data: Option<serde_json::Value>,
}

impl ConnectError {
    /// A refusal without data.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), data: None }
    }

    /// Adds data, `err.data` on the client.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<serde_json::Value>) -> Self {
        self.data = Some(data.into());
        self
    }
}

impl IntoEventError for ConnectError {
    fn into_event_error(self) -> EventError {
        let error = EventError::new("", self.message);
        match self.data {
            Some(data) => error.with_data(data),
            None => error,
        }
    }
}

/// A handler of events, with what applies to it.
pub(crate) struct EventEntry {
    pub(crate) run: Box<HandlerFn>,
    pub(crate) rules: Arc<Rules>,
    /// Something has to wait before the handler may be called.
    pub(crate) must_wait: bool,
}

impl EventEntry {
    pub(crate) fn new(run: Box<HandlerFn>, rules: Rules) -> Self {
        Self { run, must_wait: rules.must_wait(), rules: Arc::new(rules) }
    }

    pub(crate) fn name(&self) -> String {
        self.rules.name_or_closure()
    }
}

/// A handler of a connection or its end, with what applies to it.
pub(crate) struct LifeEntry {
    pub(crate) run: Box<ContextFn>,
    pub(crate) rules: Arc<Rules>,
}

/// One thing that may refuse a socket.
pub(crate) enum Step {
    Run(Box<ContextFn>),
    Guard(Arc<ErasedGuard>),
    /// Makes a controller of the connection; a recovered socket needs one as well.
    Create(Box<ContextFn>),
}

/// What decides about a CONNECT, inside of the middleware it was registered with.
pub(crate) struct ConnectScope {
    pub(crate) steps: Vec<Step>,
    /// Middleware and error hooks.
    pub(crate) rules: Arc<Rules>,
}

/// The handlers of one event.
#[derive(Clone)]
pub(crate) struct Registered {
    /// The one that answers.
    pub(crate) first: Arc<EventEntry>,
    /// Others that run as well.
    pub(crate) others: Vec<Arc<EventEntry>>,
}

/// What is registered on a namespace; a socket keeps the state of its time of connection.
#[derive(Default, Clone)]
pub(crate) struct Handlers {
    events: HashMap<Box<str>, Registered, ahash::RandomState>,
    pub(crate) any: Vec<Arc<EventEntry>>,
    pub(crate) middleware: Vec<Arc<MiddlewareEntry>>,
    pub(crate) fallback: Option<Arc<EventEntry>>,
    pub(crate) connect: Vec<Arc<ConnectScope>>,
    pub(crate) connection: Vec<Arc<LifeEntry>>,
    pub(crate) disconnecting: Vec<Arc<LifeEntry>>,
    pub(crate) disconnect: Vec<Arc<LifeEntry>>,
    /// The first of an event answers.
    server_side: HashMap<Box<str>, Vec<Arc<ServerSideEntry>>, ahash::RandomState>,
    fits: Vec<FitsNamespace>,
    /// It belongs to one registration, and what is global does not apply.
    pub(crate) apart: bool,
}

impl Handlers {
    #[inline]
    pub(crate) fn event(&self, name: &str) -> Option<&Registered> {
        self.events.get(name)
    }

    /// Names of events that have a handler, in no order.
    pub(crate) fn event_names(&self) -> impl Iterator<Item = &str> {
        self.events.keys().map(|name| &**name)
    }

    /// What handles each event, in no order.
    pub(crate) fn event_entries(&self) -> impl Iterator<Item = (&str, &Registered)> {
        self.events.iter().map(|(name, registered)| (&**name, registered))
    }

    /// What handles each event of other servers, in no order.
    pub(crate) fn server_side_entries(
        &self,
    ) -> impl Iterator<Item = (&str, &[Arc<ServerSideEntry>])> {
        self.server_side.iter().map(|(name, entries)| (&**name, &**entries))
    }

    /// Who hears an event of another server.
    pub(crate) fn server_side(&self, name: &str) -> &[Arc<ServerSideEntry>] {
        self.server_side.get(name).map_or(&[], Vec::as_slice)
    }

    /// The parameters of a dynamic namespace's name fit all handlers that take them.
    pub(crate) fn fit(&self, namespace: &Namespace) -> bool {
        self.fits.iter().all(|fits| fits(namespace))
    }

    /// Adds what a pattern has for the namespaces it makes; an event's own handlers come before the
    /// pattern's.
    pub(crate) fn inherit(&mut self, pattern: &Self) {
        fn before<T: Clone>(own: &mut Vec<T>, inherited: &[T]) {
            own.splice(0..0, inherited.iter().cloned());
        }
        for (event, registered) in &pattern.events {
            self.events.entry(event.clone()).or_insert_with(|| registered.clone());
        }
        for (event, entries) in &pattern.server_side {
            self.server_side.entry(event.clone()).or_insert_with(|| entries.clone());
        }
        if self.fallback.is_none() {
            self.fallback.clone_from(&pattern.fallback);
        }
        before(&mut self.any, &pattern.any);
        before(&mut self.middleware, &pattern.middleware);
        before(&mut self.connect, &pattern.connect);
        before(&mut self.connection, &pattern.connection);
        before(&mut self.disconnecting, &pattern.disconnecting);
        before(&mut self.disconnect, &pattern.disconnect);
        before(&mut self.fits, &pattern.fits);
    }

    /// Adds what a builder registered on `pattern`; `has` says which application data there is.
    pub(crate) fn add(
        &mut self,
        added: Finished,
        pattern: &Pattern,
        has: impl Fn(TypeId) -> bool,
    ) -> Vec<Fault> {
        let mut faults = Vec::new();
        let namespace = pattern.source().to_owned();
        if self.apart {
            return vec![Fault::Apart { namespace }];
        }
        self.apart = added.apart;
        for mut requirements in added.requirements {
            let handler = requirements.handler().to_owned();
            for (id, data) in &requirements.data {
                if !has(*id) {
                    faults.push(Fault::MissingData { data, handler: handler.clone() });
                }
            }
            if !requirements.params.is_empty() && !pattern.has_params() {
                faults.push(Fault::NoParameter { namespace: namespace.clone(), handler });
            }
            self.fits.append(&mut requirements.params);
            faults.append(&mut requirements.faults);
        }
        for (event, entry) in added.events {
            if entry.rules.latest && entry.rules.ordered {
                faults.push(Fault::LatestOrdered { handler: entry.name() });
            }
            if crate::packet::is_reserved(&event) {
                faults.push(Fault::Reserved { event: event.into(), handler: entry.name() });
                continue;
            }
            match self.events.get_mut(&event) {
                None => {
                    let registered = Registered { first: entry, others: Vec::new() };
                    self.events.insert(event, registered);
                }
                Some(known) if known.first.rules.multi && entry.rules.multi => {
                    known.others.push(entry);
                }
                Some(known) => faults.push(two_handlers(&namespace, &event, &known.first, &entry)),
            }
        }
        for (event, entry) in added.server_side {
            if server_side::is_reserved(&event) {
                faults.push(Fault::Reserved { event: event.into(), handler: entry.name() });
                continue;
            }
            let known = self.server_side.entry(event.clone()).or_default();
            match known.first() {
                Some(first) if !(first.rules.multi && entry.rules.multi) => {
                    let (first, second) = (first.name(), entry.name());
                    let event = format!("{event} (server-side)");
                    faults.push(Fault::TwoHandlers {
                        namespace: namespace.clone(),
                        event,
                        first,
                        second,
                    });
                }
                _ => known.push(entry),
            }
        }
        for entry in added.fallback {
            match &self.fallback {
                None => self.fallback = Some(entry),
                Some(known) => faults.push(two_handlers(&namespace, "fallback", known, &entry)),
            }
        }
        self.any.extend(added.any);
        self.middleware.extend(added.middleware);
        self.connect.extend(added.connect);
        self.connection.extend(added.connection);
        self.disconnecting.extend(added.disconnecting);
        self.disconnect.extend(added.disconnect);
        faults
    }
}

fn two_handlers(namespace: &str, event: &str, first: &EventEntry, second: &EventEntry) -> Fault {
    Fault::TwoHandlers {
        namespace: namespace.to_owned(),
        event: event.to_owned(),
        first: first.name(),
        second: second.name(),
    }
}

impl std::fmt::Debug for Handlers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handlers").field("events", &self.events.keys()).finish_non_exhaustive()
    }
}

/// The pattern of a namespace: its id, and how it is written.
#[derive(Debug, Clone)]
pub(crate) struct Parent {
    pub(crate) id: u64,
    pub(crate) source: Arc<str>,
}

/// A namespace of a server.
#[derive(Debug)]
pub struct Namespace {
    path: Arc<str>,
    id: u64,
    /// Made by a pattern, and gone with its last socket.
    dynamic: AtomicBool,
    params: Params,
    /// The pattern that made it, or would have.
    parent: Option<Parent>,
    /// Ack ids count per namespace from 0.
    ack_ids: AtomicU64,
    /// Sockets that are connected, or whose CONNECT is being decided.
    members: AtomicUsize,
    connected: AtomicUsize,
    handlers: RwLock<Arc<Handlers>>,
    /// Some socket has, or had, listeners of outgoing events.
    shows_outgoing: AtomicBool,
    log: Option<Log>,
}

impl Namespace {
    pub(crate) fn new(path: Arc<str>, id: u64, log: Option<Log>) -> Self {
        Self {
            path,
            id,
            dynamic: AtomicBool::new(false),
            params: Params::default(),
            parent: None,
            ack_ids: AtomicU64::new(0),
            members: AtomicUsize::new(0),
            connected: AtomicUsize::new(0),
            handlers: RwLock::default(),
            shows_outgoing: AtomicBool::new(false),
            log,
        }
    }

    /// A namespace that a pattern makes.
    pub(crate) fn dynamic(
        path: Arc<str>,
        id: u64,
        parent: Option<Parent>,
        params: Params,
        handlers: Arc<Handlers>,
        log: Option<Log>,
    ) -> Self {
        let handlers = RwLock::new(handlers);
        Self {
            dynamic: AtomicBool::new(true),
            parent,
            params,
            handlers,
            ..Self::new(path, id, log)
        }
    }

    /// The name, `/` or `/…`; the one the client gave, where a pattern made it.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn path_arc(&self) -> &Arc<str> {
        &self.path
    }

    /// Never used for another namespace of the server.
    pub(crate) const fn id(&self) -> u64 {
        self.id
    }

    /// The pattern whose child it is.
    pub(crate) fn parent(&self) -> Option<u64> {
        self.parent.as_ref().map(|parent| parent.id)
    }

    /// What the application registered: the name of this namespace, or the pattern that made it, also when its
    /// name was registered later. Clients, who choose the names that patterns accept, do not make these more.
    /// `None`: nobody has decided yet.
    #[must_use]
    pub fn registered_as(&self) -> Option<&str> {
        match &self.parent {
            Some(parent) => Some(&parent.source),
            None if self.is_dynamic() => None,
            None => Some(&self.path),
        }
    }

    /// A number that this namespace shares with no other one, but with those of the same pattern.
    #[must_use]
    pub fn registration(&self) -> Option<u64> {
        self.parent().or_else(|| (!self.is_dynamic()).then_some(self.id))
    }

    /// A pattern made it, and it goes with its last socket unless such namespaces are to stay.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        self.dynamic.load(Ordering::Acquire)
    }

    /// It was registered by its name: it stays, also if a client made it, and sockets that connect from
    /// now on have these handlers.
    pub(crate) fn keep(&self, handlers: Handlers) {
        self.dynamic.store(false, Ordering::Release);
        *self.handlers.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(handlers);
    }

    /// Names and values of the parameters in a dynamic namespace's name.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params.iter().map(|(name, value)| (&**name, &**value))
    }

    /// A socket has listeners of outgoing events: broadcasts have to show what they send.
    pub(crate) fn expect_outgoing_listeners(&self) {
        self.shows_outgoing.store(true, Ordering::Release);
    }

    pub(crate) fn shows_outgoing(&self) -> bool {
        self.shows_outgoing.load(Ordering::Acquire)
    }

    /// What clients that come back may have missed, if the server recovers sockets by itself.
    pub(crate) const fn log(&self) -> Option<&PacketLog> {
        match &self.log {
            Some(Log::Here(log)) => Some(log),
            _ => None,
        }
    }

    /// What comes from the log that all nodes share, if the server recovers sockets by that.
    pub(crate) const fn relay(&self) -> Option<&Relay> {
        match &self.log {
            Some(Log::Shared(relay)) => Some(relay),
            _ => None,
        }
    }

    pub(crate) fn next_ack_id(&self) -> u64 {
        self.ack_ids.fetch_add(1, Ordering::Relaxed)
    }

    /// Sockets connected on this node.
    #[must_use]
    pub fn socket_count(&self) -> usize {
        self.connected.load(Ordering::Relaxed)
    }

    pub(crate) fn count_connected(&self) {
        self.connected.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_disconnected(&self) {
        self.connected.fetch_sub(1, Ordering::Relaxed);
    }

    /// One more socket wants to be a member.
    pub(crate) fn enter(&self) {
        self.members.fetch_add(1, Ordering::AcqRel);
    }

    /// A socket is no member any more; `true` for the last.
    pub(crate) fn leave(&self) -> bool {
        self.members.fetch_sub(1, Ordering::AcqRel) == 1
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.load(Ordering::Acquire) == 0
    }

    pub(crate) fn handlers(&self) -> Arc<Handlers> {
        Arc::clone(&self.handlers.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_get_a_leading_slash() {
        assert_eq!(normalize(""), "/");
        assert_eq!(normalize("abc"), "/abc");
        assert_eq!(normalize("/abc"), "/abc");
    }
}
