//! Who wants the events of one socket.
//!
//! Callbacks are called by the connection's task, one event after another; futures and streams get
//! the arguments as they came and read them where they are awaited. No lock is held while user code
//! runs, and a panic in it ends that call only.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::args::RawArgs;
use crate::life::LifeEvent;
use crate::queue::Queue;

/// Names a listener, so that it can be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListenerId(u64);

pub(crate) type Callback = Arc<dyn Fn(&RawArgs) + Send + Sync>;
pub(crate) type AnyCallback = Arc<dyn Fn(&str, &RawArgs) + Send + Sync>;
pub(crate) type LifeCallback = Arc<dyn Fn(&LifeEvent) + Send + Sync>;
/// The answer of an event's responder, as the text and attachments of an ack.
pub(crate) type Answering = Pin<Box<dyn Future<Output = sio_core::handler::EncodedArgs> + Send>>;
pub(crate) type Responder = Arc<dyn Fn(&RawArgs) -> Answering + Send + Sync>;

pub(crate) enum Listener {
    Call(Callback),
    Once(oneshot::Sender<RawArgs>),
    Stream(Arc<Queue<RawArgs>>),
}

#[derive(Default)]
struct Inner {
    last_id: u64,
    events: HashMap<Box<str>, Vec<(u64, Listener)>>,
    any: Vec<(u64, AnyCallback)>,
    life: Vec<(u64, LifeCallback)>,
    life_streams: Vec<(u64, Arc<Queue<LifeEvent>>)>,
    responders: HashMap<Box<str>, (u64, Responder)>,
}

impl Inner {
    const fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

#[derive(Default)]
pub(crate) struct Listeners(Mutex<Inner>);

/// Calls user code.
fn guarded<R>(what: &str, call: impl FnOnce() -> R) -> Option<R> {
    let result = catch_unwind(AssertUnwindSafe(call));
    if result.is_err() {
        tracing::error!(event = what, "a listener panicked");
    }
    result.ok()
}

impl Listeners {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, event: &str, listener: Listener) -> ListenerId {
        let mut inner = self.lock();
        let id = inner.next_id();
        inner.events.entry(event.into()).or_default().push((id, listener));
        ListenerId(id)
    }

    pub(crate) fn add_any(&self, callback: AnyCallback) -> ListenerId {
        let mut inner = self.lock();
        let id = inner.next_id();
        inner.any.push((id, callback));
        ListenerId(id)
    }

    pub(crate) fn add_life(&self, callback: LifeCallback) -> ListenerId {
        let mut inner = self.lock();
        let id = inner.next_id();
        inner.life.push((id, callback));
        ListenerId(id)
    }

    pub(crate) fn add_life_stream(&self, queue: Arc<Queue<LifeEvent>>) -> ListenerId {
        let mut inner = self.lock();
        let id = inner.next_id();
        inner.life_streams.push((id, queue));
        ListenerId(id)
    }

    /// Sets the responder of an event; the one before it is gone, for only one can answer.
    pub(crate) fn set_responder(&self, event: &str, responder: Responder) -> ListenerId {
        let mut inner = self.lock();
        let id = inner.next_id();
        inner.responders.insert(event.into(), (id, responder));
        ListenerId(id)
    }

    /// Removes everything that waits for an event.
    pub(crate) fn off(&self, event: &str) {
        let removed = {
            let mut inner = self.lock();
            inner.responders.remove(event);
            inner.events.remove(event)
        };
        end(removed.into_iter().flatten());
    }

    pub(crate) fn remove(&self, id: ListenerId) {
        let mut inner = self.lock();
        let ListenerId(id) = id;
        inner.any.retain(|(known, _)| *known != id);
        inner.life.retain(|(known, _)| *known != id);
        inner.life_streams.retain(|(known, _)| *known != id);
        inner.responders.retain(|_, (known, _)| *known != id);
        inner.events.retain(|_, listeners| {
            listeners.retain(|(known, _)| *known != id);
            !listeners.is_empty()
        });
    }

    /// The socket will receive nothing more by itself: futures fail, streams end, callbacks stay.
    pub(crate) fn end_waiting(&self) {
        let mut ended = Vec::new();
        {
            let mut inner = self.lock();
            inner.events.retain(|_, listeners| {
                let all = std::mem::take(listeners);
                let (stay, go) =
                    all.into_iter().partition(|(_, one)| matches!(one, Listener::Call(_)));
                *listeners = stay;
                ended.extend::<Vec<_>>(go);
                !listeners.is_empty()
            });
        }
        end(ended.into_iter());
    }

    /// Hands an event to everybody who wants it.
    pub(crate) fn event(&self, name: &str, args: &RawArgs) {
        let mut calls = Vec::new();
        let mut once = Vec::new();
        let mut streams = Vec::new();
        let any: Vec<AnyCallback>;
        {
            let mut inner = self.lock();
            any = inner.any.iter().map(|(_, call)| Arc::clone(call)).collect();
            if let Some(listeners) = inner.events.get_mut(name) {
                for (id, listener) in std::mem::take(listeners) {
                    match listener {
                        Listener::Once(sender) => once.push(sender),
                        Listener::Call(call) => {
                            calls.push(Arc::clone(&call));
                            listeners.push((id, Listener::Call(call)));
                        }
                        Listener::Stream(queue) => {
                            streams.push(Arc::clone(&queue));
                            listeners.push((id, Listener::Stream(queue)));
                        }
                    }
                }
                if listeners.is_empty() {
                    inner.events.remove(name);
                }
            }
        }
        for call in any {
            guarded(name, || call(name, args));
        }
        for call in calls {
            guarded(name, || call(args));
        }
        for queue in streams {
            queue.push(args.clone());
        }
        for sender in once {
            // A future that was dropped wants nothing.
            let _dropped = sender.send(args.clone());
        }
    }

    /// Starts the answer to an event, if somebody answers it.
    pub(crate) fn respond(&self, name: &str, args: &RawArgs) -> Option<Answering> {
        let responder = self.lock().responders.get(name).map(|(_, one)| Arc::clone(one))?;
        guarded(name, || responder(args))
    }

    pub(crate) fn life(&self, event: &LifeEvent) {
        let (calls, streams): (Vec<LifeCallback>, Vec<_>) = {
            let inner = self.lock();
            (
                inner.life.iter().map(|(_, call)| Arc::clone(call)).collect(),
                inner.life_streams.iter().map(|(_, queue)| Arc::clone(queue)).collect(),
            )
        };
        for call in calls {
            guarded("life", || call(event));
        }
        for queue in streams {
            queue.push(event.clone());
        }
    }
}

fn end(listeners: impl Iterator<Item = (u64, Listener)>) {
    for (_, listener) in listeners {
        if let Listener::Stream(queue) = listener {
            queue.close();
        }
        // A `Once` fails when its sender is dropped.
    }
}
