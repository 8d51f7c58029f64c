//! The outgoing queue of a session, bounded in bytes and frames.
//!
//! Frames wait here in emit order, whatever transport will carry them. While a WebSocket connection
//! has its turn it lends a buffer: frames that need not wait are appended to it as wire bytes, so that
//! everything said in one turn leaves in one write and a small reply is copied once.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::frame::{Frame, FrameGroup, FrameKind};
use crate::limits::{Limit, SendPolicy};

use super::payload::Payload;
use super::revision::Wire;
use super::websocket;

/// A lent buffer takes no further frames above this size; they wait in the queue instead, where
/// they are counted.
const TURN_BYTES: usize = 64 * 1024;
/// Room for so many frames stays when they have gone.
const MANY: usize = 32;
/// Room for fewer than a queue gets when it grows is not kept either.
const FEW: usize = 4;
/// Frames above this size are not copied into the buffer but handed out as the shared bytes they are.
const LARGE_FRAME: usize = 128 * 1024;

/// Outgoing frames of one session.
#[derive(Debug)]
pub struct Outbox {
    queue: VecDeque<Frame>,
    queued_bytes: usize,
    max_bytes: usize,
    max_frames: usize,
    overflow: Option<Limit>,
    policy: SendPolicy,
    wire: Wire,
    turn: Option<BytesMut>,
    /// The buffer of the turn holds a frame that ends its write.
    turn_is_full: bool,
    /// What a slow peer has still to take of a frame that was begun; few sessions have one at a time.
    rest_of_large: Option<Box<Bytes>>,
}

impl Outbox {
    /// An empty outbox that overflows above `max_bytes` or `max_frames`; 0 means no bound.
    #[must_use]
    pub const fn new(max_bytes: usize, max_frames: usize) -> Self {
        Self {
            queue: VecDeque::new(),
            queued_bytes: 0,
            max_bytes,
            max_frames,
            overflow: None,
            policy: SendPolicy::Disconnect,
            wire: Wire::V4,
            turn: None,
            turn_is_full: false,
            rest_of_large: None,
        }
    }

    /// Sets what becomes of events that there is no room for.
    pub fn set_policy(&mut self, policy: SendPolicy) {
        self.policy = policy;
    }

    /// Sets how frames are written from now on.
    pub fn set_wire(&mut self, wire: Wire) {
        self.wire = wire;
    }

    /// Gives back the room in which nothing waits.
    pub fn shrink(&mut self) {
        self.queue.shrink_to_fit();
    }

    /// How frames are written.
    #[must_use]
    pub const fn wire(&self) -> Wire {
        self.wire
    }

