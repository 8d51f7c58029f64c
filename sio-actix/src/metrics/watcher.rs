//! What is told to metrics by one server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sio_core::close::{CloseReason, DisconnectReason};
use sio_core::cluster::ClusterError;
use sio_core::engine::Transport;
use sio_core::server::{HandledEvent, Interest, Io, Namespace, Observer, SessionHandle, Socket};

use super::pulse::Pulse;
use super::state::State;

/// Counts what one server does.
pub(super) struct Watcher {
    state: Arc<State>,
    /// Of all servers of the process.
    server: u64,
}

impl Watcher {
    pub(super) fn new(state: Arc<State>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { state, server: NEXT.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Observer for Watcher {
    fn interest(&self) -> Interest {
        Interest::LIVES.and_events().and_traffic()
    }

    fn attached(&self, io: &Io) {
        self.state.add_server(io);
    }

    fn session_opened(&self, session: &Arc<SessionHandle>) {
        match session.transport() {
            Transport::Websocket => self.state.opened_websocket.add(1),
            _ => self.state.opened_polling.add(1),
        }
    }

    fn session_upgraded(&self, _session: &Arc<SessionHandle>) {
        self.state.upgraded.add(1);
    }

    fn session_closed(&self, _session: &Arc<SessionHandle>, reason: CloseReason) {
        self.state.closed.count(reason.disconnect_reason().as_str());
    }

    fn request_refused(&self, code: u16) {
        self.state.count_refused(code);
    }

    fn connect_refused(&self, _namespace: &str) {
        self.state.connects_refused.add(1);
    }

    fn socket_connected(&self, socket: &Socket) {
        self.state.families.count(self.server, socket.namespace(), |of| of.connects.add(1));
        if socket.is_recovered() {
            self.state.recovered.add(1);
        }
    }

    fn socket_disconnected(&self, socket: &Socket, reason: DisconnectReason) {
        self.state.families.count(self.server, socket.namespace(), |of| {
            of.disconnects.count(reason.as_str());
        });
    }

    fn event_received(&self, socket: &Socket, _event: &str) {
        self.state.families.count(self.server, socket.namespace(), |of| of.received.add(1));
    }

    fn event_handled(&self, handled: &HandledEvent<'_>) {
        let Some(took) = handled.took else { return };
        self.state.families.count_event(self.server, handled, |of| {
            let outcome = if handled.error.is_some() { &of.error } else { &of.ok };
            outcome.observe(took);
        });
    }

    fn events_sent(&self, namespace: &Namespace, receivers: usize) {
        let receivers = u64::try_from(receivers).unwrap_or(u64::MAX);
        self.state.families.count(self.server, namespace, |of| of.sent.add(receivers));
    }

    fn acks_timed_out(&self, namespace: &Namespace, clients: usize) {
        let clients = u64::try_from(clients).unwrap_or(u64::MAX);
        self.state.families.count(self.server, namespace, |of| of.ack_timeouts.add(clients));
    }

    fn cluster_asked(&self, took: Option<Duration>, error: Option<&ClusterError>) {
        let outcome = match error {
            None => &self.state.asked.ok,
            Some(_) => &self.state.asked.error,
        };
        outcome.observe(took.unwrap_or_default());
    }

    fn clock(&self) -> Option<Instant> {
        Some(Instant::now())
    }

    fn worker_started(&self) {
        Pulse::spawn(&self.state);
    }
}
