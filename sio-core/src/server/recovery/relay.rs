//! The events of a namespace that come from a log which all nodes share.
//!
//! What a node says goes to the log first and is delivered when it comes back, in the order of the log and
//! with its offset there: so all nodes deliver the events of a namespace in one order, and the last offset a
//! client got tells exactly what it knows. Three things follow from that detour:
//!
//! - **What is said next must not overtake it.** Own events that have not come back are counted, for they
//!   come back in the order of their making. What acts at once, broadcasts without an offset, operations on
//!   sockets, the end of one, waits here until those that were said before it are back.
//! - **Whoever connects in between must miss nothing and get nothing twice.** A client that comes back is
//!   read what it missed from the shared log up to some position. Events behind that are kept here from
//!   before the reading until its CONNECT is answered; those up to it that come later are not for it.
//!   Own events that are on their way when the reading is done are waited for: of one that the log does not
//!   take, nobody could say whether it was read.
//! - **What the log does not take is delivered without an offset.** It may still turn up there: until an
//!   own event that was said later has come back, or some time has passed in which the log went on, nobody
//!   is recovered here, and a socket that got such an event is not kept before it has got one behind it.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::{Duration, Instant};

use futures_channel::oneshot;

use crate::adapter::BroadcastOptions;
use crate::cluster::Offset;
use crate::frame::FrameGroup;

use super::super::bus::{Broadcast, Bus, Message, QueueFull, Selection};
use super::super::namespace::Namespace;
use super::super::sessions::SessionOp;
use super::super::socket::Socket;
use super::log::{OVERHEAD, ROOM_OVERHEAD};
use super::{Budget, Logged, lock};

/// What does not come back for this long is not waited for any more; adapters give up far earlier.
const PATIENCE: Duration = Duration::from_secs(1);

/// What waits until the events that were said before are delivered.
#[derive(Debug)]
pub(crate) enum Deferred {
    Broadcast(Arc<Broadcast>),
    Selection(Arc<Selection>),
    Disconnect {
        socket: Socket,
        close: bool,
    },
    /// Somebody wants to know that they are.
    Tell(oneshot::Sender<()>),
}

/// Whether events that were delivered without an offset may turn up in the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Doubt {
    #[default]
    None,
    /// Some may, and the log stands still.
    Open,
    /// It goes on; since when, as far as somebody has looked.
    Passing(Option<Instant>),
}

/// An event that somebody may need who is about to connect.
#[derive(Debug)]
struct Entry {
    offset: Offset,
    options: BroadcastOptions,
    group: FrameGroup,
    size: usize,
}

#[derive(Debug, Default)]
struct State {
    /// The number of the newest event that came from the log.
    last: u64,
    /// Where the log has come to.
    newest: Offset,
    /// Own events that were given to the log.
    said: u64,
    /// Those of them that are back.
    returned: u64,
    /// What waits, and for how many own events.
    waiting: VecDeque<(u64, Deferred)>,
    /// Since when no own event came back, and how many had by then.
    stalled: Option<(Instant, u64)>,
    doubt: Doubt,
    /// Own events that were delivered without an offset.
    refused: u64,
    /// Sockets for which events are kept.
    bridges: usize,
    entries: VecDeque<Entry>,
    bytes: usize,
    /// The newest event that should have been kept and was not.
    lost: Option<Offset>,
}

impl State {
    /// The log has come to an offset.
    fn pass(&mut self, offset: Offset) {
        self.newest = offset;
        if self.doubt == Doubt::Open {
            self.doubt = Doubt::Passing(None);
        }
    }

    /// An own event is back.
    fn count_returned(&mut self) {
        self.returned = (self.returned + 1).min(self.said);
    }

    /// Keeps an event for those who are about to connect, within the budget.
    fn keep(&mut self, budget: &Budget, offset: Offset, broadcast: &Broadcast) {
        if self.bridges == 0 {
            return;
        }
        let (options, group) = (broadcast.options.clone(), broadcast.group.clone());
        let rooms = options.rooms.iter().chain(&options.except);
        let names: usize = rooms.map(|room| room.len() + ROOM_OVERHEAD).sum();
        let size = OVERHEAD + group.byte_len() + names;
        self.bytes += size;
        budget.total.fetch_add(size, Ordering::Relaxed);
        self.entries.push_back(Entry { offset, options, group, size });
    }

    /// Forgets what is more than may be kept.
    fn trim(&mut self, budget: &Budget) -> Vec<Entry> {
        let mut trimmed = Vec::new();
        while budget.is_exceeded(self.entries.len(), self.bytes) {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.forget(budget, &oldest);
            self.lost = self.lost.max(Some(oldest.offset));
            trimmed.push(oldest);
        }
        trimmed
    }