    /// Nothing waits, and nothing was said yet in this turn: a volatile packet may go.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.is_empty() && self.turn.as_ref().is_none_or(BytesMut::is_empty)
    }

    /// Nothing waits in the queue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.rest_of_large.is_none()
    }

    /// Bytes that wait.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.queued_bytes + self.rest_of_large.as_ref().map_or(0, |rest| rest.len())
    }

    /// Frames that wait.
    #[must_use]
    pub fn queued_frames(&self) -> usize {
        self.queue.len()
    }

    /// More was pushed than the limits allow; the session must end.
    #[must_use]
    pub const fn overflowed(&self) -> bool {
        self.overflow.is_some()
    }

    /// The limit above which that was.
    #[must_use]
    pub const fn overflow(&self) -> Option<Limit> {
        self.overflow
    }

    /// The lent buffer, if a frame may be written into it without overtaking another.
    #[inline]
    fn open_turn(&mut self, len: usize) -> Option<&mut BytesMut> {
        if !self.is_empty() || len > LARGE_FRAME || self.turn_is_full {
            return None;
        }
        self.turn.as_mut().filter(|buffer| buffer.len() < TURN_BYTES)
    }

    /// Appends a text frame given in parts, without an intermediate copy when the turn allows.
    pub fn push_text(&mut self, parts: &[&[u8]]) {
        let len = parts.iter().map(|part| part.len()).sum();
        if self.wire.deflate.is_some_and(|threshold| len >= threshold) {
            return self.push(&Frame::text(parts.concat().into()));
        }
        if let Some(buffer) = self.open_turn(len) {
            buffer.reserve(len + websocket::MAX_HEADER);
            websocket::put_header(buffer, FrameKind::Text, len);
            for part in parts {
                buffer.extend_from_slice(part);
            }
        } else {
            let mut text = Vec::with_capacity(len);
            for part in parts {
                text.extend_from_slice(part);
            }
            self.enqueue(Frame::text(text.into()));
        }
    }

    /// Appends a binary frame, whose bytes are shared only if it has to wait.
    pub fn push_binary(&mut self, bytes: &Bytes) {
        let deflates = self.wire.deflate.is_some_and(|threshold| bytes.len() >= threshold);
        if self.wire.is_plain()
            && !deflates
            && let Some(buffer) = self.open_turn(bytes.len())
        {
            websocket::put_header(buffer, FrameKind::Binary, bytes.len());
            buffer.extend_from_slice(bytes);
        } else {
            self.push(&Frame::binary(bytes.clone()));
        }
    }

    /// Appends one frame.
    pub fn push(&mut self, frame: &Frame) {
        let wire = self.wire;
        if let Some(buffer) = self.open_turn(frame.payload().len()) {
            websocket::put_frame(buffer, frame, wire);
            self.turn_is_full = frame.ends_write();
        } else {
            self.enqueue(frame.clone());
        }
    }

    /// Appends the frames of one packet; they stay adjacent, or are dropped together. Gives how many events were
    /// dropped for want of room.
    pub fn push_group(&mut self, group: &FrameGroup) -> usize {
        let mut dropped = 0;
        if self.policy != SendPolicy::Disconnect && group.is_event() {
            let fits;
            (fits, dropped) = self.make_room(group);
            if !fits {
                return dropped + 1;
            }
        }
        for frame in group.iter() {
            self.push(frame);
        }
        dropped
    }

    /// Makes room for an event as the policy says; `false`: there is none. With it, how many were dropped.
    fn make_room(&mut self, group: &FrameGroup) -> (bool, usize) {
        let (bytes, frames) = (group.byte_len(), group.frame_count());
        if self.fits(bytes, frames) {
            return (true, 0);
        }
        // One that is larger than the queue would take the others with it for nothing.
        let could_fit = (self.max_bytes == 0 || bytes <= self.max_bytes)
            && (self.max_frames == 0 || frames <= self.max_frames);
        let mut dropped = 0;
        if self.policy == SendPolicy::DropOldest && could_fit {
            dropped = self.drop_oldest_events(bytes, frames);
        }
        (self.fits(bytes, frames), dropped)
    }

    fn fits(&self, bytes: usize, frames: usize) -> bool {
        (self.max_bytes == 0 || self.queued_bytes + bytes <= self.max_bytes)
            && (self.max_frames == 0 || self.queue.len() + frames <= self.max_frames)
    }

    /// Drops events from the front until `bytes` and `frames` fit, with their attachments; gives how many.
    fn drop_oldest_events(&mut self, bytes: usize, frames: usize) -> usize {
        let mut bytes_over = (self.queued_bytes + bytes).saturating_sub(self.max_bytes);
        let mut frames_over = (self.queue.len() + frames).saturating_sub(self.max_frames);
        if self.max_bytes == 0 {
            bytes_over = 0;
        }
        if self.max_frames == 0 {
            frames_over = 0;
        }
        // What stands at the front may belong to a packet that is on its way. A queue that is full is gone
        // through with each event: no further than it has to be.
        let (mut at, mut events) = (0, 0);
        while bytes_over > 0 || frames_over > 0 {
            let behind = self.queue.range(at..);
            let Some(found) = behind.clone().position(|frame| frame.begins_event() == Some(true))
            else {
                break;
            };
            events += 1;
            at += found;
            let rest = behind.skip(found + 1).take_while(|frame| frame.begins_event().is_none());
            let end = at + 1 + rest.count();
            let dropped: usize = self.queue.drain(at..end).map(|frame| frame.payload().len()).sum();
            self.queued_bytes -= dropped;
            bytes_over = bytes_over.saturating_sub(dropped);
            frames_over = frames_over.saturating_sub(end - at);
        }
        events
    }

    fn enqueue(&mut self, frame: Frame) {
        if self.overflowed() {
            return;
        }
        self.queued_bytes += frame.payload().len();
        self.queue.push_back(frame);
        self.overflow = if self.max_bytes > 0 && self.queued_bytes > self.max_bytes {
            Some(Limit::SendBufferMax)
        } else {
            let full = self.max_frames > 0 && self.queue.len() > self.max_frames;
            full.then_some(Limit::SendBufferMaxFrames)
        };
        if self.overflowed() {
            // The session ends; what it would have said need not be kept.
            self.clear();
        }
    }

    fn dequeue(&mut self) -> Option<Frame> {
        let frame = self.queue.pop_front()?;
        self.queued_bytes -= frame.payload().len();
        // Room for many, and that which was cut to what waited when the session opened.
        if self.queue.is_empty() && !(FEW..=MANY).contains(&self.queue.capacity()) {
            self.queue = VecDeque::new();
        }
        Some(frame)
    }

    /// Drops everything that waits.
    pub fn clear(&mut self) {
        self.queue = VecDeque::new();
        self.queued_bytes = 0;
        self.rest_of_large = None;
    }

    /// Drops what waits, but for answers to the client's events, and what was begun.
    pub fn keep_answers(&mut self) {
        // Attachments follow their packet; at the front they belong to one that is on its way.
        let mut kept = true;
        self.queue.retain(|frame| {
            kept = frame.begins_answer().unwrap_or(kept);
            kept
        });
        self.queued_bytes = self.queue.iter().map(|frame| frame.payload().len()).sum();
    }

    /// Lends a buffer for a WebSocket connection's turn and moves waiting frames into it.
    pub fn begin_turn(&mut self, buffer: BytesMut) {
        self.turn = Some(buffer);
        self.turn_is_full = false;
        self.fill_turn();
    }

    #[inline]
    fn fill_turn(&mut self) {
        if !self.queue.is_empty() {
            self.move_into_turn();
        }
    }

    fn move_into_turn(&mut self) {
        let wire = self.wire;
        while self.rest_of_large.is_none() && !self.turn_is_full {
            let Some(buffer) = self.turn.as_mut().filter(|buffer| buffer.len() < TURN_BYTES) else {
                return;
            };
            let Some(frame) = self.queue.front() else {
                return;
            };
            let len = frame.payload().len();
            let binary = frame.kind() == FrameKind::Binary;
            if len <= LARGE_FRAME || (wire.base64 && binary) {
                websocket::put_frame(buffer, frame, wire);
            } else if let Some(compressed) = websocket::compressed(frame, wire) {
                websocket::put_compressed_header(buffer, frame.kind(), compressed.len());
                self.rest_of_large = Some(Box::new(compressed));
            } else {
                if binary {
                    websocket::put_binary_header(buffer, len, wire.revision);
                } else {
                    websocket::put_header(buffer, FrameKind::Text, len);
                }
                self.rest_of_large = Some(Box::new(frame.to_payload()));
            }
            self.turn_is_full = frame.ends_write();
            self.dequeue();
        }
    }

    /// What the next turn would write if nothing more is said in it, where that is one packet for many whose
    /// bytes are shared: they need no buffer then.
    pub fn take_ready(&mut self) -> Option<Bytes> {
        let deflates = self.wire.deflate.is_some();
        if self.rest_of_large.is_some() || self.turn.is_some() || deflates {
            return None;
        }
        let packet = self.queue.front()?.ready_packet()?;
        let mut len = 0;
        for frame in &self.queue {
            let as_it_is = frame.kind() == FrameKind::Text || self.wire.is_plain();
            let of_packet = frame.ready_packet().is_some_and(|of| of.as_ptr() == packet.as_ptr());
            if !as_it_is || !of_packet || frame.ends_write() {
                return None;
            }
            len += frame.as_ready()?.len();
        }
        // Neither a part of the packet, nor the same one twice.
        if len != packet.len() {
            return None;
        }
        let frame = self.queue.pop_front();
        self.queue.clear();
        self.queued_bytes = 0;
        frame.and_then(Frame::into_ready_packet)
    }

    /// Takes the buffer back, filled with wire bytes.
    pub fn end_turn(&mut self) -> BytesMut {
        self.fill_turn();
        self.turn.take().unwrap_or_default()
    }

    /// What waits may only be written after the buffer of the last turn has left.
    #[must_use]
    pub fn waits_for_write(&self) -> bool {
        self.turn_is_full && !self.queue.is_empty()
    }

    /// A slice of a large frame, at most `max` bytes; to be sent after the buffer of the turn.
    pub fn next_slice(&mut self, max: usize) -> Option<Bytes> {
        let rest = self.rest_of_large.as_mut()?;
        let slice = rest.split_to(max.min(rest.len()));
        if rest.is_empty() {
            self.rest_of_large = None;
        }
        Some(slice)
    }

    /// Everything that waits as one polling payload; `None` if nothing does.
    pub fn take_payload(&mut self) -> Option<Payload> {
        if self.queue.is_empty() {
            return None;
        }
        let bytes = self.queued_bytes + self.queue.len();
        let frames = std::mem::take(&mut self.queue);
        self.queued_bytes = 0;
        Some(Payload::join(frames.iter(), bytes, self.wire))
    }
}

