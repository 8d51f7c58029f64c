//! Namespaces and what is registered on them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::handler::{
    ContextFn, ContextHandler, EventError, Handler, HandlerFn, IntoEventError, erase, erase_context,
};

/// `abc` is `/abc`, and nothing is `/` (behaviours 20.6).
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

/// What is registered on a namespace; a socket keeps the state of its time of connection.
#[derive(Default, Clone)]
pub(crate) struct Handlers {
    events: HashMap<Box<str>, Arc<HandlerFn>, ahash::RandomState>,
    pub(crate) guards: Vec<Arc<ContextFn>>,
    pub(crate) connection: Vec<Arc<ContextFn>>,
    pub(crate) disconnecting: Vec<Arc<ContextFn>>,
    pub(crate) disconnect: Vec<Arc<ContextFn>>,
}

impl Handlers {
    #[inline]
    pub(crate) fn event(&self, name: &str) -> Option<&HandlerFn> {
        self.events.get(name).map(|handler| &**handler)
    }
}

impl std::fmt::Debug for Handlers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handlers").field("events", &self.events.keys()).finish_non_exhaustive()
    }
}

/// Registers the handlers of a namespace.
#[derive(Debug, Default)]
pub struct NamespaceBuilder {
    handlers: Handlers,
}

impl NamespaceBuilder {
    /// Handles an event.
    ///
    /// The handler's result answers the client's ack; see [`Handler`] for parameters and results.
    /// Events of one socket start in the order they arrived; a handler that waits lets the next start.
    ///
    /// # Panics
    ///
    /// The event has a handler already, or its name is reserved: both are mistakes in the program, found
    /// when the server is built.
    ///
    /// Differs from the reference: several handlers for one event could not say which one answers.
    pub fn on<M, H: Handler<M>>(&mut self, event: impl Into<Box<str>>, handler: H) -> &mut Self {
        let event = event.into();
        assert!(
            !crate::packet::is_reserved(&event),
            "`{event}` is a reserved event name and never reaches a handler"
        );
        let known = self.handlers.events.insert(event, Arc::from(erase(handler)));
        assert!(known.is_none(), "an event was given two handlers in one namespace");
        self
    }

    /// Runs for each socket after its CONNECT was answered; several run in order of registration.
    pub fn on_connection<M, H: ContextHandler<M>>(&mut self, handler: H) -> &mut Self {
        self.handlers.connection.push(Arc::from(erase_context(handler)));
        self
    }

    /// Runs when a socket ends, while its rooms are still listed.
    pub fn on_disconnecting<M, H: ContextHandler<M>>(&mut self, handler: H) -> &mut Self {
        self.handlers.disconnecting.push(Arc::from(erase_context(handler)));
        self
    }

    /// Runs once for each socket that was connected, after it left all rooms.
    pub fn on_disconnect<M, H: ContextHandler<M>>(&mut self, handler: H) -> &mut Self {
        self.handlers.disconnect.push(Arc::from(erase_context(handler)));
        self
    }

    /// Runs before CONNECT is answered; an error refuses the socket (see [`ConnectError`]).
    ///
    /// Several run one after another in order of registration.
    pub fn connect_guard<M, H: ContextHandler<M>>(&mut self, guard: H) -> &mut Self {
        self.handlers.guards.push(Arc::from(erase_context(guard)));
        self
    }
}

/// A namespace of a server.
#[derive(Debug)]
pub struct Namespace {
    path: Arc<str>,
    index: usize,
    /// Ack ids count per namespace from 0 (behaviours 27.5).
    ack_ids: AtomicU64,
    connected: AtomicUsize,
    handlers: RwLock<Arc<Handlers>>,
}

impl Namespace {
    pub(crate) fn new(path: Arc<str>, index: usize) -> Self {
        Self {
            path,
            index,
            ack_ids: AtomicU64::new(0),
            connected: AtomicUsize::new(0),
            handlers: RwLock::default(),
        }
    }

    /// The name, `/` or `/…`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn path_arc(&self) -> &Arc<str> {
        &self.path
    }

    pub(crate) const fn index(&self) -> usize {
        self.index
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

    pub(crate) fn handlers(&self) -> Arc<Handlers> {
        Arc::clone(&self.handlers.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds handlers for sockets that connect from now on.
    pub(crate) fn add_handlers(&self, builder: NamespaceBuilder) {
        let mut current = self.handlers.write().unwrap_or_else(PoisonError::into_inner);
        let mut merged = Handlers::clone(&current);
        let added = builder.handlers;
        for (event, handler) in added.events {
            let known = merged.events.insert(event, handler);
            assert!(known.is_none(), "an event of `{}` was given two handlers", self.path);
        }
        merged.guards.extend(added.guards);
        merged.connection.extend(added.connection);
        merged.disconnecting.extend(added.disconnecting);
        merged.disconnect.extend(added.disconnect);
        *current = Arc::new(merged);
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

    #[test]
    #[should_panic(expected = "two handlers")]
    fn two_handlers_for_one_event_are_refused() {
        let mut ns = NamespaceBuilder::default();
        ns.on("a", || ());
        ns.on("a", || ());
    }

    #[test]
    #[should_panic(expected = "reserved")]
    fn reserved_events_are_refused() {
        NamespaceBuilder::default().on("disconnect", || ());
    }
}
