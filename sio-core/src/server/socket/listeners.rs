//! Listeners of one socket: of its events, of all events, of what is sent to it; and its middleware.
//!
//! They end with the socket, so a listener may hold a handle of its own socket.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::handler::{Handler, HandlerFn, Rules, SocketMiddleware, erase};

use super::super::incoming::MiddlewareEntry;
use super::super::listeners::{Listener, ListenerId, Listeners, Removed, heed};
use super::super::namespace::EventEntry;
use super::super::outgoing::{OutgoingEvent, OutgoingFn, drop_listener};
use super::{ENDED, Socket, lock};

impl Socket {
    // ---- named events ---------------------------------------------------------------------------

    /// Handles an event of this socket alone, besides the namespace's handler of that event.
    ///
    /// Where the namespace has a handler, that one answers and listeners only hear the event. Where it has
    /// none, the listener that was added first answers. Guards, middleware and error hooks of all
    /// namespaces apply, those of this namespace do not. On a socket that has ended nothing is added; a
    /// reserved name such as `disconnect` never comes.
    ///
    /// # Examples
    ///
    /// ```
    /// use sio_core::server::{Io, Socket};
    ///
    /// let server = Io::builder().namespace("/quiz", |ns| {
    ///     ns.on("start", |socket: Socket| {
    ///         // Only who has started may answer, and only once.
    ///         socket.once("answer", |choice: u8| choice == 3);
    ///     });
    /// });
    /// # drop(server);
    /// ```
    pub fn on<M, H: Handler<M>>(&self, event: &str, handler: H) -> ListenerId {
        self.add_event_listener(event, erase(handler), false)
    }

    /// As [`Self::on`], for the next event of that name only.
    pub fn once<M, H: Handler<M>>(&self, event: &str, handler: H) -> ListenerId {
        self.add_event_listener(event, erase(handler), true)
    }

    /// Removes a listener of an event; `false` if it is gone already.
    ///
    /// Listeners may remove themselves and others. One whose event is being told is still called.
    #[expect(clippy::must_use_candidate, reason = "whether there was one is a side note")]
    pub fn off(&self, listener: ListenerId) -> bool {
        self.remove_listeners(|listeners| listeners.remove(listener))
    }

    /// Removes all listeners of an event; `false` if there was none.
    #[expect(clippy::must_use_candidate, reason = "whether there was one is a side note")]
    pub fn off_event(&self, event: &str) -> bool {
        self.remove_listeners(|listeners| listeners.remove_event(event))
    }

    /// Removes the listeners of all events by name; `false` if there was none.
    pub fn off_all(&self) -> bool {
        self.remove_listeners(Listeners::remove_events)
    }

    /// The listeners of an event, in the order in which they are called.
    #[must_use]
    pub fn listeners(&self, event: &str) -> Vec<ListenerId> {
        self.read_listeners(heed::EVENTS, |listeners| listeners.ids(event)).unwrap_or_default()
    }

    // ---- all events -----------------------------------------------------------------------------

    /// Is called for every event of this socket, before its handlers; it cannot answer an ack.
    ///
    /// # Examples
    ///
    /// ```
    /// use sio_core::handler::EventName;
    /// use sio_core::packet::{Rest, Value};
    /// use sio_core::server::{Io, Socket};
    ///
    /// let server = Io::builder().namespace("/", |ns| {
    ///     ns.on_connection(|socket: Socket| {
    ///         socket.on_any(|EventName(event), Rest(args): Rest<Value>| println!("{event} {args:?}"));
    ///     });
    /// });
    /// # drop(server);
    /// ```
    pub fn on_any<M, H: Handler<M>>(&self, handler: H) -> ListenerId {
        self.add_any_listener(erase(handler), false)
    }

    /// As [`Self::on_any`], before the others that were added.
    pub fn prepend_any<M, H: Handler<M>>(&self, handler: H) -> ListenerId {
        self.add_any_listener(erase(handler), true)
    }

    /// Removes one listener of all events, or each of them with `None`; `false` if there was none.
    pub fn off_any(&self, listener: impl Into<Option<ListenerId>>) -> bool {
        let listener = listener.into();
        self.remove_listeners(|listeners| listeners.remove_any(listener))
    }