#[cfg(test)]
mod tests {
    use super::super::revision::Revision;
    use super::*;

    fn text(text: &'static str) -> Frame {
        Frame::constant(text)
    }

    #[test]
    fn overflows_one_byte_above_the_limit_and_holds_nothing_then() {
        let mut outbox = Outbox::new(8, 0);
        outbox.push(&text("4abcdefg"));
        assert!(!outbox.overflowed());
        outbox.push(&text("4"));
        assert!(outbox.overflowed());
        assert_eq!(outbox.queued_bytes(), 0);
        outbox.push(&text("4"));
        assert!(outbox.is_empty());
    }

    #[test]
    fn overflows_one_frame_above_the_limit() {
        let mut outbox = Outbox::new(0, 2);
        outbox.push(&text("4"));
        outbox.push(&text("4"));
        assert!(!outbox.overflowed());
        outbox.push(&text("4"));
        assert!(outbox.overflowed());
    }

    fn event(text: &str, attachment: usize) -> FrameGroup {
        FrameGroup::new(Bytes::copy_from_slice(text.as_bytes()), vec![vec![0; attachment].into()])
    }

    #[test]
    fn new_events_are_dropped_whole_where_that_is_the_policy() {
        let mut outbox = Outbox::new(30, 5);
        outbox.set_policy(SendPolicy::DropNew);
        outbox.push_group(&event("451-[\"a\"]", 10));
        outbox.push_group(&event("451-[\"b\"]", 30));
        outbox.push_group(&event("451-[\"c\"]", 1));
        outbox.push(&text("2"));
        outbox.push_group(&event("451-[\"d\"]", 0));
        assert!(!outbox.overflowed());
        assert_eq!(outbox.queued_frames(), 5);
        assert_eq!(outbox.queued_bytes(), 19 + 10 + 1);
        // Answers are no events.
        outbox.push(&text("430[]"));
        assert!(outbox.overflowed());
    }

