//! Polls of a session, and pushes that fail.

use crate::close::CloseReason;

use super::super::handshake::Transport;
use super::super::payload::Payload;
use super::{CLOSE_ANSWER, NOOP_ANSWER, Session, State};

/// Answer to a poll that finds the session closing.
const NOOP_CLOSE_ANSWER: &[&str] = &["6", "1"];

/// What a poll gets.
#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every outcome")]
pub enum PollOutcome {
    /// This payload, now.
    Ready(Payload),
    /// Nothing yet: it waits until [`Session::take_poll_answer`] gives something.
    Wait,
    /// A poll was waiting already: this one gets 400, the waiting one its answer, the session ended.
    Overlap,
    /// The session is on WebSocket (error code 3).
    NotPolling,
    /// The session is over (error code 1).
    Gone,
}

impl Session {
    /// A poll arrived.
    pub fn on_poll(&mut self) -> PollOutcome {
        match self.state {
            State::Closed => return PollOutcome::Gone,
            State::Websocket | State::Closing(Transport::Websocket) => {
                return PollOutcome::NotPolling;
            }
            State::Polling | State::Probing | State::Closing(Transport::Polling) => {}
        }
        if self.poll_waits {
            self.end(CloseReason::TransportError("overlap from client"));
            return PollOutcome::Overlap;
        }
        if let Some(payload) = self.outbox.take_payload() {
            return PollOutcome::Ready(payload);
        }
        if self.reason.is_some() {
            self.finish();
            return PollOutcome::Ready(self.constant(NOOP_CLOSE_ANSWER));
        }
        self.poll_waits = true;
        PollOutcome::Wait
    }

    /// The connection of the waiting poll is gone.
    pub fn on_poll_lost(&mut self) {
        if self.poll_waits {
            self.poll_waits = false;
            self.end(CloseReason::TransportError("poll connection closed prematurely"));
        }
    }

    /// What a waiting poll is to be answered, once there is something.
    pub fn take_poll_answer(&mut self) -> Option<Payload> {
        if !self.poll_waits {
            return None;
        }
        let answer = match self.outbox.take_payload() {
            Some(payload) => payload,
            None if self.reason.is_some() => {
                self.finish();
                self.constant(if self.closed_by_client { NOOP_ANSWER } else { CLOSE_ANSWER })
            }
            // An upgrade that finished while a poll was waiting releases it.
            None if self.state == State::Websocket => self.constant(NOOP_ANSWER),
            None => return None,
        };
        self.poll_waits = false;
        Some(answer)
    }

    fn constant(&self, packets: &[&'static str]) -> Payload {
        Payload::constant(self.revision(), packets)
    }

    /// A push broke the rules of the transport; `detail` is logged. After an upgrade that is no longer the
    /// session's transport.
    pub fn on_push_failed(&mut self, detail: &'static str) {
        if self.transport() == Transport::Polling {
            self.end(CloseReason::TransportError(detail));
        }
    }

    /// The connection of a poll is gone together with its answer, so a packet is lost.
    pub fn on_answer_lost(&mut self) {
        if self.transport() == Transport::Polling {
            self.end(CloseReason::TransportError("poll connection closed prematurely"));
        }
    }
}