    /// The listeners of all events, in the order in which they are called.
    #[must_use]
    pub fn listeners_any(&self) -> Vec<ListenerId> {
        self.read_listeners(heed::ANY, Listeners::any_ids).unwrap_or_default()
    }

    // ---- what is sent ---------------------------------------------------------------------------

    /// Is called for every event that is sent to this socket, by itself or with a broadcast, also where a
    /// volatile one is dropped; not for acks.
    ///
    /// It runs on the thread that emits, for a broadcast on the socket's worker, and must not wait.
    ///
    /// Differs from the reference: what a listener emits is shown to no listener, for there could be no
    /// end of it.
    ///
    /// # Examples
    ///
    /// ```
    /// use sio_core::packet::{Rest, Value};
    /// use sio_core::server::{Io, OutgoingEvent, Socket};
    ///
    /// let server = Io::builder().namespace("/", |ns| {
    ///     ns.on_connection(|socket: Socket| {
    ///         socket.on_any_outgoing(|event: &OutgoingEvent| {
    ///             let Rest(args) = event.read::<Rest<Value>>().unwrap_or_default();
    ///             println!("{} {args:?}", event.name());
    ///         });
    ///     });
    /// });
    /// # drop(server);
    /// ```
    pub fn on_any_outgoing(
        &self,
        listener: impl Fn(&OutgoingEvent) + Send + Sync + 'static,
    ) -> ListenerId {
        self.add_outgoing_listener(Arc::new(listener), false)
    }

    /// As [`Self::on_any_outgoing`], before the others that were added.
    pub fn prepend_any_outgoing(
        &self,
        listener: impl Fn(&OutgoingEvent) + Send + Sync + 'static,
    ) -> ListenerId {
        self.add_outgoing_listener(Arc::new(listener), true)
    }

    /// Removes one listener of outgoing events, or each of them with `None`; `false` if there was none.
    pub fn off_any_outgoing(&self, listener: impl Into<Option<ListenerId>>) -> bool {
        let listener = listener.into();
        self.remove_listeners(|listeners| listeners.remove_outgoing(listener))
    }

    /// The listeners of outgoing events, in the order in which they are called.
    #[must_use]
    pub fn listeners_any_outgoing(&self) -> Vec<ListenerId> {
        self.read_listeners(heed::OUTGOING, Listeners::outgoing_ids).unwrap_or_default()
    }

    // ---- middleware -----------------------------------------------------------------------------

    /// Shows every event of this socket to a middleware, behind those of the namespace (the reference's
    /// `socket.use`). It may rename the event, replace its arguments, or refuse it; it stays as long as the
    /// socket. For all sockets of a namespace there is
    /// [`NamespaceBuilder::socket_middleware`](crate::server::NamespaceBuilder::socket_middleware).
    ///
    /// # Examples
    ///
    /// ```
    /// use sio_core::handler::EventError;
    /// use sio_core::server::{IncomingEvent, Io, Socket};
    ///
    /// let server = Io::builder().namespace("/", |ns| {
    ///     ns.on_connection(|socket: Socket| {
    ///         socket.use_middleware(async |event: &mut IncomingEvent| {
    ///             if may(event.name()).await { Ok(()) } else { Err(EventError::new("forbidden", "no")) }
    ///         });
    ///     });
    /// });
    ///
    /// async fn may(event: &str) -> bool {
    ///     !event.starts_with("admin:")
    /// }
    /// # drop(server);
    /// ```
    pub fn use_middleware<M>(&self, middleware: impl SocketMiddleware<M>) {
        let hooks = self.0.hub.global().hooks.clone();
        let rules = Arc::new(Rules { hooks, ..Rules::default() });
        let entry = Arc::new(MiddlewareEntry { run: middleware.erase(), rules });
        self.add_listener(move |listeners, _| listeners.middleware.push(entry));
    }

    // ---- for the server -------------------------------------------------------------------------

