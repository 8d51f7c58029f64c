//! Scripts over one engine session in virtual time: heartbeat, polls, close, limits.

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
use sio_core::engine::{EngineConfig, PollOutcome, Received, Session, Transport, Wire};
use sio_core::frame::{Frame, FrameGroup};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);
/// The defaults of [`EngineConfig`].
const INTERVAL: Duration = Duration::from_secs(25);
const TIMEOUT: Duration = Duration::from_secs(20);

/// A session that has told its client the open packet, and when it was opened.
fn open(transport: Transport) -> (Session, Instant) {
    let start = Instant::now();
    let config = Arc::new(EngineConfig::default());
    let mut session = Session::open(start, config, transport, Wire::V4, "0{}".to_owned());
    match transport {
        Transport::Polling => assert_eq!(session.on_poll(), ready("0{}")),
        _ => assert_eq!(turn(&mut session), b"\x81\x030{}"),
    }
    (session, start)
}

fn ready(payload: &str) -> PollOutcome {
    PollOutcome::Ready(payload.into())
}

/// What one turn of a WebSocket writes.
fn turn(session: &mut Session) -> Vec<u8> {
    session.begin_turn(BytesMut::new());
    session.end_turn().to_vec()
}

fn error(detail: &'static str) -> Option<CloseReason> {
    Some(CloseReason::TransportError(detail))
}

// ---- heartbeat ----------------------------------------------------------------------------------

#[test]
fn a_client_that_pings_is_closed() {
    let (mut session, now) = open(Transport::Websocket);
    assert_eq!(session.receive_text(now, "2"), Received::Closed);
    assert_eq!(session.close_reason(), error("invalid heartbeat direction"));
}

#[test]
fn no_ping_is_sent_before_the_interval() {
    let (mut session, start) = open(Transport::Polling);
    assert_eq!(session.poll_timeout(), Some(start + INTERVAL));
    session.handle_timeout(start + INTERVAL - MS);
    assert_eq!(session.on_poll(), PollOutcome::Wait);
}

#[test]
fn the_first_ping_is_sent_exactly_at_the_interval() {
    let (mut session, start) = open(Transport::Polling);
    session.handle_timeout(start + INTERVAL);
    assert_eq!(session.on_poll(), ready("2"));
    assert_eq!(session.poll_timeout(), Some(start + INTERVAL + TIMEOUT));
}

#[test]
fn a_ping_answers_a_waiting_poll() {
    let (mut session, start) = open(Transport::Polling);
    assert_eq!(session.on_poll(), PollOutcome::Wait);
    session.handle_timeout(start + INTERVAL);
    assert_eq!(session.take_poll_answer().unwrap().as_str(), "2");
    assert_eq!(session.take_poll_answer(), None);
}

#[test]
fn the_next_ping_is_counted_from_the_pong() {
    let (mut session, start) = open(Transport::Websocket);
    session.handle_timeout(start + INTERVAL);
    let pong = start + INTERVAL + 3 * SECOND;
    assert_eq!(session.receive_text(pong, "3"), Received::Nothing);
    session.handle_timeout(pong + INTERVAL - MS);
    assert_eq!(turn(&mut session), b"\x81\x012");
    session.handle_timeout(pong + INTERVAL);
    assert_eq!(turn(&mut session), b"\x81\x012");
    assert_eq!(session.close_reason(), None);
}

#[test]
fn a_missing_pong_ends_the_session_exactly_at_the_timeout() {
    let (mut session, start) = open(Transport::Polling);
    session.handle_timeout(start + INTERVAL);
    assert_eq!(session.on_poll(), ready("2"));
    assert_eq!(session.on_poll(), PollOutcome::Wait);
    session.handle_timeout(start + INTERVAL + TIMEOUT - MS);
    assert_eq!(session.close_reason(), None);
    session.handle_timeout(start + INTERVAL + TIMEOUT);
    assert_eq!(session.close_reason(), Some(CloseReason::PingTimeout));
    assert_eq!(session.take_poll_answer().unwrap().as_str(), "1");
    assert_eq!(session.on_poll(), PollOutcome::Gone);
}

#[test]
fn messages_are_no_sign_of_life() {
    let (mut session, start) = open(Transport::Websocket);
    session.handle_timeout(start + INTERVAL);
    let late = start + INTERVAL + TIMEOUT - MS;
    assert_eq!(session.receive_text(late, "4a"), Received::Text("a"));
    session.handle_timeout(start + INTERVAL + TIMEOUT);
    assert_eq!(session.close_reason(), Some(CloseReason::PingTimeout));
}

#[test]
fn an_unsolicited_pong_restarts_the_interval() {
    let (mut session, start) = open(Transport::Polling);
    let pong = start + 10 * SECOND;
    session.receive_text(pong, "3");
    session.handle_timeout(start + INTERVAL);
    assert!(!session.has_output());
    session.handle_timeout(pong + INTERVAL);
    assert_eq!(session.on_poll(), ready("2"));
}

