//! From an event to the user's handlers, and back with the reply.
//!
//! Steps 6 to 8 of a packet's way. A handler is polled once in place; one that waits is kept by the
//! worker. Whatever it does, a client that asked is answered.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::handler::{
    Dispatch, EventCx, EventError, LocalBoxFuture, Reply, Rules, ack_scope, run_hooks,
};
use crate::limits::Limit;
use crate::packet::{ArgCursor, ArgError};
use crate::shown::Shown;

use super::ack::no_answer;
use super::cancelling::{Place, cancellable};
use super::connection::Connection;
use super::held::HeldEvent;
use super::life::{panicked, report};
use super::listeners::heed;
use super::namespace::EventEntry;
use super::observer::HandledEvent;
use super::outgoing::drop_listener;
use super::pipeline::{self, OwnedArgs};
use super::running::HandlerSlot;
use super::socket::Socket;
use super::spans::{self, SOCKET};
use super::tasks::Tasks;
use super::turn::Turn;
use super::worker::Worker;

/// Developers are told about a handler that does not wait and takes longer.
const BUSY: Duration = Duration::from_millis(100);

impl Worker {
    /// Takes an event; nothing of its arguments was read.
    #[inline]
    pub(super) fn on_event(
        &self,
        connection: &Rc<Connection>,
        socket: &Socket,
        event: &str,
        ack: Option<u64>,
        args: &ArgCursor<'_>,
    ) {
        self.hub.watch.tell_event(|observer| observer.event_received(socket, event));
        let rate = self.hub.config.limits.max_events_per_second;
        if rate > 0 && !connection.admits_event(self.now(), rate) {
            return self.refuse_event(connection, socket, event, ack, args);
        }
        self.hub.watch.tell_arguments(socket, event, args);
        if socket.is_busy() || connection.held.borrow().has(socket) {
            if socket.has_all_handlers() {
                self.hub.count_limit(Limit::MaxHandlers);
            }
            let event = HeldEvent::new(socket, event, ack, args);
            return connection.held.borrow_mut().push(event, &self.hub.input);
        }
        self.run_event(connection, socket, event, ack, args);
    }

    /// Answers an event above the session's rate.
    #[cold]
    fn refuse_event(
        &self,
        connection: &Rc<Connection>,
        socket: &Socket,
        event: &str,
        ack: Option<u64>,
        args: &ArgCursor<'_>,
    ) {
        if let Err(ArgError::Malformed(error)) = args.clone().finish() {
            return self.on_undecodable(connection, error);
        }
        let rules = socket.handlers().event(event).map(|known| Arc::clone(&known.first.rules));
        let ack = ack.map_or(Ack::None, Ack::Automatic);
        let error = EventError::new("rate_limited", "too many events");
        let error = if connection.rate_told.replace(true) { error.silenced() } else { error };
        self.hub.count_limit(Limit::MaxEventsPerSecond);
        self.reply(socket, event, &rules.unwrap_or_default(), ack.into(), Reply::Err(error));
    }

    /// Held events may go on: in a turn of the session's, for there may be thousands.
    pub(super) fn run_held_later(&self, connection: &Rc<Connection>) {
        let is_due = {
            let mut held = connection.held.borrow_mut();
            held.set_due(true);
            held.is_due()
        };
        if is_due {
            self.queue_turn(connection);
        }
    }

    /// Starts held events for which handlers have finished; `false`: the turn is over before all could start.
    pub(super) fn run_held(&self, connection: &Rc<Connection>, turn: &mut Turn) -> bool {
        if !connection.held.borrow().is_due() {
            return true;
        }
        connection.held.borrow_mut().moves_on();
        let mut is_over = false;
        while !is_over && !connection.is_ending() {
            let mut held = connection.held.borrow_mut();
            let next = held.take(&self.hub.input, |socket| !socket.is_busy());
            if next.is_none() {
                held.set_due(false);
            }
            drop(held);
            let Some(held) = next else { return true };
            let weight = held.weight();
            self.guarded(move || {
                // What was sent before the socket left is not delivered after it.
                if !held.socket.has_ended() {
                    let args = ArgCursor::new(&held.args, &held.attachments);
                    self.run_event(connection, &held.socket, &held.event, held.ack, &args);
                }
            });
            is_over = turn.is_over_after(self, weight);
        }
        !is_over
    }

    /// A socket has ended: its held events take no more room.
    pub(super) fn drop_held(&self, connection: &Rc<Connection>, socket: &Socket) {
        let dropped = connection.held.borrow_mut().take_all(&self.hub.input, socket);
        if !dropped.is_empty() {
            drop(dropped);
            self.resume_later(connection);
            connection.wake();
        }
    }