    fn forget(&mut self, budget: &Budget, entry: &Entry) {
        self.bytes -= entry.size;
        budget.total.fetch_sub(entry.size, Ordering::Relaxed);
    }

    fn clear(&mut self, budget: &Budget) -> VecDeque<Entry> {
        let entries = std::mem::take(&mut self.entries);
        entries.iter().for_each(|entry| self.forget(budget, entry));
        self.lost = None;
        entries
    }

    /// Queues what has waited for the own events that are back by now.
    fn release(&mut self, bus: &Bus, after: &mut Aftermath) {
        while self.waiting.front().is_some_and(|(events, _)| *events <= self.returned) {
            let Some((_, deferred)) = self.waiting.pop_front() else { break };
            let queued = match &deferred {
                Deferred::Broadcast(broadcast) => {
                    bus.queue_for_all(None, || Message::Broadcast(Arc::clone(broadcast)))
                }
                Deferred::Selection(selection) => {
                    bus.queue_for_all(None, || Message::Selection(Arc::clone(selection)))
                }
                Deferred::Disconnect { socket, close } => {
                    let op = SessionOp::Disconnect { socket: socket.clone(), close: *close };
                    let waker = bus.queue_home(socket.session(), op);
                    waker.map(|waker| (0, waker.into_iter().collect()))
                }
                Deferred::Tell(_) => Ok((0, Vec::new())),
            };
            match queued {
                Ok((_, wakers)) => after.wakers.extend(wakers),
                Err(QueueFull) => {
                    tracing::warn!("a worker's queue is full; what had to wait was dropped");
                }
            }
            after.done.push(deferred);
        }
    }
}

/// What is done when nothing is locked: what is dropped may be of a type of the user's, and so may a waker.
#[derive(Default)]
struct Aftermath {
    wakers: Vec<Waker>,
    done: Vec<Deferred>,
    entries: Vec<Entry>,
}

impl Drop for Aftermath {
    fn drop(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
        for done in self.done.drain(..) {
            if let Deferred::Tell(asking) = done {
                let _lost_interest = asking.send(());
            }
        }
    }
}

/// What came from the shared log in one namespace, and what waits for it.
#[derive(Debug)]
pub(crate) struct Relay {
    budget: Arc<Budget>,
    state: Mutex<State>,
}

impl Relay {
    pub(super) fn new(budget: &Arc<Budget>) -> Self {
        Self { budget: Arc::clone(budget), state: Mutex::default() }
    }

    /// The number of the newest event that came from the log.
    pub(crate) fn last(&self) -> u64 {
        lock(&self.state).last
    }

    /// The number of the newest event that came from the log, and where the log has come to.
    pub(super) fn position(&self) -> (u64, Offset) {
        let state = lock(&self.state);
        (state.last, state.newest)
    }

    /// An own event is about to be given to the log.
    ///
    /// # Errors
    ///
    /// As many as may be are on their way; it must not be given.
    pub(crate) fn announce(&self) -> Result<(), QueueFull> {
        let mut state = lock(&self.state);
        if state.said - state.returned >= self.budget.max_packets as u64 {
            return Err(QueueFull);
        }
        state.said += 1;
        drop(state);
        self.budget.note_use();
        Ok(())
    }

    /// Keeps something until the own events that were said before are delivered. `false`: nothing is on its
    /// way, or too much waits already, and it is to be done at once.
    pub(crate) fn defer(&self, what: impl FnOnce() -> Deferred) -> bool {
        let mut state = lock(&self.state);
        let (said, returned) = (state.said, state.returned);
        let waits = said > returned && state.waiting.len() < self.budget.max_packets;
        if waits {
            state.waiting.push_back((said, what()));
        }
        waits
    }

    /// Is ready when the own events that were said until now are delivered; `None`: they are.
    pub(super) fn when_returned(&self) -> Option<oneshot::Receiver<()>> {
        let mut state = lock(&self.state);
        let said = state.said;
        (said > state.returned).then(|| {
            let (tell, told) = oneshot::channel();
            state.waiting.push_back((said, Deferred::Tell(tell)));
            told
        })
    }

    /// An event comes from the log, if it can be delivered; then what has waited for it.
    ///
    /// # Errors
    ///
    /// A worker's queue is full, and the event reaches nobody who is connected.
    pub(crate) fn receive(
        &self,
        bus: &Bus,
        own: bool,
        offset: Offset,
        event: Option<Broadcast>,
    ) -> Result<(), QueueFull> {
        let mut after = Aftermath::default();
        let mut state = lock(&self.state);
        state.pass(offset);
        if own {
            // What was said before it is in the log before it, or never will be.
            state.doubt = Doubt::None;
            state.count_returned();
        }
        let mut sent = Ok(());
        if let Some(mut broadcast) = event {
            state.last += 1;
            let settles = state.doubt == Doubt::None;
            broadcast.logged = Logged::Shared { number: state.last, offset, settles };
            state.keep(&self.budget, offset, &broadcast);
            after.entries = state.trim(&self.budget);
            sent = queue(bus, broadcast, &mut after);
        }
        state.release(bus, &mut after);
        drop(state);
        sent
    }

