//! Scripts over one engine session that is tried on a WebSocket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a script that cannot be played is a failed test"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use sio_core::close::CloseReason;
use sio_core::engine::{EngineConfig, PollOutcome, ProbeReply, Received, Session, Transport, Wire};
use sio_core::frame::{Frame, FrameGroup};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);
/// The default upgrade timeout.
const EXPIRY: Duration = Duration::from_secs(10);
const NOOP_INTERVAL: Duration = Duration::from_millis(100);

fn polling() -> (Session, Instant) {
    let start = Instant::now();
    let config = Arc::new(EngineConfig::default());
    let mut session = Session::open(start, config, Transport::Polling, Wire::V4, "0{}".to_owned());
    assert_eq!(session.on_poll(), ready("0{}"));
    (session, start)
}

/// A session whose WebSocket has been answered `3probe`.
fn probed() -> (Session, Instant) {
    let (mut session, now) = polling();
    assert!(session.on_probe_open(now));
    let reply = session.on_probe_frame(now, "2probe", Wire::V4);
    assert_eq!(reply, ProbeReply::Pong);
    (session, now)
}

fn ready(payload: &str) -> PollOutcome {
    PollOutcome::Ready(payload.into())
}

fn turn(session: &mut Session) -> Vec<u8> {
    session.begin_turn(BytesMut::new());
    session.end_turn().to_vec()
}

#[test]
fn any_other_first_frame_is_refused_and_polling_goes_on() {
    for frame in ["4hello", "2", "2prob", "", "abc", "3probe", "1", "6"] {
        let (mut session, now) = polling();
        session.send_text(&[b"4a"]);
        assert!(session.on_probe_open(now));
        let reply = session.on_probe_frame(now, frame, Wire::V4);
        assert_eq!(reply, ProbeReply::Refused, "{frame}");
        assert!(!session.is_probing());
        assert_eq!(session.close_reason(), None);
        assert_eq!(session.on_poll(), ready("4a"));
    }
}

#[test]
fn a_second_websocket_is_refused_while_one_is_tried() {
    let (mut session, now) = probed();
    assert!(!session.on_probe_open(now));
    assert!(session.is_probing());
}

#[test]
fn a_websocket_for_a_session_on_websocket_is_refused() {
    let (mut session, now) = probed();
    session.on_probe_frame(now, "5", Wire::V4);
    assert!(!session.on_probe_open(now));
    assert_eq!(session.transport(), Transport::Websocket);
    assert_eq!(session.close_reason(), None);
}

#[test]
fn a_websocket_for_an_ended_session_is_refused() {
    let (mut session, now) = polling();
    session.close(now, CloseReason::ForcedClose);
    assert!(!session.on_probe_open(now));
}

#[test]
fn a_probe_frame_of_a_session_that_is_not_probed_is_refused() {
    let (mut session, now) = polling();
    assert_eq!(session.on_probe_frame(now, "5", Wire::V4), ProbeReply::Refused);
    assert_eq!(session.transport(), Transport::Polling);
}

#[test]
fn an_upgrade_that_takes_too_long_is_given_up_and_polling_goes_on() {
    let (mut session, now) = polling();
    assert!(session.on_probe_open(now));
    session.handle_timeout(now + EXPIRY - MS);
    assert!(session.is_probing());
    session.handle_timeout(now + EXPIRY);
    assert!(!session.is_probing());
    assert_eq!(session.close_reason(), None);
    let late = session.on_probe_frame(now + EXPIRY, "5", Wire::V4);
    assert_eq!(late, ProbeReply::Refused);
    assert_eq!(session.on_poll(), PollOutcome::Wait);
}

#[test]
fn the_probe_does_not_extend_the_expiry() {
    let (mut session, now) = polling();
    assert!(session.on_probe_open(now));
    session.on_probe_frame(now + 9 * SECOND, "2probe", Wire::V4);
    session.handle_timeout(now + EXPIRY);
    assert!(!session.is_probing());
}

#[test]
fn another_websocket_may_try_after_one_was_lost() {
    let (mut session, now) = probed();
    session.on_probe_closed();
    assert_eq!(session.close_reason(), None);
    assert!(session.on_probe_open(now));
    session.on_probe_frame(now, "2probe", Wire::V4);
    let reply = session.on_probe_frame(now, "5", Wire::V4);
    assert_eq!(reply, ProbeReply::Upgraded);
}