#[test]
fn late_ticks_do_not_add_up() {
    let (mut session, start) = open(Transport::Websocket);
    session.handle_timeout(start + INTERVAL + SECOND);
    assert_eq!(session.poll_timeout(), Some(start + INTERVAL + TIMEOUT));
    session.handle_timeout(start + INTERVAL + TIMEOUT);
    assert_eq!(session.close_reason(), Some(CloseReason::PingTimeout));
}

#[test]
fn a_process_suspended_before_the_ping_gives_the_full_timeout() {
    let (mut session, start) = open(Transport::Websocket);
    let awake = start + INTERVAL + 3600 * SECOND;
    session.handle_timeout(awake);
    assert_eq!(session.close_reason(), None);
    assert_eq!(turn(&mut session), b"\x81\x012");
    assert_eq!(session.poll_timeout(), Some(awake + TIMEOUT));
}

#[test]
fn a_process_suspended_before_the_timeout_asks_once_more_and_then_ends() {
    let (mut session, start) = open(Transport::Websocket);
    session.handle_timeout(start + INTERVAL);
    assert_eq!(turn(&mut session), b"\x81\x012");
    let awake = start + INTERVAL + TIMEOUT + 3600 * SECOND;
    session.handle_timeout(awake);
    assert_eq!(session.close_reason(), None);
    assert_eq!(turn(&mut session), b"\x81\x012");
    session.handle_timeout(awake + TIMEOUT);
    assert_eq!(session.close_reason(), Some(CloseReason::PingTimeout));
}

#[test]
fn an_ended_session_has_no_timers() {
    let (mut session, start) = open(Transport::Polling);
    session.abort(CloseReason::ServerShuttingDown);
    assert_eq!(session.poll_timeout(), None);
    session.handle_timeout(start + 3600 * SECOND);
    assert!(!session.has_output());
}

// ---- polls --------------------------------------------------------------------------------------

#[test]
fn a_second_poll_ends_the_session() {
    let (mut session, _) = open(Transport::Polling);
    assert_eq!(session.on_poll(), PollOutcome::Wait);
    assert_eq!(session.on_poll(), PollOutcome::Overlap);
    assert_eq!(session.close_reason(), error("overlap from client"));
    assert_eq!(session.take_poll_answer().unwrap().as_str(), "1");
    assert_eq!(session.on_poll(), PollOutcome::Gone);
}

#[test]
fn a_lost_poll_ends_the_session_at_once() {
    let (mut session, _) = open(Transport::Polling);
    assert_eq!(session.on_poll(), PollOutcome::Wait);
    session.on_poll_lost();
    let detail = "poll connection closed prematurely";
    assert_eq!(session.close_reason(), error(detail));
    assert!(session.is_closed());
}

#[test]
fn losing_a_poll_that_was_answered_does_no_harm() {
    let (mut session, now) = open(Transport::Polling);
    session.on_poll_lost();
    assert_eq!(session.close_reason(), None);
    assert_eq!(session.receive_text(now, "4a"), Received::Text("a"));
}

#[test]
fn polls_of_a_websocket_session_are_refused_without_harm() {
    let (mut session, _) = open(Transport::Websocket);
    assert_eq!(session.on_poll(), PollOutcome::NotPolling);
    assert_eq!(session.close_reason(), None);
}

#[test]
fn a_poll_takes_everything_that_waits_in_order() {
    let (mut session, _) = open(Transport::Polling);
    session.send_text(&[b"4", b"a"]);
    session.send_group(&FrameGroup::new(
        Bytes::from_static(b"451-[]"),
        vec![Bytes::from_static(&[1, 2, 3, 4])],
    ));
    session.send_frame(&Frame::constant("4c"));
    assert_eq!(session.on_poll(), ready("4a\u{1e}451-[]\u{1e}bAQIDBA==\u{1e}4c"));
    assert_eq!(session.on_poll(), PollOutcome::Wait);
}

#[test]
fn a_waiting_poll_is_answered_by_the_next_packet() {
    let (mut session, _) = open(Transport::Polling);
    assert_eq!(session.on_poll(), PollOutcome::Wait);
    assert_eq!(session.take_poll_answer(), None);
    assert!(session.poll_waits());
    session.send_text(&[b"4a"]);
    assert_eq!(session.take_poll_answer().unwrap().as_str(), "4a");
    assert!(!session.poll_waits());
}

// ---- packets in ---------------------------------------------------------------------------------

#[test]
fn what_is_no_packet_ends_the_session() {
    for text in ["", "abc", "9", "7", "{", "b*"] {
        let (mut session, now) = open(Transport::Polling);
        assert_eq!(session.receive_text(now, text), Received::Closed, "{text}");
        assert_eq!(session.close_reason(), Some(CloseReason::ParseError));
        assert!(session.is_closed());
    }
}

