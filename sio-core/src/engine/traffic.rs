//! What the sessions of one worker receive and send, as numbers that other threads may read.
//!
//! Only the worker that owns the sessions writes, so counting is a load and a store, without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::frame::{Frame, FrameGroup, FrameKind};

/// Counters of one worker, from its start on.
///
/// A packet is a message of the Engine.IO layer: handshakes and heartbeats are not counted. Bytes are those of
/// its payload, without the engine's packet type and before any compression.
#[derive(Debug, Default)]
pub struct Traffic {
    packets_in: AtomicU64,
    bytes_in: AtomicU64,
    packets_out: AtomicU64,
    bytes_out: AtomicU64,
    volatile_dropped: AtomicU64,
    events_dropped: AtomicU64,
}

/// What [`Traffic`] counts, at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrafficTotals {
    /// Messages of clients.
    pub packets_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Messages to clients, from the moment they are queued.
    pub packets_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
    /// Volatile packets that were not sent because their receiver was not ready.
    pub volatile_dropped: u64,
    /// Events that were dropped because too much waited for their receiver; see
    /// [`SendPolicy`](crate::limits::SendPolicy). They count as sent as well.
    pub events_dropped: u64,
}

/// Adds to a counter that no other thread writes.
fn add(counter: &AtomicU64, more: usize) {
    let more = u64::try_from(more).unwrap_or(u64::MAX);
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

impl Traffic {
    pub(crate) fn received(&self, bytes: usize) {
        add(&self.packets_in, 1);
        add(&self.bytes_in, bytes);
    }

    /// A message leaves; its payload has so many bytes.
    pub(crate) fn sent(&self, bytes: usize) {
        add(&self.packets_out, 1);
        add(&self.bytes_out, bytes);
    }

    pub(crate) fn sent_group(&self, group: &FrameGroup) {
        group.iter().for_each(|frame| self.sent(message_len(frame)));
    }

    pub(crate) fn dropped_volatile(&self) {
        add(&self.volatile_dropped, 1);
    }

    pub(crate) fn dropped_events(&self, events: usize) {
        if events > 0 {
            add(&self.events_dropped, events);
        }
    }

    /// Adds what was counted so far to a sum.
    pub(crate) fn add_to(&self, totals: &mut TrafficTotals) {
        for (counter, total) in [
            (&self.packets_in, &mut totals.packets_in),
            (&self.bytes_in, &mut totals.bytes_in),
            (&self.packets_out, &mut totals.packets_out),
            (&self.bytes_out, &mut totals.bytes_out),
            (&self.volatile_dropped, &mut totals.volatile_dropped),
            (&self.events_dropped, &mut totals.events_dropped),
        ] {
            *total = total.wrapping_add(counter.load(Ordering::Relaxed));
        }
    }
}

/// Bytes of a frame's message: a text begins with the engine's packet type.
pub(crate) fn message_len(frame: &Frame) -> usize {
    let len = frame.payload().len();
    match frame.kind() {
        FrameKind::Text => len.saturating_sub(1),
        FrameKind::Binary => len,
    }
}
