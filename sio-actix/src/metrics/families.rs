//! What is counted per namespace and event, under labels of which there is a bounded number.
//!
//! Clients choose the names of events and of dynamic namespaces. A label is what the application registered:
//! the name of a namespace, or the pattern that made it, and the name of an event that has a handler there.
//! Everything else is one more, `other`.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sio_core::close::DisconnectReason;
use sio_core::server::{HandledEvent, Namespace};

use super::cells::{Counter, Histogram, Tally};

/// The label of what has none of its own.
pub(super) const OTHER: &str = "other";
/// Namespaces that have labels; applications can register more while they run.
const MAX_NAMESPACES: usize = 200;
/// Events of one namespace that have labels.
const MAX_EVENTS: usize = 500;
/// Namespaces that a thread finds without a lock.
const MAX_KNOWN: usize = 256;

/// In the reference's words.
pub(super) const REASONS: [&str; 9] = [
    DisconnectReason::TransportError.as_str(),
    DisconnectReason::TransportClose.as_str(),
    DisconnectReason::ForcedClose.as_str(),
    DisconnectReason::PingTimeout.as_str(),
    DisconnectReason::ParseError.as_str(),
    DisconnectReason::ServerShuttingDown.as_str(),
    DisconnectReason::ForcedServerClose.as_str(),
    DisconnectReason::ClientNamespaceDisconnect.as_str(),
    DisconnectReason::ServerNamespaceDisconnect.as_str(),
];

/// What the handler of an event did, how often, and how long it took.
#[derive(Debug, Default)]
pub(super) struct Handled {
    pub(super) ok: Histogram,
    pub(super) error: Histogram,
}

type Events = BTreeMap<Box<str>, Arc<Handled>>;

/// What is counted of the namespaces with one label.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) received: Counter,
    pub(super) sent: Counter,
    pub(super) connects: Counter,
    pub(super) disconnects: Tally<{ REASONS.len() }>,
    pub(super) ack_timeouts: Counter,
    events: Mutex<Events>,
}

impl Default for Family {
    fn default() -> Self {
        Self {
            received: Counter::default(),
            sent: Counter::default(),
            connects: Counter::default(),
            disconnects: Tally::new(REASONS),
            ack_timeouts: Counter::default(),
            events: Mutex::default(),
        }
    }
}

/// Nothing is called under such a lock, so a poisoned one is still consistent.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The value of a label, or that of `other` if there are as many as may be.
fn find<T: Default>(known: &mut BTreeMap<Box<str>, Arc<T>>, label: &str, max: usize) -> Arc<T> {
    let label = if known.len() < max || known.contains_key(label) { label } else { OTHER };
    Arc::clone(known.entry(label.into()).or_default())
}

impl Family {
    fn event(&self, label: &str) -> Arc<Handled> {
        find(&mut lock(&self.events), label, MAX_EVENTS)
    }

    /// Events with their labels.
    pub(super) fn events(&self) -> Vec<(Box<str>, Arc<Handled>)> {
        let events = lock(&self.events);
        events.iter().map(|(label, handled)| (label.clone(), Arc::clone(handled))).collect()
    }
}

/// A namespace as one thread knows it.
struct Known {
    family: Arc<Family>,
    events: RefCell<HashMap<Box<str>, Arc<Handled>>>,
}

/// A server of the process, and what was registered there.
type Key = (u64, u64);

thread_local! {
    /// What this thread has found, so that it need not lock.
    static KNOWN: RefCell<Vec<(Key, Rc<Known>)>> = const { RefCell::new(Vec::new()) };
}

/// All namespaces of the servers of one `Metrics`.
#[derive(Debug, Default)]
pub(super) struct Families(Mutex<BTreeMap<Box<str>, Arc<Family>>>);

impl Families {
    /// Counts something of a namespace. `server` is a number that no other one of the process has.
    pub(super) fn count(&self, server: u64, namespace: &Namespace, count: impl FnOnce(&Family)) {
        count(&self.known(server, namespace).family);
    }

    /// Counts an event that a handler has dealt with.
    pub(super) fn count_event(
        &self,
        server: u64,
        event: &HandledEvent<'_>,
        count: impl FnOnce(&Handled),
    ) {
        let known = self.known(server, event.socket.namespace());
        if let Some(handled) = known.events.borrow().get(event.event) {
            return count(handled);
        }
        // Names without a handler of their own are not kept.
        let label = if event.is_registered() { event.event } else { OTHER };
        if let Some(handled) = known.events.borrow().get(label) {
            return count(handled);
        }
        let handled = known.family.event(label);
        count(&handled);
        known.events.borrow_mut().insert(label.into(), handled);
    }

    fn known(&self, server: u64, namespace: &Namespace) -> Rc<Known> {
        let key = namespace.registration().map(|number| (server, number));
        let find = |all: &RefCell<Vec<(Key, Rc<Known>)>>| {
            let all = all.borrow();
            all.iter().find(|(known, _)| Some(*known) == key).map(|(_, known)| Rc::clone(known))
        };
        KNOWN.try_with(find).ok().flatten().unwrap_or_else(|| self.look_up(key, namespace))
    }

    #[cold]
    fn look_up(&self, key: Option<Key>, namespace: &Namespace) -> Rc<Known> {
        let label = namespace.registered_as().unwrap_or(OTHER);
        let family = find(&mut lock(&self.0), label, MAX_NAMESPACES);
        let known = Rc::new(Known { family, events: RefCell::default() });
        if let Some(key) = key {
            // A thread that ends keeps nothing any more.
            let _ends = KNOWN.try_with(|all| {
                let mut all = all.borrow_mut();
                if all.len() >= MAX_KNOWN {
                    // Of servers that are gone, mostly.
                    all.clear();
                }
                all.push((key, Rc::clone(&known)));
            });
        }
        known
    }

    /// All of them with their labels.
    pub(super) fn all(&self) -> Vec<(Box<str>, Arc<Family>)> {
        let known = lock(&self.0);
        known.iter().map(|(label, family)| (label.clone(), Arc::clone(family))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_the_bound_everything_is_other() {
        let family = Family::default();
        for number in 0..2 * MAX_EVENTS {
            family.event(&format!("event-{number}")).ok.observe(std::time::Duration::ZERO);
        }
        let events = family.events();
        assert_eq!(events.len(), MAX_EVENTS + 1);
        let (_, other) = events.iter().find(|(label, _)| &**label == OTHER).unwrap();
        assert_eq!(other.ok.read().count, MAX_EVENTS as u64);
    }
}
