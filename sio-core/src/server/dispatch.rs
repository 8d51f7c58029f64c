//! From a frame to the user's handler, and back with its reply.
//!
//! Steps 3 to 8 of a packet's way on the session's home worker. What an error leads to on the wire is
//! decided here by class: an undecodable packet or a broken rule closes the session, a handler's error
//! answers its event.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;

use crate::close::{CloseReason, DisconnectReason};
use crate::engine::payload;
use crate::engine::{HandshakeError, Received, Transport};
use crate::frame::FrameGroup;
use crate::handler::{ContextFn, Dispatch, EncodedArgs, EventCx, EventError, Reply, ack_scope};
use crate::mux::{MuxError, MuxEvent};
use crate::packet::{self, ArgCursor, ArgError, DecodeError, Packet};

use super::ack::no_answer;
use super::connection::{Connection, PendingPush};
use super::namespace::Namespace;
use super::raw::EngineSocket;
use super::sessions::{PollReply, PushReply, SessionOp};
use super::socket::Socket;
use super::tasks::{Running, Tasks};
use super::worker::Worker;

impl Worker {
    // ---- frames ---------------------------------------------------------------------------------

    /// Takes a text frame of the WebSocket, or one packet of a pushed payload.
    ///
    /// The caller ends its turn, or settles the session, afterwards.
    pub fn receive_text(&self, connection: &Rc<Connection>, text: &str) {
        let received = connection.engine.borrow_mut().receive_text(self.now(), text);
        match received {
            Received::Text(message) => match &self.hub.raw {
                None => self.on_text(connection, message),
                Some(raw) => self.guarded(|| raw.text(&self.raw_socket(connection), message)),
            },
            Received::Binary(bytes) => self.take_binary(connection, bytes),
            Received::Nothing | Received::Closed => {}
        }
    }

    /// Takes a binary frame of the WebSocket.
    pub fn receive_binary(&self, connection: &Rc<Connection>, bytes: Bytes) {
        let received = connection.engine.borrow_mut().receive_binary(bytes);
        if let Received::Binary(bytes) = received {
            self.take_binary(connection, bytes);
        }
    }

    fn take_binary(&self, connection: &Rc<Connection>, bytes: Bytes) {
        match &self.hub.raw {
            None => self.on_binary(connection, bytes),
            Some(raw) => self.guarded(|| raw.binary(&self.raw_socket(connection), bytes)),
        }
    }

    fn raw_socket(&self, connection: &Connection) -> EngineSocket {
        EngineSocket::new(Arc::clone(&self.hub), Arc::clone(&connection.handle))
    }

