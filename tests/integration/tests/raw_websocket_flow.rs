//! WebSocket sessions in good order: control frames, closing, segments, base64 (behaviours 10).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::sync::{Mutex, mpsc};

use integration::{Journal, Server, Ws, masked, sid_of};
use sio_actix::prelude::*;

const TARGET: &str = "/socket.io/?EIO=4&transport=websocket";

fn recorded() -> (Server, Journal) {
    Server::recorded(|io| io, 1)
}

// ---- ends ---------------------------------------------------------------------------------------

// 10.5
#[test]
fn empty_close_frame_is_answered_by_one() {
    let (server, journal) = recorded();
    let mut ws = Ws::joined(&server);
    ws.wire().write(masked(0x88, ""));
    ws.expect_close(None);
    journal.expect("transport close");
}

#[test]
fn close_code_is_echoed() {
    for code in [1000_u16, 1001, 1003, 1007, 1011, 3000, 4999] {
        let (server, journal) = recorded();
        let mut ws = Ws::joined(&server);
        let mut payload = code.to_be_bytes().to_vec();
        payload.extend_from_slice(b"bye");
        ws.wire().write(masked(0x88, payload));
        ws.expect_close(Some(code));
        journal.expect("transport close");
    }
}

#[test]
fn dropped_connection_is_a_transport_close() {
    let (server, journal) = recorded();
    Ws::joined(&server).into_wire().drop_connection();
    journal.expect("transport close");
}

#[test]
fn half_closed_connection_is_a_transport_close() {
    let (server, journal) = recorded();
    let mut ws = Ws::joined(&server);
    ws.wire().finish_writing();
    journal.expect("transport close");
}

#[test]
fn connection_cut_inside_a_frame_is_a_transport_close() {
    let (server, journal) = recorded();
    let mut ws = Ws::joined(&server);
    ws.wire().write(b"\x81\xfe\x01");
    ws.into_wire().drop_connection();
    journal.expect("transport close");
}

