//! Bounds of one engine session, and when a volatile packet may go.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a script that cannot be played is a failed test"
)]

use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use sio_core::close::CloseReason;
use sio_core::engine::{EngineConfig, PollOutcome, Session, Transport, Wire};
use sio_core::frame::{Frame, FrameGroup};

const FULL: Option<CloseReason> = Some(CloseReason::TransportError("send buffer full"));

/// A session that has told its client the open packet, and when it was opened.
fn open(transport: Transport, change: impl FnOnce(&mut EngineConfig)) -> (Session, Instant) {
    let mut config = EngineConfig::default();
    change(&mut config);
    let start = Instant::now();
    let open_packet = String::from("0{}");
    let mut session = Session::open(start, Arc::new(config), transport, Wire::V4, open_packet);
    match transport {
        Transport::Polling => assert_eq!(session.on_poll(), ready("0{}")),
        _ => assert_eq!(turn(&mut session), b"\x81\x030{}"),
    }
    (session, start)
}

fn ready(payload: &str) -> PollOutcome {
    PollOutcome::Ready(payload.into())
}

fn turn(session: &mut Session) -> Vec<u8> {
    session.begin_turn(BytesMut::new());
    session.end_turn().to_vec()
}

// ---- the outgoing queue -------------------------------------------------------------------------

#[test]
fn one_byte_above_the_queue_limit_ends_the_session_and_drops_what_waits() {
    let (mut session, _) = open(Transport::Polling, |config| config.send_buffer_max = 8);
    session.send_text(&[b"4abcdefg"]);
    session.send_text(&[b"4"]);
    assert_eq!(session.close_reason(), FULL);
    assert!(!session.has_output());
    assert_eq!(session.on_poll(), PollOutcome::Gone);
}

#[test]
fn exactly_the_queue_limit_is_delivered() {
    let (mut session, _) = open(Transport::Polling, |config| config.send_buffer_max = 8);
    session.send_text(&[b"4abc"]);
    session.send_frame(&Frame::constant("4efg"));
    assert_eq!(session.close_reason(), None);
    assert_eq!(session.on_poll(), ready("4abc\u{1e}4efg"));
}

#[test]
fn one_frame_above_the_queue_limit_ends_the_session() {
    let (mut session, _) = open(Transport::Websocket, |config| {
        config.send_buffer_max_frames = 2;
    });
    session.send_text(&[b"4a"]);
    session.send_text(&[b"4b"]);
    assert_eq!(session.close_reason(), None);
    session.send_text(&[b"4c"]);
    assert_eq!(session.close_reason(), FULL);
    assert_eq!(turn(&mut session), b"");
}

#[test]
fn attachments_count_for_the_queue_limit() {
    let (mut session, _) = open(Transport::Polling, |config| {
        config.send_buffer_max_frames = 2;
    });
    let bytes = || Bytes::from_static(&[1]);
    session.send_group(&FrameGroup::new(Bytes::from_static(b"452-[]"), vec![bytes(), bytes()]));
    assert_eq!(session.close_reason(), FULL);
}

#[test]
fn an_overflow_answers_the_waiting_poll_with_a_close_packet() {
    let (mut session, _) = open(Transport::Polling, |config| config.send_buffer_max = 8);
    assert_eq!(session.on_poll(), PollOutcome::Wait);
    session.send_text(&[b"4abcdefgh"]);
    assert_eq!(session.take_poll_answer().unwrap().as_str(), "1");
    assert!(session.is_closed());
}

#[test]
fn a_ping_above_the_queue_limit_ends_the_session_at_once() {
    let (mut session, start) = open(Transport::Polling, |config| {
        config.send_buffer_max_frames = 1;
    });
    session.send_text(&[b"4a"]);
    session.handle_timeout(start + EngineConfig::default().ping_interval);
    // What waited is gone, so nobody may go on as if it had been delivered.
    assert_eq!(session.close_reason(), FULL);
}

#[test]
fn a_queue_that_was_delivered_counts_from_zero_again() {
    let (mut session, _) = open(Transport::Polling, |config| {
        config.send_buffer_max = 8;
        config.send_buffer_max_frames = 1;
    });
    for _ in 0..3 {
        session.send_text(&[b"4abcdefg"]);
        assert_eq!(session.on_poll(), ready("4abcdefg"));
    }
    assert_eq!(session.close_reason(), None);
}

#[test]
fn the_peer_is_not_read_from_the_high_mark_on() {
    let (mut session, _) = open(Transport::Polling, |config| config.send_buffer_high = 4);
    session.send_text(&[b"4ab"]);
    assert!(!session.is_congested());
    session.send_text(&[b"4"]);
    assert!(session.is_congested());
    assert_eq!(session.on_poll(), ready("4ab\u{1e}4"));
    assert!(!session.is_congested());
}

#[test]
fn zero_switches_a_bound_off() {
    let (mut session, _) = open(Transport::Polling, |config| {
        config.send_buffer_max = 0;
        config.send_buffer_max_frames = 0;
        config.send_buffer_high = 0;
    });
    for _ in 0..20_000 {
        session.send_text(&[&[b'4'; 512]]);
    }
    assert_eq!(session.close_reason(), None);
    assert!(!session.is_congested());
}

// ---- volatile packets ---------------------------------------------------------------------------

#[test]
fn polling_without_a_waiting_poll_takes_nothing_volatile() {
    let (mut session, _) = open(Transport::Polling, |_| {});
    assert!(!session.is_writable());
    session.send_text(&[b"4a"]);
    assert!(!session.is_writable());
}

#[test]
fn a_waiting_poll_takes_one_volatile_packet() {
    let (mut session, _) = open(Transport::Polling, |_| {});
    session.on_poll();
    assert!(session.is_writable());
    session.send_text(&[b"4a"]);
    assert!(!session.is_writable());
    session.take_poll_answer();
    assert!(!session.is_writable());
}

#[test]
fn a_websocket_that_has_said_something_takes_nothing_volatile() {
    let (mut session, _) = open(Transport::Websocket, |_| {});
    session.begin_turn(BytesMut::new());
    assert!(session.is_writable());
    session.send_text(&[b"4a"]);
    assert!(!session.is_writable());
    session.end_turn();
    assert!(session.is_writable());
}

#[test]
fn a_websocket_with_a_queue_takes_nothing_volatile() {
    let (mut session, _) = open(Transport::Websocket, |_| {});
    session.send_text(&[b"4a"]);
    assert!(!session.is_writable());
    turn(&mut session);
    assert!(session.is_writable());
}

#[test]
fn a_half_written_frame_takes_nothing_volatile() {
    let (mut session, _) = open(Transport::Websocket, |_| {});
    session.send_frame(&Frame::binary(Bytes::from(vec![0; 200_000])));
    turn(&mut session);
    assert!(session.next_slice(150_000).is_some());
    assert!(!session.is_writable());
    assert!(session.next_slice(150_000).is_some());
    assert_eq!(session.next_slice(150_000), None);
    assert!(session.is_writable());
}

#[test]
fn a_probed_session_takes_nothing_volatile() {
    let (mut session, now) = open(Transport::Polling, |_| {});
    session.on_poll();
    assert!(session.on_probe_open(now));
    assert!(!session.is_writable());
    session.on_probe_closed();
    assert!(session.is_writable());
}

#[test]
fn an_ended_session_takes_nothing_volatile() {
    let (mut session, now) = open(Transport::Websocket, |_| {});
    session.close(now, CloseReason::ForcedClose);
    assert!(!session.is_writable());
}
