//! Reassembly of binary packets.
//!
//! A BINARY_EVENT or BINARY_ACK arrives as one text message that announces `n` attachments, then `n`
//! binary messages. This module holds the text until the last attachment is there.
//! It sits behind `packet::decode` and never looks into arguments.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::budget::{Budget, Exhausted, Share};
use crate::packet::DecodeError;

/// A complete binary packet: its text, to be decoded again, and its attachments.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Assembled {
    /// The text as it came, without the engine's packet type.
    pub text: String,
    /// The attachments in order of arrival.
    pub attachments: Vec<Bytes>,
}

/// A binary packet that waits for attachments.
#[derive(Debug)]
pub struct Reassembly {
    packet: Assembled,
    missing: usize,
    bytes: usize,
    deadline: Instant,
    share: Share,
}

/// Bounds of [`Reassembly`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain settings, built field by field")]
pub struct AttachmentLimits {
    /// Bytes of all attachments of one packet.
    pub max_bytes: usize,
    /// Time without progress.
    pub timeout: Duration,
}

impl Reassembly {
    /// Starts with the text that announced `count` attachments.
    #[must_use]
    pub fn new(text: &str, count: usize, now: Instant, limits: AttachmentLimits) -> Self {
        Self {
            packet: Assembled { text: text.to_owned(), attachments: Vec::with_capacity(count) },
            missing: count,
            bytes: 0,
            deadline: now.checked_add(limits.timeout).unwrap_or(now),
            share: Share::default(),
        }
    }

    /// Charges what has come so far to what all peers may leave unfinished.
    ///
    /// # Errors
    ///
    /// There is no room; the packet has to be given up.
    pub fn charge(&mut self, budget: &Arc<Budget>) -> Result<(), Exhausted> {
        self.share.hold(budget, self.packet.text.len() + self.bytes)
    }

    /// Adds an attachment; `Ok(true)` when it was the last one.
    ///
    /// # Errors
    ///
    /// The attachments are larger than the limit.
    pub fn add(
        &mut self,
        bytes: Bytes,
        now: Instant,
        limits: AttachmentLimits,
    ) -> Result<bool, DecodeError> {
        self.bytes += bytes.len();
        if self.bytes > limits.max_bytes {
            return Err(DecodeError::AttachmentsTooLarge {
                len: self.bytes,
                limit: limits.max_bytes,
            });
        }
        self.packet.attachments.push(bytes);
        self.missing = self.missing.saturating_sub(1);
        self.deadline = now.checked_add(limits.timeout).unwrap_or(now);
        Ok(self.missing == 0)
    }

    /// When the packet is given up.
    #[must_use]
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The packet with its attachments.
    #[must_use]
    pub fn into_packet(self) -> Assembled {
        self.packet
    }
}
