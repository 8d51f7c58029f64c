//! Namespaces, reservations, violations and attachments over one multiplexer, in virtual time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a script that cannot be played is a failed test"
)]

use std::time::{Duration, Instant};

use bytes::Bytes;
use sio_core::mux::attachments::AttachmentLimits;
use sio_core::mux::{Multiplexer, MuxError, MuxEvent, ProtocolViolation};
use sio_core::packet::{self, DecodeError, DecodeLimits};

const LIMITS: AttachmentLimits =
    AttachmentLimits { max_bytes: 8, timeout: Duration::from_secs(30) };

/// A multiplexer whose sockets are names.
struct Script {
    mux: Multiplexer<&'static str>,
    now: Instant,
}

impl Script {
    fn new() -> Self {
        Self { mux: Multiplexer::default(), now: Instant::now() }
    }

    fn joined(namespaces: &[&'static str]) -> Self {
        let mut script = Self::new();
        for namespace in namespaces {
            script.mux.reserve((*namespace).into(), *namespace);
            assert!(script.mux.join(namespace, namespace));
        }
        script
    }

    fn text<'a>(&mut self, text: &'a str) -> Result<MuxEvent<'a, &'static str>, MuxError> {
        let limits = DecodeLimits::default();
        self.mux.receive_text(self.now, text, &limits, LIMITS)
    }

    fn binary(&mut self, len: usize) -> Result<MuxEvent<'static, &'static str>, MuxError> {
        let bytes = Bytes::from(vec![0; len]);
        self.mux.receive_binary(self.now, bytes, LIMITS)
    }

    fn refusal(&mut self, text: &str) -> MuxError {
        self.text(text).expect_err(text)
    }
}

fn violation(error: ProtocolViolation) -> MuxError {
    MuxError::Violation(error)
}

// ---- violations ---------------------------------------------------------------------------------

#[test]
fn packets_for_a_namespace_that_is_not_joined_are_violations() {
    let mut script = Script::joined(&["/"]);
    for text in ["2/admin,[\"a\"]", "3/admin,1[]", "1/admin", "51-/admin,[\"a\"]"] {
        let refusal = script.refusal(text);
        assert_eq!(refusal, violation(ProtocolViolation::NotJoined), "{text}");
    }
}

#[test]
fn packets_before_any_connect_are_violations() {
    for text in ["2[\"a\"]", "1", "3[]", "1/admin,"] {
        let refusal = Script::new().refusal(text);
        assert_eq!(refusal, violation(ProtocolViolation::NotJoined), "{text}");
    }
}

#[test]
fn packets_before_the_answer_to_connect_are_violations() {
    let mut script = Script::new();
    script.mux.reserve("/".into(), "/");
    let refusal = script.refusal("2[\"a\"]");
    assert_eq!(refusal, violation(ProtocolViolation::NotJoined));
}

#[test]
fn a_second_connect_is_a_violation() {
    let mut script = Script::joined(&["/"]);
    let refusal = script.refusal("0");
    assert_eq!(refusal, violation(ProtocolViolation::AlreadyJoined));
}

#[test]
fn a_second_connect_is_a_violation_while_the_first_is_decided() {
    let mut script = Script::new();
    script.mux.reserve("/admin".into(), "/admin");
    let refusal = script.refusal("0/admin,{}");
    assert_eq!(refusal, violation(ProtocolViolation::AlreadyJoined));
}

#[test]
fn a_connect_error_from_a_client_is_a_violation() {
    let mut script = Script::joined(&["/"]);
    for text in ["4", "4{\"message\":\"x\"}", "4\"x\""] {
        let refusal = script.refusal(text);
        let expected = ProtocolViolation::ConnectErrorFromClient;
        assert_eq!(refusal, violation(expected), "{text}");
    }
}

#[test]
fn one_connect_failure_above_the_limit_is_a_violation() {
    let mut script = Script::new();
    assert_eq!(script.mux.count_connect_failure(2), Ok(()));
    assert_eq!(script.mux.count_connect_failure(2), Ok(()));
    assert_eq!(script.mux.count_connect_failure(2), Err(ProtocolViolation::TooManyConnectFailures));
}

