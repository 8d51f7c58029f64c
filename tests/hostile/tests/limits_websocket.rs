//! Limits of WebSockets: pongs that wait (L23), fragments (L24), compression (L27); and cases 32 and 33.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use flate2::{Compress, Compression, FlushCompress};
use hostile::Target;
use integration::{Http, Ws, masked};

const MIB: usize = 1 << 20;
/// The default of `max_payload`.
const MAX_PAYLOAD: usize = 1_000_000;
/// A whole text message that is compressed.
const COMPRESSED: u8 = 0xc1;

fn target() -> Target {
    Target::start(env!("CARGO_BIN_EXE_target"), &[])
}

fn deflating() -> Target {
    Target::start(env!("CARGO_BIN_EXE_target"), &["--options", r#"{"perMessageDeflate":true}"#])
}

/// A session whose WebSocket may compress.
#[track_caller]
fn joined(target: &Target) -> Ws {
    let handshake = Ws::handshake("/socket.io/?EIO=4&transport=websocket");
    let mut http = Http::connect_to(target.address());
    let offer = "Sec-WebSocket-Extensions: permessage-deflate";
    http.write(format!("{}\r\n{offer}\r\n\r\n", handshake.trim_end()));
    let response = http.response();
    assert!(response.header("sec-websocket-extensions").is_some(), "{response:?}");
    let mut ws = Ws::over(http.into_wire());
    assert!(ws.next_text().starts_with('0'));
    ws.join();
    ws
}

fn deflate(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() / 50 + 1_000);
    let mut deflate = Compress::new(Compression::fast(), false);
    deflate.compress_vec(message, &mut out, FlushCompress::Sync).unwrap();
    out.truncate(out.len() - 4);
    out
}

/// An event whose packet has `size` bytes.
fn event_of(size: usize) -> Vec<u8> {
    let frame = r#"42["none",""]"#;
    format!(r#"42["none","{}"]"#, "x".repeat(size - frame.len())).into_bytes()
}

#[track_caller]
fn expect_alive(ws: &mut Ws) {
    ws.text(r#"42999["echo","alive"]"#);
    ws.expect_through_pings(r#"43999["alive"]"#);
}

#[test]
fn row_32_a_compression_bomb_is_refused_while_it_is_inflated() {
    let target = deflating();
    let bystander = target.bystander();
    let before = target.memory();
    let bomb = deflate(&vec![b'4'; 64 * MIB]);
    assert!(bomb.len() < MAX_PAYLOAD);
    for _ in 0..4 {
        let mut ws = joined(&target);
        ws.wire().write(masked(COMPRESSED, &bomb));
        ws.expect_close(Some(1009));
    }
    assert!(target.memory() < before + 8 * MIB);
    bystander.unharmed();
}

#[test]
fn row_33_connections_that_compress_keep_no_memory_for_it() {
    const CONNECTIONS: usize = 64;
    let target = deflating();
    let bystander = target.bystander();
    let text = "a text that is long enough to be worth it, ".repeat(100);
    let exchange = |ws: &mut Ws| {
        let event = format!(r#"42999["echo","{text}"]"#);
        ws.wire().write(masked(COMPRESSED, deflate(event.as_bytes())));
        let answer = ws.next_frame();
        assert_eq!(answer.head, COMPRESSED);
        assert!(answer.payload.len() < text.len());
    };
    // What the workers have for all is there after these.
    let mut warm: Vec<Ws> = (0..8).map(|_| joined(&target)).collect();
    warm.iter_mut().for_each(exchange);
    let before = target.memory();
    let mut all: Vec<Ws> = (0..CONNECTIONS).map(|_| joined(&target)).collect();
    all.iter_mut().for_each(exchange);
    let each = target.memory().saturating_sub(before) / CONNECTIONS;
    assert!(each < 64 * 1024, "{each} bytes each");
    bystander.unharmed();
}

#[test]
fn limit_23_at_256_bytes_of_pongs_each_ping_is_answered() {
    let target = target();
    let mut ws = Ws::joined_at(target.address());
    for n in 0..100 {
        ws.wire().write(masked(0x89, n.to_string()));
        let pong = ws.next_frame();
        assert_eq!((pong.head, pong.payload), (0x8a, n.to_string().into_bytes()));
    }
}

#[test]
fn limit_23_above_256_bytes_of_pongs_older_pings_are_not_answered() {
    let target = target();
    let bystander = target.bystander();
    let mut ws = Ws::joined_at(target.address());
    let mut bytes = masked(0x89, [b'o'; 125]).repeat(50_000);
    bytes.extend_from_slice(&masked(0x89, "new"));
    ws.wire().write(bytes);
    let mut old = 0;
    while ws.next_frame().payload != b"new" {
        old += 1;
    }
    assert!(old < 10_000, "{old} of 50,000 older pings were answered");
    expect_alive(&mut ws);
    bystander.unharmed();
}

#[test]
fn limit_24_at_the_size_of_a_message_any_number_of_fragments_is_joined() {
    let target = target();
    let bystander = target.bystander();
    let before = target.memory();
    let mut ws = Ws::joined_at(target.address());
    let event = event_of(MAX_PAYLOAD);
    let mut bytes = masked(0x01, "");
    for piece in event.chunks(10) {
        bytes.extend(masked(0x00, piece));
        bytes.extend(masked(0x00, ""));
    }
    bytes.extend(masked(0x80, ""));
    ws.wire().write(bytes);
    expect_alive(&mut ws);
    // The message, what it grew in, and the packet: no memory for 200,000 fragments.
    assert!(target.memory() < before + 8 * MIB);
    bystander.unharmed();
}

#[test]
fn limit_24_above_the_size_of_a_message_its_fragments_are_refused() {
    let target = target();
    let bystander = target.bystander();
    let mut ws = Ws::joined_at(target.address());
    let event = event_of(MAX_PAYLOAD);
    ws.wire().write(masked(0x01, &event));
    ws.wire().write(masked(0x80, "x"));
    ws.expect_close(Some(1009));
    bystander.unharmed();
}

#[test]
fn limit_27_at_the_inflated_size_of_a_message_is_accepted() {
    let target = deflating();
    let mut ws = joined(&target);
    ws.wire().write(masked(COMPRESSED, deflate(&event_of(MAX_PAYLOAD))));
    expect_alive(&mut ws);
}

#[test]
fn limit_27_above_the_inflated_size_of_a_message_is_refused() {
    let target = deflating();
    let bystander = target.bystander();
    let mut ws = joined(&target);
    ws.wire().write(masked(COMPRESSED, deflate(&event_of(MAX_PAYLOAD + 1))));
    ws.expect_close(Some(1009));
    bystander.unharmed();
}

#[test]
fn limit_27_compression_is_off_by_default() {
    let target = target();
    let mut http = Http::connect_to(target.address());
    let handshake = Ws::handshake("/socket.io/?EIO=4&transport=websocket");
    let offer = "Sec-WebSocket-Extensions: permessage-deflate";
    http.write(format!("{}\r\n{offer}\r\n\r\n", handshake.trim_end()));
    http.response().expect_no_header("sec-websocket-extensions");
    let mut ws = Ws::over(http.into_wire());
    assert!(ws.next_text().starts_with('0'));
    ws.wire().write(masked(COMPRESSED, deflate(b"40")));
    ws.expect_close(Some(1002));
}
