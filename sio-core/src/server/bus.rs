//! How threads reach the workers: one queue per worker behind one short lock.
//!
//! One lock for all queues gives every worker the same order of messages. That order is what makes a
//! session's move between workers exact (see `transfer`): a broadcast is either before the move for
//! all workers or after it for all.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::task::Waker;

use crate::adapter::{BroadcastOptions, Room};
use crate::frame::FrameGroup;
use crate::limits::{Limit, LimitCounts};
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexGuard};

use super::broadcast_ack::Question;
use super::hub::SessionHandle;
use super::inventory::Census;
use super::namespace::Namespace;
use super::node_events::NodeEvent;
use super::outgoing::OutgoingEvent;
use super::recovery::Logged;
use super::sessions::SessionOp;
use super::socket::Socket;
use super::transfer::Parcel;

/// An event for all selected sockets of a namespace, encoded once.
#[derive(Debug)]
pub(crate) struct Broadcast {
    pub(crate) namespace: Arc<Namespace>,
    pub(crate) options: BroadcastOptions,
    pub(crate) group: FrameGroup,
    /// Its place among the logged events of the namespace.
    pub(crate) logged: Logged,
    /// Its receivers are asked for acks.
    pub(crate) question: Option<Question>,
    /// What listeners of outgoing events are shown, where there may be some.
    pub(crate) shown: Option<Box<OutgoingEvent>>,
}

/// What is done to each selected socket.
#[derive(Debug)]
pub(crate) enum Action {
    Join(Vec<Room>),
    Leave(Vec<Room>),
    Disconnect {
        close: bool,
    },
    /// The sockets themselves; complete when the last worker has dropped its share.
    Collect(Arc<StdMutex<Collected>>),
}

impl Action {
    fn weight(&self) -> usize {
        match self {
            Self::Join(rooms) | Self::Leave(rooms) => names_weight(rooms),
            Self::Disconnect { .. } | Self::Collect(_) => 0,
        }
    }
}

/// What the name of a room costs beside its bytes.
const NAME_OVERHEAD: usize = 32;

/// Bytes of names; other nodes choose how many there are.
fn names_weight(rooms: &[Room]) -> usize {
    rooms.iter().map(|room| room.len() + NAME_OVERHEAD).sum()
}

fn options_weight(options: &BroadcastOptions) -> usize {
    names_weight(&options.rooms) + names_weight(&options.except)
}

/// What is done with the sockets that were found.
pub(crate) type Found = Box<dyn FnOnce(Vec<Socket>) + Send>;

/// Sockets found so far, and who waits for them.
pub(crate) struct Collected {
    pub(crate) sockets: Vec<Socket>,
    pub(crate) done: Option<Found>,
}

impl std::fmt::Debug for Collected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collected").field("sockets", &self.sockets).finish_non_exhaustive()
    }
}

impl Drop for Collected {
    fn drop(&mut self) {
        if let Some(done) = self.done.take() {
            done(std::mem::take(&mut self.sockets));
        }
    }
}

/// An operation on all selected sockets of a namespace.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) namespace: Arc<Namespace>,
    pub(crate) options: BroadcastOptions,
    pub(crate) action: Action,
}

/// A message to one worker.
#[derive(Debug)]
pub(crate) enum Message {
    Broadcast(Arc<Broadcast>),
    Selection(Arc<Selection>),
    Session(Arc<SessionHandle>, SessionOp),
    /// Give a session to another worker.
    Leave(Arc<SessionHandle>, usize),
    /// A session will come from another worker.
    Enter(Arc<SessionHandle>),
    /// The session that was announced, or nothing if it had ended.
    HandOver(Arc<SessionHandle>, Option<Box<Parcel>>),
    /// End all sessions; the server shuts down.
    Shutdown,
    /// End one part of them, of so many.
    ShutdownPart(usize, usize),
    /// An event of another server.
    ServerSide(Box<NodeEvent>),
    /// Count what this worker holds.
    Census(Arc<Census>),
}

