//! The life of sockets and sessions: CONNECT and its guards, disconnection, the end.
//!
//! A socket is in its namespace's room index from the answer to its CONNECT until its end, and its
//! life-cycle handlers run once. [`Worker::settle`] brings everybody up to date with a session's state.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use crate::close::{CloseReason, DisconnectReason};
use crate::engine::{HandshakeError, Transport};
use crate::handler::{Dispatch, EventCx, EventError, Phase, Reply, Rules, run_hooks};
use crate::limits::Limit;
use crate::shown::Shown;

use super::cancelling::{cancellable, while_open};
use super::connection::Connection;
use super::encoding::Refusal;
use super::hub::Entrance;
use super::namespace::{LifeEntry, Namespace};
use super::pipeline;
use super::recovery::Admission;
use super::running::Gate;
use super::sessions::{PollReply, PushReply, SessionOp};
use super::socket::Socket;
use super::spans::{self, ENGINE, SOCKET};
use super::tasks::Tasks;
use super::worker::Worker;

impl Worker {
    // ---- namespaces -----------------------------------------------------------------------------

    pub(super) fn on_connect(&self, connection: &Rc<Connection>, path: &str, auth: &str) {
        // Other parsers than the default one may let such a name through.
        if !path.starts_with('/') {
            return self.refuse(connection, path, Refusal::Server("Invalid namespace"));
        }
        let limits = &self.hub.config.limits;
        if limits.max_namespaces > 0 && connection.mux.borrow().len() >= limits.max_namespaces {
            self.hub.count_limit(Limit::MaxNamespaces);
            let error = match self.hub.namespace(path) {
                Some(_) => "Too many namespaces",
                None => "Invalid namespace",
            };
            return self.refuse(connection, path, Refusal::Server(error));
        }
        // Patterns may be functions of the user's.
        let entered = catch_unwind(AssertUnwindSafe(|| self.hub.enter(path)));
        let entered = entered.unwrap_or_else(|_panic| {
            tracing::error!("a namespace pattern panicked");
            Entrance::Unknown
        });
        match entered {
            Entrance::Found(namespace) => self.join_namespace(connection, &namespace, auth),
            Entrance::Asked(patterns) => self.ask_patterns(connection, path, auth, patterns),
            Entrance::Unknown => self.refuse_unknown(connection, path),
        }
    }

    pub(super) fn refuse_unknown(&self, connection: &Rc<Connection>, path: &str) {
        self.hub.tell_unknown(path);
        self.refuse(connection, path, Refusal::Server("Invalid namespace"));
    }

    /// A namespace that exists, and counts the socket already, is to be joined.
    pub(super) fn join_namespace(
        &self,
        connection: &Rc<Connection>,
        namespace: &Arc<Namespace>,
        auth: &str,
    ) {
        let (socket, waits) = match self.admit(connection, namespace, auth) {
            Admission::Decide(socket) => (socket, false),
            Admission::Wait(socket) => (socket, true),
        };
        if waits {
            let path = Arc::clone(namespace.path_arc());
            return connection.mux.borrow_mut().reserve(path, socket);
        }
        self.consider(connection, &socket);
    }

    /// Asks the guards whether a socket may connect.
    pub(super) fn consider(&self, connection: &Rc<Connection>, socket: &Socket) {
        socket.connect_span().in_scope(|| self.ask_guards(connection, socket));
    }

    fn ask_guards(&self, connection: &Rc<Connection>, socket: &Socket) {
        let path = Arc::clone(socket.namespace().path_arc());
        connection.mux.borrow_mut().reserve(path, socket.clone());
        if self.hub.global_connect.is_none() && socket.handlers().connect.is_empty() {
            return self.decide(connection, socket, Ok(()));
        }
        // Polled in place; a guard that waits sends the verdict to the session's home later.
        match Tasks::first_poll(pipeline::connect(socket)) {
            Ok(reply) => self.decide(connection, socket, verdict(reply)),
            Err(future) => {
                let waiting = socket.clone();
                let future = while_open(socket, future);
                self.keep_running(socket, future, move |worker, reply| {
                    let session = Arc::clone(waiting.session());
                    let (socket, verdict, span) = (waiting, verdict(reply), spans::Kept::current());
                    worker.route(&session, SessionOp::Decided { socket, verdict, span });
                });
            }
        }
    }

