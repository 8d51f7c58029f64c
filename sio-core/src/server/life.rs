//! The life of sockets and sessions: CONNECT and its guards, disconnection, the end.
//!
//! A socket is in its namespace's room index from the answer to its CONNECT until its end, and its
//! life-cycle handlers run once. [`Worker::settle`] brings everybody up to date with a session's state.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use crate::close::{CloseReason, DisconnectReason};
use crate::engine::{HandshakeError, Transport};
use crate::handler::{ContextFn, Dispatch, EventCx, EventError, LocalBoxFuture, Reply};
use crate::packet;

use super::connection::Connection;
use super::namespace::Namespace;
use super::sessions::{PollReply, PushReply, SessionOp};
use super::socket::Socket;
use super::tasks::Tasks;
use super::worker::Worker;

impl Worker {
    // ---- namespaces -----------------------------------------------------------------------------

    pub(super) fn on_connect(&self, connection: &Rc<Connection>, path: &str, auth: &str) {
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
        let rooms = socket.set_connected();
        self.adapter_add(connection, socket, &rooms);
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
    fn leave_namespace(&self, connection: &Rc<Connection>, socket: &Socket) {
        let path = socket.namespace().path();
        if socket.has_ended() || !connection.mux.borrow_mut().withdraw(path, socket) {
            return;
        }
        let mut text = Vec::with_capacity(16);
        packet::encode_disconnect(&mut text, path);
        connection.engine.borrow_mut().send_text(&[&text]);
        self.drop_held(connection, socket);
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

    /// Ends a socket, once: `disconnecting` with its rooms, then without.
    ///
    /// The handlers of one end may cause others, without a bound. Those wait until the first is through:
    /// only the outermost call runs handlers.
    pub(super) fn socket_ended(&self, socket: &Socket, reason: DisconnectReason) {
        if !socket.begin_end() {
            return;
        }
        self.ends.borrow_mut().push_back((socket.clone(), reason));
        if self.ending.replace(true) {
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
        let (reason, closed, output, websocket) = {
            let engine = connection.engine.borrow();
            let websocket = engine.transport() == Transport::Websocket;
            (engine.close_reason(), engine.is_closed(), engine.has_output(), websocket)
        };
        if output {
            connection.wake();
        }
        let Some(reason) = reason else { return };
        if !connection.ended.replace(true) {
            tracing::debug!(?reason, "session ended");
            connection.handle.end();
            drop(connection.held.take());
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
        // A WebSocket connection takes its farewell by itself, if its peer reads; nobody else can
        // reach the session any more.
        if closed || websocket {
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
) -> Result<Reply, LocalBoxFuture<Reply>> {
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

pub(super) fn panicked() -> EventError {
    EventError::internal("the handler panicked")
}

pub(super) fn report(error: &EventError, namespace: &Namespace, event: &str) {
    if let Some(detail) = error.detail() {
        tracing::error!(namespace = namespace.path(), event, detail, "handler failed");
    } else {
        tracing::debug!(namespace = namespace.path(), event, code = error.code(), "event refused");
    }
}
