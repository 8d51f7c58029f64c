//! Events of other servers: from the adapter's thread to handlers on one worker.
//!
//! All of them go to the same worker, the first that runs, so that they start in the order in which they
//! came. A handler is polled once in place; one that waits is kept by the worker, as those of clients' events.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use crate::cluster::Data;
use crate::handler::{Dispatch, EncodedArgs, EventError, Reply, Rules, ServerSideCx, ServerSideFn};
use crate::limits::Limit;
use crate::packet::{ArgCursor, DecodeError, Value, server_event};
use crate::shown::Shown;

use super::bus::Unsent;
use super::hub::Hub;
use super::life::{panicked, report};
use super::namespace::Namespace;
use super::server_side::is_reserved;
use super::spans;
use super::tasks::Tasks;
use super::worker::Worker;

/// What takes the answer to an event, once; dropped without, there is none.
pub(crate) type Answer = Box<dyn FnOnce(Option<Data>) + Send>;

/// A handler of server-side events.
pub(crate) struct ServerSideEntry {
    pub(crate) run: Box<ServerSideFn>,
    /// Its name, and whether it shares its event.
    pub(crate) rules: Rules,
}

impl ServerSideEntry {
    pub(crate) fn name(&self) -> String {
        self.rules.name_or_closure()
    }
}

/// The place of an event among those a server may have, until its last handler has finished.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(count: &Arc<AtomicUsize>, max: usize) -> Option<Self> {
        let place = Self(Arc::clone(count));
        (count.fetch_add(1, Ordering::Relaxed) < max).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An event on its way to the worker.
pub(crate) struct NodeEvent {
    namespace: Arc<Namespace>,
    name: Box<str>,
    args: Box<str>,
    attachments: Vec<Bytes>,
    entries: Vec<Arc<ServerSideEntry>>,
    answer: Option<Answer>,
    place: Place,
}

impl NodeEvent {
    /// Bytes that wait with it.
    pub(crate) fn weight(&self) -> usize {
        self.args.len() + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }
}

impl fmt::Debug for NodeEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeEvent")
            .field("namespace", &self.namespace.path())
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Hub {
    /// Runs the handlers of an event that another server has sent, on one worker.
    ///
    /// May be called on any thread, and does not wait. `answer` gets the first argument of what the first
    /// handler answers, `None` for `()`; an error in the form that clients see. It is dropped if there is no
    /// handler, as the reference never answers then, and if the event is unreadable or no worker runs.
    pub(super) fn receive_server_side(
        &self,
        namespace: &Arc<Namespace>,
        data: Data,
        answer: Option<Answer>,
    ) {
        let Data { json, attachments } = data;
        let (name, args) = match server_event(&json, attachments.len()) {
            Ok(event) => event,
            Err(error) => return self.count_unreadable(namespace, &error),
        };
        let (name, path) = (name.as_str(), namespace.path());
        if is_reserved(name) {
            let (namespace, event) = (Shown(path), Shown(name));
            tracing::debug!(%namespace, %event, "a server-side event without meaning");
            return;
        }
        let handlers = namespace.handlers();
        let entries = handlers.server_side(name);
        if entries.is_empty() {
            let (namespace, event) = (Shown(path), Shown(name));
            tracing::debug!(%namespace, %event, "no handler for a server-side event");
            return;
        }
        let max = self.limits().max_server_side_handlers;
        let Some(place) = Place::take(&self.node_events, max) else {
            self.count_limit(Limit::MaxServerSideHandlers);
            return self.refuse_node_event(path, name, answer);
        };
        let event = NodeEvent {
            name: name.into(),
            args: args.into(),
            attachments,
            entries: entries.to_vec(),
            namespace: Arc::clone(namespace),
            answer,
            place,
        };
        self.queue_node_event(event);
    }

    fn queue_node_event(&self, event: NodeEvent) {
        let Err((event, why)) = self.bus.send_to_first(Box::new(event)) else { return };
        let NodeEvent { namespace, name, answer, .. } = *event;
        match why {
            Unsent::QueueFull => self.refuse_node_event(namespace.path(), &name, answer),
            Unsent::NoWorker => {
                let (namespace, event) = (Shown(namespace.path()), Shown(&name));
                tracing::warn!(%namespace, %event, "no worker runs: an event is dropped");
            }
        }
    }

    fn count_unreadable(&self, namespace: &Namespace, error: &DecodeError) {
        if let Some(cluster) = &self.cluster {
            cluster.count_garbage(namespace.path(), error);
        }
    }

    /// Refuses an event above the limits.
    fn refuse_node_event(&self, namespace: &str, event: &str, answer: Option<Answer>) {
        tracing::debug!(namespace = %Shown(namespace), event = %Shown(event), "too many server-side events wait");
        if let Some(cluster) = &self.cluster {
            cluster.count_lost(namespace);
        }
        if let Some(answer) = answer {
            let error = EventError::new("overloaded", "too many events wait");
            answer(first_argument(self.error_ack(&error)));
        }
    }
}

