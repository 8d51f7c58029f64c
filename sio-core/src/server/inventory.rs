//! What a server holds at a moment: for tests that look for leaks, and for the curious.

use std::sync::{Arc, Mutex, PoisonError};

use futures_channel::oneshot;

use crate::engine::Transport;

use super::bus::Message;
use super::hub::Hub;
use super::recovery::Keeper;
use super::worker::Worker;

/// What the workers of a server hold; see [`Io::inventory`](super::Io::inventory).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inventory {
    /// Open sessions.
    pub sessions: usize,
    /// Those of them that are on a WebSocket.
    pub websockets: usize,
    /// Bytes that wait for clients, in the queues of their sessions.
    pub queued_bytes: usize,
    /// Packets that wait with them.
    pub queued_packets: usize,
    /// Sockets in the room indexes.
    pub sockets: usize,
    /// Rooms that have members, without those of socket ids; a room with members on two workers counts
    /// twice.
    pub rooms: usize,
    /// Emits that wait for a client's ack.
    pub pending_acks: usize,
    /// Handlers and connect guards that have not finished, and events that have waited for them and begin next.
    pub handlers: usize,
    /// Entries on the timer wheels. What a session leaves there at its end goes within 33 s.
    pub timers: usize,
    /// Sockets that are kept for clients that come back; see [`Recovery`](super::Recovery).
    pub recoverable: usize,
}

/// A count on its way through the workers; the last to drop it gives the result.
#[derive(Debug)]
pub(crate) struct Census {
    totals: Mutex<Inventory>,
    done: Mutex<Option<oneshot::Sender<Inventory>>>,
}

impl Drop for Census {
    fn drop(&mut self) {
        let totals = *self.totals.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(done) = self.done.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            let _lost = done.send(totals);
        }
    }
}

/// The receiver gets the count when the last worker has given its share.
pub(super) fn take(hub: &Arc<Hub>) -> oneshot::Receiver<Inventory> {
    let (done, result) = oneshot::channel();
    let recoverable = hub.keeper.as_ref().map_or(0, Keeper::kept);
    let totals = Mutex::new(Inventory { recoverable, ..Inventory::default() });
    let census = Arc::new(Census { totals, done: Mutex::new(Some(done)) });
    let here = Worker::current(hub);
    for worker in 0..hub.bus.registered() {
        if here.as_ref().is_none_or(|here| here.index() != worker) {
            // A worker that has stopped holds nothing.
            let _stopped = hub.bus.send(worker, Message::Census(Arc::clone(&census)));
        }
    }
    if let Some(worker) = here {
        worker.count(&census);
    }
    result
}

impl Worker {
    pub(super) fn count(&self, census: &Census) {
        let mut sum =
            Inventory { handlers: self.tasks.len(), timers: self.timers(), ..Inventory::default() };
        for (_, connection) in self.connections.borrow().iter() {
            sum.sessions += 1;
            let engine = connection.engine.borrow();
            sum.websockets += usize::from(engine.transport() == Transport::Websocket);
            let (bytes, packets) = engine.queued();
            sum.queued_bytes += bytes;
            sum.queued_packets += packets;
            drop(engine);
            let mux = connection.mux.borrow();
            sum.handlers += connection.held.borrow().due_events();
            sum.pending_acks += mux.sockets().map(|socket| socket.pending_acks()).sum::<usize>();
        }
        for adapter in self.adapters.borrow().values() {
            sum.sockets += adapter.len();
            sum.rooms += adapter.rooms().len();
        }
        let mut totals = census.totals.lock().unwrap_or_else(PoisonError::into_inner);
        totals.sessions += sum.sessions;
        totals.websockets += sum.websockets;
        totals.queued_bytes += sum.queued_bytes;
        totals.queued_packets += sum.queued_packets;
        totals.sockets += sum.sockets;
        totals.rooms += sum.rooms;
        totals.pending_acks += sum.pending_acks;
        totals.handlers += sum.handlers;
        totals.timers += sum.timers;
    }
}
