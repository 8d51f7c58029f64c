//! How much one connection does before the others of its thread have their turn.

use std::time::{Duration, Instant};

use super::worker::Worker;

/// Messages of one turn.
const MESSAGES: usize = 256;
/// So many bytes of messages count as one more: a few bytes may inflate to a large message.
const MESSAGE_BYTES: usize = 4 * 1024;
/// Time of one turn: handlers may take long for few messages.
const TIME: Duration = Duration::from_millis(1);
/// How often, in messages, the clock is looked at.
const LOOK: usize = 8;

/// What a connection has done in its turn: 256 messages, or as many as take a millisecond.
#[derive(Debug)]
pub struct Turn {
    began: Instant,
    messages: usize,
    next_look: usize,
    over: bool,
}

impl Turn {
    /// Begins now; the worker's clock is read.
    #[must_use]
    pub fn begin(worker: &Worker) -> Self {
        Self { began: worker.tick(), messages: 0, next_look: LOOK, over: false }
    }

    /// A message of so many bytes was handled; `true`: others should have their turn.
    #[inline]
    pub fn is_over_after(&mut self, worker: &Worker, bytes: usize) -> bool {
        self.messages += 1 + bytes / MESSAGE_BYTES;
        if self.messages >= self.next_look {
            self.look(worker);
        }
        self.over
    }

    fn look(&mut self, worker: &Worker) {
        self.next_look = self.messages + LOOK;
        let spent = worker.tick().saturating_duration_since(self.began);
        self.over = self.messages >= MESSAGES || spent >= TIME;
    }
}