    /// Runs a bare server's handler; its panic ends that call, not the worker.
    pub(super) fn guarded(&self, call: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(call)).is_err() {
            tracing::error!("an engine handler panicked");
        }
    }

    /// Hands over the packets of a push, as far as the session takes input.
    pub(super) fn resume_push(&self, connection: &Rc<Connection>) {
        // A handler that finishes while packets are handed over comes back here.
        if connection.pushing.replace(true) {
            return;
        }
        let push = connection.push.borrow_mut().take();
        if let Some(push) = push {
            let unfinished = self.feed(connection, push);
            *connection.push.borrow_mut() = unfinished;
            self.settle(connection);
        }
        connection.pushing.set(false);
    }

    /// As [`Self::resume_push`], but not in the middle of whatever runs now, which may be a handler.
    pub(super) fn resume_later(&self, connection: &Rc<Connection>) {
        if connection.push.borrow().is_some() {
            self.resumable.borrow_mut().push(Arc::clone(&connection.handle));
            self.wake();
        }
    }

    /// Gives the push back if it has to wait.
    fn feed(&self, connection: &Rc<Connection>, mut push: PendingPush) -> Option<PendingPush> {
        let Ok(body) = std::str::from_utf8(&push.body) else {
            connection.engine.borrow_mut().abort(CloseReason::ParseError);
            let _lost = push.reply.send(PushReply::Invalid);
            return None;
        };
        let mut rest = body.get(push.position..);
        while !connection.is_ending() {
            if self.is_paused(connection) {
                push.position = body.len() - rest.map_or(0, str::len);
                // An empty rest means that nothing is left, not an empty packet.
                if rest.is_some() {
                    return Some(push);
                }
            }
            let Some(packet) = payload::next_packet(&mut rest) else {
                break;
            };
            if !packet.starts_with(['4', 'b']) {
                push.idle_packets += 1;
                if push.idle_packets > self.hub.config.limits.max_idle_packets {
                    connection.engine.borrow_mut().abort(CloseReason::ParseError);
                    break;
                }
            }
            self.receive_text(connection, packet);
        }
        let _lost = push.reply.send(PushReply::Ok);
        None
    }

    // ---- messages -------------------------------------------------------------------------------

    fn on_text(&self, connection: &Rc<Connection>, text: &str) {
        let event = connection.mux.borrow_mut().receive_text(
            self.now(),
            text,
            &self.hub.decode_limits,
            self.hub.attachment_limits,
        );
        self.on_event_or_error(connection, event, &[]);
        if connection.mux.borrow().attachment_deadline().is_some() {
            self.rearm(connection);
        }
    }

    fn on_binary(&self, connection: &Rc<Connection>, bytes: Bytes) {
        let event = connection.mux.borrow_mut().receive_binary(
            self.now(),
            bytes,
            self.hub.attachment_limits,
        );
        let assembled = match event {
            Ok(MuxEvent::Assembled(assembled)) => assembled,
            other => return self.on_event_or_error(connection, other, &[]),
        };
        let decoded = packet::decode(&assembled.text, &self.hub.decode_limits)
            .and_then(|packet| {
                packet::check_placeholders(packet.data, assembled.attachments.len())?;
                Ok(packet)
            })
            .map_err(MuxError::from)
            .and_then(|packet| connection.mux.borrow().route(packet));
        self.on_event_or_error(connection, decoded, &assembled.attachments);
    }

    fn on_event_or_error(
        &self,
        connection: &Rc<Connection>,
        event: Result<MuxEvent<'_, Socket>, MuxError>,
        bins: &[Bytes],
    ) {
        match event {
            Ok(MuxEvent::Event { socket, packet }) => {
                self.on_event(connection, &socket, &packet, bins);
            }
            Ok(MuxEvent::Ack { socket, id: Some(id), args }) => socket.resolve_ack(id, args, bins),
            Ok(MuxEvent::Ack { id: None, .. } | MuxEvent::Incomplete | MuxEvent::Assembled(_)) => {}
            Ok(MuxEvent::Connect { namespace, auth }) => {
                self.on_connect(connection, namespace, auth);
            }
            Ok(MuxEvent::Disconnect { socket }) => {
                connection.mux.borrow_mut().leave(socket.namespace().path());
                self.socket_ended(&socket, DisconnectReason::ClientNamespaceDisconnect);
            }
            Err(MuxError::Decode(error)) => self.on_undecodable(connection, error),
            Err(MuxError::Violation(violation)) => {
                tracing::debug!(%violation, "session closed");
                let unseen = {
                    let engine = connection.engine.borrow();
                    engine.transport() == Transport::Polling && !engine.poll_waits()
                };
                let reason =
                    if unseen { CloseReason::ForcedServerClose } else { CloseReason::ForcedClose };
                self.end(connection, reason);
            }
        }
    }

    fn on_undecodable(&self, connection: &Rc<Connection>, error: DecodeError) {
        tracing::debug!(%error, "session closed");
        self.end(connection, CloseReason::ForcedClose);
    }

    // ---- events ---------------------------------------------------------------------------------

    fn on_event(
        &self,
        connection: &Rc<Connection>,
        socket: &Socket,
        packet: &Packet<'_>,
        bins: &[Bytes],
    ) {
        let event = packet.event.as_ref().map_or("", |event| event.as_str());
        let mut args = ArgCursor::new(packet.args, bins);
        let Some(handler) = socket.handlers().event(event) else {
            // Nobody reads the arguments, but a broken packet is still a broken packet.
            if let Err(ArgError::Malformed(error)) = args.finish() {
                self.on_undecodable(connection, error);
            }
            return;
        };
        let cx = EventCx::new(socket, event, packet.ack);
        let call = || {
            catch_unwind(AssertUnwindSafe(|| handler(&cx, args)))
                .unwrap_or_else(|_panic| Dispatch::Ready(Reply::Err(panicked())))
        };
        let (outcome, dropped) = match packet.ack {
            Some(id) => ack_scope::run((socket.address(), id), call),
            None => (call(), false),
        };
        let ack = match packet.ack {
            Some(id) if cx.manual_ack.get() => Ack::Taken { id, dropped },
            Some(id) => Ack::Automatic(id),
            None => Ack::None,
        };
        let future = match outcome {
            Dispatch::Ready(reply) => return self.reply(socket, event, ack, reply),
            Dispatch::Malformed(error) => return self.on_undecodable(connection, error),
            Dispatch::Pending(future) => match ack {
                Ack::Taken { id, .. } => Box::pin(TakenAck { socket: socket.clone(), id, future }),
                Ack::Automatic(_) | Ack::None => future,
            },
        };
        match Tasks::first_poll(future) {
            Ok(reply) => self.reply(socket, event, ack, reply),
            Err(future) => {
                let (replier, event) = (socket.clone(), event.to_owned());
                self.keep_running(socket, future, move |worker, reply| {
                    worker.reply(&replier, &event, ack, reply);
                });
            }
        }
    }

    /// Keeps a handler that waits; it counts for its session until it has finished.
    fn keep_running(
        &self,
        socket: &Socket,
        future: crate::handler::LocalBoxFuture<Reply>,
        done: impl FnOnce(&Self, Reply) + 'static,
    ) {
        socket.session().handler_started();
        let socket = socket.clone();
        let completion = Box::new(move |reply| {
            let Some(worker) = Self::current(socket.hub()) else {
                return;
            };
            done(&worker, reply);
            let unfinished = socket.session().handler_finished();
            // Only the first below the limit makes room.
            if unfinished >= worker.hub.config.limits.max_handlers {
                worker.route(socket.session(), SessionOp::HandlerDone);
            }
        });
        self.tasks.start(Running::new(future, completion));
        self.wake();
    }

    /// Answers an event.
    fn reply(&self, socket: &Socket, event: &str, ack: Ack, reply: Reply) {
        if let Reply::Err(error) = &reply {
            report(error, socket.namespace(), event);
        }
        match (ack, reply) {
            (Ack::Automatic(id), reply) => self.answer(socket, id, reply),
            (Ack::Taken { id, dropped: true }, reply) => {
                self.answer(socket, id, unanswered(reply));
            }
            // Whoever took the ack over answers.
            (Ack::Taken { dropped: false, .. }, _) => {}
            (Ack::None, Reply::Err(error)) => {
                let body = error.for_client(Some(event));
                if let Err(error) = socket.emit("exception", &body) {
                    tracing::debug!(%error, "an exception could not be sent");
                }
            }
            (Ack::None, Reply::Nothing | Reply::Args(_)) => {}
        }
    }

    fn answer(&self, socket: &Socket, id: u64, reply: Reply) {
        if let Some(args) = reply.into_ack() {
            socket.send_ack(Some(self), id, args);
        }
    }

    // ---- namespaces -----------------------------------------------------------------------------

    fn on_connect(&self, connection: &Rc<Connection>, path: &str, auth: &str) {
        let limits = &self.hub.config.limits;
        let Some(namespace) = self.hub.namespace(path) else {
            return self.refuse(connection, path, &EventError::new("", "Invalid namespace"));
        };
        if limits.max_namespaces > 0 && connection.mux.borrow().len() >= limits.max_namespaces {
            return self.refuse(connection, path, &EventError::new("", "Too many namespaces"));
        }
        let socket = Socket::new(&self.hub, Arc::clone(&namespace), &connection.handle, auth);
        connection.mux.borrow_mut().reserve(Arc::clone(namespace.path_arc()), socket.clone());
        self.run_guards(connection, &socket);
    }

    /// Runs the connect guards; from the first that waits on, they run when it has finished.
    fn run_guards(&self, connection: &Rc<Connection>, socket: &Socket) {
        if let Some(verdict) = self.verdict(socket, 0) {
            self.decide(connection, socket, verdict);
        }
    }

    /// What the guards from `first` on say; `None`: one of them waits, and the verdict goes to the
    /// session's home when all have finished.
    fn verdict(&self, socket: &Socket, first: usize) -> Option<Result<(), EventError>> {
        for (index, guard) in socket.handlers().guards.iter().enumerate().skip(first) {
            match run_context(guard, socket, None) {
                Ok(Reply::Err(error)) => return Some(Err(error)),
                Ok(_) => {}
                Err(future) => {
                    let waiting = socket.clone();
                    self.keep_running(socket, future, move |worker, reply| {
                        let verdict = match reply {
                            Reply::Err(error) => Some(Err(error)),
                            _ => worker.verdict(&waiting, index + 1),
                        };
                        if let Some(verdict) = verdict {
                            let session = Arc::clone(waiting.session());
                            let socket = waiting;
                            worker.route(&session, SessionOp::Decided { socket, verdict });
                        }
                    });
                    return None;
                }
            }
        }
        Some(Ok(()))
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
            report(&error, socket.namespace(), "connect");
            socket.abandon();
            let withdrawn = connection.mux.borrow_mut().withdraw(path, socket);
            if withdrawn {
                self.refuse(connection, path, &error);
                self.settle(connection);
            }
            return;
        }
        if connection.ended.get() || connection.is_ending() {
            socket.abandon();
            return;
        }
        // The application may have disconnected the socket while its guards ran.
        if !connection.mux.borrow_mut().join(path, socket) {
            socket.abandon();
            return;
        }
        connection.connect_deadline.set(None);
        self.adapter_add(connection, socket, &socket.rooms_without_own());
        socket.set_connected();
        socket.namespace().count_connected();
        let mut text = Vec::with_capacity(64);
        packet::encode_connect(&mut text, path, socket.id().as_str());
        connection.engine.borrow_mut().send_text(&[&text]);
        for handler in &socket.handlers().connection {
            self.run_life_cycle(socket, handler, None);
        }
        self.settle(connection);
    }

    fn refuse(&self, connection: &Rc<Connection>, path: &str, error: &EventError) {
        let max = self.hub.config.limits.max_connect_failures;
        let counted = connection.mux.borrow_mut().count_connect_failure(max);
        if let Err(violation) = counted {
            tracing::debug!(%violation, "session closed");
            return self.end(connection, CloseReason::ForcedClose);
        }
        let data = match (error.code(), error.data()) {
            ("", data) => data.cloned(),
            (code, None) => Some(serde_json::json!({ "code": code })),
            (code, Some(data)) => Some(serde_json::json!({ "code": code, "details": data })),
        };
        let data = data.map(|data| data.to_string());
        let mut text = Vec::with_capacity(64);
        match packet::encode_connect_error(&mut text, path, error.message(), data.as_deref()) {
            Ok(()) => connection.engine.borrow_mut().send_text(&[&text]),
            Err(error) => tracing::warn!(%error, "a refusal could not be sent"),
        }
    }

    /// Runs a connection or disconnection handler; an error of the former ends the socket.
    fn run_life_cycle(
        &self,
        socket: &Socket,
        handler: &Arc<ContextFn>,
        reason: Option<DisconnectReason>,
    ) {
        let finish = move |socket: &Socket, reply: Reply| {
            if let Reply::Err(error) = reply {
                let event = if reason.is_some() { "disconnect" } else { "connection" };
                report(&error, socket.namespace(), event);
                if reason.is_none() {
                    socket.disconnect(false);
                }
            }
        };
        match run_context(handler, socket, reason) {
            Ok(reply) => finish(socket, reply),
            Err(future) => {
                let waiting = socket.clone();
                self.keep_running(socket, future, move |_, reply| finish(&waiting, reply));
            }
        }
    }

    // ---- ends -----------------------------------------------------------------------------------

    /// The server disconnects a socket, or with `close` the whole session (behaviours 35.13, 35.14).
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
    fn leave_namespace(&self, connection: &Connection, socket: &Socket) {
        let path = socket.namespace().path();
        if socket.has_ended() || !connection.mux.borrow_mut().withdraw(path, socket) {
            return;
        }
        let mut text = Vec::with_capacity(16);
        packet::encode_disconnect(&mut text, path);
        connection.engine.borrow_mut().send_text(&[&text]);
        if socket.is_connected() {
            self.socket_ended(socket, DisconnectReason::ServerNamespaceDisconnect);
        } else {
            socket.abandon();
        }
    }

    /// Ends a session; what waits is still delivered.
    pub(super) fn end(&self, connection: &Connection, reason: CloseReason) {
        connection.engine.borrow_mut().close(self.now(), reason);
        self.rearm(connection);
    }

    /// Runs a socket's end: `disconnecting` with its rooms, then without, once.
    fn socket_ended(&self, socket: &Socket, reason: DisconnectReason) {
        if !socket.begin_end() {
            return;
        }
        let handlers = Arc::clone(socket.handlers());
        for handler in &handlers.disconnecting {
            self.run_life_cycle(socket, handler, Some(reason));
        }
        socket.finish_end();
        let removed = {
            let mut adapters = self.adapters.borrow_mut();
            adapters
                .get_mut(socket.namespace().index())
                .and_then(|adapter| adapter.remove(socket.id()))
        };
        // It may hold the last handle of values that users stored, with a `Drop` of their own.
        drop(removed);
        socket.namespace().count_disconnected();
        socket.fail_acks();
        for handler in &handlers.disconnect {
            self.run_life_cycle(socket, handler, Some(reason));
        }
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
        let (reason, closed, output) = {
            let engine = connection.engine.borrow();
            (engine.close_reason(), engine.is_closed(), engine.has_output())
        };
        if output {
            connection.wake();
        }
        let Some(reason) = reason else { return };
        if !connection.ended.replace(true) {
            tracing::debug!(?reason, "session ended");
            connection.handle.end();
            if let Some(push) = connection.push.borrow_mut().take() {
                let _lost = push.reply.send(PushReply::Refused(HandshakeError::UnknownSid));
            }
            if let Some(raw) = &self.hub.raw {
                self.guarded(|| raw.closed(&self.raw_socket(connection), reason));
            }
            let members = connection.mux.borrow_mut().drain();
            for member in members {
                self.socket_ended(&member.socket, reason.disconnect_reason());
            }
        }
        connection.wake();
        if closed {
            self.hub.remove_session(&connection.handle);
            self.forget(connection);
        }
    }
}