#[test]
fn what_is_no_packet_is_an_error_of_decoding() {
    let mut script = Script::joined(&["/"]);
    assert_eq!(script.refusal(""), MuxError::Decode(DecodeError::Empty));
    assert_eq!(script.refusal("7"), MuxError::Decode(DecodeError::UnknownPacketType));
}

// ---- namespaces ---------------------------------------------------------------------------------

#[test]
fn a_connect_tells_namespace_and_payload() {
    let mut script = Script::new();
    let event = script.text("0/admin,{\"token\":1}").unwrap();
    let MuxEvent::Connect { namespace, auth } = event else {
        panic!("{event:?}");
    };
    assert_eq!((namespace, auth), ("/admin", "{\"token\":1}"));
}

#[test]
fn packets_reach_the_socket_of_their_namespace() {
    let mut script = Script::joined(&["/", "/admin"]);
    for (text, expected) in [("2[\"a\"]", "/"), ("2/admin,[\"a\"]", "/admin")] {
        let event = script.text(text).unwrap();
        let MuxEvent::Event { socket, packet } = event else {
            panic!("{event:?}");
        };
        assert_eq!(socket, expected);
        assert_eq!(packet.event.unwrap(), "a");
    }
}

#[test]
fn acks_tell_their_id_or_none() {
    let mut script = Script::joined(&["/"]);
    for (text, expected) in [("37[1]", Some(7)), ("3[1]", None)] {
        let event = script.text(text).unwrap();
        let MuxEvent::Ack { id, args, .. } = event else {
            panic!("{event:?}");
        };
        assert_eq!((id, args), (expected, "1]"));
    }
}

#[test]
fn a_namespace_that_was_left_can_be_joined_again() {
    let mut script = Script::joined(&["/"]);
    let event = script.text("1").unwrap();
    assert!(matches!(event, MuxEvent::Disconnect { socket: "/" }));
    script.mux.leave("/");
    assert!(script.mux.is_empty());
    assert!(matches!(script.text("0"), Ok(MuxEvent::Connect { .. })));
}

#[test]
fn a_reservation_counts_and_can_be_given_back() {
    let mut script = Script::new();
    script.mux.reserve("/".into(), "/");
    assert_eq!(script.mux.len(), 1);
    assert_eq!(script.mux.sockets().count(), 0);
    assert!(!script.mux.ever_joined());
    assert!(!script.mux.withdraw("/", &"another"));
    assert!(script.mux.withdraw("/", &"/"));
    assert!(script.mux.is_empty());
    assert!(!script.mux.ever_joined());
}

#[test]
fn a_verdict_for_an_earlier_connect_does_not_decide_a_later_one() {
    let mut script = Script::new();
    script.mux.reserve("/".into(), "first");
    script.mux.leave("/");
    script.mux.reserve("/".into(), "second");
    assert!(!script.mux.join("/", &"first"));
    assert!(!script.mux.withdraw("/", &"first"));
    assert!(script.mux.join("/", &"second"));
}

#[test]
fn a_join_without_a_reservation_tells_so() {
    let mut script = Script::new();
    script.mux.reserve("/".into(), "/");
    assert_eq!(script.mux.drain().len(), 1);
    assert!(!script.mux.join("/", &"late"));
    assert!(script.mux.is_empty());
}

#[test]
fn draining_gives_all_sockets_and_forgets_what_is_half_done() {
    let mut script = Script::joined(&["/", "/admin"]);
    script.mux.reserve("/slow".into(), "/slow");
    script.text("51-[\"a\",{\"_placeholder\":true,\"num\":0}]").unwrap();
    let members = script.mux.drain();
    let names: Vec<_> = members.iter().map(|m| (&*m.namespace, m.socket)).collect();
    assert_eq!(names, [("/", "/"), ("/admin", "/admin"), ("/slow", "/slow")]);
    assert!(script.mux.is_empty());
    assert!(script.mux.ever_joined());
    assert_eq!(script.mux.attachment_deadline(), None);
}

// ---- attachments --------------------------------------------------------------------------------

const ONE: &str = "51-[\"a\",{\"_placeholder\":true,\"num\":0}]";
const TWO: &str = "52-[\"a\",{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":0}]";

#[test]
fn binary_that_no_packet_waits_for_is_refused() {
    let refusal = Script::joined(&["/"]).binary(1).unwrap_err();
    assert_eq!(refusal, MuxError::Decode(DecodeError::UnexpectedBinary));
}

