//! What the driver tells a client: a session opened, moved, ended, or is not tried any more.

use std::sync::atomic::Ordering;

use sio_core::engine::Transport;
use tokio::sync::watch;

use super::{Core, Session};
use crate::engine::Engine;
use crate::error::{ConnectError, TransportError};
use crate::life::{DisconnectReason, LifeEvent};
use crate::namespace::Status;

impl Core {
    /// Some socket wants a connection.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.lock().active.is_empty()
    }

    /// Waits until no socket wants a connection.
    pub(crate) async fn unwanted(&self) {
        while self.is_wanted() {
            self.unwanted.notified().await;
        }
    }

    /// Tells whether the driver goes on; if not, the next socket starts another one.
    pub(crate) fn goes_on(&self) -> bool {
        let mut state = self.lock();
        if state.active.is_empty() {
            state.driving = false;
            drop(state);
            self.ended.notify_waiters();
            return false;
        }
        true
    }

    /// A session is open: asks for all namespaces. If nobody wants it any more, it ends at once.
    pub(crate) fn opened(&self, engine: &Engine) -> watch::Receiver<bool> {
        let mut state = self.lock();
        let (sender, receiver) = watch::channel(true);
        self.outbox.open();
        if !state.active.is_empty() {
            state.session = Some(Session { transport: engine.transport(), _wanted: sender });
            self.max_payload.store(engine.handshake().max_payload, Ordering::Relaxed);
            self.outbox.force(state.active.values().filter_map(|socket| socket.connect_frame()));
        }
        receiver
    }

    pub(crate) fn upgraded(&self, transport: Transport) {
        if let Some(session) = &mut self.lock().session {
            session.transport = transport;
        }
        for socket in self.sockets() {
            socket.listeners.life(&LifeEvent::Upgrade(transport));
        }
    }

    /// No session could be opened: who connects for the first time is told, the others go on trying.
    pub(crate) fn open_failed(&self, error: &TransportError) {
        let error = ConnectError::Transport(error.clone());
        for socket in self.sockets() {
            if socket.lost(DisconnectReason::TransportError) {
                socket.listeners.life(&LifeEvent::ReconnectError(error.clone()));
            } else if self.forget(&socket, false) {
                socket.close(&error, Some(&LifeEvent::ConnectError(error.clone())));
            }
        }
    }

    /// The session is over.
    pub(crate) fn session_ended(&self, reason: DisconnectReason) {
        self.lock().session = None;
        self.outbox.close();
        if reason == DisconnectReason::ClientDisconnect {
            // Who is active now came after the end was asked for, and gets the next session.
            return;
        }
        for socket in self.sockets() {
            let reconnects = self.config.reconnection.is_some();
            if reconnects && socket.lost(reason) {
                continue;
            }
            if self.forget(&socket, false) {
                let life = LifeEvent::Disconnect(reason);
                socket.close(&ConnectError::Disconnected(reason), Some(&life));
            }
        }
    }

    /// Tells all sockets what comes next.
    pub(crate) fn announce(&self, event: &LifeEvent) {
        for socket in self.sockets() {
            socket.listeners.life(event);
        }
    }

    /// No further attempt is made.
    pub(crate) fn give_up(&self) {
        let reason = DisconnectReason::TransportClose;
        for socket in self.sockets() {
            let error = ConnectError::Disconnected(reason);
            if self.forget(&socket, false) {
                socket.close(&error, Some(&LifeEvent::ReconnectFailed));
            }
        }
    }

    /// Some socket that was connected before waits for the answer to its CONNECT.
    pub(crate) fn awaits_reconnect(&self) -> bool {
        self.sockets().iter().any(|socket| socket.status() == Status::Reconnecting)
    }

    /// The driver is gone without having been asked, with its runtime.
    pub(crate) fn driver_lost(&self) {
        let was_driving = std::mem::take(&mut self.lock().driving);
        if was_driving {
            self.lock().session = None;
            self.outbox.close();
            let reason = DisconnectReason::TransportError;
            for socket in self.sockets() {
                if self.forget(&socket, false) {
                    let life = LifeEvent::Disconnect(reason);
                    socket.close(&ConnectError::Disconnected(reason), Some(&life));
                }
            }
            self.ended.notify_waiters();
        }
    }
}