#[test]
fn frames_after_a_close_frame_are_ignored() {
    let journal = Journal::new();
    let noted = journal.clone();
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                let ended = noted.clone();
                ns.on("note", move |n: u32| noted.note(n.to_string()));
                ns.on_disconnect(move |reason: DisconnectReason| ended.note(reason.as_str()));
            })
        },
        1,
    );
    let mut ws = Ws::joined(&server);
    ws.wire().write(
        [masked(0x81, r#"42["note",1]"#), masked(0x88, ""), masked(0x81, r#"42["note",2]"#)]
            .concat(),
    );
    ws.expect_close(None);
    journal.expect("1");
    journal.expect("transport close");
    assert_eq!(journal.drain(), [""; 0]);
}

#[test]
fn connection_ends_after_the_close_handshake() {
    let (server, _) = recorded();
    let mut ws = Ws::joined(&server);
    ws.wire().write(masked(0x88, 1000_u16.to_be_bytes()));
    ws.expect_close(Some(1000));
    ws.wire().expect_end();

    let mut ws = Ws::joined(&server);
    server.io().of("/").disconnect_sockets(true);
    ws.expect("41");
    ws.expect_close(None);
    ws.wire().expect_end();
}

// L18
#[test]
fn peer_that_never_answers_a_close_is_cut_off() {
    let (server, journal) = recorded();
    let mut ws = Ws::joined(&server);
    ws.text("1");
    assert_eq!(ws.next_frame().head, 0x88);
    journal.expect("transport close");
    // Nothing is answered, and the connection ends all the same within the deadline.
    ws.wire().expect_end();
}

// 13.2
#[test]
fn server_closes_with_an_empty_close_frame() {
    let (server, journal) = recorded();
    let mut ws = Ws::joined(&server);
    server.io().of("/").disconnect_sockets(true);
    ws.expect("41");
    ws.expect_close(None);
    journal.expect("server namespace disconnect");
}

// ---- control frames -----------------------------------------------------------------------------

// 10.8
#[test]
fn ping_frame_is_answered_with_its_payload() {
    let (server, _) = recorded();
    let mut ws = Ws::joined(&server);
    for payload in [&b""[..], b"hello", &[0xff; 125]] {
        ws.wire().write(masked(0x89, payload));
        let frame = ws.next_frame();
        assert_eq!((frame.head, &*frame.payload), (0x8a, payload));
    }
    ws.fence();
}

// L23
#[test]
fn newest_of_many_pings_is_answered() {
    let (server, _) = recorded();
    let mut ws = Ws::joined(&server);
    let mut bytes = masked(0x89, "old").repeat(10_000);
    bytes.extend_from_slice(&masked(0x89, "new"));
    ws.wire().write(bytes);
    while ws.next_frame().payload != b"new" {}
    ws.fence();
}

#[test]
fn pong_frames_are_ignored() {
    let (server, _) = recorded();
    let mut ws = Ws::joined(&server);
    ws.wire().write(masked(0x8a, "x").repeat(1_000));
    ws.fence();
}

// ---- segments -----------------------------------------------------------------------------------

#[test]
fn frames_in_the_segment_of_the_handshake_are_read() {
    let (server, _) = recorded();
    let mut bytes = Ws::handshake(TARGET).into_bytes();
    bytes.extend_from_slice(&masked(0x81, "40"));
    bytes.extend_from_slice(&masked(0x89, "ping"));
    let mut http = integration::Http::connect(&server);
    http.write(bytes);
    assert_eq!(http.response().status, 101);
    let mut wire = http.into_wire();
    let open = frame_text(&mut wire);
    assert!(open.starts_with('0'), "{open}");
    assert_eq!(wire.take(6), b"\x8a\x04ping");
    assert!(frame_text(&mut wire).starts_with("40{"));
}

/// Reads a short text frame.
#[track_caller]
fn frame_text(wire: &mut integration::Wire) -> String {
    let head = wire.take(2);
    assert_eq!(head[0], 0x81);
    let length = match head[1] {
        126 => {
            let length = wire.take(2);
            u16::from_be_bytes([length[0], length[1]]).into()
        }
        short => usize::from(short),
    };
    String::from_utf8(wire.take(length)).unwrap()
}

// Hostile 43
#[test]
fn frames_may_come_byte_by_byte() {
    let (server, _) = recorded();
    let mut ws = Ws::joined(&server);
    let event = format!(r#"42["m","{}"]"#, "é€😀".repeat(20));
    for byte in masked(0x81, &event) {
        ws.wire().write([byte]);
    }
    ws.expect(&event);
    let header = r#"451-["m",{"_placeholder":true,"num":0}]"#;
    for byte in [masked(0x81, header), masked(0x82, [1, 2, 3])].concat() {
        ws.wire().write([byte]);
    }
    ws.expect(header);
    ws.expect_binary(&[1, 2, 3]);
}

#[test]
fn many_frames_in_one_segment_are_answered_in_order() {
    let (server, _) = recorded();
    let mut ws = Ws::joined(&server);
    let mut bytes = Vec::new();
    for n in 0..10_000 {
        bytes.extend_from_slice(&masked(0x81, format!(r#"42{n}["echo",{n}]"#)));
    }
    ws.wire().write(bytes);
    for n in 0..10_000 {
        ws.expect(&format!("43{n}[{n}]"));
    }
}

#[test]
fn frames_of_every_length_class_survive() {
    let (server, _) = recorded();
    let mut ws = Ws::joined(&server);
    for size in [10, 115, 116, 117, 65_525, 65_526, 65_527, 300_000, 999_990] {
        let event = format!(r#"42["m","{}"]"#, "x".repeat(size));
        ws.text(&event);
        ws.expect(&event);
    }
}

// ---- binary -------------------------------------------------------------------------------------

// 10.1
#[test]
fn binary_messages_travel_in_binary_frames() {
    let (server, _) = recorded();
    let mut ws = Ws::joined(&server);
    let header = r#"452-["m",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    ws.text(header);
    ws.binary([1, 2, 3, 4]);
    ws.binary([]);
    ws.expect(header);
    ws.expect_binary(&[1, 2, 3, 4]);
    ws.expect_binary(&[]);
}

// 5.13
#[test]
fn base64_text_frame_is_a_binary_message() {
    let (server, _) = recorded();
    let mut ws = Ws::joined(&server);
    let header = r#"451-["m",{"_placeholder":true,"num":0}]"#;
    ws.text(header);
    ws.text("bAQIDBA==");
    ws.expect(header);
    ws.expect_binary(&[1, 2, 3, 4]);
}

// 10.12
#[test]
fn session_with_b64_gets_base64_text_frames() {
    let (server, _) = recorded();
    let mut ws = Ws::connect(&server, &format!("{TARGET}&b64=1"));
    sid_of(&ws.next_text());
    ws.join();
    let header = r#"451-["m",{"_placeholder":true,"num":0}]"#;
    ws.text(header);
    ws.binary([1, 2, 3, 4]);
    ws.expect(header);
    ws.expect("bAQIDBA==");
}

// ---- large messages at once -----------------------------------------------------------------------

/// So many large answers leave one by one; what still has to be read meanwhile must not be forgotten.
#[test]
fn large_messages_that_wait_in_a_row_are_all_answered() {
    let (entered, holds) = mpsc::sync_channel(0);
    let (release, released) = mpsc::sync_channel(0);
    let released = Mutex::new(released);
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                integration::echo(ns);
                // The worker stands still, so that the input piles up.
                ns.on("hold", move || {
                    entered.send(()).unwrap();
                    released.lock().unwrap().recv().unwrap();
                });
            })
        },
        1,
    );
    let mut ws = Ws::joined(&server);
    for length in [200_000, 70_000, 30_000, 15_000] {
        let payload = "x".repeat(length);
        let count = 1_200_000 / length;
        ws.text("42[\"hold\"]");
        holds.recv().unwrap();
        for id in 0..count {
            ws.text(&format!("42{id}[\"echo\",\"{payload}\"]"));
        }
        release.send(()).unwrap();
        for id in 0..count {
            ws.expect(&format!("43{id}[\"{payload}\"]"));
        }
    }
}

/// The answers are more than may wait, the requests come in one read.
#[test]
fn small_requests_for_large_answers_are_all_answered() {
    for length in [1_000, 10_000, 100_000] {
        let payload = "x".repeat(length);
        let given = payload.clone();
        let server = Server::start(
            |io| {
                io.namespace("/", |ns| {
                    ns.on("give", move || given.clone());
                })
            },
            1,
        );
        let mut ws = Ws::joined(&server);
        let count = 4_000_000 / length;
        let requests: Vec<u8> =
            (0..count).flat_map(|id| masked(0x81, format!("42{id}[\"give\"]"))).collect();
        ws.wire().write(requests);
        for id in 0..count {
            ws.expect(&format!("43{id}[\"{payload}\"]"));
        }
    }
}