    /// The guards have decided: answer CONNECT.
    pub(super) fn decide(
        &self,
        connection: &Rc<Connection>,
        socket: &Socket,
        verdict: Result<(), EventError>,
    ) {
        let path = socket.namespace().path();
        if let Err(error) = verdict {
            report_connect(&error, socket.namespace());
            socket.abandon();
            let withdrawn = connection.mux.borrow_mut().withdraw(path, socket);
            if withdrawn {
                self.refuse(connection, path, Refusal::Guard(&error));
                self.settle(connection);
            }
            return;
        }
        if connection.ended.get() || connection.is_ending() {
            socket.abandon();
            return;
        }
        let revision = connection.handle.revision();
        let granted = match self.hub.connect_frames(path, socket.id(), socket.pid(), revision) {
            Ok(granted) => granted,
            Err(error) => {
                tracing::error!(%error, "the answer to a CONNECT could not be written");
                socket.abandon();
                connection.mux.borrow_mut().withdraw(path, socket);
                self.end(connection, CloseReason::ForcedClose);
                return self.settle(connection);
            }
        };
        let Some(missed) = self.missed(connection, socket) else {
            // Too much was said while its guards ran: the client joins as a new one.
            if connection.mux.borrow_mut().withdraw(path, socket) {
                self.connect_again(connection, socket);
            }
            return;
        };
        // The application may have disconnected the socket while its guards ran.
        if !connection.mux.borrow_mut().join(path, socket) {
            socket.abandon();
            return;
        }
        connection.connect_deadline.set(None);
        let rooms = socket.set_connected();
        if socket.disconnects_at().is_some() {
            self.rearm(connection);
        }
        self.adapter_add(connection, socket, &rooms);
        socket.namespace().count_connected();
        tracing::debug!(target: SOCKET, recovered = socket.is_recovered(), "socket connected");
        connection.say(missed.iter().chain([&granted]));
        // A handler may end the socket, and so may the hook for rooms: the others are told of the connection
        // before its end.
        self.hold_ends(|| {
            self.hub.tell_rooms();
            self.hub.watch.tell(|observer| observer.socket_connected(socket));
            for handler in &socket.handlers().connection {
                self.run_life_cycle(socket, handler, Phase::Connection, None);
            }
        });
        self.settle(connection);
    }

    fn refuse(&self, connection: &Rc<Connection>, path: &str, refusal: Refusal<'_>) {
        self.hub.watch.tell(|observer| observer.connect_refused(path));
        let max = self.hub.config.limits.max_connect_failures;
        let counted = connection.mux.borrow_mut().count_connect_failure(max);
        if let Err(violation) = counted {
            tracing::debug!(%violation, "session closed");
            self.hub.count_limit(Limit::MaxConnectFailures);
            return self.end(connection, CloseReason::ForcedClose);
        }
        let revision = connection.handle.revision();
        match self.hub.connect_error_frames(path, refusal, revision) {
            Ok(refused) => connection.say([&refused]),
            Err(error) => tracing::warn!(%error, "a refusal could not be sent"),
        }
    }

    /// Runs a connection or disconnection handler; an error of the former ends the socket.
    fn run_life_cycle(
        &self,
        socket: &Socket,
        entry: &Arc<LifeEntry>,
        phase: Phase,
        reason: Option<DisconnectReason>,
    ) {
        let rules = &entry.rules;
        let gate = Rc::new(Gate::default());
        let cx = EventCx::of_life(socket, phase, reason, rules).gated(&gate);
        let called = catch_unwind(AssertUnwindSafe(|| {
            if rules.middleware.is_empty() {
                (entry.run)(&cx)
            } else {
                Dispatch::Pending(pipeline::life(&cx, entry))
            }
        }));
        let polled = match called {
            Ok(Dispatch::Ready(reply)) => Ok(reply),
            Ok(Dispatch::Pending(future)) => Tasks::first_poll(future),
            // Handlers without arguments read no packet.
            Ok(Dispatch::Malformed(error)) => Ok(Reply::Err(error.into())),
            Err(_panic) => Ok(Reply::Err(panicked())),
        };
        match polled {
            Ok(reply) => finish_life(socket, rules, phase, reason, reply),
            Err(future) => {
                if phase == Phase::Connection {
                    gate.hold(socket);
                }
                let future = cancellable(socket, rules, false, None, future);
                let (waiting, rules) = (socket.clone(), Arc::clone(rules));
                self.keep_running(socket, future, move |_, reply| {
                    finish_life(&waiting, &rules, phase, reason, reply);
                    gate.open();
                });
            }
        }
    }