    #[test]
    fn old_events_make_room_where_that_is_the_policy() {
        let mut outbox = Outbox::new(0, 6);
        outbox.set_policy(SendPolicy::DropOldest);
        // The rest of a packet that is on its way, then an answer.
        outbox.push(&Frame::binary(Bytes::from_static(b"rest")));
        outbox.push(&text("430[]"));
        outbox.push_group(&event("451-[\"a\"]", 1));
        outbox.push_group(&event("451-[\"b\"]", 1));
        outbox.push_group(&event("451-[\"c\"]", 1));
        let payload = outbox.take_payload().unwrap();
        let expected =
            "bcmVzdA==\u{1e}430[]\u{1e}451-[\"b\"]\u{1e}bAA==\u{1e}451-[\"c\"]\u{1e}bAA==";
        assert_eq!(payload.as_str(), expected);
        assert_eq!((outbox.queued_bytes(), outbox.queued_frames()), (0, 0));
    }

    #[test]
    fn only_as_many_old_events_are_dropped_as_have_to_be_and_no_answer_between_them() {
        let mut outbox = Outbox::new(0, 7);
        outbox.set_policy(SendPolicy::DropOldest);
        outbox.push_group(&event("451-[\"a\"]", 1));
        outbox.push(&text("430[]"));
        outbox.push_group(&event("451-[\"b\"]", 1));
        outbox.push_group(&event("451-[\"c\"]", 1));
        let three = vec![Bytes::from_static(b"1"), Bytes::from_static(b"2")];
        outbox.push_group(&FrameGroup::new(Bytes::from_static(b"452-[\"d\"]"), three));
        let bytes = outbox.queued_bytes();
        let payload = outbox.take_payload().unwrap();
        let expected = "430[]\u{1e}451-[\"c\"]\u{1e}bAA==\u{1e}452-[\"d\"]\u{1e}bMQ==\u{1e}bMg==";
        assert_eq!(payload.as_str(), expected);
        assert_eq!(bytes, 5 + 9 + 1 + 9 + 2);
    }

