//! A session on its home worker: engine session, multiplexer, and the ends of its transports.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Weak;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_channel::oneshot;

use crate::budget::Share;
use crate::close::CloseReason;
use crate::engine::payload::PayloadReader;
use crate::engine::{Session, Transport};
use crate::frame::FrameGroup;
use crate::mux::Multiplexer;

use super::decoding::Decoding;
use super::direct::Outlet;
use super::held::HeldEvents;
use super::hub::SessionHandle;
use super::sessions::{PollReply, PushReply};
use super::socket::Socket;
use super::wheel::WheelTimer;

/// A push whose packets have not all been handed over.
#[derive(Debug)]
pub(crate) struct PendingPush {
    pub(crate) body: PayloadReader,
    /// Bytes of the whole body, which is kept until the end.
    pub(crate) size: usize,
    /// Their part in what all clients may leave unfinished; given back with the push.
    pub(crate) share: Share,
    /// Packets so far that carried no message.
    pub(crate) idle_packets: usize,
    /// Who is told; nobody yet while whoever brought it waits for the call to return.
    pub(crate) reply: Option<oneshot::Sender<PushReply>>,
}

/// Who moves the bytes of a WebSocket connection.
#[derive(Default)]
struct Carrier {
    /// Of its task.
    waker: Option<Waker>,
    /// Its stream, if that can be written to without the task.
    outlet: Option<Weak<dyn Outlet>>,
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carrier").field("waker", &self.waker).finish_non_exhaustive()
    }
}

/// A session as its home worker owns it; never shared between threads and never locked.
///
/// There is one per client, idle ones included: what few of them need at a time is behind a pointer.
#[derive(Debug)]
pub struct Connection {
    pub(crate) handle: Arc<SessionHandle>,
    pub(crate) engine: RefCell<Session>,
    pub(crate) mux: RefCell<Multiplexer<Socket>>,
    /// Where the server has a parser of its own.
    pub(crate) decoding: Decoding,
    pub(crate) poll: RefCell<Option<oneshot::Sender<PollReply>>>,
    pub(crate) push: RefCell<Option<Box<PendingPush>>>,
    pub(crate) pushing: Cell<bool>,
    pub(crate) held: RefCell<HeldEvents>,
    /// The worker gives the session a turn in its next poll.
    pub(crate) has_turn: Cell<bool>,
    /// When the session's events, spread evenly, would have used up its rate.
    pub(crate) rate: Cell<Option<Instant>>,
    /// The log has said that there were too many.
    pub(crate) rate_told: Cell<bool>,
    /// The sockets were told that the session ended.
    pub(crate) ended: Cell<bool>,
    pub(crate) connect_deadline: Cell<Option<Instant>>,
    /// A client of revision 3 was let into `/`, or refused.
    pub(crate) joined_implicitly: Cell<bool>,
    pub(crate) timer: WheelTimer,
    pub(crate) key: Cell<(u32, u32)>,
    carrier: RefCell<Carrier>,
    /// The worker writes to it soon, unless its task does before.
    direct: Cell<bool>,
    /// The WebSocket connection runs, or will without being woken again.
    woken: Cell<bool>,
}

impl Connection {
    pub(crate) fn new(
        handle: Arc<SessionHandle>,
        engine: Session,
        mux: Multiplexer<Socket>,
        connect_deadline: Option<Instant>,
    ) -> Self {
        Self {
            handle,
            engine: RefCell::new(engine),
            mux: RefCell::new(mux),
            decoding: Decoding::default(),
            poll: RefCell::new(None),
            push: RefCell::new(None),
            pushing: Cell::new(false),
            held: RefCell::default(),
            has_turn: Cell::new(false),
            rate: Cell::new(None),
            rate_told: Cell::new(false),
            ended: Cell::new(false),
            connect_deadline: Cell::new(connect_deadline),
            joined_implicitly: Cell::new(false),
            timer: WheelTimer::default(),
            key: Cell::new((u32::MAX, 0)),
            carrier: RefCell::default(),
            direct: Cell::new(false),
            woken: Cell::new(false),
        }
    }

    /// The shared half of the session.
    #[must_use]
    pub const fn handle(&self) -> &Arc<SessionHandle> {
        &self.handle
    }