    /// Calls everything that handles an event; the event's own handler answers.
    #[inline]
    fn run_event(
        &self,
        connection: &Rc<Connection>,
        socket: &Socket,
        event: &str,
        asked: Option<u64>,
        args: &ArgCursor<'_>,
    ) {
        if spans::are_wanted() {
            return self.run_event_in_span(connection, socket, event, asked, args);
        }
        self.call_everything(connection, socket, event, asked, args);
    }

    #[cold]
    #[inline(never)]
    fn run_event_in_span(
        &self,
        connection: &Rc<Connection>,
        socket: &Socket,
        event: &str,
        asked: Option<u64>,
        args: &ArgCursor<'_>,
    ) {
        socket.event_span(event, asked.is_some()).in_scope(|| {
            tracing::trace!(target: SOCKET, "event");
            self.call_everything(connection, socket, event, asked, args);
        });
    }

    #[inline]
    fn call_everything(
        &self,
        connection: &Rc<Connection>,
        socket: &Socket,
        event: &str,
        asked: Option<u64>,
        args: &ArgCursor<'_>,
    ) {
        let handlers = socket.handlers();
        if (!handlers.any.is_empty() || socket.heeds(heed::ANY))
            && !self.run_catch_all(connection, socket, event, args)
        {
            return;
        }
        if !handlers.middleware.is_empty() || socket.heeds(heed::MIDDLEWARE) {
            return self.run_middleware(connection, socket, event, asked, args);
        }
        self.run_named(connection, socket, event, asked, args);
    }

    /// Calls what hears every event; `false`: it has ended the socket or the session.
    #[inline(never)]
    fn run_catch_all(
        &self,
        connection: &Rc<Connection>,
        socket: &Socket,
        event: &str,
        args: &ArgCursor<'_>,
    ) -> bool {
        let goes_on = || !connection.is_ending() && !socket.has_ended();
        for entry in &socket.handlers().any {
            self.run_handler(connection, socket, event, Asked::Observer, args, entry);
            if !goes_on() {
                return false;
            }
        }
        if socket.heeds(heed::ANY) {
            for entry in socket.any_listeners() {
                self.run_handler(connection, socket, event, Asked::Observer, args, &entry);
                drop_listener(entry);
                if !goes_on() {
                    return false;
                }
            }
        }
        true
    }

    #[inline]
    pub(super) fn run_handler(
        &self,
        connection: &Rc<Connection>,
        socket: &Socket,
        event: &str,
        asked: Asked,
        args: &ArgCursor<'_>,
        entry: &Arc<EventEntry>,
    ) {
        if !cfg!(debug_assertions) {
            return self.call_handler(connection, socket, event, asked, args, entry);
        }
        let began = self.read_clock();
        self.call_handler(connection, socket, event, asked, args, entry);
        let took = self.read_clock().saturating_duration_since(began);
        if took > BUSY {
            let handler = entry.rules.name();
            let event = Shown(event);
            tracing::warn!(handler, %event, ?took, "a handler kept its worker from everything else");
        }
    }

    fn call_handler(
        &self,
        connection: &Rc<Connection>,
        socket: &Socket,
        event: &str,
        asked: Asked,
        args: &ArgCursor<'_>,
        entry: &Arc<EventEntry>,
    ) {
        if entry.must_wait {
            return self.call_behind(connection, socket, event, asked, args, entry);
        }
        let id = asked.id();
        let rules = &entry.rules;
        let began = self.watch_handler();
        let cx = EventCx::new(socket, event, id, rules);
        let call = || {
            catch_unwind(AssertUnwindSafe(|| {
                for guard in &rules.guards {
                    if let Err(error) = guard.ask_now(&cx) {
                        return Dispatch::failed(error);
                    }
                }
                (entry.run)(&cx, args.clone())
            }))
            .unwrap_or_else(|_panic| Dispatch::failed(panicked()))
        };
        let (outcome, dropped) = match id {
            Some(id) => ack_scope::run((socket.address(), id), call),
            None => (call(), false),
        };
        let ack = match asked {
            Asked::Observer => Ack::Observer,
            Asked::Client(None) => Ack::None,
            Asked::Client(Some(id)) if cx.ack_is_taken() => Ack::Taken { id, dropped },
            Asked::Client(Some(id)) => Ack::Automatic(id),
        };
        match outcome {
            Dispatch::Ready(reply) => {
                self.reply_at_once(socket, event, rules, Call { ack, began }, reply);
            }
            Dispatch::Malformed(error) => self.on_undecodable(connection, error),
            Dispatch::Pending(future) => {
                let ack = match ack {
                    Ack::Taken { id, .. } => {
                        let hold =
                            AckHold { taken: Rc::new(Cell::new(true)), ..AckHold::default() };
                        Ack::Held { id, hold: Rc::new(hold) }
                    }
                    other => other,
                };
                self.poll_handler(socket, event, rules, Call { ack, began }, future, None);
            }
        }
    }