    #[test]
    fn an_event_larger_than_the_queue_is_dropped_alone() {
        let mut outbox = Outbox::new(20, 0);
        outbox.set_policy(SendPolicy::DropOldest);
        outbox.push(&text("430[]"));
        outbox.push_group(&FrameGroup::new(Bytes::from_static(b"42[\"b\"]"), Vec::new()));
        outbox.push_group(&event("451-[\"a\"]", 30));
        assert!(!outbox.overflowed());
        assert_eq!(outbox.take_payload().unwrap().as_str(), "430[]\u{1e}42[\"b\"]");
    }

    #[test]
    fn frames_of_a_turn_follow_those_that_waited() {
        let mut outbox = Outbox::new(0, 0);
        outbox.push(&text("4a"));
        outbox.begin_turn(BytesMut::new());
        assert!(!outbox.is_idle());
        outbox.push_text(&[b"4", b"b"]);
        assert_eq!(&outbox.end_turn()[..], b"\x81\x024a\x81\x024b");
        assert!(outbox.is_idle());
    }

    #[test]
    fn what_follows_the_end_of_a_write_leaves_with_the_next_turn() {
        let mut outbox = Outbox::new(0, 0);
        outbox.push(&text("0{}").ending_write());
        outbox.push(&text("4a"));
        outbox.begin_turn(BytesMut::new());
        outbox.push(&text("4b"));
        assert_eq!(&outbox.end_turn()[..], b"\x81\x030{}");
        assert!(outbox.waits_for_write());
        outbox.begin_turn(BytesMut::new());
        outbox.push(&text("40").ending_write());
        outbox.push_text(&[b"4c"]);
        assert_eq!(&outbox.end_turn()[..], b"\x81\x024a\x81\x024b\x81\x0240");
        outbox.begin_turn(BytesMut::new());
        assert_eq!(&outbox.end_turn()[..], b"\x81\x024c");
        assert!(!outbox.waits_for_write());
    }

