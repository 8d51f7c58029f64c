//! From frames to the events of sockets.
//!
//! Steps 3 to 5 of a packet's way on the session's home worker. What an error leads to on the wire is
//! decided here by class: an undecodable packet or a broken rule closes the session, a handler's error
//! answers its event.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use futures_channel::oneshot;

use crate::close::{CloseReason, DisconnectReason};
use crate::engine::payload::Slot;
use crate::engine::{Received, Revision, Transport};
use crate::handler::{EventCx, EventError, run_hooks};
use crate::limits::Limit;
use crate::mux::{MuxError, MuxEvent, ProtocolViolation};
use crate::packet::{self, ArgCursor, DecodeError};
use crate::parser::{Message, Parser};

use super::connection::{Connection, PendingPush};
use super::namespace::ConnectScope;
use super::raw::EngineSocket;
use super::sessions::{Answer, PushReply};
use super::socket::Socket;
use super::spans;
use super::turn::Turn;
use super::worker::Worker;

impl Worker {
    // ---- frames ---------------------------------------------------------------------------------

    /// Takes a text frame of the WebSocket, or one packet of a pushed payload.
    ///
    /// The caller ends its turn, or settles the session, afterwards.
    pub fn receive_text(&self, connection: &Rc<Connection>, text: &str) {
        if spans::are_wanted() {
            return connection.handle.span().within(|| {
                spans::tell_received_text(text);
                self.take_text(connection, text);
            });
        }
        self.take_text(connection, text);
    }

    #[inline]
    fn take_text(&self, connection: &Rc<Connection>, text: &str) {
        let received = connection.engine.borrow_mut().receive_text(self.now(), text);
        match received {
            Received::Text(message) => match &self.hub.raw {
                None => self.on_text(connection, message),
                Some(raw) => {
                    self.guarded(|| raw.text(&self.raw_socket(connection), message));
                }
            },
            Received::Binary(bytes) => self.take_binary(connection, bytes),
            Received::Nothing => self.rearm_heartbeat(connection),
            Received::Closed => {}
        }
    }

    /// Takes a text message that is no engine packet, for the handler of a server without Socket.IO.
    #[cfg(feature = "internals")]
    #[doc(hidden)]
    pub fn receive_bare_text(&self, connection: &Rc<Connection>, text: &str) {
        if let Some(raw) = &self.hub.raw {
            self.guarded(|| raw.text(&self.raw_socket(connection), text));
        }
    }