impl Message {
    /// Bytes that wait with the message; a shared payload counts in every queue.
    fn weight(&self) -> usize {
        match self {
            Self::Broadcast(broadcast) => {
                broadcast.group.byte_len() + options_weight(&broadcast.options)
            }
            Self::Selection(selection) => {
                options_weight(&selection.options) + selection.action.weight()
            }
            Self::Session(_, SessionOp::Send { group, .. }) => group.byte_len(),
            Self::Session(_, SessionOp::SendFrame(frame)) => frame.payload().len(),
            Self::Session(_, SessionOp::Push { body, .. }) => body.len(),
            Self::ServerSide(event) => event.weight(),
            _ => 0,
        }
    }
}

/// A worker's queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueueFull;

/// Why no worker got an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsent {
    NoWorker,
    QueueFull,
}

/// A message with its place in the order of all messages.
pub(crate) type Sequenced = (u64, Message);

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Sequenced>,
    bytes: usize,
    waker: Option<Waker>,
    stopped: bool,
    /// Something waits; read by the worker without the lock.
    waiting: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
pub(crate) struct BusState {
    last: u64,
    queues: Vec<Queue>,
}

impl BusState {
    /// Number of the next message; all messages pushed under one lock share it.
    pub(crate) const fn next_number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// The worker takes messages.
    pub(crate) fn is_running(&self, worker: usize) -> bool {
        self.queues.get(worker).is_some_and(|queue| !queue.stopped)
    }

    /// Queues a message; the waker has to be called after the lock is released.
    ///
    /// # Errors
    ///
    /// The worker has stopped. The message is to be dropped after the lock is released, too: with it may go
    /// what comes back to the bus, the place of a handler for instance, or what a user stored.
    pub(crate) fn push(
        &mut self,
        worker: usize,
        number: u64,
        message: Message,
    ) -> Result<Option<Waker>, Box<Message>> {
        let Some(queue) = self.queues.get_mut(worker).filter(|queue| !queue.stopped) else {
            return Err(Box::new(message));
        };
        queue.bytes += message.weight();
        queue.messages.push_back((number, message));
        queue.waiting.store(true, Ordering::Release);
        Ok(queue.waker.take())
    }
}

/// The queues of all workers of a server.
#[derive(Debug)]
pub(crate) struct Bus {
    state: Mutex<BusState>,
    workers: AtomicUsize,
    max_messages: usize,
    max_bytes: usize,
    reached: Arc<LimitCounts>,
}

impl Bus {
    pub(crate) fn new(max_messages: usize, max_bytes: usize) -> Self {
        let (state, workers) = (Mutex::default(), AtomicUsize::new(0));
        Self { state, workers, max_messages, max_bytes, reached: Arc::default() }
    }

    /// Counts what it has no room for with the other bounds of its server.
    pub(crate) fn counting(self, reached: Arc<LimitCounts>) -> Self {
        Self { reached, ..self }
    }

    /// Why a queue takes nothing more.
    fn fullness(&self, queue: &Queue) -> Option<Limit> {
        if queue.messages.len() >= self.max_messages {
            Some(Limit::MaxWorkerQueue)
        } else {
            (queue.bytes >= self.max_bytes).then_some(Limit::MaxWorkerQueueBytes)
        }
    }

    /// `true`, and counted: there is no room in the queue.
    fn refuses(&self, queue: &Queue) -> bool {
        let full = self.fullness(queue);
        full.inspect(|limit| self.reached.count(*limit)).is_some()
    }

    /// No user code runs under this lock, so a poisoned one is still consistent.
    pub(crate) fn lock(&self) -> MutexGuard<'_, BusState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a worker; gives its index, and a flag that tells whether something waits for it.
    pub(crate) fn register(&self) -> (usize, Arc<AtomicBool>) {
        let queue = Queue::default();
        let waiting = Arc::clone(&queue.waiting);
        let mut state = self.lock();
        state.queues.push(queue);
        self.workers.fetch_add(1, Ordering::AcqRel);
        (state.queues.len() - 1, waiting)
    }

