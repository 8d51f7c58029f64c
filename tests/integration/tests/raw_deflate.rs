//! permessage-deflate on the wire (behaviours 10.10, RFC 7692).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use integration::{Polling, Server, Ws, masked, sid_of};
use sio_actix::PerMessageDeflate;
use sio_actix::prelude::*;

const TARGET: &str = "/socket.io/?EIO=4&transport=websocket";
const OFFER: &str = "permessage-deflate; client_max_window_bits";
const GRANTED: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

fn server() -> Server {
    Server::start(|io| io.per_message_deflate(PerMessageDeflate::default()).namespace("/", app), 1)
}

fn app(ns: &mut NamespaceBuilder) {
    ns.on("echo", |value: Value| value);
    ns.on("all", |io: Io, text: String| io.emit("all", text));
}

fn deflate(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 100);
    let mut deflate = Compress::new(Compression::best(), false);
    deflate.compress_vec(message, &mut out, FlushCompress::Sync).unwrap();
    out.truncate(out.len() - TAIL.len());
    out
}

fn inflate(message: &[u8], len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(len + 1);
    let message = [message, &TAIL].concat();
    Decompress::new(false).decompress_vec(&message, &mut out, FlushDecompress::Sync).unwrap();
    out
}

fn joined(server: &Server) -> Ws {
    let (mut ws, granted) = Ws::offer(server, TARGET, OFFER);
    assert_eq!(granted.as_deref(), Some(GRANTED));
    sid_of(&ws.next_text());
    ws.join();
    ws
}

/// Reads a message that has to be compressed.
#[track_caller]
fn expect_compressed(ws: &mut Ws, expected: &str) -> Vec<u8> {
    let frame = ws.next_frame();
    assert_eq!(frame.head, 0xc1, "{frame:?}");
    assert!(frame.payload.len() < expected.len());
    assert_eq!(inflate(&frame.payload, expected.len()), expected.as_bytes());
    frame.payload
}

#[test]
fn without_the_option_an_offer_is_not_answered() {
    let server = Server::echo();
    let (mut ws, granted) = Ws::offer(&server, TARGET, OFFER);
    assert_eq!(granted, None);
    sid_of(&ws.next_text());
    ws.wire().write(masked(0xc1, deflate(b"40")));
    ws.expect_close(Some(1002));
}