#[test]
fn text_while_attachments_are_due_is_refused() {
    for text in ["2[\"a\"]", "1", "0/admin", "not a packet"] {
        let mut script = Script::joined(&["/"]);
        script.text(ONE).unwrap();
        let refusal = script.refusal(text);
        assert_eq!(refusal, MuxError::Decode(DecodeError::UnexpectedText));
    }
}

#[test]
fn one_binary_too_many_is_refused() {
    let mut script = Script::joined(&["/"]);
    script.text(ONE).unwrap();
    script.binary(1).unwrap();
    let refusal = script.binary(1).unwrap_err();
    assert_eq!(refusal, MuxError::Decode(DecodeError::UnexpectedBinary));
}

#[test]
fn one_attachment_above_the_limit_is_refused_with_its_header() {
    let mut script = Script::joined(&["/"]);
    assert_eq!(
        script.refusal("511-[\"a\"]"),
        MuxError::Decode(DecodeError::TooManyAttachments { announced: 11, limit: 10 })
    );
    assert_eq!(script.mux.attachment_deadline(), None);
    assert!(matches!(script.text("510-[\"a\"]"), Ok(MuxEvent::Incomplete)));
}

#[test]
fn one_byte_above_the_limit_of_all_attachments_is_refused() {
    let mut script = Script::joined(&["/"]);
    script.text(TWO).unwrap();
    script.binary(5).unwrap();
    assert_eq!(
        script.binary(4).unwrap_err(),
        MuxError::Decode(DecodeError::AttachmentsTooLarge { len: 9, limit: 8 })
    );
}

#[test]
fn attachments_of_exactly_the_limit_are_taken() {
    let mut script = Script::joined(&["/"]);
    script.text(TWO).unwrap();
    assert!(matches!(script.binary(5), Ok(MuxEvent::Incomplete)));
    assert!(matches!(script.binary(3), Ok(MuxEvent::Assembled(_))));
}

#[test]
fn the_limit_counts_per_packet() {
    let mut script = Script::joined(&["/"]);
    for _ in 0..3 {
        script.text(ONE).unwrap();
        assert!(matches!(script.binary(8), Ok(MuxEvent::Assembled(_))));
    }
}

#[test]
fn a_packet_is_complete_with_its_last_attachment() {
    let mut script = Script::joined(&["/"]);
    assert!(matches!(script.text(TWO), Ok(MuxEvent::Incomplete)));
    assert!(matches!(script.binary(1), Ok(MuxEvent::Incomplete)));
    let Ok(MuxEvent::Assembled(assembled)) = script.binary(2) else {
        panic!("not assembled");
    };
    let lengths: Vec<_> = assembled.attachments.iter().map(Bytes::len).collect();
    assert_eq!(lengths, [1, 2]);
    let packet = packet::decode(&assembled.text, &DecodeLimits::default()).unwrap();
    let routed = script.mux.route(packet);
    assert!(matches!(routed, Ok(MuxEvent::Event { socket: "/", .. })));
}

#[test]
fn an_assembled_packet_of_a_namespace_left_meanwhile_is_a_violation() {
    let mut script = Script::joined(&["/"]);
    script.text(ONE).unwrap();
    script.mux.leave("/");
    let Ok(MuxEvent::Assembled(assembled)) = script.binary(1) else {
        panic!("not assembled");
    };
    let packet = packet::decode(&assembled.text, &DecodeLimits::default()).unwrap();
    assert_eq!(script.mux.route(packet).unwrap_err(), violation(ProtocolViolation::NotJoined));
}

#[test]
fn the_deadline_of_a_packet_moves_with_each_attachment() {
    let mut script = Script::joined(&["/"]);
    let start = script.now;
    assert_eq!(script.mux.attachment_deadline(), None);
    script.text(TWO).unwrap();
    assert_eq!(script.mux.attachment_deadline(), Some(start + LIMITS.timeout));
    script.now += Duration::from_secs(10);
    script.binary(1).unwrap();
    assert_eq!(script.mux.attachment_deadline(), Some(script.now + LIMITS.timeout));
    script.binary(1).unwrap();
    assert_eq!(script.mux.attachment_deadline(), None);
}
