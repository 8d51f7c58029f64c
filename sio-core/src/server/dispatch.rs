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
use crate::engine::{Received, Transport};
use crate::handler::{Dispatch, EventCx, LocalBoxFuture, Reply, ack_scope};
use crate::mux::{MuxError, MuxEvent};
use crate::packet::{self, ArgCursor, ArgError, DecodeError, Packet};

use super::ack::no_answer;
use super::connection::{Connection, PendingPush};
use super::held::HeldEvent;
use super::life::{panicked, report};
use super::raw::EngineSocket;
use super::sessions::PushReply;
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
                Some(raw) => {
                    self.guarded(|| raw.text(&self.raw_socket(connection), message));
                }
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
            Some(raw) => {
                self.guarded(|| raw.binary(&self.raw_socket(connection), bytes));
            }
        }
    }

    pub(super) fn raw_socket(&self, connection: &Connection) -> EngineSocket {
        EngineSocket::new(Arc::clone(&self.hub), Arc::clone(&connection.handle))
    }

    /// Hands over the packets of a push, as far as the session takes input.
    pub(super) fn resume_push(&self, connection: &Rc<Connection>) {
        // A handler that finishes while packets are handed over comes back here.
        if connection.pushing.replace(true) {
            return;
        }
        let push = connection.push.borrow_mut().take();
        if let Some(push) = push {
            let panicked = self.guarded(|| {
                let unfinished = self.feed(connection, push);
                *connection.push.borrow_mut() = unfinished;
                self.settle(connection);
            });
            if panicked {
                // The rest of the push is lost, and with it the session.
                connection.engine.borrow_mut().abort(CloseReason::ForcedClose);
                self.settle(connection);
            }
            // Frames may have waited for it.
            connection.wake();
        }
        connection.pushing.set(false);
    }

    /// As [`Self::resume_push`], but not in the middle of whatever runs now, which may be a handler.
    pub(super) fn resume_later(&self, connection: &Rc<Connection>) {
        if connection.push.borrow().is_some() && !self.is_full(connection) {
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
            if self.is_full(connection) {
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
                self.drop_held(connection, &socket);
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
        if self.is_busy(socket) || connection.held.borrow().has(socket) {
            connection.held.borrow_mut().push(HeldEvent {
                socket: socket.clone(),
                event: event.into(),
                ack: packet.ack,
                args: packet.args.into(),
                attachments: bins.to_vec(),
            });
            return;
        }
        self.run_event(connection, socket, event, packet.ack, ArgCursor::new(packet.args, bins));
    }

    /// The socket runs as many handlers as it may.
    fn is_busy(&self, socket: &Socket) -> bool {
        let max = self.hub.config.limits.max_handlers;
        max > 0 && socket.unfinished_handlers() >= max
    }

    /// Starts held events for which a handler has finished.
    pub(super) fn run_held(&self, connection: &Rc<Connection>) {
        connection.full_since.set(None);
        while !connection.is_ending() {
            let next = connection.held.borrow_mut().take(|socket| !self.is_busy(socket));
            let Some(held) = next else { return };
            self.guarded(move || {
                // What was sent before the socket left is not delivered after it.
                if !held.socket.has_ended() {
                    let args = ArgCursor::new(&held.args, &held.attachments);
                    self.run_event(connection, &held.socket, &held.event, held.ack, args);
                }
            });
        }
    }

    /// A socket has ended: its held events take no more room.
    pub(super) fn drop_held(&self, connection: &Rc<Connection>, socket: &Socket) {
        let dropped = connection.held.borrow_mut().take_all(socket);
        if !dropped.is_empty() {
            drop(dropped);
            self.resume_later(connection);
            connection.wake();
        }
    }

    fn run_event(
        &self,
        connection: &Rc<Connection>,
        socket: &Socket,
        event: &str,
        asked: Option<u64>,
        mut args: ArgCursor<'_>,
    ) {
        let Some(handler) = socket.handlers().event(event) else {
            // Nobody reads the arguments, but a broken packet is still a broken packet.
            if let Err(ArgError::Malformed(error)) = args.finish() {
                self.on_undecodable(connection, error);
            }
            return;
        };
        let cx = EventCx::new(socket, event, asked);
        let call = || {
            catch_unwind(AssertUnwindSafe(|| handler(&cx, args)))
                .unwrap_or_else(|_panic| Dispatch::Ready(Reply::Err(panicked())))
        };
        let (outcome, dropped) = match asked {
            Some(id) => ack_scope::run((socket.address(), id), call),
            None => (call(), false),
        };
        let ack = match asked {
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
                self.keep_handler(socket, future, move |worker, reply| {
                    worker.reply(&replier, &event, ack, reply);
                });
            }
        }
    }

    /// Keeps an event handler that waits; it counts for its socket until it has finished or is dropped.
    fn keep_handler(
        &self,
        socket: &Socket,
        future: LocalBoxFuture<Reply>,
        done: impl FnOnce(&Self, Reply) + 'static,
    ) {
        socket.handler_started();
        let slot = HandlerSlot(socket.clone());
        self.keep_running(socket, future, move |worker, reply| {
            let _slot = slot;
            done(worker, reply);
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
}

/// The place of a waiting handler among those its socket may have.
struct HandlerSlot(Socket);

impl Drop for HandlerSlot {
    fn drop(&mut self) {
        // Only the first below the limit makes room.
        let max = self.0.hub().config.limits.max_handlers;
        if self.0.handler_finished() >= max && !self.0.has_ended() {
            self.0.handler_done();
        }
    }
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
    future: LocalBoxFuture<Reply>,
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