    // ---- ends -----------------------------------------------------------------------------------

    /// The server disconnects a socket, or with `close` the whole session.
    pub(super) fn disconnect(&self, connection: &Rc<Connection>, socket: &Socket, close: bool) {
        if close {
            let sockets: Vec<Socket> = connection.mux.borrow().sockets().cloned().collect();
            for other in &sockets {
                self.leave_namespace(connection, other);
            }
            self.end(connection, CloseReason::ServerDisconnect);
        } else {
            self.leave_namespace(connection, socket);
        }
        if connection.transport() == Transport::Websocket {
            connection.wake();
        }
        self.settle(connection);
    }

    /// Tells the client to leave a namespace, and ends its socket.
    fn leave_namespace(&self, connection: &Rc<Connection>, socket: &Socket) {
        let path = socket.namespace().path();
        if socket.has_ended() || !connection.mux.borrow_mut().withdraw(path, socket) {
            return;
        }
        // A client that is not told finds out with its next packet.
        match self.hub.disconnect_frames(path) {
            Ok(group) => connection.say([&group]),
            Err(error) => tracing::error!(%error, "a DISCONNECT could not be written"),
        }
        self.drop_held(connection, socket);
        if socket.is_connected() {
            self.socket_ended(socket, DisconnectReason::ServerNamespaceDisconnect);
        } else {
            socket.forget_claim();
            socket.abandon();
        }
    }

    /// Ends a session; what waits is still delivered.
    pub(super) fn end(&self, connection: &Connection, reason: CloseReason) {
        connection.engine.borrow_mut().close(self.now(), reason);
        self.rearm(connection);
    }

    /// Ends a socket, once: `disconnecting` with its rooms, then without.
    ///
    /// The handlers of one end may cause others, without a bound. Those wait until the first is through:
    /// only the outermost call runs handlers.
    pub(super) fn socket_ended(&self, socket: &Socket, reason: DisconnectReason) {
        if !socket.begin_end() {
            return;
        }
        self.note_leaving(socket);
        self.ends.borrow_mut().push_back((socket.clone(), reason));
        self.hold_ends(|| {});
    }

    /// Ends that `call` causes wait until it has returned.
    fn hold_ends(&self, call: impl FnOnce()) {
        let is_inner = self.ending.replace(true);
        self.guarded(call);
        if is_inner {
            return;
        }
        loop {
            let next = self.ends.borrow_mut().pop_front();
            let Some((socket, reason)) = next else { break };
            // The last handle of a socket drops what users stored on it.
            self.guarded(move || {
                self.run_end(&socket, reason);
                drop(socket);
            });
        }
        self.ending.set(false);
    }

    fn run_end(&self, socket: &Socket, reason: DisconnectReason) {
        socket.disconnect_span(reason).in_scope(|| self.run_end_handlers(socket, reason));
    }

    fn run_end_handlers(&self, socket: &Socket, reason: DisconnectReason) {
        tracing::debug!(target: SOCKET, "socket disconnected");
        let handlers = Arc::clone(socket.handlers());
        for handler in &handlers.disconnecting {
            self.run_life_cycle(socket, handler, Phase::Disconnecting, Some(reason));
        }
        let kept = self.to_be_kept(socket, reason);
        socket.finish_end();
        drop(self.adapter_remove(socket));
        self.keep(socket, kept);
        socket.namespace().count_disconnected();
        self.hub.watch.tell(|observer| observer.socket_disconnected(socket, reason));
        self.hub.tell_rooms();
        socket.fail_acks();
        socket.cancel_handlers();
        for handler in &handlers.disconnect {
            self.run_life_cycle(socket, handler, Phase::Disconnect, Some(reason));
        }
        // Handlers that still run keep the controllers of this connection for as long as they need.
        socket.drop_instances();
        socket.drop_listeners();
    }

