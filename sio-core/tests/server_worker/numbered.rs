//! The limits of `docs/hostile.md` with their defaults: what is at each, and what is above.

use std::time::Duration;

use sio_core::close::DisconnectReason;
use sio_core::limits::Limits;
use sio_core::packet::Value;
use sio_core::server::{AckError, EmitError, Io, IoConfig, ServerConfig};

use crate::carrier::{Server, WebSocket};
use crate::tools::Notes;

const MEGABYTE: &[u8] = &[7; 1_000_000];
const SECOND: Duration = Duration::from_secs(1);

fn echo(notes: &Notes) -> IoConfig {
    let notes = notes.clone();
    Io::builder().namespace("/", |ns| {
        ns.on("echo", |value: Value| value);
        ns.on("any", || ());
        ns.on_disconnect(move |reason: DisconnectReason| notes.add(reason.as_str()));
    })
}

fn server() -> (Server, Notes) {
    let notes = Notes::default();
    (Server::start(echo(&notes)), notes)
}

fn placeholders(count: usize) -> String {
    let one = |n| format!(r#"{{"_placeholder":true,"num":{n}}}"#);
    (0..count).map(one).collect::<Vec<_>>().join(",")
}

/// The session goes on, and nothing has come.
#[track_caller]
fn lives(client: &mut WebSocket) {
    assert_eq!(client.exchange(r#"429["any"]"#), ["439[]"]);
}

// ---- packets ------------------------------------------------------------------------------------

#[test]
fn limit_02_at_ten_attachments_a_packet_is_whole() {
    let (server, _) = server();
    let mut client = server.joined();
    client.send(&format!(r#"4510-1["any",{}]"#, placeholders(10)));
    for _ in 0..10 {
        client.send_binary(b"x");
    }
    assert_eq!(client.frames(), ["431[]"]);
}

#[test]
fn limit_02_above_ten_attachments_the_session_ends_at_the_header() {
    let (server, notes) = server();
    let mut client = server.joined();
    assert_eq!(client.exchange(&format!(r#"4511-1["any",{}]"#, placeholders(11))), ["(closed)"]);
    assert_eq!(notes.take(), ["forced close"]);
}

#[test]
fn limit_03_at_ten_megabytes_a_packet_is_whole() {
    let (server, _) = server();
    let mut client = server.joined();
    client.send(&format!(r#"4510-1["any",{}]"#, placeholders(10)));
    for _ in 0..10 {
        client.send_binary(MEGABYTE);
    }
    assert_eq!(client.frames(), ["431[]"]);
}

#[test]
fn limit_03_above_the_sum_of_attachments_the_session_ends() {
    let notes = Notes::default();
    let mut config = echo(&notes);
    config.config_mut().limits.max_binary_packet = 1_999_999;
    let server = Server::start(config);
    let mut client = server.joined();
    client.send(&format!(r#"453-1["any",{}]"#, placeholders(3)));
    client.send_binary(MEGABYTE);
    client.send_binary(MEGABYTE);
    assert_eq!(client.frames(), ["(closed)"]);
    assert_eq!(notes.take(), ["forced close"]);
}

#[test]
fn limit_04_at_thirty_seconds_without_an_attachment_the_session_ends() {
    let (server, notes) = server();
    let mut client = server.joined();
    client.send(&format!(r#"453-1["any",{}]"#, placeholders(3)));
    server.advance(20 * SECOND);
    client.send_binary(b"x");
    // Each of them begins the time anew; the pong is no progress.
    server.advance(10 * SECOND);
    assert_eq!(client.exchange("3"), ["2"]);
    server.advance(19 * SECOND);
    assert_eq!(notes.take(), [""; 0]);
    server.advance(SECOND);
    assert_eq!(client.frames(), ["(closed)"]);
    assert_eq!(notes.take(), ["forced close"]);
}

#[test]
fn limit_07_at_128_levels_a_packet_is_taken_and_above_it_ends_the_session() {
    let (server, notes) = server();
    let mut client = server.joined();
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    assert_eq!(client.exchange(&format!(r#"421["echo",{}]"#, nested(128))).len(), 1);
    assert_eq!(client.exchange(&format!(r#"421["echo",{}]"#, nested(129))), ["(closed)"]);
    assert_eq!(notes.take(), ["forced close"]);
    assert_eq!(Limits::default().max_json_depth, 128);
}

#[test]
fn limit_08_at_the_largest_exact_number_an_ack_id_comes_back_and_above_it_ends_the_session() {
    let (server, _) = server();
    let mut client = server.joined();
    assert_eq!(client.exchange(r#"420["any"]"#), ["430[]"]);
    assert_eq!(client.exchange(r#"429007199254740991["any"]"#), ["439007199254740991[]"]);
    assert_eq!(client.exchange(r#"429007199254740992["any"]"#), ["(closed)"]);
}

// ---- namespaces ---------------------------------------------------------------------------------

#[test]
fn limit_09_at_255_bytes_a_name_is_answered_and_above_it_is_not_echoed() {
    let (server, _) = server();
    let mut client = server.joined();
    let name = |length: usize| format!("/{}", "n".repeat(length - 1));
    let answer = client.exchange(&format!("40{},", name(255)));
    assert_eq!(answer, [format!(r#"44{},{{"message":"Invalid namespace"}}"#, name(255))]);
    assert_eq!(client.exchange(&format!("40{},", name(256))), ["(closed)"]);
}

#[test]
fn limit_10_at_a_hundred_namespaces_a_session_goes_on_and_above_the_next_is_refused() {
    let server = Server::start(Io::builder().namespace("/n-{n}", |_| {}).namespace("/", |ns| {
        ns.on("any", || ());
    }));
    let mut client = server.joined();
    for n in 1..100 {
        client.connect(&format!("/n-{n}"));
    }
    assert_eq!(
        client.exchange("40/n-1000,"),
        [r#"44/n-1000,{"message":"Invalid namespace"}"#],
        "nobody learns what patterns there are"
    );
    let mut other = server.joined();
    other.connect("/n-2000");
    assert_eq!(client.exchange("40/n-2000,"), [r#"44/n-2000,{"message":"Too many namespaces"}"#]);
    lives(&mut client);
    client.exchange("41/n-1,");
    client.connect("/n-2000");
}

#[test]
fn limit_11_at_a_hundred_refusals_a_session_goes_on_and_above_it_ends() {
    let (server, _) = server();
    let mut client = server.joined();
    for n in 0..100 {
        assert_eq!(client.exchange(&format!("40/x{n},")).len(), 1);
    }
    lives(&mut client);
    assert_eq!(client.exchange("40/x,"), ["(closed)"]);
}

// ---- time ---------------------------------------------------------------------------------------

#[test]
fn limit_12_at_45_seconds_a_session_that_has_joined_nothing_ends() {
    let (server, _) = server();
    let mut client = server.websocket();
    server.advance(25 * SECOND);
    assert_eq!(client.frames(), ["2"]);
    client.send("3");
    server.advance(19 * SECOND);
    assert_eq!(client.frames(), [""; 0]);
    assert_eq!(server.io.session_count(), 1);
    server.advance(SECOND);
    assert_eq!(client.frames(), ["(closed)"]);
    server.assert_empty();
}

#[test]
fn limit_13_at_20_seconds_without_a_pong_a_session_ends() {
    let (server, notes) = server();
    let mut client = server.joined();
    server.advance(24 * SECOND);
    assert_eq!(client.frames(), [""; 0]);
    server.advance(SECOND);
    assert_eq!(client.frames(), ["2"]);
    server.advance(19 * SECOND);
    assert_eq!(notes.take(), [""; 0]);
    server.advance(SECOND);
    assert_eq!(notes.take(), ["ping timeout"]);
}

#[test]
fn limit_13_below_it_a_pong_begins_the_time_anew() {
    let (server, notes) = server();
    let mut client = server.joined();
    for _ in 0..10 {
        server.advance(25 * SECOND);
        assert_eq!(client.frames(), ["2"]);
        server.advance(19 * SECOND);
        client.send("3");
    }
    assert_eq!(notes.take(), [""; 0]);
}

// ---- output -------------------------------------------------------------------------------------

/// A packet of so many bytes, its engine type included.
fn text_of(packet: usize) -> String {
    "x".repeat(packet - r#"42["m",""]"#.len())
}

#[test]
fn limit_21_at_a_mebibyte_that_waits_the_peer_is_not_read_and_below_it_is() {
    let (server, notes) = server();
    let mut client = server.joined();
    server.io.emit("m", text_of((1 << 20) - 1)).unwrap();
    assert!(server.worker.takes_frames(&client.connection));
    // Less than the smallest event fits: acks and pings count as well.
    server.io.emit("m", text_of(10)).unwrap();
    assert!(!server.worker.takes_frames(&client.connection));
    client.frames();
    assert!(server.worker.takes_frames(&client.connection));
    lives(&mut client);
    assert_eq!(notes.take(), [""; 0]);
}

#[test]
fn limit_22_at_four_mebibytes_that_wait_a_session_goes_on_and_above_it_ends() {
    let (server, notes) = server();
    let mut client = server.joined();
    for _ in 0..4 {
        server.io.emit("m", text_of(1 << 20)).unwrap();
    }
    assert_eq!(client.frames().len(), 4);
    for _ in 0..4 {
        server.io.emit("m", text_of(1 << 20)).unwrap();
    }
    assert_eq!(notes.take(), [""; 0]);
    server.io.emit("m", 0).unwrap();
    assert_eq!(client.frames(), ["(closed)"]);
    assert_eq!(notes.take(), ["transport error"]);
}

#[test]
fn limit_22_at_so_many_frames_a_session_goes_on_and_above_it_ends() {
    let (server, notes) = server();
    let client = server.joined();
    for n in 0..16_384 {
        server.io.emit("m", n).unwrap();
    }
    assert_eq!(notes.take(), [""; 0]);
    server.io.emit("m", 0).unwrap();
    assert_eq!(notes.take(), ["transport error"]);
    drop(client);
}

// ---- acks ---------------------------------------------------------------------------------------

#[test]
fn limit_25_at_ten_thousand_waits_for_acks_and_above_the_emit_is_an_error() {
    let (server, _) = server();
    let mut client = server.joined();
    let socket = server.sockets().pop().unwrap();
    let waits: Vec<_> =
        (0..10_000).map(|_| socket.emit_with_ack::<()>("q", (), SECOND * 3600)).collect();
    client.frames();
    let above = socket.emit_with_ack::<()>("q", (), SECOND * 3600);
    let refused = futures_util::FutureExt::now_or_never(above);
    assert!(
        matches!(&refused, Some(Err(AckError::Emit(EmitError::TooManyAcks(_))))),
        "{refused:?}"
    );
    client.exchange("430[]");
    let answered = futures_util::FutureExt::now_or_never(waits.into_iter().next().unwrap());
    assert!(matches!(answered, Some(Ok(()))));
    // There is room for one again.
    drop(socket.emit_with_ack::<()>("q", (), SECOND));
    assert_eq!(client.frames().len(), 1);
}

#[test]
fn limit_26_without_a_time_an_ack_is_waited_for_until_the_socket_ends() {
    let (server, _) = server();
    let mut client = server.joined();
    let socket = server.sockets().pop().unwrap();
    let mut wait = std::pin::pin!(socket.emit_with_ack::<()>("q", (), None));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    for _ in 0..100 {
        server.advance(25 * SECOND);
        client.frames();
        client.send("3");
    }
    assert!(wait.as_mut().poll(&mut cx).is_pending());
    client.drop_connection();
    assert!(matches!(
        wait.as_mut().poll(&mut cx),
        std::task::Poll::Ready(Err(AckError::Disconnected))
    ));
}

// ---- defaults -----------------------------------------------------------------------------------

#[test]
fn the_defaults_are_those_of_the_page() {
    let limits = Limits::default();
    assert_eq!((limits.max_payload, limits.max_pending_input), (1_000_000, 256 << 20));
    assert_eq!((limits.max_attachments, limits.max_binary_packet), (10, 10_000_000));
    assert_eq!(limits.attachment_timeout, 30 * SECOND);
    assert_eq!((limits.max_namespace_len, limits.max_namespaces), (255, 100));
    assert_eq!((limits.max_connect_failures, limits.max_idle_packets), (100, 64));
    assert_eq!((limits.send_buffer_high, limits.send_buffer_max), (1 << 20, 4 << 20));
    assert_eq!((limits.max_pending_acks, limits.max_handlers), (10_000, 64));
    assert_eq!((limits.body_timeout, limits.write_timeout), (30 * SECOND, 30 * SECOND));
    assert_eq!((limits.max_recovery_packets, limits.max_recovery_bytes), (10_000, 16 << 20));
    let config = ServerConfig::default();
    assert_eq!(config.connect_timeout, 45 * SECOND);
    assert_eq!(config.engine.ping_interval, 25 * SECOND);
    assert_eq!(config.engine.ping_timeout, 20 * SECOND);
    assert_eq!(config.engine.upgrade_timeout, 10 * SECOND);
}