impl Worker {
    /// Calls the handlers of an event; the first one's result is the answer.
    pub(super) fn run_node_event(&self, event: NodeEvent) {
        if !self.hub.bus.is_running(self.index()) {
            // What waited when this worker stopped.
            return self.hub.queue_node_event(event);
        }
        spans::of_node_event(&event.namespace, &event.name).in_scope(|| self.call_listeners(event));
    }

    fn call_listeners(&self, event: NodeEvent) {
        let NodeEvent { namespace, name, args, attachments, entries, mut answer, place } = event;
        let place = Rc::new(place);
        let cursor = ArgCursor::new(&args, &attachments);
        for entry in entries {
            let answer = answer.take();
            let cx = ServerSideCx::new(&self.hub, &namespace, &name, answer.is_some());
            let outcome = catch_unwind(AssertUnwindSafe(|| (entry.run)(&cx, cursor.clone())))
                .unwrap_or_else(|_panic| Dispatch::failed(panicked()));
            let finish = Finish {
                hub: Arc::clone(&self.hub),
                namespace: Arc::clone(&namespace),
                name: name.clone(),
                entry,
                answer,
                _place: Rc::clone(&place),
            };
            match outcome {
                Dispatch::Ready(reply) => finish.reply(reply),
                Dispatch::Malformed(error) => {
                    return self.hub.count_unreadable(&namespace, &error);
                }
                Dispatch::Pending(future) => match Tasks::first_poll(future) {
                    Ok(reply) => finish.reply(reply),
                    Err(future) => {
                        self.tasks.start(future, Box::new(move |reply| finish.reply(reply)));
                        self.wake();
                    }
                },
            }
        }
    }
}

/// What is done when a handler has finished.
struct Finish {
    hub: Arc<Hub>,
    namespace: Arc<Namespace>,
    name: Box<str>,
    entry: Arc<ServerSideEntry>,
    answer: Option<Answer>,
    _place: Rc<Place>,
}

impl Finish {
    fn reply(self, reply: Reply) {
        if let Reply::Err(error) = &reply {
            report(error, &self.namespace, &self.name, &self.entry.rules);
        }
        let Some(answer) = self.answer else { return };
        answer(match reply {
            Reply::Nothing | Reply::Unit => None,
            Reply::Null => first_argument(EncodedArgs::null()),
            Reply::Args(args) => first_argument(args),
            Reply::Err(error) => first_argument(self.hub.error_ack(&error)),
        });
    }
}

/// The first of encoded arguments as a value of its own; answers between servers have no more.
fn first_argument(mut args: EncodedArgs) -> Option<Data> {
    let text = std::str::from_utf8(args.json()).ok()?;
    let list = format!("{text}]");
    let mut cursor = ArgCursor::new(&list, &[]);
    cursor.next::<serde::de::IgnoredAny>().ok()??;
    let len = list.len() - cursor.unread_text().len();
    if !args.attachments().is_empty() && cursor.has_next().ok()? {
        // The attachments of the other arguments stay behind.
        let mut cursor = ArgCursor::new(&list, args.attachments());
        let first: Value = cursor.next().ok()??;
        return first_argument(EncodedArgs::encode(&(first,)).ok()?);
    }
    let json = list.get(1..len)?.into();
    Some(Data { json, attachments: args.take_attachments() })
}
