//! From polling to a WebSocket (Engine.IO 4, "upgrade").
//!
//! A WebSocket is tried while polling goes on; the client's `5` makes it the transport. A session that is
//! closed meanwhile lets a client that has stopped polling finish, and be told.

use std::time::Instant;

use super::super::Transport;
use super::super::packet::{self, Packet};
use super::super::revision::Wire;
use super::super::timer::{Timer, after};
use super::{NOOP, NOOP_INTERVAL, ProbeReply, Session, State};

impl Session {
    /// A WebSocket for this session opened. `false`: it has to be closed, the session is unharmed.
    pub fn on_probe_open(&mut self, now: Instant) -> bool {
        if self.state != State::Polling {
            return false;
        }
        self.state = State::Probing;
        self.timers.set(Timer::UpgradeExpired, after(now, self.config.upgrade_timeout));
        true
    }

    /// A text frame came on the probing WebSocket (Engine.IO 4, "upgrade").
    /// `websocket` is how this WebSocket is written to once the session is on it; the revision stays the
    /// session's.
    pub fn on_probe_frame(&mut self, now: Instant, text: &str, websocket: Wire) -> ProbeReply {
        if !self.is_probing() {
            return ProbeReply::Refused;
        }
        match packet::decode(text, self.revision()) {
            Ok(Packet::Ping("probe")) => {
                if self.reason.is_none() {
                    // The client goes on once its poll has come back: there is nothing to wait for.
                    self.release_poll();
                    self.timers.set(Timer::NoopDue, after(now, NOOP_INTERVAL));
                }
                ProbeReply::Pong
            }
            Ok(Packet::Upgrade) => {
                self.stop_probing();
                self.state = if std::mem::take(&mut self.closing_probe) {
                    State::Closing(Transport::Websocket)
                } else {
                    State::Websocket
                };
                self.outbox.set_wire(Wire { revision: self.revision(), ..websocket });
                ProbeReply::Upgraded
            }
            _ => {
                self.on_probe_closed();
                ProbeReply::Refused
            }
        }
    }

    /// The probing WebSocket is gone, or given up: the session goes on by polling.
    pub fn on_probe_closed(&mut self) {
        if let State::Probing = self.state {
            self.stop_probing();
            self.state = State::Polling;
        }
        self.closing_probe = false;
    }

    /// Lets a poll that waits for nothing come back.
    pub(super) fn release_poll(&mut self) {
        if self.poll_waits && self.outbox.is_empty() {
            self.outbox.push(&NOOP);
        }
    }

    fn stop_probing(&mut self) {
        self.timers.stop(Timer::UpgradeExpired);
        self.timers.stop(Timer::NoopDue);
    }

    /// A WebSocket is being tried.
    #[must_use]
    pub const fn is_probing(&self) -> bool {
        self.closing_probe || matches!(self.state, State::Probing)
    }
}