#[test]
fn without_an_offer_nothing_is_compressed() {
    let server = server();
    let mut ws = Ws::joined(&server);
    let text = "x".repeat(5_000);
    ws.text(&format!(r#"420["echo","{text}"]"#));
    ws.expect(&format!(r#"430["{text}"]"#));
}

#[test]
fn a_message_that_is_too_large_inflated_ends_the_session() {
    let server = Server::start(
        |io| io.per_message_deflate(PerMessageDeflate::default()).max_payload(10_000),
        1,
    );
    let mut ws = joined(&server);
    let bomb = deflate(&vec![b'a'; 10_001]);
    assert!(bomb.len() < 200);
    ws.wire().write(masked(0xc1, bomb));
    ws.expect_close(Some(1009));
}

#[test]
fn rubbish_ends_only_its_session() {
    let server = server();
    let mut other = joined(&server);
    let mut ws = joined(&server);
    ws.wire().write(masked(0xc1, [0xff, 0xff, 0xff]));
    ws.expect_close(Some(1007));
    other.text(r#"420["echo",1]"#);
    other.expect("430[1]");
}

#[test]
fn messages_below_the_threshold_are_sent_as_they_are() {
    let server = server();
    let mut ws = joined(&server);
    for (len, compressed) in [(1_023, false), (1_024, true)] {
        let text = "x".repeat(len - r#"430[""]"#.len());
        ws.text(&format!(r#"420["echo","{text}"]"#));
        let answer = format!(r#"430["{text}"]"#);
        assert_eq!(answer.len(), len);
        if compressed {
            expect_compressed(&mut ws, &answer);
        } else {
            ws.expect(&answer);
        }
    }
}

#[test]
fn compressed_messages_are_understood_and_answered() {
    let server = server();
    let mut ws = joined(&server);
    let text = "abc".repeat(100_000);
    ws.wire().write(masked(0xc1, deflate(format!(r#"420["echo","{text}"]"#).as_bytes())));
    expect_compressed(&mut ws, &format!(r#"430["{text}"]"#));
    // Small ones may come compressed as well.
    ws.wire().write(masked(0xc1, deflate(br#"421["echo",1]"#)));
    ws.expect("431[1]");
}

#[test]
fn binary_attachments_are_compressed_too() {
    let server = server();
    let mut ws = joined(&server);
    ws.text(r#"451-0["echo",{"_placeholder":true,"num":0}]"#);
    ws.wire().write(masked(0xc2, deflate(&[7; 4_000])));
    ws.expect(r#"461-0[{"_placeholder":true,"num":0}]"#);
    let frame = ws.next_frame();
    assert_eq!(frame.head, 0xc2);
    assert_eq!(inflate(&frame.payload, 4_000), [7; 4_000]);
}

#[test]
fn a_broadcast_reaches_compressing_plain_and_polling_clients() {
    let server = server();
    let mut polling = Polling::joined(&server);
    let mut plain = Ws::joined(&server);
    let (mut one, mut two) = (joined(&server), joined(&server));
    let text = "broadcast ".repeat(500);
    one.text(&format!(r#"42["all","{text}"]"#));
    let expected = format!(r#"42["all","{text}"]"#);
    let first = expect_compressed(&mut one, &expected);
    assert_eq!(expect_compressed(&mut two, &expected), first);
    plain.expect(&expected);
    assert_eq!(polling.poll(), expected);
}

#[test]
fn an_upgraded_session_is_compressed_as_its_websocket_agreed() {
    let server = server();
    let session = Polling::joined(&server);
    let target = format!("{TARGET}&sid={}", session.sid());
    let (mut ws, granted) = Ws::offer(&server, &target, OFFER);
    assert_eq!(granted.as_deref(), Some(GRANTED));
    ws.text("2probe");
    ws.expect("3probe");
    ws.text("5");
    let text = "x".repeat(2_000);
    ws.text(&format!(r#"420["echo","{text}"]"#));
    expect_compressed(&mut ws, &format!(r#"430["{text}"]"#));
}

#[test]
fn messages_that_inflate_to_much_do_not_keep_the_worker_from_others() {
    const BOMBS: usize = 32;
    /// Bombs that were handled while nobody else had a turn, now and at most.
    #[derive(Default)]
    struct Row {
        now: AtomicUsize,
        longest: AtomicUsize,
    }
    let row = Arc::new(Row::default());
    let (seen, other) = (Arc::clone(&row), Arc::clone(&row));
    let server = Server::start(
        |io| {
            io.per_message_deflate(PerMessageDeflate::default()).namespace("/", move |ns| {
                ns.on("bomb", move |_text: String| {
                    let length = seen.now.fetch_add(1, Ordering::Relaxed) + 1;
                    seen.longest.fetch_max(length, Ordering::Relaxed);
                });
                // Stands for everybody else on the worker.
                ns.on("watch", move || {
                    let row = Arc::clone(&other);
                    tokio::task::spawn_local(async move {
                        while Arc::strong_count(&row) > 1 {
                            row.now.store(0, Ordering::Relaxed);
                            tokio::task::yield_now().await;
                        }
                    });
                });
                ns.on("done", || true);
            })
        },
        1,
    );
    let mut ws = joined(&server);
    ws.text(r#"420["watch"]"#);
    ws.expect("430[]");
    let bomb = deflate(format!(r#"42["bomb","{}"]"#, "a".repeat(300_000)).as_bytes());
    let all: Vec<u8> = std::iter::repeat_n(masked(0xc1, &bomb), BOMBS).flatten().collect();
    ws.wire().write(all);
    ws.text(r#"420["done"]"#);
    ws.expect("430[true]");
    let longest = row.longest.load(Ordering::Relaxed);
    assert!((1..=8).contains(&longest), "{longest}");
    drop(row);
}
