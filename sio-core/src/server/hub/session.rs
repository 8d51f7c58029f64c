//! The shared half of a session: where it lives, and what requests of any thread need to know.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_channel::oneshot;

use crate::engine::{Revision, Transport};
use crate::sid::Sid;
use crate::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard};

use super::super::handshake::{Handshake, Opening};
use super::super::spans;

/// A push that is being received.
#[derive(Debug, Default)]
enum Push {
    #[default]
    None,
    Claimed,
    /// Whoever receives it waits, and is told by the drop of this if the session ends.
    Watched {
        _ended: oneshot::Sender<()>,
    },
}

/// Who waits for room.
#[derive(Debug, Default)]
struct Wakers(Vec<Waker>);

/// An index in as few bytes as a session can do with; one beyond them is nobody's.
fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn widen(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// A session in the table of all, which finds it by its id.
#[derive(Debug)]
pub(super) struct Listed(pub(super) Arc<SessionHandle>);

impl Borrow<str> for Listed {
    fn borrow(&self) -> &str {
        self.0.sid.as_str()
    }
}

impl Hash for Listed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.sid.as_str().hash(state);
    }
}

impl PartialEq for Listed {
    fn eq(&self, other: &Self) -> bool {
        self.0.sid == other.0.sid
    }
}

impl Eq for Listed {}

/// The shared half of a session: where it lives, and what requests of any thread need to know.
pub struct SessionHandle {
    pub(super) sid: Sid,
    handshake: Arc<Handshake>,
    /// Index of the worker that owns the session; changed only under the bus lock.
    home: AtomicU32,
    /// Messages from this number on belong to the worker it moves to.
    leaves_at: AtomicU64,
    /// Key of the session on its home worker.
    slot: AtomicU32,
    /// A WebSocket carries the session, or tries to.
    websocket: AtomicBool,
    /// A WebSocket carries the session.
    on_websocket: AtomicBool,
    revision: Revision,
    jsonp: Option<Box<str>>,
    ended: AtomicBool,
    push: Mutex<Push>,
    /// As much waits for the peer as should, as far as other threads know.
    congested: AtomicBool,
    /// Handlers wait for that to change.
    waits_for_room: AtomicBool,
    room_wakers: Mutex<Option<Box<Wakers>>>,
    /// Handlers that have not finished, of all its sockets, also of those that have ended.
    handlers: AtomicU32,
    /// Sockets that are connected, and the most that ever were at one time.
    sockets: AtomicU32,
    most_sockets: AtomicU32,
    /// Of the log; kept until nobody holds the session any more.
    span: spans::Kept,
}

/// Not the id: who knows it has the session.
impl fmt::Debug for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionHandle")
            .field("handshake", &self.handshake)
            .field("home", &self.home)
            .field("transport", &self.transport())
            .finish_non_exhaustive()
    }
}

impl SessionHandle {
    pub(crate) fn new(sid: Sid, opening: &Opening, home: usize) -> Self {
        let handshake = Arc::clone(&opening.handshake);
        let websocket = opening.transport == Transport::Websocket;
        Self {
            sid,
            revision: opening.revision,
            jsonp: opening.jsonp.clone(),
            handshake,
            home: AtomicU32::new(narrow(home)),
            leaves_at: AtomicU64::new(u64::MAX),
            slot: AtomicU32::new(u32::MAX),
            websocket: AtomicBool::new(websocket),
            on_websocket: AtomicBool::new(websocket),
            ended: AtomicBool::new(false),
            push: Mutex::default(),
            congested: AtomicBool::new(false),
            waits_for_room: AtomicBool::new(false),
            room_wakers: Mutex::default(),
            handlers: AtomicU32::new(0),
            sockets: AtomicU32::new(0),
            most_sockets: AtomicU32::new(1),
            span: spans::Kept::default(),
        }
    }

    pub(crate) fn with_span(self, span: spans::Kept) -> Self {
        Self { span, ..self }
    }

    /// What it says in the log is inside of this.
    #[inline]
    pub(crate) const fn span(&self) -> &spans::Kept {
        &self.span
    }

    /// Handlers that have not finished.
    #[inline]
    pub(crate) fn handlers(&self) -> usize {
        widen(self.handlers.load(Ordering::Acquire))
    }

    /// As many as its sockets may have together, if one may have `max`: leaving and joining again does not make
    /// them more.
    pub(crate) fn max_handlers(&self, max: usize) -> usize {
        max.saturating_mul(widen(self.most_sockets.load(Ordering::Acquire)))
    }

    pub(crate) fn handler_started(&self) {
        self.handlers.fetch_add(1, Ordering::AcqRel);
    }

    /// Gives how many there were.
    pub(crate) fn handler_finished(&self) -> usize {
        widen(self.handlers.fetch_sub(1, Ordering::AcqRel))
    }

    pub(crate) fn socket_connected(&self) {
        let connected = self.sockets.fetch_add(1, Ordering::AcqRel).saturating_add(1);
        self.most_sockets.fetch_max(connected, Ordering::AcqRel);
    }