#[test]
fn packets_that_mean_nothing_here_are_ignored() {
    let (mut session, now) = open(Transport::Websocket);
    for text in ["0{}", "5", "6"] {
        assert_eq!(session.receive_text(now, text), Received::Nothing);
    }
    assert_eq!(session.receive_text(now, "4a"), Received::Text("a"));
    let bytes = Bytes::from_static(&[1, 2, 3, 4]);
    let binary = session.receive_text(now, "bAQIDBA==");
    assert_eq!(binary, Received::Binary(bytes));
}

#[test]
fn packets_after_a_close_are_ignored() {
    let (mut session, now) = open(Transport::Polling);
    assert_eq!(session.receive_text(now, "1"), Received::Closed);
    for text in ["4a", "abc", "1", "2"] {
        assert_eq!(session.receive_text(now, text), Received::Nothing);
    }
    assert_eq!(session.receive_binary(now, Bytes::new()), Received::Nothing);
    assert_eq!(session.close_reason(), Some(CloseReason::TransportClose));
}

// ---- close --------------------------------------------------------------------------------------

#[test]
fn a_session_that_ended_sends_nothing_more() {
    let (mut session, now) = open(Transport::Polling);
    session.close(now, CloseReason::ForcedClose);
    session.send_text(&[b"4a"]);
    session.send_frame(&Frame::constant("4b"));
    session.send_group(&FrameGroup::new(Bytes::from_static(b"4c"), Vec::new()));
    assert_eq!(session.on_poll(), ready("6\u{1e}1"));
}

#[test]
fn the_first_reason_stays() {
    let (mut session, now) = open(Transport::Polling);
    session.close(now, CloseReason::ForcedClose);
    session.close(now, CloseReason::ServerDisconnect);
    session.abort(CloseReason::ServerShuttingDown);
    assert_eq!(session.close_reason(), Some(CloseReason::ForcedClose));
}

#[test]
fn a_close_answers_the_waiting_poll_with_a_close_packet() {
    let (mut session, now) = open(Transport::Polling);
    assert_eq!(session.on_poll(), PollOutcome::Wait);
    session.close(now, CloseReason::ForcedClose);
    assert_eq!(session.take_poll_answer().unwrap().as_str(), "1");
    assert_eq!(session.on_poll(), PollOutcome::Gone);
}

#[test]
fn a_close_without_a_poll_is_told_to_the_next_one() {
    let (mut session, now) = open(Transport::Polling);
    session.close(now, CloseReason::ForcedClose);
    assert!(!session.is_closed());
    assert_eq!(session.on_poll(), ready("6\u{1e}1"));
    assert_eq!(session.on_poll(), PollOutcome::Gone);
}

#[test]
fn what_waits_is_delivered_before_the_close() {
    let (mut session, now) = open(Transport::Polling);
    session.send_text(&[b"4a"]);
    session.close(now, CloseReason::ForcedClose);
    assert_eq!(session.on_poll(), ready("4a"));
    assert_eq!(session.on_poll(), ready("6\u{1e}1"));
    assert_eq!(session.on_poll(), PollOutcome::Gone);
}

#[test]
fn a_client_that_closes_has_its_waiting_poll_released_with_a_noop() {
    let (mut session, now) = open(Transport::Polling);
    assert_eq!(session.on_poll(), PollOutcome::Wait);
    session.receive_text(now, "1");
    assert_eq!(session.take_poll_answer().unwrap().as_str(), "6");
    assert!(session.is_closed());
}

#[test]
fn a_client_that_closes_without_a_poll_is_gone_at_once() {
    let (mut session, now) = open(Transport::Polling);
    session.send_text(&[b"4a"]);
    session.receive_text(now, "1");
    assert!(session.is_closed());
    assert_eq!(session.on_poll(), PollOutcome::Gone);
}

#[test]
fn an_abort_drops_what_waits() {
    let (mut session, _) = open(Transport::Polling);
    session.send_text(&[b"4a"]);
    session.abort(CloseReason::ServerShuttingDown);
    assert!(session.is_closed());
    assert!(!session.has_output());
}

#[test]
fn a_closing_session_that_nobody_polls_is_forgotten_after_the_close_timeout() {
    let (mut session, now) = open(Transport::Polling);
    session.send_text(&[b"4a"]);
    session.close(now, CloseReason::ForcedClose);
    session.handle_timeout(now + 30 * SECOND - MS);
    assert!(!session.is_closed());
    session.handle_timeout(now + 30 * SECOND);
    assert!(session.is_closed());
    assert!(!session.has_output());
}

#[test]
fn a_closing_websocket_writes_what_waits_and_is_closed_with_its_connection() {
    let (mut session, now) = open(Transport::Websocket);
    session.send_text(&[b"4a"]);
    session.close(now, CloseReason::ServerDisconnect);
    assert_eq!(turn(&mut session), b"\x81\x024a");
    assert!(!session.is_closed());
    session.on_transport_closed(CloseReason::TransportClose);
    assert!(session.is_closed());
    assert_eq!(session.close_reason(), Some(CloseReason::ServerDisconnect));
}
