//! What a handler, a guard and a middleware are told about the event they run for.
//!
//! [`EventCx`] borrows everything while the packet is at hand; [`OwnedCx`] is its twin for what has to
//! wait, made only then.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use crate::close::DisconnectReason;
use crate::server::{Gate, Socket};

use super::Dispatch;
use super::rules::Rules;

/// What is going on with a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Its CONNECT is being decided.
    Connect,
    /// It has just been connected.
    Connection,
    /// An event of the client.
    Event,
    /// It ends, and its rooms are still listed.
    Disconnecting,
    /// It has ended.
    Disconnect,
}

impl Phase {
    /// The word of logs and `exception` events where no event name tells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Connection => "connection",
            Self::Event => "event",
            Self::Disconnecting => "disconnecting",
            Self::Disconnect => "disconnect",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a handler's parameters are taken from, and what guards, middleware and error hooks see.
#[derive(Debug)]
pub struct EventCx<'a> {
    socket: &'a Socket,
    event: &'a str,
    phase: Phase,
    ack: Option<u64>,
    reason: Option<DisconnectReason>,
    rules: &'a Arc<Rules>,
    /// Somebody took over the ack; the dispatcher must not answer.
    manual_ack: Cell<bool>,
    /// The same of the context this one was lent from.
    lent_from: Option<&'a Cell<bool>>,
    /// A middleware runs before the handler: a plain `fn` must not be called yet.
    deferred: bool,
    /// What keeps the socket's events back until its connection handlers are through.
    gate: Option<&'a Rc<Gate>>,
}

impl<'a> EventCx<'a> {
    pub(crate) const fn new(
        socket: &'a Socket,
        event: &'a str,
        ack: Option<u64>,
        rules: &'a Arc<Rules>,
    ) -> Self {
        Self {
            socket,
            event,
            phase: Phase::Event,
            ack,
            reason: None,
            rules,
            manual_ack: Cell::new(false),
            lent_from: None,
            deferred: false,
            gate: None,
        }
    }

    pub(crate) const fn of_life(
        socket: &'a Socket,
        phase: Phase,
        reason: Option<DisconnectReason>,
        rules: &'a Arc<Rules>,
    ) -> Self {
        let mut cx = Self::new(socket, "", None, rules);
        cx.phase = phase;
        cx.reason = reason;
        cx
    }

    pub(crate) const fn gated(mut self, gate: &'a Rc<Gate>) -> Self {
        self.gate = Some(gate);
        self
    }

    pub(crate) const fn deferred(mut self) -> Self {
        self.deferred = true;
        self
    }

    /// The socket the event came from.
    #[must_use]
    pub const fn socket(&self) -> &Socket {
        self.socket
    }

    /// Name of the event; empty outside [`Phase::Event`].
    #[must_use]
    pub const fn event(&self) -> &str {
        self.event
    }

    /// What is going on.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Why the socket ends; `None` while it does not.
    #[must_use]
    pub const fn disconnect_reason(&self) -> Option<DisconnectReason> {
        self.reason
    }

    /// A value stored on the socket with [`Socket::set_state`].
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.socket.state()
    }

    /// A value given to the builder's `data`.
    #[must_use]
    pub fn data<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.socket.hub().data()
    }

    /// The controller or function the event goes to, for logs; empty for a closure.
    #[must_use]
    pub fn handler(&self) -> String {
        self.rules.name()
    }

    /// The client asked for an ack and nobody took it over.
    #[must_use]
    pub const fn wants_ack(&self) -> bool {
        self.ack.is_some() && !self.manual_ack.get()
    }

    /// The handler's result goes somewhere: to the ack, or to an emission.
    pub(crate) fn wants_reply(&self) -> bool {
        self.wants_ack() || !self.rules.emissions.is_empty()
    }

    /// Somebody answers the ack; gives its id to the first who asks.
    pub(crate) fn take_ack(&self) -> Option<u64> {
        let was_taken = self.manual_ack.replace(true);
        let was_taken = self.lent_from.is_some_and(|owner| owner.replace(true)) || was_taken;
        if was_taken { None } else { self.ack }
    }

    pub(crate) const fn ack_is_taken(&self) -> bool {
        self.manual_ack.get()
    }

    pub(crate) const fn is_deferred(&self) -> bool {
        self.deferred
    }

    pub(crate) const fn rules(&self) -> &Arc<Rules> {
        self.rules
    }

    pub(crate) fn gate(&self) -> Option<Rc<Gate>> {
        self.gate.cloned()
    }

    /// What a finished call gives: at once, or, if a middleware has to run before, when it is polled.
    #[inline]
    pub(crate) fn call(&self, call: impl FnOnce() -> Dispatch + 'static) -> Dispatch {
        if self.deferred { Dispatch::deferred(call) } else { call() }
    }

    /// The twin that owns what this borrows.
    pub(crate) fn to_owned(&self) -> OwnedCx {
        OwnedCx {
            socket: self.socket.clone(),
            event: self.event.into(),
            phase: self.phase,
            ack: self.ack,
            reason: self.reason,
            rules: Arc::clone(self.rules),
            ack_taken: Rc::new(Cell::new(self.manual_ack.get())),
            gate: self.gate.cloned(),
        }
    }
}

/// An [`EventCx`] that can wait.
#[derive(Debug)]
pub(crate) struct OwnedCx {
    socket: Socket,
    event: Box<str>,
    phase: Phase,
    ack: Option<u64>,
    reason: Option<DisconnectReason>,
    rules: Arc<Rules>,
    ack_taken: Rc<Cell<bool>>,
    gate: Option<Rc<Gate>>,
}

impl OwnedCx {
    pub(crate) const fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Learns whether somebody took over the ack.
    pub(crate) fn ack_taken(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.ack_taken)
    }

    /// The context, to be lent.
    pub(crate) fn borrow(&self) -> EventCx<'_> {
        EventCx {
            socket: &self.socket,
            event: &self.event,
            phase: self.phase,
            ack: self.ack,
            reason: self.reason,
            rules: &self.rules,
            manual_ack: Cell::new(self.ack_taken.get()),
            lent_from: Some(&self.ack_taken),
            deferred: false,
            gate: self.gate.as_ref(),
        }
    }
}
