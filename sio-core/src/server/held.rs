//! Events that wait until a handler of their socket has finished.
//!
//! A socket runs a bounded number of handlers at once. What comes above that is held here in order, while
//! pongs, acks and the packets of other sockets go on: a handler may be waiting for just those. The
//! session is not read any more when it holds too many bytes, or when all clients together leave more
//! unfinished than they may and it holds some of that. Nor is it while events run for which there is room
//! again: they do so in the session's turns, of which each is as short as any other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::budget::{Budget, Share};
use crate::packet::ArgCursor;

use super::socket::Socket;

/// An event as it came, to be dispatched later.
#[derive(Debug)]
pub(crate) struct HeldEvent {
    pub(crate) socket: Socket,
    pub(crate) event: Box<str>,
    pub(crate) ack: Option<u64>,
    /// The arguments' text, as `packet::Packet::args`.
    pub(crate) args: Box<str>,
    pub(crate) attachments: Vec<Bytes>,
}

impl HeldEvent {
    /// Few events have to wait.
    #[cold]
    pub(crate) fn new(
        socket: &Socket,
        event: &str,
        ack: Option<u64>,
        args: &ArgCursor<'_>,
    ) -> Self {
        Self {
            socket: socket.clone(),
            event: event.into(),
            ack,
            args: args.unread_text().into(),
            attachments: args.attachments().to_vec(),
        }
    }

    /// What the event holds, with a fixed amount for holding it.
    pub(crate) fn weight(&self) -> usize {
        const ENTRY: usize = 128;
        let attachments: usize = self.attachments.iter().map(Bytes::len).sum();
        ENTRY + self.event.len() + self.args.len() + attachments
    }
}

/// The held events of one session; most have none.
#[derive(Debug, Default)]
pub(crate) struct HeldEvents(Option<Box<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<HeldEvent>,
    bytes: usize,
    /// The part of what all clients may leave unfinished.
    share: Share,
    /// There is no room for all of it there.
    crowded: bool,
    /// A handler has finished: what may run now waits only for the session's turn.
    due: bool,
    full_since: Option<Instant>,
}

impl Queue {
    /// The bytes have changed.
    fn charge(&mut self, budget: &Arc<Budget>) {
        self.crowded = self.share.hold(budget, self.bytes).is_err();
    }
}

impl HeldEvents {
    /// Holds an event, also where the budget has no room for it: its peer is not read then.
    pub(crate) fn push(&mut self, event: HeldEvent, budget: &Arc<Budget>) {
        let queue = self.0.get_or_insert_default();
        queue.bytes += event.weight();
        queue.events.push_back(event);
        queue.charge(budget);
    }

    fn events(&self) -> impl Iterator<Item = &HeldEvent> {
        self.0.iter().flat_map(|queue| &queue.events)
    }

    /// Events of this socket wait: later ones wait behind them.
    pub(crate) fn has(&self, socket: &Socket) -> bool {
        self.0.is_some() && self.events().any(|event| event.socket == *socket)
    }

    /// Takes the oldest event whose socket may run.
    pub(crate) fn take(
        &mut self,
        budget: &Arc<Budget>,
        mut may_run: impl FnMut(&Socket) -> bool,
    ) -> Option<HeldEvent> {
        let position = self.events().position(|event| may_run(&event.socket))?;
        let queue = self.0.as_mut()?;
        let event = queue.events.remove(position)?;
        queue.bytes -= event.weight();
        queue.charge(budget);
        if queue.events.is_empty() {
            self.0 = None;
        }
        Some(event)
    }

    /// Takes all events of a socket that has ended.
    pub(crate) fn take_all(&mut self, budget: &Arc<Budget>, socket: &Socket) -> Vec<HeldEvent> {
        let Some(queue) = &mut self.0 else { return Vec::new() };
        let mut ended = Vec::new();
        for event in std::mem::take(&mut queue.events) {
            if event.socket == *socket {
                ended.push(event);
            } else {
                queue.events.push_back(event);
            }
        }
        queue.bytes -= ended.iter().map(HeldEvent::weight).sum::<usize>();
        queue.charge(budget);
        if queue.events.is_empty() {
            self.0 = None;
        }
        ended
    }

    /// The held events whose clients asked for an ack.
    pub(crate) fn asked(&self) -> impl Iterator<Item = (&Socket, u64)> {
        self.events().filter_map(|event| Some((&event.socket, event.ack?)))
    }

    /// Bytes that are held.
    pub(crate) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.bytes)
    }

    /// Nothing more should come: all clients together hold too much, and this one some of it, or what is held
    /// waits only for its turn and would have run before.
    pub(crate) fn comes_first(&self) -> bool {
        self.0.as_ref().is_some_and(|queue| queue.crowded || queue.due)
    }

    /// Held events may run in the session's next turn.
    pub(crate) fn is_due(&self) -> bool {
        self.0.as_ref().is_some_and(|queue| queue.due)
    }

    /// How many events are held, if they may run in the session's next turn.
    pub(crate) fn due_events(&self) -> usize {
        self.0.as_ref().filter(|queue| queue.due).map_or(0, |queue| queue.events.len())
    }

    /// Whether held events may run in the session's next turn; without any, they never do.
    pub(crate) fn set_due(&mut self, due: bool) {
        if let Some(queue) = &mut self.0 {
            queue.due = due;
        }
    }

    /// Since when the peer is not read because too much is held, without a handler having finished; from
    /// `now` on if that is new.
    pub(crate) fn full_since(&mut self, now: Instant) -> Instant {
        self.0.as_mut().map_or(now, |queue| *queue.full_since.get_or_insert(now))
    }

    /// A handler has finished, or events that it had kept waiting run.
    pub(crate) fn moves_on(&mut self) {
        if let Some(queue) = &mut self.0 {
            queue.full_since = None;
        }
    }
}