    #[inline]
    pub(crate) fn heeds(&self, what: u8) -> bool {
        self.0.heeds.load(Ordering::Acquire) & what != 0
    }

    pub(crate) fn event_listeners(&self, event: &str) -> Vec<Arc<EventEntry>> {
        self.change_listeners(|listeners| listeners.call(event)).unwrap_or_default()
    }

    pub(crate) fn any_listeners(&self) -> Vec<Arc<EventEntry>> {
        self.read_listeners(heed::ANY, Listeners::call_any).unwrap_or_default()
    }

    pub(crate) fn own_middleware(&self) -> Vec<Arc<MiddlewareEntry>> {
        self.read_listeners(heed::MIDDLEWARE, |l| l.middleware.clone()).unwrap_or_default()
    }

    pub(crate) fn outgoing_listeners(&self) -> Vec<Arc<OutgoingFn>> {
        let all = |l: &Listeners| l.outgoing.iter().map(|(_, f)| Arc::clone(f)).collect();
        self.read_listeners(heed::OUTGOING, all).unwrap_or_default()
    }

    /// The socket has ended, and with it what listens to it.
    pub(crate) fn drop_listeners(&self) {
        self.remove_listeners(Listeners::remove_all);
    }

    fn add_event_listener(&self, event: &str, run: Box<HandlerFn>, once: bool) -> ListenerId {
        if crate::packet::is_reserved(event) {
            tracing::error!(event, "a reserved event never comes; its listener waits for nothing");
        }
        let entry = self.entry(run);
        self.add_listener(|listeners, id| listeners.add(event, Listener::new(id, once, entry)))
    }

    fn add_any_listener(&self, run: Box<HandlerFn>, first: bool) -> ListenerId {
        let entry = self.entry(run);
        self.add_listener(|listeners, id| {
            insert(&mut listeners.any, first, Listener::new(id, false, entry));
        })
    }

    fn add_outgoing_listener(&self, listener: Arc<OutgoingFn>, first: bool) -> ListenerId {
        self.0.namespace.expect_outgoing_listeners();
        self.add_listener(|listeners, id| insert(&mut listeners.outgoing, first, (id, listener)))
    }

    /// A listener inside of what applies to all namespaces.
    fn entry(&self, run: Box<HandlerFn>) -> Arc<EventEntry> {
        Arc::new(EventEntry::new(run, Rules::default().within(self.0.hub.global())))
    }

    fn add_listener(&self, add: impl FnOnce(&mut Listeners, ListenerId)) -> ListenerId {
        let mut extras = lock(&self.0.extras);
        // The end stores its status before it comes here.
        let ended = self.0.status.load(Ordering::Acquire) >= ENDED;
        let extras = extras.get_or_insert_default();
        let id = extras.listeners.next_id();
        if !ended {
            add(&mut extras.listeners, id);
            self.0.note_heeds(extras);
        }
        id
    }

    fn change_listeners<R>(&self, change: impl FnOnce(&mut Listeners) -> R) -> Option<R> {
        let mut extras = lock(&self.0.extras);
        let extras = extras.as_mut()?;
        let result = change(&mut extras.listeners);
        self.0.note_heeds(extras);
        Some(result)
    }

    fn read_listeners<R>(&self, what: u8, read: impl FnOnce(&Listeners) -> R) -> Option<R> {
        if !self.heeds(what) {
            return None;
        }
        Some(read(&lock(&self.0.extras).as_ref()?.listeners))
    }

    /// What is removed may hold values of the user's, so it is dropped where nothing is locked.
    fn remove_listeners(&self, remove: impl FnOnce(&mut Listeners) -> Vec<Removed>) -> bool {
        let removed = self.change_listeners(remove).unwrap_or_default();
        let any = !removed.is_empty();
        for removed in removed {
            match removed {
                Removed::Event(listener) => drop_listener(listener),
                Removed::Outgoing(listener) => drop_listener(listener),
                Removed::Middleware(middleware) => drop_listener(middleware),
            }
        }
        any
    }
}

fn insert<T>(list: &mut Vec<T>, first: bool, item: T) {
    let index = if first { 0 } else { list.len() };
    list.insert(index, item);
}