    /// Takes a binary frame of the WebSocket.
    pub fn receive_binary(&self, connection: &Rc<Connection>, bytes: Bytes) {
        connection.handle.span().within(|| {
            if spans::packets_are_wanted() {
                spans::tell_received_binary(bytes.len());
            }
            let received = connection.engine.borrow_mut().receive_binary(self.now(), bytes);
            if let Received::Binary(bytes) = received {
                self.take_binary(connection, bytes);
            }
        });
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

    /// The session's turn in a poll of the worker: goes on with held events and with a push that had to wait, as
    /// far as the turn goes.
    pub(super) fn take_turn(&self, connection: &Rc<Connection>) {
        let mut turn = Turn::begin(self);
        if !self.run_held(connection, &mut turn) {
            self.queue_turn(connection);
        }
        let push = connection.push.borrow_mut().take();
        if let Some(push) = push {
            // Whoever brought it waits for the answer.
            drop(self.hand_over_push(connection, *push, turn));
        } else {
            self.settle(connection);
        }
        // What waited for held events may be read now.
        connection.wake();
    }

    /// Gives the session a turn in the worker's next poll, one however often this is called.
    pub(super) fn queue_turn(&self, connection: &Connection) {
        if connection.has_turn.replace(true) {
            return;
        }
        self.turns.borrow_mut().push(Arc::clone(&connection.handle));
        if !self.polling.get() {
            self.wake();
        }
    }

    /// Hands over the packets of a push, as far as the turn goes and the session takes input.
    pub(super) fn hand_over_push(
        &self,
        connection: &Rc<Connection>,
        mut push: PendingPush,
        mut turn: Turn,
    ) -> Answer<PushReply> {
        let mut answer = Answer::never();
        connection.pushing.set(true);
        let panicked = self.guarded(|| {
            let told = self.feed(connection, &mut push, &mut turn);
            match (told.or_else(|| self.keep_waiting(connection, &mut push)), push.reply.take()) {
                (Some(told), Some(reply)) => {
                    let _lost = reply.send(told);
                }
                (Some(told), None) => answer = Answer::known(told),
                (None, reply) => {
                    push.reply = reply.or_else(|| {
                        let (reply, receiver) = oneshot::channel();
                        answer = Answer::later(receiver);
                        Some(reply)
                    });
                    *connection.push.borrow_mut() = Some(Box::new(push));
                }
            }
            self.settle(connection);
            // It may only have had its turn.
            self.resume_later(connection);
        });
        if panicked {
            // The rest of the push is lost, and with it the session.
            answer = Answer::never();
            connection.engine.borrow_mut().abort(CloseReason::ForcedClose);
            self.settle(connection);
        }
        // Frames may have waited for it.
        connection.wake();
        connection.pushing.set(false);
        answer
    }

    /// A push may go on: in a turn of the session's, not in the middle of whatever runs now, which may be a
    /// handler.
    pub(super) fn resume_later(&self, connection: &Rc<Connection>) {
        if connection.push.borrow().is_some() && !self.is_full(connection) {
            self.queue_turn(connection);
        }
    }

    /// A push has to wait: it counts among what all clients have not finished. What it is answered if there is no
    /// room for it; its session ends then.
    fn keep_waiting(
        &self,
        connection: &Rc<Connection>,
        push: &mut PendingPush,
    ) -> Option<PushReply> {
        if push.share.hold(&self.hub.input, push.size).is_ok() {
            return None;
        }
        self.give_up_unfinished(connection);
        Some(PushReply::Exhausted)
    }

    /// What the push is answered; `None`: it has to wait, perhaps only until others have had their turn.
    fn feed(
        &self,
        connection: &Rc<Connection>,
        push: &mut PendingPush,
        turn: &mut Turn,
    ) -> Option<PushReply> {
        let mut is_over = false;
        while !connection.is_ending() {
            if (is_over || self.is_full(connection)) && !push.body.is_done() {
                return None;
            }
            let Some(packet) = push.body.next_packet() else {
                break;
            };
            let (carries_message, bytes) = match &packet {
                Ok(Slot::Text(packet)) => (packet.starts_with(['4', 'b']), packet.len()),
                Ok(Slot::Binary(bytes)) => (true, bytes.len()),
                Err(_) => (false, 0),
            };
            if !carries_message {
                push.idle_packets += 1;
            }
            match packet {
                Ok(_) if push.idle_packets > self.hub.config.limits.max_idle_packets => {
                    self.hub.count_limit(Limit::MaxIdlePackets);
                    connection.engine.borrow_mut().abort(CloseReason::ParseError);
                }
                Ok(Slot::Text(packet)) => self.receive_text(connection, packet),
                Ok(Slot::Binary(bytes)) => self.receive_binary(connection, bytes),
                Err(_invalid) => {
                    connection.engine.borrow_mut().abort(CloseReason::ParseError);
                    return Some(PushReply::Invalid);
                }
            }
            is_over = turn.is_over_after(self, bytes);
        }
        Some(PushReply::Ok)
    }

    // ---- messages -------------------------------------------------------------------------------

    fn on_text(&self, connection: &Rc<Connection>, text: &str) {
        if let Some(parser) = &self.hub.parser {
            return self.on_foreign(connection, &**parser, Message::Text(text.to_owned()));
        }
        // The common case in one step; what is wrong with others is found out below.
        if let Some(event) = packet::plain_event(text, &self.hub.decode_limits) {
            let socket = connection.mux.borrow().receiver(event.namespace);
            if let Some(socket) = socket {
                let args = ArgCursor::new(event.args, &[]);
                return self.on_event(connection, &socket, event.name, event.ack, &args);
            }
        }
        self.on_other_text(connection, text);
    }

    /// Takes a text message that is no event, or one with something special to it.
    fn on_other_text(&self, connection: &Rc<Connection>, text: &str) {
        let event = connection.mux.borrow_mut().receive_text(
            self.now(),
            text,
            &self.hub.decode_limits,
            self.hub.attachment_limits,
        );
        let is_incomplete = matches!(event, Ok(MuxEvent::Incomplete));
        self.on_event_or_error(connection, event, &[]);
        if is_incomplete {
            self.charge_unfinished(connection);
            self.rearm_packet(connection);
        }
    }

    /// A binary packet waits for its attachments: it counts among what all clients have not finished.
    fn charge_unfinished(&self, connection: &Connection) {
        let charged = connection.mux.borrow_mut().charge(&self.hub.input);
        if charged.is_err() {
            self.give_up_unfinished(connection);
        }
    }

    /// All clients together have too much unfinished.
    fn give_up_unfinished(&self, connection: &Connection) {
        self.hub.count_limit(Limit::MaxPendingInput);
        let detail = "too much unfinished input";
        connection.engine.borrow_mut().abort(CloseReason::TransportError(detail));
    }

    fn on_binary(&self, connection: &Rc<Connection>, bytes: Bytes) {
        if let Some(parser) = &self.hub.parser {
            return self.on_foreign(connection, &**parser, Message::Binary(bytes));
        }
        let event = connection.mux.borrow_mut().receive_binary(
            self.now(),
            bytes,
            self.hub.attachment_limits,
        );
        let assembled = match event {
            Ok(MuxEvent::Assembled(assembled)) => assembled,
            Ok(MuxEvent::Incomplete) => return self.charge_unfinished(connection),
            other => return self.on_event_or_error(connection, other, &[]),
        };
        let decoded = packet::decode(&assembled.text, &self.hub.decode_limits)
            .and_then(|packet| {
                let count = assembled.attachments.len();
                if !packet::are_plain(packet.args, count) {
                    packet::check_placeholders(packet.data, count)?;
                }
                Ok(packet)
            })
            .map_err(MuxError::from)
            .and_then(|packet| connection.mux.borrow().route(packet));
        self.on_event_or_error(connection, decoded, &assembled.attachments);
    }

    /// Takes a message in another encoding than the default one.
    fn on_foreign(&self, connection: &Rc<Connection>, parser: &dyn Parser, message: Message) {
        let limits = &self.hub.config.limits;
        let incoming = match connection.decoding.decode(parser, limits, self.now(), message) {
            Ok(Some(incoming)) => incoming,
            Ok(None) => {
                if connection.decoding.charge(&self.hub.input).is_err() {
                    self.give_up_unfinished(connection);
                }
                return self.rearm_packet(connection);
            }
            Err(error) => return self.on_undecodable(connection, error),
        };
        let routed = incoming
            .packet(&self.hub.decode_limits)
            .map_err(MuxError::from)
            .and_then(|packet| connection.mux.borrow().route(packet));
        self.on_event_or_error(connection, routed, &incoming.attachments);
    }

    fn on_event_or_error(
        &self,
        connection: &Rc<Connection>,
        event: Result<MuxEvent<'_, Socket>, MuxError>,
        bins: &[Bytes],
    ) {
        match event {
            Ok(MuxEvent::Event { socket, packet }) => {
                let event = packet.event.as_ref().map_or("", |event| event.as_str());
                let args = ArgCursor::new(packet.args, bins);
                self.on_event(connection, &socket, event, packet.ack, &args);
            }
            Ok(MuxEvent::Ack { socket, id: Some(id), args }) => socket.resolve_ack(id, args, bins),
            Ok(MuxEvent::Ack { id: None, .. } | MuxEvent::Incomplete | MuxEvent::Assembled(_)) => {}
            Ok(MuxEvent::Connect { namespace, auth }) => {
                if connection.handle.revision() == Revision::V3 {
                    return self.on_connect_v3(connection, namespace, auth);
                }
                self.on_connect(connection, namespace, auth);
            }
            Ok(MuxEvent::Disconnect { socket }) => {
                connection.mux.borrow_mut().leave(socket.namespace().path());
                self.drop_held(connection, &socket);
                self.socket_ended(&socket, DisconnectReason::ClientNamespaceDisconnect);
            }
            Err(MuxError::Decode(error)) => self.on_undecodable(connection, error),
            Err(MuxError::Violation(violation)) => self.on_violation(connection, violation),
        }
    }

    pub(super) fn on_violation(&self, connection: &Rc<Connection>, violation: ProtocolViolation) {
        tracing::debug!(%violation, "session closed");
        let unseen = {
            let engine = connection.engine.borrow();
            engine.transport() == Transport::Polling && !engine.poll_waits()
        };
        let reason = if unseen { CloseReason::ForcedServerClose } else { CloseReason::ForcedClose };
        self.end(connection, reason);
    }

    /// Shows the error to the hooks of every socket of the session, and ends the session.
    pub(super) fn on_undecodable(&self, connection: &Rc<Connection>, error: DecodeError) {
        tracing::debug!(%error, "session closed");
        if let Some(limit) = limit_of(&error) {
            self.hub.count_limit(limit);
        }
        let sockets: Vec<Socket> = connection.mux.borrow().sockets().cloned().collect();
        for socket in &sockets {
            let mut error = EventError::new("parse_error", error.to_string());
            let scopes = socket.handlers().connect.iter().chain(&self.hub.global_connect);
            for ConnectScope { rules, .. } in scopes.map(Arc::as_ref) {
                run_hooks(rules, &mut error, &EventCx::new(socket, "", None, rules));
            }
        }
        self.end(connection, CloseReason::ForcedClose);
    }
}

/// The bound that a packet is above.
const fn limit_of(error: &DecodeError) -> Option<Limit> {
    match error {
        DecodeError::TooManyAttachments { .. } => Some(Limit::MaxAttachments),
        DecodeError::AttachmentsTooLarge { .. } => Some(Limit::MaxBinaryPacket),
        DecodeError::NamespaceTooLong { .. } => Some(Limit::MaxNamespaceLen),
        DecodeError::NestingTooDeep => Some(Limit::MaxJsonDepth),
        _ => None,
    }
}