    fn ready(text: &'static str, attachments: &[&'static [u8]]) -> FrameGroup {
        let attachments = attachments.iter().map(|bytes| Bytes::from_static(bytes)).collect();
        FrameGroup::new(Bytes::from_static(text.as_bytes()), attachments).ready()
    }

    #[test]
    fn a_packet_for_many_is_handed_out_as_it_is_unless_its_client_reads_another_form() {
        let (text, binary) = (ready("4a", &[]), ready("451-", &[b"b", b"cd"]));
        let other = FrameGroup::new(Bytes::from_static(b"4a"), Vec::new());
        let v3 = Wire { revision: Revision::V3, ..Wire::V4 };
        for (wire, group, expected) in [
            (Wire { base64: true, ..Wire::V4 }, &binary, None),
            (v3, &binary, None),
            (Wire { deflate: Some(1), ..Wire::V4 }, &text, None),
            (Wire::V4, &other, None),
            (Wire::V4, &text.clone().ending_write(), None),
            (Wire { base64: true, ..v3 }, &text, Some(&b"\x81\x024a"[..])),
            (Wire::V4, &text, Some(b"\x81\x024a")),
            (Wire::V4, &binary, Some(b"\x81\x04451-\x82\x01b\x82\x02cd")),
        ] {
            let mut outbox = Outbox::new(0, 0);
            outbox.set_wire(wire);
            assert_eq!(outbox.take_ready(), None);
            outbox.push_group(group);
            assert_eq!(outbox.take_ready().as_deref(), expected, "{wire:?} {group:?}");
            let queued = if expected.is_none() { group.frame_count() } else { 0 };
            assert_eq!(outbox.queued_frames(), queued);
            assert_eq!(outbox.queued_bytes() == 0, expected.is_some());
        }
    }

    #[test]
    fn two_packets_the_same_packet_twice_and_a_part_of_one_are_no_packet() {
        let (one, two) = (ready("451-", &[b"b"]), ready("451-", &[b"b"]));
        for groups in [[&one, &two], [&one, &one]] {
            let mut outbox = Outbox::new(0, 0);
            for group in groups {
                outbox.push_group(group);
            }
            assert_eq!(outbox.take_ready(), None);
            outbox.dequeue();
            assert_eq!(outbox.take_ready(), None);
            outbox.dequeue();
            assert_eq!(outbox.take_ready().as_deref(), Some(&b"\x81\x04451-\x82\x01b"[..]));
        }
        let mut outbox = Outbox::new(0, 0);
        outbox.push_group(&one);
        outbox.dequeue();
        assert_eq!(outbox.take_ready(), None);
    }

    #[test]
    fn a_packet_for_many_waits_for_its_turn_among_others() {
        let mut outbox = Outbox::new(0, 0);
        let group = ready("4a", &[]);
        outbox.begin_turn(BytesMut::new());
        outbox.push_text(&[b"4", b"b"]);
        outbox.push_group(&group);
        assert_eq!(outbox.take_ready(), None);
        assert_eq!(&outbox.end_turn()[..], b"\x81\x024b\x81\x024a");
        outbox.push(&Frame::binary(Bytes::from(vec![7; LARGE_FRAME + 1])));
        outbox.begin_turn(BytesMut::new());
        outbox.push_group(&group);
        outbox.end_turn();
        assert_eq!(outbox.take_ready(), None);
    }

    /// Written for most of its receivers, a packet is still whole for the others.
    #[test]
    fn who_reads_another_form_gets_the_payload_of_a_packet_for_many() {
        let group = ready("451-", &[b"b"]);
        let payloads: Vec<&[u8]> = group.iter().map(Frame::payload).collect();
        assert_eq!(payloads, [&b"451-"[..], b"b"]);
        assert!(group.iter().all(|frame| frame.to_payload() == frame.payload()));
        assert_eq!((group.byte_len(), group.is_event()), (5, true));
        let mut outbox = Outbox::new(0, 0);
        outbox.push_group(&group);
        assert_eq!(outbox.take_payload().unwrap().as_str(), "451-\u{1e}bYg==");
        outbox.set_wire(Wire { revision: Revision::V3, ..Wire::V4 });
        outbox.begin_turn(BytesMut::new());
        outbox.push_group(&group);
        assert_eq!(&outbox.end_turn()[..], b"\x81\x04451-\x82\x02\x04b");
    }

    #[test]
    fn a_large_frame_is_handed_out_in_slices_and_not_overtaken() {
        let mut outbox = Outbox::new(0, 0);
        let large = Bytes::from(vec![7; LARGE_FRAME + 1]);
        outbox.push(&text("4a"));
        outbox.push(&Frame::binary(large.clone()));
        outbox.push(&text("4b"));
        outbox.begin_turn(BytesMut::new());
        outbox.push(&text("4c"));
        let head = outbox.end_turn();
        assert_eq!(head.len(), 4 + 10);
        let mut slices = Vec::new();
        while let Some(slice) = outbox.next_slice(32 * 1024) {
            assert!(slice.len() <= 32 * 1024);
            slices.extend_from_slice(&slice);
        }
        assert_eq!(slices, large);
        outbox.begin_turn(BytesMut::new());
        assert_eq!(&outbox.end_turn()[..], b"\x81\x024b\x81\x024c");
    }

    #[test]
    fn large_frames_are_compressed_and_handed_out_in_slices_too() {
        let mut outbox = Outbox::new(0, 0);
        outbox.set_wire(Wire { deflate: Some(1), ..Wire::V4 });
        let large = vec![7; LARGE_FRAME + 1];
        outbox.push(&Frame::binary(large.clone().into()));
        outbox.begin_turn(BytesMut::new());
        let head = outbox.end_turn();
        assert_eq!(head[0], 0xc2);
        let mut slices = Vec::new();
        while let Some(slice) = outbox.next_slice(100) {
            slices.extend_from_slice(&slice);
        }
        assert_eq!(super::super::deflate::inflate(&slices, large.len()), Ok(large));
    }

    #[test]
    fn a_turn_takes_a_bounded_amount() {
        let mut outbox = Outbox::new(0, 0);
        outbox.begin_turn(BytesMut::new());
        let frame = Frame::binary(Bytes::from(vec![0; 60_000]));
        for _ in 0..10 {
            outbox.push(&frame);
        }
        assert!(outbox.end_turn().len() < TURN_BYTES + 61_000);
        assert!(outbox.queued_bytes() >= 7 * 60_000);
    }

    #[test]
    fn a_payload_joins_everything_that_waits() {
        let mut outbox = Outbox::new(0, 0);
        assert_eq!(outbox.take_payload(), None);
        outbox.push(&text("4a"));
        outbox.push_group(&FrameGroup::new(
            Bytes::from_static(b"451-[]"),
            vec![Bytes::from_static(&[1])],
        ));
        let payload = outbox.take_payload().unwrap();
        assert_eq!(payload.as_str(), "4a\u{1e}451-[]\u{1e}bAQ==");
        assert_eq!(outbox.queued_bytes(), 0);
    }
}