    /// Calls a handler behind its guards that wait and its middleware.
    fn call_behind(
        &self,
        connection: &Rc<Connection>,
        socket: &Socket,
        event: &str,
        asked: Asked,
        args: &ArgCursor<'_>,
        entry: &Arc<EventEntry>,
    ) {
        let id = asked.id();
        let rules = &entry.rules;
        if let Err(ArgError::Malformed(error)) = args.clone().finish() {
            return self.on_undecodable(connection, error);
        }
        let (attachments, text) = (args.attachments().to_vec(), args.unread_text().into());
        let cx = EventCx::new(socket, event, id, rules).to_owned();
        let began = self.watch_handler();
        let hold = Rc::new(AckHold { taken: cx.ack_taken(), ..AckHold::default() });
        let place = Rc::default();
        let args = OwnedArgs { text, attachments };
        let future = pipeline::event(cx, entry, args, Rc::clone(&place));
        let ack = match asked {
            Asked::Observer => Ack::Observer,
            Asked::Client(None) => Ack::None,
            Asked::Client(Some(id)) => Ack::Held { id, hold },
        };
        self.poll_handler(socket, event, rules, Call { ack, began }, future, Some(&place));
    }

    /// Polls a handler in place, and keeps it if it waits. One with a `place` takes that of an older one
    /// by itself, when its guards have let it pass.
    fn poll_handler(
        &self,
        socket: &Socket,
        event: &str,
        rules: &Arc<Rules>,
        call: Call,
        future: LocalBoxFuture<Reply>,
        place: Option<&Place>,
    ) {
        let future: LocalBoxFuture<Reply> = match &call.ack {
            Ack::Held { id, hold } => {
                Box::pin(TakenAck::new(socket, *id, event, rules, hold, future))
            }
            _ => future,
        };
        let future = match Tasks::first_poll(future) {
            Ok(reply) => return self.reply_at_once(socket, event, rules, call, reply),
            Err(future) => future,
        };
        if rules.latest && place.is_none() {
            socket.supersede(rules, None);
        }
        if let Some(id) = call.ack.id() {
            socket.ask(id);
        }
        let slot = HandlerSlot::new(socket, rules.ordered);
        let mut future = cancellable(socket, rules, rules.latest, place, future);
        if rules.latest
            && let Ack::Held { id, hold } = &call.ack
        {
            // Dropped with its handler, an `AckSender` leaves the answer to the dispatcher.
            future = Box::pin(TakenAck::new(socket, *id, event, rules, hold, future));
        }
        let (replier, event, rules) = (socket.clone(), event.to_owned(), Arc::clone(rules));
        self.keep_running(socket, future, move |worker, reply| {
            let _slot = slot;
            worker.reply(&replier, &event, &rules, call, reply);
        });
    }

    /// Keeps something of the user's that waits.
    pub(super) fn keep_running(
        &self,
        socket: &Socket,
        future: LocalBoxFuture<Reply>,
        done: impl FnOnce(&Self, Reply) + 'static,
    ) {
        let hub = Arc::clone(socket.hub());
        let completion = Box::new(move |reply| {
            if let Some(worker) = Self::current(&hub) {
                done(&worker, reply);
            }
        });
        self.tasks.start(future, completion);
        // A poll of the worker asks for the next one by itself.
        if !self.polling.get() {
            self.wake();
        }
    }

    /// As [`Self::reply`], for a handler that did not have to wait.
    #[inline]
    fn reply_at_once(
        &self,
        socket: &Socket,
        event: &str,
        rules: &Arc<Rules>,
        call: Call,
        reply: Reply,
    ) {
        // It takes the place of one that waits, unless it was refused.
        if rules.latest && !reply.is_err() {
            socket.supersede(rules, None);
        }
        self.reply(socket, event, rules, call, reply);
    }

    /// Answers an event, and sends its result where else it goes.
    fn reply(
        &self,
        socket: &Socket,
        event: &str,
        rules: &Arc<Rules>,
        call: Call,
        mut reply: Reply,
    ) {
        let ack = match call.ack {
            Ack::Held { id, hold } if hold.taken.get() => {
                Ack::Taken { id, dropped: hold.dropped.get() }
            }
            Ack::Held { id, .. } => Ack::Automatic(id),
            other => other,
        };
        if let Reply::Args(args) = &reply
            && !rules.emissions.is_empty()
        {
            let acked = matches!(ack, Ack::Automatic(_));
            socket.emit_all(&rules.emissions, args, acked);
        }
        if let Ack::Taken { dropped: true, .. } = ack {
            reply = unanswered(reply);
        }
        if let Reply::Err(error) = &mut reply
            && !error.is_cancellation()
        {
            run_hooks(rules, error, &EventCx::new(socket, event, ack.id(), rules));
            report(error, socket.namespace(), event, rules);
        }
        if !matches!(ack, Ack::Observer) {
            self.hub.watch.tell_event(|observer| {
                let took =
                    call.began.map(|began| self.read_clock().saturating_duration_since(began));
                let error = reply.error();
                observer.event_handled(&HandledEvent { socket, event, took, error });
            });
        }
        match (ack, reply) {
            (Ack::Automatic(id) | Ack::Taken { id, dropped: true }, reply) => {
                self.answer(socket, id, reply);
            }
            // Whoever took the ack over answers.
            (Ack::Taken { dropped: false, .. } | Ack::Held { .. }, _) => {}
            (Ack::None, Reply::Err(error)) if !error.is_cancellation() => {
                let body = self.hub.exception(&error, event);
                if let Err(error) = socket.emit_encoded("exception", &body, false) {
                    tracing::debug!(%error, "an exception could not be sent");
                }
            }
            (Ack::None | Ack::Observer, _) => {}
        }
    }

