//! WebSocket framing as seen by Engine.IO sessions (behaviours 10, hostile 24-30 and 40-43).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use integration::{Journal, Server, Ws, masked};

const LIMIT: usize = 1_000;

fn recorded() -> (Server, Journal) {
    Server::recorded(|io| io.max_payload(LIMIT), 1)
}

/// Bytes after which the server closes with `code` and the socket ends with `reason`, while another client
/// is served.
#[track_caller]
fn closes(bytes: &[u8], code: Option<u16>, reason: &str) {
    let (server, journal) = recorded();
    let mut bystander = Ws::joined(&server);
    let mut ws = Ws::joined(&server);
    ws.wire().write(bytes);
    ws.expect_close(code);
    journal.expect(reason);
    bystander.fence();
}

fn concat(frames: &[Vec<u8>]) -> Vec<u8> {
    frames.concat()
}

/// An event whose packet has `size` bytes.
fn event_of(size: usize) -> String {
    let frame = r#"42["m",""]"#;
    format!(r#"42["m","{}"]"#, "x".repeat(size - frame.len()))
}

// ---- 10.6: protocol errors ----------------------------------------------------------------------

#[test]
fn unmasked_frame_closes_with_1002() {
    closes(b"\x81\x0242", Some(1002), "transport error");
}

#[test]
fn reserved_bits_close_with_1002() {
    for head in [0xc1, 0xa1, 0x91] {
        closes(&masked(head, "42[\"m\"]"), Some(1002), "transport error");
    }
}

#[test]
fn unknown_opcodes_close_with_1002() {
    for head in [0x83, 0x87, 0x8b, 0x8f] {
        closes(&masked(head, ""), Some(1002), "transport error");
    }
}

#[test]
fn fragmented_control_frame_closes_with_1002() {
    closes(&masked(0x09, "a"), Some(1002), "transport error");
    closes(&masked(0x08, ""), Some(1002), "transport error");
}

#[test]
fn control_frame_of_126_bytes_closes_with_1002() {
    closes(&masked(0x89, [0; 126]), Some(1002), "transport error");
}

#[test]
fn continuation_without_a_message_closes_with_1002() {
    closes(&masked(0x80, "x"), Some(1002), "transport error");
}

#[test]
fn message_inside_a_fragmented_one_closes_with_1002() {
    let frames = [masked(0x01, "42["), masked(0x81, "42[\"m\"]")];
    closes(&concat(&frames), Some(1002), "transport error");
}

#[test]
fn close_frame_with_one_byte_closes_with_1002() {
    closes(&masked(0x88, [3]), Some(1002), "transport error");
}

#[test]
fn close_frame_with_a_forbidden_code_closes_with_1002() {
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        closes(&masked(0x88, code.to_be_bytes()), Some(1002), "transport error");
    }
}

// ---- 10.6, hostile 28: text that is no UTF-8 ----------------------------------------------------

#[test]
fn invalid_utf8_closes_with_1007() {
    closes(&masked(0x81, b"42[\"m\",\"\xff\"]"), Some(1007), "transport error");
    // A surrogate, and a character that is cut off.
    closes(&masked(0x81, b"4\xed\xa0\x80"), Some(1007), "transport error");
    closes(&masked(0x81, b"4\xe2\x82"), Some(1007), "transport error");
}

#[test]
fn invalid_utf8_across_fragments_closes_with_1007() {
    let frames = [masked(0x01, b"42[\"m\",\"\xe2"), masked(0x80, b"x\"]")];
    closes(&concat(&frames), Some(1007), "transport error");
}

#[test]
fn invalid_utf8_in_a_close_reason_closes_with_1007() {
    closes(&masked(0x88, b"\x03\xe8\xff"), Some(1007), "transport error");
}

// ---- 10.7, 10.11, hostile 24-26: sizes ----------------------------------------------------------

#[test]
fn message_above_the_limit_closes_with_1009() {
    closes(&masked(0x81, event_of(LIMIT + 1)), Some(1009), "transport error");
    closes(&masked(0x82, [0; LIMIT + 1]), Some(1009), "transport error");
}