    /// A worker ended: it gets nothing more, and has to deal with what waits for it.
    pub(crate) fn unregister(&self, worker: usize) -> VecDeque<Sequenced> {
        let stopped = Queue { stopped: true, ..Queue::default() };
        let ended =
            self.lock().queues.get_mut(worker).map(|queue| std::mem::replace(queue, stopped));
        match ended {
            Some(queue) if !queue.stopped => {
                self.workers.fetch_sub(1, Ordering::AcqRel);
                queue.messages
            }
            _ => VecDeque::new(),
        }
    }

    /// Workers that were ever registered; their indexes are below this.
    pub(crate) fn registered(&self) -> usize {
        self.lock().queues.len()
    }

    /// Workers that run.
    pub(crate) fn workers(&self) -> usize {
        self.workers.load(Ordering::Acquire)
    }

    /// Sends a message to every worker but `except`; gives the message's number.
    pub(crate) fn publish(
        &self,
        except: Option<usize>,
        message: impl Fn() -> Message,
    ) -> Result<u64, QueueFull> {
        let (number, wakers) = self.queue_for_all(except, message)?;
        wakers.into_iter().for_each(Waker::wake);
        Ok(number)
    }

    /// As [`Self::publish`]; the caller calls the wakers when it holds no lock.
    pub(crate) fn queue_for_all(
        &self,
        except: Option<usize>,
        message: impl Fn() -> Message,
    ) -> Result<(u64, Vec<Waker>), QueueFull> {
        let (mut wakers, mut lost) = (Vec::new(), Vec::new());
        let mut state = self.lock();
        let full = state
            .queues
            .iter()
            .enumerate()
            .any(|(n, queue)| Some(n) != except && self.refuses(queue));
        if full {
            return Err(QueueFull);
        }
        let number = state.next_number();
        for worker in (0..state.queues.len()).filter(|worker| Some(*worker) != except) {
            match state.push(worker, number, message()) {
                Ok(waker) => wakers.extend(waker),
                Err(message) => lost.push(message),
            }
        }
        drop(state);
        drop(lost);
        Ok((number, wakers))
    }

