//! Frames that wait for the transport of one client.
//!
//! Sockets push whole packets, so that the frames of one packet are adjacent; the engine takes frames
//! and says when they are written. Bounded: above [`MAX_BYTES`] or [`MAX_FRAMES`] a packet has to wait
//! for room. Only what the protocol itself needs (pongs, CONNECT, flushed buffers) is always taken.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use sio_core::engine::{Payload, Wire};
use sio_core::frame::{Frame, FrameGroup, FrameKind};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Bytes that wait from which on emits wait too.
const MAX_BYTES: usize = 1 << 20;
/// Frames that wait from which on emits wait too.
const MAX_FRAMES: usize = 4096;
/// Bytes a WebSocket takes in one go.
const BATCH_BYTES: usize = 256 * 1024;

/// A packet that was not taken.
pub(crate) enum Refused {
    /// There is no room now.
    Full(FrameGroup),
    /// There is no session.
    Closed(FrameGroup),
}

#[derive(Debug, Default)]
struct Inner {
    frames: VecDeque<Frame>,
    bytes: usize,
    open: bool,
    /// Frames were taken and are being written.
    busy: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    inner: Mutex<Inner>,
    /// One waiter: the engine.
    ready: Notify,
    /// Everybody who waits for room.
    room: Notify,
    /// One waiter: the engine, when it wants to close.
    idle: Notify,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session begins.
    pub(crate) fn open(&self) {
        *self.lock() = Inner { open: true, ..Inner::default() };
    }

    /// The session is over; what was not written is lost, as in the official client.
    pub(crate) fn close(&self) {
        *self.lock() = Inner::default();
        self.room.notify_waiters();
    }

    pub(crate) fn try_push(&self, group: FrameGroup) -> Result<(), Refused> {
        {
            let mut inner = self.lock();
            if !inner.open {
                return Err(Refused::Closed(group));
            }
            if inner.bytes >= MAX_BYTES || inner.frames.len() >= MAX_FRAMES {
                return Err(Refused::Full(group));
            }
            inner.bytes += group.byte_len();
            inner.frames.extend(group.iter().cloned());
        }
        self.ready.notify_one();
        Ok(())
    }

    /// Takes frames although there may be no room.
    pub(crate) fn force(&self, frames: impl IntoIterator<Item = Frame>) {
        {
            let mut inner = self.lock();
            if !inner.open {
                return;
            }
            for frame in frames {
                inner.bytes += frame.payload().len();
                inner.frames.push_back(frame);
            }
        }
        self.ready.notify_one();
    }

    /// Takes the answer to a ping, unless far too much waits: a server that asks without reading gets
    /// no queue of answers.
    pub(crate) fn pong(&self, pong: Frame) {
        if self.lock().frames.len() < 2 * MAX_FRAMES {
            self.force([pong]);
        }
    }

    /// Nothing waits and nothing is being written.
    pub(crate) fn is_idle(&self) -> bool {
        let inner = self.lock();
        inner.frames.is_empty() && !inner.busy
    }

    /// Takes frames for a WebSocket.
    pub(crate) fn take_batch(&self) -> Vec<Frame> {
        let mut inner = self.lock();
        let mut bytes = 0;
        let mut batch = Vec::new();
        while bytes < BATCH_BYTES
            && let Some(frame) = inner.frames.pop_front()
        {
            bytes += frame.payload().len();
            batch.push(frame);
        }
        inner.bytes = inner.bytes.saturating_sub(bytes);
        inner.busy = !batch.is_empty();
        batch
    }

    /// Takes frames for one POST of at most `max` bytes; a single frame may be larger.
    pub(crate) fn take_payload(&self, max: usize) -> Option<Bytes> {
        let mut inner = self.lock();
        let (mut len, mut count, mut taken) = (0, 0, 0);
        for frame in &inner.frames {
            let encoded = match frame.kind() {
                FrameKind::Text => frame.payload().len(),
                FrameKind::Binary => frame.payload().len().div_ceil(3) * 4 + 1,
            };
            if count > 0 && len + 1 + encoded > max {
                break;
            }
            len += encoded + usize::from(count > 0);
            taken += frame.payload().len();
            count += 1;
        }
        let body = Payload::join(inner.frames.iter().take(count), len, Wire::V4).body;
        inner.frames.drain(..count);
        inner.bytes = inner.bytes.saturating_sub(taken);
        inner.busy = count > 0;
        inner.busy.then_some(body)
    }

    /// What was taken is written.
    pub(crate) fn written(&self) {
        let idle = {
            let mut inner = self.lock();
            inner.busy = false;
            inner.frames.is_empty()
        };
        self.room.notify_waiters();
        if idle {
            self.idle.notify_one();
        }
    }

    /// Waits until there are frames. For the engine only.
    pub(crate) async fn ready(&self) {
        while self.lock().frames.is_empty() {
            self.ready.notified().await;
        }
    }

    /// Waits until everything is written. For the engine only.
    pub(crate) async fn drained(&self) {
        while !self.is_idle() {
            self.idle.notified().await;
        }
    }

    /// Completes when there was room, or the session ended, after this call.
    pub(crate) fn room(&self) -> Notified<'_> {
        // A `Notified` counts calls of `notify_waiters` from its creation on.
        self.room.notified()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn group(text: &'static str, attachments: Vec<Bytes>) -> FrameGroup {
        FrameGroup::new(Bytes::from_static(text.as_bytes()), attachments)
    }

    #[test]
    fn closed_outbox_refuses() {
        let outbox = Outbox::default();
        assert!(matches!(outbox.try_push(group("4a", vec![])), Err(Refused::Closed(_))));
    }

    #[test]
    fn full_outbox_refuses_until_written() {
        let outbox = Outbox::default();
        outbox.open();
        let large = Bytes::from(vec![0; MAX_BYTES]);
        assert!(outbox.try_push(group("4a", vec![large])).is_ok());
        assert!(matches!(outbox.try_push(group("4b", vec![])), Err(Refused::Full(_))));
        assert_eq!(outbox.take_batch().len(), 2);
        assert!(outbox.try_push(group("4b", vec![])).is_ok());
    }

    #[test]
    fn pongs_nobody_reads_are_bounded() {
        let outbox = Outbox::default();
        outbox.open();
        for _ in 0..3 * MAX_FRAMES {
            outbox.pong(Frame::constant("3"));
        }
        assert_eq!(outbox.take_batch().len(), 2 * MAX_FRAMES);
    }

    #[test]
    fn payloads_respect_the_limit_but_for_single_frames() {
        let outbox = Outbox::default();
        outbox.open();
        for text in ["4aaa", "4bbb", "4cccccccc"] {
            assert!(outbox.try_push(group(text, vec![])).is_ok());
        }
        assert!(outbox.try_push(group("4d", vec![Bytes::from_static(&[1, 2, 3])])).is_ok());
        assert_eq!(outbox.take_payload(9).unwrap(), "4aaa\u{1e}4bbb");
        assert_eq!(outbox.take_payload(8).unwrap(), "4cccccccc");
        assert_eq!(outbox.take_payload(7).unwrap(), "4d");
        assert_eq!(outbox.take_payload(8).unwrap(), "bAQID");
        assert_eq!(outbox.take_payload(8), None);
        assert!(outbox.is_idle());
    }

    #[tokio::test]
    async fn room_is_told_to_all_who_wait() {
        let outbox = Outbox::default();
        let (a, b) = (outbox.room(), outbox.room());
        outbox.close();
        a.await;
        b.await;
    }
}