    /// The transport in use.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.engine.borrow().transport()
    }

    /// The session ended, or will as soon as what waits is delivered.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.engine.borrow().close_reason().is_some()
    }

    /// The session ends because the server does.
    #[must_use]
    pub fn ends_with_server(&self) -> bool {
        self.engine.borrow().close_reason() == Some(CloseReason::ServerShuttingDown)
    }

    /// A WebSocket is being tried.
    #[must_use]
    pub fn is_probing(&self) -> bool {
        self.engine.borrow().is_probing()
    }

    /// Something waits to be written.
    #[must_use]
    pub fn has_output(&self) -> bool {
        self.engine.borrow().has_output()
    }

    /// The transport takes a packet at this moment.
    pub(crate) fn is_writable(&self) -> bool {
        self.engine.borrow().is_writable()
    }

    /// When a packet that has not come completely is given up.
    pub(crate) fn packet_deadline(&self) -> Option<Instant> {
        self.mux.borrow().attachment_deadline().or_else(|| self.decoding.deadline())
    }

    /// As much waits for the peer as should.
    pub(crate) fn is_congested(&self) -> bool {
        self.engine.borrow().is_congested()
    }

    /// Counts an event; `false`: more came than `per_second` allows, with as many at once.
    pub(crate) fn admits_event(&self, now: Instant, per_second: u32) -> bool {
        let Some(cost) = Duration::from_secs(1).checked_div(per_second) else { return true };
        let used = self.rate.get().map_or(now, |used| used.max(now)) + cost;
        let admitted = used.saturating_duration_since(now) <= Duration::from_secs(1);
        if admitted {
            self.rate.set(Some(used));
        }
        admitted
    }

    /// Tells streams, which may run on other threads, whether there is room. `true`: just now there is none any
    /// more.
    pub(crate) fn tell_room(&self) -> bool {
        let congested = self.is_congested();
        let is_news = congested && !self.handle.is_congested();
        self.handle.tell_room(congested);
        is_news
    }

    /// The next piece of a large frame, at most `max` bytes, to be written behind the last turn's bytes.
    pub fn next_slice(&self, max: usize) -> Option<Bytes> {
        self.engine.borrow_mut().next_slice(max)
    }

    /// What waits may only be written after the last turn's bytes have left.
    #[must_use]
    pub fn waits_for_write(&self) -> bool {
        self.engine.borrow().waits_for_write()
    }

    // ---- waking the WebSocket connection --------------------------------------------------------

    /// The connection runs now: what is queued needs no wake-up.
    pub fn set_running(&self) {
        self.woken.set(true);
    }

    /// The connection is about to wait; `waker` is called when there is something to do.
    pub fn set_waiting(&self, waker: &Waker) {
        self.woken.set(false);
        let slot = &mut self.carrier.borrow_mut().waker;
        match slot {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// Lets the worker write to the connection while its task rests.
    pub fn set_outlet(&self, outlet: Weak<dyn Outlet>) {
        self.carrier.borrow_mut().outlet = Some(outlet);
    }

    /// The WebSocket connection is gone.
    pub fn clear_waker(&self) {
        let gone = self.carrier.take();
        drop(gone);
    }

    pub(crate) fn wake(&self) {
        if !self.woken.replace(true)
            && let Some(waker) = &self.carrier.borrow().waker
        {
            waker.wake_by_ref();
        }
    }

    /// Queues packets that belong to no event; the caller settles the session.
    pub(crate) fn say<'a>(&self, groups: impl IntoIterator<Item = &'a FrameGroup>) {
        for group in groups {
            self.handle.tell_sent(group);
            self.engine.borrow_mut().send_group(group);
        }
    }

    /// Queues a packet; the caller settles the session if that is needed.
    /// `true`: a waiting poll or an overflow has to be dealt with.
    pub(crate) fn send(&self, group: &FrameGroup, volatile: bool) -> bool {
        let is_dropped = volatile && !self.is_writable();
        let (needs_settling, websocket) = self.queue(group, volatile);
        if !is_dropped {
            self.handle.tell_sent(group);
        }
        if websocket {
            self.wake();
        }
        needs_settling
    }

    /// As [`Self::send`], of a packet for many; also `true`, second, if the worker is to write it.
    pub(crate) fn send_shared(&self, group: &FrameGroup, volatile: bool) -> (bool, bool) {
        let (needs_settling, websocket) = self.queue(group, volatile);
        (needs_settling, websocket && self.wants_direct_write())
    }

    /// Queues a packet, and tells whether the session has to be settled, and whether a WebSocket has to be woken.
    fn queue(&self, group: &FrameGroup, volatile: bool) -> (bool, bool) {
        let mut engine = self.engine.borrow_mut();
        if volatile && !engine.is_writable() {
            engine.count_dropped_volatile();
            return (false, false);
        }
        engine.send_group(group);
        let needs_settling =
            engine.poll_waits() || (engine.close_reason().is_some() && !self.ended.get());
        (needs_settling, engine.transport() == Transport::Websocket)
    }

    // ---- writing for a connection at rest -------------------------------------------------------

    /// The connection rests, and is to be queued for [`Self::write_directly`]. Otherwise it runs, or is woken
    /// here, or is queued already.
    fn wants_direct_write(&self) -> bool {
        if self.woken.get() || self.direct.get() {
            return false;
        }
        let wants = self.carrier.borrow().outlet.is_some();
        self.direct.set(wants);
        if !wants {
            self.wake();
        }
        wants
    }

    /// Writes what waits, if it is one packet for many and the connection still rests; wakes its task if that
    /// does not do. `true`: it was written.
    pub(super) fn write_directly(&self) -> bool {
        self.direct.set(false);
        // Who runs writes everything that waits.
        if self.woken.get() || !self.has_output() {
            return false;
        }
        let outlet = self.carrier.borrow().outlet.as_ref().and_then(Weak::upgrade);
        let mut take = || self.engine.borrow_mut().take_ready();
        let written = outlet.is_some_and(|outlet| outlet.write(&mut take));
        if !written {
            self.wake();
        }
        written
    }
}