#[test]
fn a_lost_probe_leaves_no_timer_behind() {
    let (mut session, now) = probed();
    session.on_poll();
    session.on_probe_closed();
    session.handle_timeout(now + EXPIRY);
    assert_eq!(session.take_poll_answer(), None);
    assert_eq!(session.poll_timeout(), Some(now + 25 * SECOND));
}

#[test]
fn losing_the_probing_websocket_after_the_upgrade_is_not_a_failed_probe() {
    let (mut session, now) = probed();
    session.on_probe_frame(now, "5", Wire::V4);
    session.on_probe_closed();
    assert_eq!(session.transport(), Transport::Websocket);
}

#[test]
fn a_waiting_poll_gets_a_noop_every_hundred_milliseconds() {
    let (mut session, now) = probed();
    let mut noop = now;
    for _ in 0..3 {
        assert_eq!(session.on_poll(), PollOutcome::Wait);
        session.handle_timeout(noop + NOOP_INTERVAL - MS);
        assert_eq!(session.take_poll_answer(), None);
        noop += NOOP_INTERVAL;
        session.handle_timeout(noop);
        assert_eq!(session.take_poll_answer().unwrap().as_str(), "6");
    }
}

#[test]
fn a_poll_that_waits_is_released_by_the_probe() {
    let (mut session, now) = polling();
    session.on_poll();
    assert!(session.on_probe_open(now));
    session.on_probe_frame(now, "2probe", Wire::V4);
    assert_eq!(session.take_poll_answer().unwrap().as_str(), "6");
    // The next one waits its time: a client that has not seen the pong yet must not poll in circles.
    assert_eq!(session.on_poll(), PollOutcome::Wait);
    session.handle_timeout(now + NOOP_INTERVAL - MS);
    assert_eq!(session.take_poll_answer(), None);
    session.handle_timeout(now + NOOP_INTERVAL);
    assert_eq!(session.take_poll_answer().unwrap().as_str(), "6");
}

#[test]
fn a_probe_of_a_closing_session_adds_no_noop() {
    let (mut session, now) = polling();
    assert!(session.on_probe_open(now));
    session.close(now, CloseReason::ForcedClose);
    session.on_poll();
    session.on_probe_frame(now, "2probe", Wire::V4);
    assert_eq!(session.take_poll_answer(), None);
}

#[test]
fn no_noop_is_sent_before_the_probe() {
    let (mut session, now) = polling();
    session.on_poll();
    assert!(session.on_probe_open(now));
    session.handle_timeout(now + 5 * SECOND);
    assert_eq!(session.take_poll_answer(), None);
}

#[test]
fn a_noop_is_not_kept_for_a_poll_that_comes_later() {
    let (mut session, now) = probed();
    session.handle_timeout(now + NOOP_INTERVAL);
    session.handle_timeout(now + 2 * NOOP_INTERVAL);
    assert!(!session.has_output());
}

#[test]
fn polls_get_messages_while_a_websocket_is_tried() {
    let (mut session, _) = probed();
    session.send_text(&[b"4a"]);
    assert_eq!(session.on_poll(), ready("4a"));
}

#[test]
fn pushes_are_taken_while_a_websocket_is_tried() {
    let (mut session, now) = probed();
    assert_eq!(session.receive_text(now, "4a"), Received::Text("a"));
    assert_eq!(session.transport(), Transport::Polling);
}

#[test]
fn an_upgrade_carries_what_waits_in_order() {
    let (mut session, now) = probed();
    session.send_text(&[b"4a"]);
    session.send_group(&FrameGroup::new(
        Bytes::from_static(b"451-[]"),
        vec![Bytes::from_static(&[7])],
    ));
    let reply = session.on_probe_frame(now, "5", Wire::V4);
    assert_eq!(reply, ProbeReply::Upgraded);
    session.begin_turn(BytesMut::new());
    session.send_frame(&Frame::constant("4c"));
    let written = session.end_turn();
    assert_eq!(&written[..], b"\x81\x024a\x81\x06451-[]\x82\x01\x07\x81\x024c");
}

#[test]
fn an_upgrade_without_a_probe_is_accepted() {
    let (mut session, now) = polling();
    assert!(session.on_probe_open(now));
    let reply = session.on_probe_frame(now, "5", Wire::V4);
    assert_eq!(reply, ProbeReply::Upgraded);
}

#[test]
fn an_upgrade_releases_the_waiting_poll_with_a_noop() {
    let (mut session, now) = probed();
    session.on_poll();
    session.on_probe_frame(now, "5", Wire::V4);
    assert_eq!(session.take_poll_answer().unwrap().as_str(), "6");
    assert_eq!(session.on_poll(), PollOutcome::NotPolling);
    assert_eq!(session.close_reason(), None);
}