    /// Sends a message to the workers whose queues have room: better some sockets hear of it than none, where
    /// nobody is told that it was refused.
    pub(crate) fn publish_where_room(&self, message: impl Fn() -> Message) {
        let (mut wakers, mut lost) = (Vec::new(), Vec::new());
        let mut state = self.lock();
        let number = state.next_number();
        for worker in 0..state.queues.len() {
            if state.queues.get(worker).is_some_and(|queue| self.refuses(queue)) {
                continue;
            }
            match state.push(worker, number, message()) {
                Ok(waker) => wakers.extend(waker),
                Err(message) => lost.push(message),
            }
        }
        drop(state);
        drop(lost);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Sends an operation to the worker that is the session's home.
    pub(crate) fn send_home(
        &self,
        session: &Arc<SessionHandle>,
        op: SessionOp,
    ) -> Result<(), QueueFull> {
        if let Some(waker) = self.queue_home(session, op)? {
            waker.wake();
        }
        Ok(())
    }

    /// As [`Self::send_home`]; the caller calls the waker when it holds no lock.
    pub(crate) fn queue_home(
        &self,
        session: &Arc<SessionHandle>,
        op: SessionOp,
    ) -> Result<Option<Waker>, QueueFull> {
        let mut state = self.lock();
        let home = session.home();
        let essential = op.is_essential();
        if !essential && state.queues.get(home).is_some_and(|queue| self.refuses(queue)) {
            return Err(QueueFull);
        }
        let number = state.next_number();
        let pushed = state.push(home, number, Message::Session(Arc::clone(session), op));
        drop(state);
        Ok(pushed.unwrap_or_else(|lost| {
            drop(lost);
            None
        }))
    }

    /// Sends to one worker, without a bound: used for moves, which must not fail half way. The message
    /// comes back if the worker has stopped.
    pub(crate) fn send(&self, worker: usize, message: Message) -> Result<(), Box<Message>> {
        let pushed = {
            let mut state = self.lock();
            let number = state.next_number();
            state.push(worker, number, message)
        };
        if let Some(waker) = pushed? {
            waker.wake();
        }
        Ok(())
    }

    /// Sends an event of another server to the first worker that runs. It comes back if that worker's queue
    /// is full, or if none runs.
    pub(crate) fn send_to_first(
        &self,
        event: Box<NodeEvent>,
    ) -> Result<(), (Box<NodeEvent>, Unsent)> {
        let pushed = {
            let mut state = self.lock();
            let running = state.queues.iter().enumerate().find(|(_, queue)| !queue.stopped);
            let Some((first, queue)) = running else { return Err((event, Unsent::NoWorker)) };
            if self.refuses(queue) {
                return Err((event, Unsent::QueueFull));
            }
            let number = state.next_number();
            state.push(first, number, Message::ServerSide(event))
        };
        // Its queue runs, so it has the event.
        if let Ok(Some(waker)) = pushed {
            waker.wake();
        }
        Ok(())
    }

    /// The worker takes messages.
    pub(crate) fn is_running(&self, worker: usize) -> bool {
        self.lock().is_running(worker)
    }

    /// Takes what waits for a worker; if nothing does, leaves a waker for the next message.
    pub(crate) fn take(&self, worker: usize, waker: Option<&Waker>) -> VecDeque<Sequenced> {
        let mut state = self.lock();
        let Some(queue) = state.queues.get_mut(worker) else { return VecDeque::new() };
        if queue.messages.is_empty()
            && let Some(waker) = waker
        {
            match &mut queue.waker {
                Some(known) => known.clone_from(waker),
                none => *none = Some(waker.clone()),
            }
        }
        queue.waiting.store(false, Ordering::Release);
        queue.bytes = 0;
        std::mem::take(&mut queue.messages)
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::Pin;
    use std::task::{Context, Wake};
    use std::time::UNIX_EPOCH;

    use futures_channel::oneshot;

    use crate::engine::Transport;
    use crate::server::{Handshake, HandshakeParts, Opening};
    use crate::sid::Sid;

    use super::*;

    /// Comes back to the bus when it is woken.
    struct ComesBack {
        bus: Arc<Bus>,
        found_locked: AtomicBool,
    }

    impl Wake for ComesBack {
        fn wake(self: Arc<Self>) {
            self.found_locked.store(self.bus.state.try_lock().is_err(), Ordering::Relaxed);
        }
    }

    #[test]
    fn what_is_for_a_stopped_worker_is_dropped_while_nothing_is_locked() {
        let bus = Arc::new(Bus::new(10, 1_000));
        let (worker, _) = bus.register();
        bus.unregister(worker);
        let handshake = Handshake::new(&HandshakeParts {
            headers: &[],
            url: "/",
            address: None,
            secure: false,
            time: UNIX_EPOCH,
        });
        let opening = Opening::new(handshake, Transport::Polling);
        let sid = Sid::custom("s").unwrap();
        let session = Arc::new(SessionHandle::new(sid, &opening, worker));
        let (reply, mut receiver) = oneshot::channel();
        let found_locked = AtomicBool::new(false);
        let waker = Arc::new(ComesBack { bus: Arc::clone(&bus), found_locked });
        let known = Waker::from(Arc::clone(&waker));
        assert!(Pin::new(&mut receiver).poll(&mut Context::from_waker(&known)).is_pending());
        bus.send_home(&session, SessionOp::Poll(reply)).unwrap();
        assert!(Pin::new(&mut receiver).poll(&mut Context::from_waker(&known)).is_ready());
        assert!(!waker.found_locked.load(Ordering::Relaxed));
    }
}
