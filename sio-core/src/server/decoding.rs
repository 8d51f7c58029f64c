//! The decoder of a session, where the server has a parser of its own.
//!
//! A decoder is the user's code: it is taken out while it runs, so that nothing is borrowed, its panics end
//! here, and what it waits for is bounded as unfinished binary packets are.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use crate::budget::{Budget, Exhausted, Share};
use crate::limits::Limits;
use crate::packet::DecodeError;
use crate::parser::{Decoder, DecoderLimits, Incoming, Message, Parser};

/// What a message of an unfinished packet counts besides its bytes: empty ones are kept, too.
const MESSAGE: usize = 64;

/// The decoder of one session; none before its first message.
#[derive(Default)]
pub(crate) struct Decoding(RefCell<Option<Box<State>>>);

struct State {
    decoder: Box<dyn Decoder>,
    /// What a packet has taken so far that is not complete, and when it is given up.
    unfinished: Option<(usize, Instant)>,
    share: Share,
}

impl fmt::Debug for Decoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoding").field("deadline", &self.deadline()).finish_non_exhaustive()
    }
}

impl Decoding {
    /// Takes a message; `None`: its packet is not complete, and [`Self::deadline`] has changed.
    pub(super) fn decode(
        &self,
        parser: &dyn Parser,
        limits: &Limits,
        now: Instant,
        message: Message,
    ) -> Result<Option<Incoming>, DecodeError> {
        let len = MESSAGE
            + match &message {
                Message::Text(text) => text.len(),
                Message::Binary(bytes) => bytes.len(),
            };
        let state = self.0.take();
        let decoded = catch_unwind(AssertUnwindSafe(|| {
            let mut state = state.unwrap_or_else(|| {
                let decoder = parser.decoder(&DecoderLimits::of(limits));
                Box::new(State { decoder, unfinished: None, share: Share::default() })
            });
            let incoming = state.decoder.decode(message);
            (state, incoming)
        }));
        let Ok((mut state, incoming)) = decoded else {
            tracing::error!("the parser panicked over a message");
            return Err(DecodeError::Malformed);
        };
        let taken = state.unfinished.map_or(0, |(bytes, _)| bytes).saturating_add(len);
        let deadline = now.checked_add(limits.attachment_timeout).unwrap_or(now);
        state.unfinished = matches!(incoming, Ok(None)).then_some((taken, deadline));
        if state.unfinished.is_none() {
            state.share.release();
        }
        self.0.replace(Some(state));
        let limit = limits.max_binary_packet.max(limits.max_payload);
        match incoming {
            Ok(None) if taken > limit => {
                Err(DecodeError::AttachmentsTooLarge { len: taken, limit })
            }
            other => other,
        }
    }

    /// Charges an unfinished packet to what all peers may leave unfinished.
    pub(super) fn charge(&self, budget: &Arc<Budget>) -> Result<(), Exhausted> {
        let mut state = self.0.borrow_mut();
        let Some(State { unfinished: Some((bytes, _)), share, .. }) = state.as_deref_mut() else {
            return Ok(());
        };
        share.hold(budget, *bytes)
    }

    /// When an unfinished packet is given up.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.borrow().as_ref()?.unfinished.map(|(_, deadline)| deadline)
    }

    /// The session has moved here with its decoder.
    pub(super) fn replace(&self, other: Self) {
        self.0.replace(other.0.into_inner());
    }

    /// The session has ended: nothing of it is kept.
    pub(super) fn clear(&self) {
        drop(self.0.take());
    }
}