#[test]
fn binary_follows_the_wish_of_the_websocket_after_an_upgrade() {
    let (mut session, now) = probed();
    session.on_probe_frame(now, "5", Wire { base64: true, ..Wire::V4 });
    session.send_frame(&Frame::binary(Bytes::from_static(&[1, 2, 3, 4])));
    assert_eq!(turn(&mut session), b"\x81\x09bAQIDBA==");
}

#[test]
fn an_upgrade_stops_the_timers_of_the_probe() {
    let (mut session, now) = probed();
    session.on_probe_frame(now, "5", Wire::V4);
    assert_eq!(session.poll_timeout(), Some(now + 25 * SECOND));
    session.handle_timeout(now + EXPIRY);
    assert_eq!(session.transport(), Transport::Websocket);
    assert!(!session.has_output());
}

#[test]
fn a_ping_of_polling_may_be_answered_on_the_websocket() {
    let (mut session, start) = polling();
    let ping = start + 25 * SECOND;
    session.handle_timeout(ping);
    assert_eq!(session.on_poll(), ready("2"));
    assert!(session.on_probe_open(ping));
    session.on_probe_frame(ping, "5", Wire::V4);
    session.receive_text(ping + SECOND, "3");
    session.handle_timeout(ping + 20 * SECOND);
    assert_eq!(session.close_reason(), None);
    assert_eq!(session.poll_timeout(), Some(ping + 26 * SECOND));
}

#[test]
fn a_close_by_the_server_ends_the_probe() {
    let (mut session, now) = probed();
    session.on_poll();
    session.close(now, CloseReason::ForcedClose);
    assert!(!session.is_probing());
    let reply = session.on_probe_frame(now, "5", Wire::V4);
    assert_eq!(reply, ProbeReply::Refused);
    assert_eq!(session.take_poll_answer().unwrap().as_str(), "1");
    assert!(session.is_closed());
}

#[test]
fn a_close_between_two_polls_of_an_upgrade_lets_it_finish_and_says_what_waits() {
    let (mut session, now) = probed();
    session.send_text(&[b"42[\"last\"]"]);
    session.close(now, CloseReason::ServerShuttingDown);
    assert!(session.is_probing());
    // The client has stopped polling for the upgrade, which is all that it will still say.
    assert_eq!(session.on_probe_frame(now, "2probe", Wire::V4), ProbeReply::Pong);
    assert_eq!(session.on_probe_frame(now, "5", Wire::V4), ProbeReply::Upgraded);
    assert!(!session.is_probing());
    assert_eq!(session.transport(), Transport::Websocket);
    assert_eq!(turn(&mut session), b"\x81\x0a42[\"last\"]");
    session.on_transport_closed(CloseReason::TransportClose);
    assert_eq!(session.close_reason(), Some(CloseReason::ServerShuttingDown));
    assert!(session.is_closed());
}

#[test]
fn a_close_that_nobody_fetches_expires_although_a_websocket_is_tried() {
    let (mut session, now) = probed();
    session.send_text(&[b"42[\"last\"]"]);
    session.close(now, CloseReason::ForcedClose);
    session.handle_timeout(now + 30 * SECOND);
    assert!(session.is_closed());
    assert!(!session.is_probing());
    assert_eq!(session.on_probe_frame(now, "5", Wire::V4), ProbeReply::Refused);
}

#[test]
fn a_close_by_the_client_ends_the_probe() {
    let (mut session, now) = probed();
    session.receive_text(now, "1");
    assert!(!session.is_probing());
    assert!(session.is_closed());
    let reply = session.on_probe_frame(now, "5", Wire::V4);
    assert_eq!(reply, ProbeReply::Refused);
}

#[test]
fn a_ping_timeout_ends_the_probe() {
    let (mut session, start) = polling();
    session.handle_timeout(start + 25 * SECOND);
    let late = start + 44 * SECOND;
    assert!(session.on_probe_open(late));
    session.handle_timeout(start + 45 * SECOND);
    assert_eq!(session.close_reason(), Some(CloseReason::PingTimeout));
    assert!(!session.is_probing());
    assert!(session.is_closed());
}

#[test]
fn a_lost_poll_ends_the_probe_with_the_session() {
    let (mut session, _) = probed();
    session.on_poll();
    session.on_poll_lost();
    assert!(session.is_closed());
    assert!(!session.is_probing());
}