    /// The time at which a handler begins, if somebody wants to know how long it takes.
    fn watch_handler(&self) -> Option<Instant> {
        self.hub.watch.interest().events.then(|| self.read_clock())
    }

    fn answer(&self, socket: &Socket, id: u64, reply: Reply) {
        socket.send_ack(Some(self), id, reply);
    }
}

/// For whom a handler runs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked {
    /// The client, with its ack id if it asked for one.
    Client(Option<u64>),
    /// Nobody: another handler of the event answers.
    Observer,
}

impl Asked {
    const fn id(self) -> Option<u64> {
        match self {
            Self::Client(id) => id,
            Self::Observer => None,
        }
    }
}

/// A call of an event's handler.
#[derive(Debug)]
struct Call {
    ack: Ack,
    /// When it began, if somebody wants to know how long it takes.
    began: Option<Instant>,
}

/// No handler runs.
impl From<Ack> for Call {
    fn from(ack: Ack) -> Self {
        Self { ack, began: None }
    }
}

/// Who answers an event.
#[derive(Debug, Clone)]
enum Ack {
    /// The client did not ask.
    None,
    /// Another handler answers, also with an error.
    Observer,
    /// The dispatcher, with the handler's result.
    Automatic(u64),
    /// The handler, through an `AckSender`; `dropped`: it let go of it without an answer.
    Taken { id: u64, dropped: bool },
    /// One of the two, known when the handler has finished.
    Held { id: u64, hold: Rc<AckHold> },
}

impl Ack {
    const fn id(&self) -> Option<u64> {
        match self {
            Self::None | Self::Observer => None,
            Self::Automatic(id) | Self::Taken { id, .. } | Self::Held { id, .. } => Some(*id),
        }
    }
}

/// The answer in place of the one a handler did not give.
fn unanswered(reply: Reply) -> Reply {
    match reply {
        Reply::Err(error) => Reply::Err(error),
        _ => Reply::Err(no_answer()),
    }
}

/// What becomes of an ack while its handler waits.
#[derive(Debug, Default)]
struct AckHold {
    /// A parameter, a guard or a middleware took it over.
    taken: Rc<Cell<bool>>,
    /// It was let go of without an answer, in the handler's last poll.
    dropped: Cell<bool>,
}

/// A waiting handler that holds the ack of its event, or may come to, and may drop it at any poll.
struct TakenAck {
    socket: Socket,
    id: u64,
    event: Box<str>,
    rules: Arc<Rules>,
    hold: Rc<AckHold>,
    future: LocalBoxFuture<Reply>,
}

impl TakenAck {
    fn new(
        socket: &Socket,
        id: u64,
        event: &str,
        rules: &Arc<Rules>,
        hold: &Rc<AckHold>,
        future: LocalBoxFuture<Reply>,
    ) -> Self {
        let (socket, rules, hold) = (socket.clone(), Arc::clone(rules), Rc::clone(hold));
        Self { socket, id, event: event.into(), rules, hold, future }
    }
}

impl Future for TakenAck {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply> {
        let this = &mut *self;
        let (polled, dropped) = ack_scope::run((this.socket.address(), this.id), || {
            catch_unwind(AssertUnwindSafe(|| this.future.as_mut().poll(cx)))
                .unwrap_or_else(|_panic| Poll::Ready(Reply::Err(panicked())))
        });
        if dropped {
            if polled.is_ready() {
                this.hold.dropped.set(true);
            } else {
                // The client need not wait for the rest of the handler.
                let worker = Worker::current(this.socket.hub());
                let mut error = no_answer();
                let cx = EventCx::new(&this.socket, &this.event, Some(this.id), &this.rules);
                run_hooks(&this.rules, &mut error, &cx);
                this.socket.send_ack(worker.as_deref(), this.id, Reply::Err(error));
            }
        }
        polled
    }
}
