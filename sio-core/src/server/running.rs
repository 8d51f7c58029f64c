//! What a socket's handlers hold while they wait: their places, the acks they owe, ways to drop them.

use std::any::{Any, TypeId};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::AbortHandle;

use super::socket::Socket;

/// A handler that may be dropped where it waits.
#[derive(Debug)]
struct Cancellable {
    id: u64,
    /// Which handler, by the address of its rules.
    handler: usize,
    /// A later event of the same handler drops it.
    latest: bool,
    /// The end of the socket drops it.
    on_end: bool,
    abort: AbortHandle,
}

/// The unfinished business of one socket.
#[derive(Debug, Default)]
pub(crate) struct Unfinished {
    next: u64,
    cancellable: Vec<Cancellable>,
    /// Acks the client asked for and nobody has answered yet.
    asked: BTreeSet<u64>,
    /// Controllers of this connection.
    instances: Vec<(TypeId, Arc<dyn Any + Send + Sync>)>,
}

impl Unfinished {
    /// Gives how many acks are asked for now.
    pub(crate) fn ask(&mut self, id: u64) -> usize {
        self.asked.insert(id);
        self.asked.len()
    }

    /// Gives how many acks are still asked for.
    pub(crate) fn answered(&mut self, id: u64) -> usize {
        self.asked.remove(&id);
        self.asked.len()
    }

    pub(crate) fn take_asked(&mut self) -> BTreeSet<u64> {
        std::mem::take(&mut self.asked)
    }

    pub(crate) fn add_cancellable(
        &mut self,
        handler: usize,
        latest: bool,
        on_end: bool,
        abort: AbortHandle,
    ) -> u64 {
        self.next += 1;
        self.cancellable.push(Cancellable { id: self.next, handler, latest, on_end, abort });
        self.next
    }

    pub(crate) fn remove_cancellable(&mut self, id: u64) {
        self.cancellable.retain(|known| known.id != id);
    }

    /// The waiting handlers that an event of the same handler drops: those `before` its own place.
    pub(crate) fn superseded(&self, handler: usize, before: Option<u64>) -> Vec<AbortHandle> {
        let is_older = |id: u64| before.is_none_or(|place| id < place);
        let superseded = |c: &&Cancellable| c.latest && c.handler == handler && is_older(c.id);
        self.cancellable.iter().filter(superseded).map(|c| c.abort.clone()).collect()
    }

    /// The waiting handlers that the end of the socket drops.
    pub(crate) fn ended(&self) -> Vec<AbortHandle> {
        self.cancellable.iter().filter(|c| c.on_end).map(|c| c.abort.clone()).collect()
    }

    pub(crate) fn add_instance(&mut self, id: TypeId, instance: Arc<dyn Any + Send + Sync>) {
        self.instances.push((id, instance));
    }

    pub(crate) fn instance(&self, id: TypeId) -> Option<Arc<dyn Any + Send + Sync>> {
        self.instances.iter().find(|(known, _)| *known == id).map(|(_, i)| Arc::clone(i))
    }

    pub(crate) fn take_instances(&mut self) -> Vec<(TypeId, Arc<dyn Any + Send + Sync>)> {
        std::mem::take(&mut self.instances)
    }
}

/// The place of a waiting handler among those its socket may have.
#[derive(Debug)]
pub(crate) struct HandlerSlot {
    socket: Socket,
    /// The socket's next event waits for it.
    ordered: bool,
}

impl HandlerSlot {
    pub(crate) fn new(socket: &Socket, ordered: bool) -> Self {
        socket.handler_started(ordered);
        Self { socket: socket.clone(), ordered }
    }
}

impl Drop for HandlerSlot {
    fn drop(&mut self) {
        // Only what makes room for held events is told.
        if self.socket.handler_finished(self.ordered) && !self.socket.session().has_ended() {
            self.socket.handler_done();
        }
    }
}

/// Keeps a socket's events back until a connection handler is through, or has begun to stream.
#[derive(Default)]
pub(crate) struct Gate {
    opened: Cell<bool>,
    slot: Cell<Option<HandlerSlot>>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("opened", &self.opened.get()).finish_non_exhaustive()
    }
}

impl Gate {
    /// The handler waits: events do, too.
    pub(crate) fn hold(&self, socket: &Socket) {
        if !self.opened.get() {
            self.slot.set(Some(HandlerSlot::new(socket, true)));
        }
    }

    pub(crate) fn open(&self) {
        self.opened.set(true);
        drop(self.slot.take());
    }
}

/// A handler's entry among those that can be dropped; gone with the handler.
#[derive(Debug)]
pub(crate) struct CancelSlot {
    pub(crate) socket: Socket,
    pub(crate) id: u64,
}

impl Drop for CancelSlot {
    fn drop(&mut self) {
        self.socket.forget_cancellable(self.id);
    }
}
