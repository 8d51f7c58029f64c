//! What is registered on one socket: its listeners, its middleware, its data.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::incoming::MiddlewareEntry;
use super::namespace::EventEntry;
use super::outgoing::OutgoingFn;

/// Names a listener of one socket, to remove it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListenerId(u64);

/// What a socket has registered, as bits of one byte: what is not there costs one check.
pub(crate) mod heed {
    pub(crate) const EVENTS: u8 = 1;
    pub(crate) const ANY: u8 = 2;
    pub(crate) const OUTGOING: u8 = 4;
    pub(crate) const MIDDLEWARE: u8 = 8;
    /// It is connected for a time only.
    pub(crate) const EXPIRY: u8 = 16;
}

/// A listener of an event, or of all.
#[derive(Clone)]
pub(crate) struct Listener {
    id: ListenerId,
    once: bool,
    entry: Arc<EventEntry>,
}

impl Listener {
    pub(crate) const fn new(id: ListenerId, once: bool, entry: Arc<EventEntry>) -> Self {
        Self { id, once, entry }
    }
}

/// A listener of outgoing events.
pub(crate) type Outgoing = (ListenerId, Arc<OutgoingFn>);

/// Something that was registered, to be dropped where nothing is locked.
pub(crate) enum Removed {
    Event(Arc<EventEntry>),
    Outgoing(Arc<OutgoingFn>),
    Middleware(Arc<MiddlewareEntry>),
}

/// The listeners of one socket, each kind in the order in which it is called.
#[derive(Default)]
pub(crate) struct Listeners {
    last: u64,
    events: HashMap<Box<str>, Vec<Listener>, ahash::RandomState>,
    pub(crate) any: Vec<Listener>,
    pub(crate) outgoing: Vec<Outgoing>,
    pub(crate) middleware: Vec<Arc<MiddlewareEntry>>,
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners")
            .field("events", &self.events.keys())
            .field("any", &self.any.len())
            .field("outgoing", &self.outgoing.len())
            .field("middleware", &self.middleware.len())
            .finish_non_exhaustive()
    }
}

impl Listeners {
    pub(crate) const fn next_id(&mut self) -> ListenerId {
        self.last += 1;
        ListenerId(self.last)
    }

    pub(crate) fn add(&mut self, event: &str, listener: Listener) {
        match self.events.get_mut(event) {
            Some(known) => known.push(listener),
            None => {
                self.events.insert(event.into(), vec![listener]);
            }
        }
    }

    /// What is registered now, in bits of [`heed`].
    pub(crate) fn heeds(&self) -> u8 {
        [
            (!self.events.is_empty(), heed::EVENTS),
            (!self.any.is_empty(), heed::ANY),
            (!self.outgoing.is_empty(), heed::OUTGOING),
            (!self.middleware.is_empty(), heed::MIDDLEWARE),
        ]
        .into_iter()
        .filter_map(|(is_there, bit)| is_there.then_some(bit))
        .sum()
    }

    /// The listeners to be called for an event now; those that are called once are taken out.
    pub(crate) fn call(&mut self, event: &str) -> Vec<Arc<EventEntry>> {
        let Some(listeners) = self.events.get_mut(event) else { return Vec::new() };
        let called = listeners.iter().map(|listener| Arc::clone(&listener.entry)).collect();
        listeners.retain(|listener| !listener.once);
        if listeners.is_empty() {
            self.events.remove(event);
        }
        called
    }

    pub(crate) fn call_any(&self) -> Vec<Arc<EventEntry>> {
        self.any.iter().map(|listener| Arc::clone(&listener.entry)).collect()
    }

    pub(crate) fn ids(&self, event: &str) -> Vec<ListenerId> {
        self.events.get(event).into_iter().flatten().map(|listener| listener.id).collect()
    }

    pub(crate) fn any_ids(&self) -> Vec<ListenerId> {
        self.any.iter().map(|listener| listener.id).collect()
    }

    pub(crate) fn outgoing_ids(&self) -> Vec<ListenerId> {
        self.outgoing.iter().map(|(id, _)| *id).collect()
    }

    pub(crate) fn remove(&mut self, id: ListenerId) -> Vec<Removed> {
        let mut removed = Vec::new();
        for listeners in self.events.values_mut() {
            take(listeners, &mut removed, |listener| listener.id == id);
        }
        self.events.retain(|_, listeners| !listeners.is_empty());
        removed
    }

    pub(crate) fn remove_event(&mut self, event: &str) -> Vec<Removed> {
        let listeners = self.events.remove(event).unwrap_or_default();
        listeners.into_iter().map(|listener| Removed::Event(listener.entry)).collect()
    }

    pub(crate) fn remove_events(&mut self) -> Vec<Removed> {
        let listeners = std::mem::take(&mut self.events).into_values().flatten();
        listeners.map(|listener| Removed::Event(listener.entry)).collect()
    }

    pub(crate) fn remove_any(&mut self, id: Option<ListenerId>) -> Vec<Removed> {
        let mut removed = Vec::new();
        take(&mut self.any, &mut removed, |listener| id.is_none_or(|id| listener.id == id));
        removed
    }

    pub(crate) fn remove_outgoing(&mut self, id: Option<ListenerId>) -> Vec<Removed> {
        let is_meant = |known: &mut Outgoing| id.is_none_or(|id| known.0 == id);
        let removed = self.outgoing.extract_if(.., is_meant);
        removed.map(|(_, listener)| Removed::Outgoing(listener)).collect()
    }

    pub(crate) fn remove_all(&mut self) -> Vec<Removed> {
        let mut removed = self.remove_events();
        removed.extend(self.remove_any(None));
        removed.extend(self.remove_outgoing(None));
        removed.extend(std::mem::take(&mut self.middleware).into_iter().map(Removed::Middleware));
        removed
    }
}

fn take(from: &mut Vec<Listener>, to: &mut Vec<Removed>, is_meant: impl Fn(&Listener) -> bool) {
    let removed = from.extract_if(.., |listener| is_meant(listener));
    to.extend(removed.map(|listener| Removed::Event(listener.entry)));
}