    /// Brings everybody up to date with a session's state: a waiting poll gets its answer, a WebSocket is
    /// woken, and the sockets of a session that ended are ended, once.
    pub(super) fn settle(&self, connection: &Rc<Connection>) {
        let answer = connection.engine.borrow_mut().take_poll_answer();
        if let Some(payload) = answer {
            let waiting = connection.poll.borrow_mut().take();
            let delivered =
                waiting.is_some_and(|reply| reply.send(PollReply::Payload(payload)).is_ok());
            if !delivered {
                let detail = "poll connection closed prematurely";
                connection.engine.borrow_mut().abort(CloseReason::TransportError(detail));
            }
            // A push may have waited for this output to go.
            self.resume_later(connection);
        }
        let (reason, closed, output, websocket, overflow) = {
            let engine = connection.engine.borrow();
            let websocket = engine.transport() == Transport::Websocket;
            let overflow = engine.overflow();
            (engine.close_reason(), engine.is_closed(), engine.has_output(), websocket, overflow)
        };
        if output {
            connection.wake();
        }
        self.tell_room(connection);
        let Some(reason) = reason else { return };
        if !connection.ended.replace(true) {
            let parent = connection.handle.span().id();
            tracing::debug!(target: ENGINE, parent: parent, ?reason, "session ended");
            if let Some(limit) = overflow {
                self.hub.count_limit(limit);
            }
            connection.handle.end();
            self.hub.watch.tell(|observer| observer.session_closed(&connection.handle, reason));
            drop(connection.held.take());
            self.guarded(|| connection.decoding.clear());
            let push = connection.push.borrow_mut().take();
            if let Some(reply) = push.and_then(|push| push.reply) {
                let _lost = reply.send(PushReply::Refused(HandshakeError::UnknownSid));
            }
            if let Some(raw) = &self.hub.raw {
                self.guarded(|| raw.closed(&self.raw_socket(connection), reason));
            }
            let members = connection.mux.borrow_mut().drain();
            for member in members {
                if member.socket.is_connected() {
                    self.socket_ended(&member.socket, reason.disconnect_reason());
                } else {
                    member.socket.abandon();
                }
            }
        }
        connection.wake();
        // A WebSocket connection takes its farewell by itself, if its peer reads; nobody else can
        // reach the session any more.
        if closed || websocket {
            self.hub.remove_session(&connection.handle);
            self.forget(connection);
        }
    }
}

fn verdict(reply: Reply) -> Result<(), EventError> {
    match reply {
        Reply::Err(error) => Err(error),
        _ => Ok(()),
    }
}

/// A connection or disconnection handler has finished.
fn finish_life(
    socket: &Socket,
    rules: &Arc<Rules>,
    phase: Phase,
    reason: Option<DisconnectReason>,
    reply: Reply,
) {
    match reply {
        Reply::Args(args) => socket.emit_all(&rules.emissions, &args, false),
        Reply::Err(mut error) if !error.is_cancellation() => {
            run_hooks(rules, &mut error, &EventCx::of_life(socket, phase, reason, rules));
            report(&error, socket.namespace(), phase.as_str(), rules);
            if phase == Phase::Connection {
                socket.disconnect(false);
            }
        }
        _ => {}
    }
}

pub(super) fn panicked() -> EventError {
    EventError::internal("the handler panicked")
}

pub(super) fn report(error: &EventError, namespace: &Namespace, event: &str, rules: &Rules) {
    if error.is_silent() {
        return;
    }
    let (namespace, event) = (Shown(namespace.path()), Shown(event));
    // The name is made only for who reads it: clients choose how often they are refused.
    if let Some(detail) = error.detail() {
        tracing::error!(%namespace, %event, handler = rules.name(), detail, "handler failed");
    } else {
        let code = error.code();
        tracing::debug!(%namespace, %event, handler = rules.name(), code, "event refused");
    }
}

fn report_connect(error: &EventError, namespace: &Namespace) {
    let namespace = Shown(namespace.path());
    if let Some(detail) = error.detail() {
        tracing::error!(%namespace, detail, "a connect guard failed");
    } else {
        tracing::debug!(%namespace, code = error.code(), "connection refused");
    }
}