#[test]
fn announced_length_above_the_limit_closes_at_the_header() {
    closes(b"\x82\xfe\x03\xe9", Some(1009), "transport error");
    closes(b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff", Some(1009), "transport error");
}

#[test]
fn length_with_its_highest_bit_closes_the_connection() {
    let (server, journal) = recorded();
    let mut ws = Ws::joined(&server);
    ws.wire().write(b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    let frame = ws.next_frame();
    let code = u16::from_be_bytes(*frame.payload.first_chunk().unwrap());
    assert!(matches!(code, 1002 | 1009), "{frame:?}");
    journal.expect("transport error");
}

#[test]
fn message_of_the_limit_is_accepted() {
    let (server, _) = recorded();
    let mut ws = Ws::joined(&server);
    let event = event_of(LIMIT);
    ws.text(&event);
    ws.expect(&event);
    let event = r#"451-["m",{"_placeholder":true,"num":0}]"#;
    ws.text(event);
    ws.binary([7; LIMIT]);
    ws.expect(event);
    ws.expect_binary(&[7; LIMIT]);
}

#[test]
fn default_limit_is_the_announced_one() {
    let server = Server::echo();
    let mut ws = Ws::joined(&server);
    let event = event_of(1_000_000);
    ws.text(&event);
    ws.expect(&event);
    ws.text(&event_of(1_000_001));
    ws.expect_close(Some(1009));
}

#[test]
fn fragments_above_the_limit_close_with_1009() {
    let frames = [masked(0x01, event_of(LIMIT)), masked(0x80, "x")];
    closes(&concat(&frames), Some(1009), "transport error");
}

#[test]
fn endless_fragments_close_with_1009() {
    let mut frames = vec![masked(0x01, "4")];
    frames.resize(LIMIT + 1, masked(0x00, "x"));
    closes(&concat(&frames), Some(1009), "transport error");
}

#[test]
fn fragments_of_the_limit_are_joined() {
    let (server, _) = recorded();
    let mut ws = Ws::joined(&server);
    let event = event_of(LIMIT);
    let (first, rest) = event.split_at(1);
    ws.wire().write(masked(0x01, first));
    for byte in rest.bytes() {
        ws.wire().write(masked(0x00, [byte]));
    }
    ws.wire().write(masked(0x80, ""));
    ws.expect(&event);
}

#[test]
fn empty_fragments_cost_nothing() {
    let (server, _) = recorded();
    let mut ws = Ws::joined(&server);
    let mut bytes = masked(0x01, "42[\"m\",");
    for _ in 0..100_000 {
        bytes.extend_from_slice(&[0x00, 0x80, 0, 0, 0, 0]);
    }
    bytes.extend_from_slice(&masked(0x80, "1]"));
    ws.wire().write(bytes);
    ws.expect(r#"42["m",1]"#);
}

#[test]
fn control_frames_may_come_between_fragments() {
    let (server, _) = recorded();
    let mut ws = Ws::joined(&server);
    let frames = [
        masked(0x01, b"42[\"m\",\"\xe2"),
        masked(0x89, "ping"),
        masked(0x00, b"\x82"),
        masked(0x8a, "pong"),
        masked(0x80, b"\xac\"]"),
    ];
    ws.wire().write(concat(&frames));
    let (mut pong, mut text) = (false, false);
    for _ in 0..2 {
        let frame = ws.next_frame();
        match frame.head {
            0x8a => pong = frame.payload == b"ping",
            0x81 => text = frame.text() == "42[\"m\",\"€\"]",
            _ => panic!("{frame:?}"),
        }
    }
    assert!(pong && text);
}

// ---- engine packets -----------------------------------------------------------------------------

// 10.3
#[test]
fn undecodable_packet_closes_without_a_code() {
    for packet in ["abc", "", "9", "{", "é", "7"] {
        closes(&masked(0x81, packet), None, "parse error");
    }
}

// 10.9, hostile 42
#[test]
fn close_packet_closes_the_connection() {
    closes(&masked(0x81, "1"), None, "transport close");
}

// 12.6, hostile 40
#[test]
fn ping_packet_closes_the_connection() {
    closes(&masked(0x81, "2"), None, "transport error");
    closes(&masked(0x81, "2probe"), None, "transport error");
}

// Hostile 41
#[test]
fn unsolicited_pongs_are_accepted() {
    let (server, _) = recorded();
    let mut ws = Ws::joined(&server);
    ws.wire().write(masked(0x81, "3").repeat(1_000));
    ws.fence();
}

#[test]
fn open_upgrade_and_noop_packets_are_ignored() {
    let (server, _) = recorded();
    let mut ws = Ws::joined(&server);
    for packet in ["0", "5", "6"] {
        ws.text(packet);
    }
    ws.fence();
}