    /// An own event is not in the log, as far as is known; it is delivered all the same, and then what has
    /// waited for it.
    ///
    /// # Errors
    ///
    /// As [`Self::receive`].
    pub(crate) fn receive_refused(
        &self,
        bus: &Bus,
        event: Option<Broadcast>,
    ) -> Result<(), QueueFull> {
        let mut after = Aftermath::default();
        let mut state = lock(&self.state);
        state.doubt = Doubt::Open;
        state.refused += 1;
        state.count_returned();
        let mut sent = Ok(());
        if let Some(mut broadcast) = event {
            broadcast.logged = Logged::Refused;
            sent = queue(bus, broadcast, &mut after);
        }
        state.release(bus, &mut after);
        drop(state);
        self.budget.note_use();
        sent
    }

    /// The log has come to something that is not delivered from there.
    pub(crate) fn pass(&self, offset: Offset) {
        lock(&self.state).pass(offset);
    }

    /// What came from the log behind `position` for a socket in these rooms, and the newest number. `None`:
    /// some of it may be gone.
    pub(super) fn missed(
        &self,
        bridge: &Bridge,
        position: Offset,
        rooms: &HashSet<&str>,
    ) -> Option<(Vec<FrameGroup>, u64)> {
        let state = lock(&self.state);
        if state.refused != bridge.refused || state.lost.is_some_and(|lost| lost > position) {
            return None;
        }
        let behind = state.entries.iter().filter(|entry| entry.offset > position);
        let own = behind.filter(|entry| entry.options.include(rooms));
        Some((own.map(|entry| entry.group.clone()).collect(), state.last))
    }

    /// Gives up on what does not come back; `true` if there is a reason to look again.
    pub(super) fn sweep(&self, bus: &Bus, now: Instant) -> bool {
        let mut after = Aftermath::default();
        let mut state = lock(&self.state);
        state.doubt = match state.doubt {
            Doubt::Passing(None) => Doubt::Passing(Some(now)),
            Doubt::Passing(Some(since)) if now.saturating_duration_since(since) >= PATIENCE => {
                Doubt::None
            }
            doubt => doubt,
        };
        let returned = state.returned;
        state.stalled = match state.stalled {
            _ if returned == state.said => None,
            Some((since, known)) if known == returned => Some((since, known)),
            _ => Some((now, returned)),
        };
        if let Some((since, _)) = state.stalled
            && now.saturating_duration_since(since) >= PATIENCE
        {
            tracing::error!("the adapter has not given back what was said");
            state.stalled = None;
            state.returned = state.said;
            state.release(bus, &mut after);
        }
        state.doubt != Doubt::None || state.returned != state.said
    }

    /// Forgets what is kept.
    pub(super) fn clear(&self) {
        let mut state = lock(&self.state);
        let newest = state.entries.back().map(|entry| entry.offset);
        let entries = state.clear(&self.budget);
        state.lost = newest;
        drop(state);
        drop(entries);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.clear();
    }
}

fn queue(bus: &Bus, broadcast: Broadcast, after: &mut Aftermath) -> Result<(), QueueFull> {
    let broadcast = Arc::new(broadcast);
    let queued = bus.queue_for_all(None, || Message::Broadcast(Arc::clone(&broadcast)));
    after.done.push(Deferred::Broadcast(broadcast));
    after.wakers.extend(queued?.1);
    Ok(())
}

/// While it lives, the events of a namespace are kept for a socket that is about to connect.
#[derive(Debug)]
pub(crate) struct Bridge {
    namespace: Arc<Namespace>,
    /// Own events the log had not taken when it was made.
    refused: u64,
}

impl Bridge {
    /// To be made before the shared log is read. `None`: events may turn up there behind what is read then
    /// that were delivered already, and are not delivered again.
    pub(super) fn new(namespace: &Arc<Namespace>) -> Option<Self> {
        let mut state = lock(&namespace.relay()?.state);
        if state.doubt != Doubt::None {
            return None;
        }
        if state.bridges == 0 {
            state.lost = None;
        }
        state.bridges += 1;
        let refused = state.refused;
        drop(state);
        Some(Self { namespace: Arc::clone(namespace), refused })
    }

    pub(super) const fn namespace(&self) -> &Arc<Namespace> {
        &self.namespace
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let Some(relay) = self.namespace.relay() else { return };
        let unneeded = {
            let mut state = lock(&relay.state);
            state.bridges = state.bridges.saturating_sub(1);
            (state.bridges == 0).then(|| state.clear(&relay.budget))
        };
        drop(unneeded);
    }
}