/// Calls a handler without arguments and polls it once.
fn run_context(
    handler: &Arc<ContextFn>,
    socket: &Socket,
    reason: Option<DisconnectReason>,
) -> Result<Reply, crate::handler::LocalBoxFuture<Reply>> {
    let mut cx = EventCx::new(socket, "", None);
    cx.reason = reason;
    match catch_unwind(AssertUnwindSafe(|| handler(&cx))) {
        Ok(Dispatch::Ready(reply)) => Ok(reply),
        Ok(Dispatch::Pending(future)) => Tasks::first_poll(future),
        // Handlers without arguments read no packet.
        Ok(Dispatch::Malformed(error)) => Ok(Reply::Err(error.into())),
        Err(_panic) => Ok(Reply::Err(panicked())),
    }
}

fn panicked() -> EventError {
    EventError::internal("the handler panicked")
}

fn report(error: &EventError, namespace: &Namespace, event: &str) {
    if let Some(detail) = error.detail() {
        tracing::error!(namespace = namespace.path(), event, detail, "handler failed");
    } else {
        tracing::debug!(namespace = namespace.path(), event, code = error.code(), "event refused");
    }
}

/// The arguments of an ack as the frames of its packet.
pub(super) fn ack_group(namespace: &str, id: u64, mut args: EncodedArgs) -> FrameGroup {
    let attachments = args.take_attachments();
    let mut text = Vec::with_capacity(args.json().len() + namespace.len() + 32);
    packet::encode_ack_encoded(&mut text, namespace, id, args.json(), attachments.len());
    FrameGroup::new(text.into(), attachments)
}

/// Who answers an event.
#[derive(Debug, Clone, Copy)]
enum Ack {
    /// The client did not ask.
    None,
    /// The dispatcher, with the handler's result.
    Automatic(u64),
    /// The handler, through an `AckSender`; `dropped`: it let go of it without an answer.
    Taken { id: u64, dropped: bool },
}

/// The answer in place of the one a handler did not give.
fn unanswered(reply: Reply) -> Reply {
    match reply {
        Reply::Err(error) => Reply::Err(error),
        _ => Reply::Err(no_answer()),
    }
}

/// A waiting handler that holds the ack of its event, and may drop it at any of its polls.
struct TakenAck {
    socket: Socket,
    id: u64,
    future: crate::handler::LocalBoxFuture<Reply>,
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
            let reply = match polled {
                Poll::Ready(Reply::Err(ref error)) => Reply::Err(error.clone()),
                Poll::Ready(_) | Poll::Pending => Reply::Err(no_answer()),
            };
            if let Some(args) = reply.into_ack() {
                let worker = Worker::current(this.socket.hub());
                this.socket.send_ack(worker.as_deref(), this.id, args);
            }
        }
        polled
    }
}