    pub(crate) fn socket_ended(&self) {
        self.sockets.fetch_sub(1, Ordering::AcqRel);
    }

    pub(crate) fn is_congested(&self) -> bool {
        self.congested.load(Ordering::Acquire)
    }

    /// Tells those who wait, which may be other threads, whether there is room.
    pub(crate) fn tell_room(&self, congested: bool) {
        if congested != self.is_congested() || self.waits_for_room.load(Ordering::Acquire) {
            self.set_congested(congested);
        }
    }

    /// Ready while `is_congested` says that there is room; otherwise the task is woken when there may be, or the
    /// session ends.
    pub(crate) fn poll_room(
        &self,
        cx: &mut Context<'_>,
        is_congested: impl Fn() -> bool,
    ) -> Poll<()> {
        if !is_congested() {
            return Poll::Ready(());
        }
        self.keep_room_waker(cx.waker());
        // It may have been made meanwhile.
        if is_congested() { Poll::Pending } else { Poll::Ready(()) }
    }

    fn keep_room_waker(&self, waker: &Waker) {
        let mut wakers = self.room_wakers.lock().unwrap_or_else(PoisonError::into_inner);
        let Wakers(wakers) = &mut **wakers.get_or_insert_default();
        if !wakers.iter().any(|known| known.will_wake(waker)) {
            wakers.push(waker.clone());
        }
        self.waits_for_room.store(true, Ordering::Release);
    }

    pub(crate) fn set_congested(&self, congested: bool) {
        self.congested.store(congested, Ordering::Release);
        if congested {
            return;
        }
        let wakers = {
            let mut wakers = self.room_wakers.lock().unwrap_or_else(PoisonError::into_inner);
            self.waits_for_room.store(false, Ordering::Release);
            wakers.take()
        };
        wakers.into_iter().flat_map(|wakers| wakers.0).for_each(Waker::wake);
    }

    /// The session id, the client's secret.
    #[must_use]
    pub const fn sid(&self) -> &Sid {
        &self.sid
    }

    /// Data of the request that opened the session.
    #[must_use]
    pub const fn handshake(&self) -> &Arc<Handshake> {
        &self.handshake
    }

    /// The transport that carries the session at this moment.
    #[must_use]
    pub fn transport(&self) -> Transport {
        if self.on_websocket.load(Ordering::Acquire) {
            Transport::Websocket
        } else {
            Transport::Polling
        }
    }

    pub(crate) fn upgraded(&self) {
        self.on_websocket.store(true, Ordering::Release);
    }

    /// The session's revision of the protocol, chosen by its first request.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// The index of the callback that answers to polls are wrapped into (JSONP).
    #[must_use]
    pub fn jsonp(&self) -> Option<&str> {
        self.jsonp.as_deref()
    }

    pub(crate) fn home(&self) -> usize {
        widen(self.home.load(Ordering::Acquire))
    }

    /// Where the session is on its home worker.
    pub(crate) fn slot(&self) -> usize {
        widen(self.slot.load(Ordering::Acquire))
    }

    pub(crate) fn set_slot(&self, slot: usize) {
        self.slot.store(narrow(slot), Ordering::Release);
    }

    /// To be called under the bus lock only.
    pub(crate) fn set_home(&self, worker: usize, leaves_at: u64) {
        self.leaves_at.store(leaves_at, Ordering::Release);
        self.home.store(narrow(worker), Ordering::Release);
    }

    pub(crate) fn leaves_at(&self) -> u64 {
        self.leaves_at.load(Ordering::Acquire)
    }

    /// The session is on its way to its home.
    pub(crate) fn is_moving(&self) -> bool {
        self.leaves_at() != u64::MAX
    }

    pub(crate) fn arrived(&self) {
        self.leaves_at.store(u64::MAX, Ordering::Release);
    }

    /// Claims the session for a WebSocket; `false` if another one has it.
    #[must_use]
    pub fn claim_websocket(&self) -> bool {
        !self.websocket.swap(true, Ordering::AcqRel)
    }

    /// The WebSocket failed before the upgrade; another may try.
    pub(crate) fn release_websocket(&self) {
        self.websocket.store(false, Ordering::Release);
    }

    /// The session is over.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.set_congested(false);
        self.end_push();
    }

    fn push(&self) -> MutexGuard<'_, Push> {
        self.push.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims the session for a push; `false`: another one is being received.
    #[must_use]
    pub fn begin_push(&self) -> bool {
        let mut push = self.push();
        let is_free = matches!(*push, Push::None);
        if is_free && !self.has_ended() {
            *push = Push::Claimed;
        }
        is_free
    }

    /// Resolves when the session ends while the push is received. Who asked before is told at once.
    pub fn push_ended(&self) -> oneshot::Receiver<()> {
        let (ended, receiver) = oneshot::channel();
        let mut push = self.push();
        if !matches!(*push, Push::None) {
            let before = std::mem::replace(&mut *push, Push::Watched { _ended: ended });
            drop(push);
            drop(before);
        }
        receiver
    }

    /// The push was received, or given up.
    pub fn end_push(&self) {
        let ended = std::mem::take(&mut *self.push());
        drop(ended);
    }
}
