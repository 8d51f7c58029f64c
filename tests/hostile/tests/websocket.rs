//! Hostile WebSockets: cases 24 to 43 of `docs/hostile.md`. Their limits are in `limits_websocket.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hostile::Target;
use integration::{Http, Polling, Response, Server, Wire, Ws, masked};
use tokio::sync::Notify;

const MIB: usize = 1 << 20;
const SESSION: &str = "/socket.io/?EIO=4&transport=websocket";
/// Longer than the peer of a closed connection is given to close its half.
const CUT_OFF: Duration = Duration::from_secs(10);

fn target() -> Target {
    Target::start(env!("CARGO_BIN_EXE_target"), &[])
}

/// A frame head that announces `len` bytes, in its longest form, and the mask.
fn announce(head: u8, len: u64) -> Vec<u8> {
    let mut bytes = vec![head, 0xff];
    bytes.extend_from_slice(&len.to_be_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes
}

/// An echo comes back: the session goes on.
#[track_caller]
fn expect_alive(ws: &mut Ws) {
    ws.text(r#"42999["echo","alive"]"#);
    ws.expect_through_pings(r#"43999["alive"]"#);
}

/// These bytes on a session of their own close it with `code`, and nobody else notices.
#[track_caller]
fn closes(address: SocketAddr, bytes: &[u8], code: Option<u16>) {
    let mut ws = Ws::joined_at(address);
    // The server may close before everything is written.
    let _cut = ws.wire().try_write(bytes);
    ws.expect_close(code);
}

/// The answer to a request with these lines behind `Host`.
#[track_caller]
fn ask(address: SocketAddr, first: &str, headers: &str) -> (Response, Wire) {
    let mut http = Http::connect_to(address);
    http.write(format!("{first}\r\nHost: localhost\r\n{headers}\r\n"));
    let response = http.response();
    (response, http.into_wire())
}

/// Opens a WebSocket for a session on polling.
#[track_caller]
fn probe(address: SocketAddr, session: &Polling) -> Ws {
    let mut http = Http::connect_to(address);
    http.write(Ws::handshake(&format!("{SESSION}&sid={}", session.sid())));
    assert_eq!(http.response().status, 101);
    Ws::over(http.into_wire())
}

/// The polling session goes on, with nothing lost.
#[track_caller]
fn expect_polling(session: &mut Polling) {
    session.push(r#"42999["echo","alive"]"#);
    let packets = session.poll();
    let answer = packets.split('\x1e').find(|packet| *packet != "6" && *packet != "2");
    match answer {
        Some(answer) => assert_eq!(answer, r#"43999["alive"]"#),
        // A poll that was released had nothing else to say.
        None => assert_eq!(session.poll(), r#"43999["alive"]"#),
    }
}

#[test]
fn row_24_an_announced_length_is_refused_at_the_header_and_takes_no_memory() {
    let target = target();
    let bystander = target.bystander();
    let before = target.memory();
    for len in [1_000_001, 16 << 20, 8 << 30, (1 << 63) - 1] {
        closes(target.address(), &announce(0x81, len), Some(1009));
    }
    closes(target.address(), &announce(0x82, 1 << 63), Some(1002));
    // What follows the header is thrown away, as much as it may be.
    let mut ws = Ws::joined_at(target.address());
    ws.wire().write(announce(0x82, 8 << 30));
    let end = Instant::now() + CUT_OFF;
    while ws.wire().try_write(vec![0; MIB]).is_ok() {
        assert!(Instant::now() < end, "the server reads for ever");
    }
    assert!(target.memory() < before + 8 * MIB);
    bystander.unharmed();
}

#[test]
fn row_25_a_message_above_the_limit_is_refused_on_both_transports() {
    let target = target();
    let bystander = target.bystander();
    let large = format!(r#"42["echo","{}"]"#, "x".repeat(1_100_000));
    closes(target.address(), &masked(0x81, &large), Some(1009));
    closes(target.address(), &masked(0x82, &large), Some(1009));
    let mut session = Polling::joined_at(target.address());
    assert_eq!(session.try_push(&large).status, 413);
    bystander.unharmed();
}

#[test]
fn row_26_fragments_above_the_limit_and_endless_ones_are_refused() {
    let target = target();
    let bystander = target.bystander();
    let before = target.memory();
    let half = vec![b'x'; 600_000];
    closes(target.address(), &[masked(0x01, &half), masked(0x80, &half)].concat(), Some(1009));
    let tiny = [masked(0x02, "x"), masked(0x00, "x").repeat(1_000_000)].concat();
    closes(target.address(), &tiny, Some(1009));
    // Empty ones are nothing.
    let mut ws = Ws::joined_at(target.address());
    ws.wire().write(masked(0x01, r#"42999["echo","#));
    for _ in 0..100 {
        ws.wire().write(masked(0x00, "").repeat(1_000));
    }
    ws.wire().write(masked(0x80, "1]"));
    ws.expect_through_pings("43999[1]");
    assert!(target.memory() < before + 8 * MIB);
    bystander.unharmed();
}

#[test]
fn row_27_frames_that_break_the_protocol_close_with_1002() {
    let target = target();
    let bystander = target.bystander();
    for bytes in [
        b"\x81\x0242".to_vec(),
        masked(0xc1, "42[\"m\"]"),
        masked(0xa1, ""),
        masked(0x91, ""),
        masked(0x83, ""),
        masked(0x8f, ""),
        masked(0x09, "a"),
        masked(0x08, ""),
        masked(0x89, [0; 126]),
        masked(0x88, [3; 126]),
        masked(0x80, "x"),
        [masked(0x01, "42["), masked(0x81, "42[\"m\"]")].concat(),
    ] {
        closes(target.address(), &bytes, Some(1002));
    }
    bystander.unharmed();
}

#[test]
fn row_28_text_that_is_not_utf8_closes_with_1007() {
    let target = target();
    let bystander = target.bystander();
    for bytes in [
        masked(0x81, b"42[\"\xff\"]"),
        masked(0x81, b"42[\"\xed\xa0\x80\"]"),
        [masked(0x01, b"42[\"\xc3"), masked(0x80, b"\"]")].concat(),
        masked(0x88, b"\x03\xe8\xff"),
    ] {
        closes(target.address(), &bytes, Some(1007));
    }
    bystander.unharmed();
}

#[test]
fn row_29_a_close_frame_with_half_a_code_or_a_forbidden_one_closes_with_1002() {
    let target = target();
    let bystander = target.bystander();
    closes(target.address(), &masked(0x88, "a"), Some(1002));
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535] {
        closes(target.address(), &masked(0x88, code.to_be_bytes()), Some(1002));
    }
    bystander.unharmed();
}

#[test]
fn row_30_a_connection_that_stays_open_after_a_close_frame_is_cut() {
    let target = target();
    let bystander = target.bystander();
    let before = target.descriptors();
    let mut silent: Vec<Ws> = (0..10).map(|_| Ws::joined_at(target.address())).collect();
    for (n, ws) in silent.iter_mut().enumerate() {
        if n % 2 == 0 {
            ws.wire().write(masked(0x88, 1000_u16.to_be_bytes()));
            let frame = ws.next_frame();
            assert_eq!((frame.head, &frame.payload[..]), (0x88, &[3, 0xe8][..]));
        } else {
            // The server closes, and is not answered.
            ws.text("1");
            assert_eq!(ws.next_frame().head, 0x88);
        }
    }
    // None of them closes its end.
    target.expect_descriptors(before);
    drop(silent);
    bystander.unharmed();
}

#[test]
fn row_31_a_flood_of_pings_whose_answers_are_not_read_takes_no_memory() {
    let target = target();
    let bystander = target.bystander();
    let before = target.memory();
    let mut ws = Ws::joined_at(target.address());
    let pings = masked(0x89, [b'p'; 125]).repeat(8_000);
    // Until the server stops reading, or has read a lot.
    for _ in 0..32 {
        if ws.wire().try_write(&pings).is_err() {
            break;
        }
    }
    assert!(target.memory() < before + 8 * MIB);
    drop(ws);
    bystander.unharmed();
}

#[test]
fn row_34_handshakes_that_are_none_are_refused_before_the_upgrade() {
    let target = target();
    let bystander = target.bystander();
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    let version = "Sec-WebSocket-Version: 13\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let get = format!("GET {SESSION} HTTP/1.1");
    for (first, headers, status) in [
        (&get, format!("{upgrade}{version}"), 400),
        (&get, format!("{upgrade}{version}Sec-WebSocket-Key: short\r\n"), 400),
        (&get, format!("{upgrade}{key}"), 426),
        (&get, format!("{upgrade}{key}Sec-WebSocket-Version: 8\r\n"), 426),
        (&get, format!("Upgrade: websocket\r\n{version}{key}"), 400),
        (&get, format!("Upgrade: h2c\r\nConnection: Upgrade\r\n{version}{key}"), 400),
        (&format!("POST {SESSION} HTTP/1.1"), format!("{upgrade}{version}{key}"), 400),
        (&format!("PUT {SESSION} HTTP/1.1"), format!("{upgrade}{version}{key}"), 400),
        (&format!("GET {SESSION} HTTP/1.0"), format!("{upgrade}{version}{key}"), 400),
    ] {
        let (response, _) = ask(target.address(), first, &headers);
        assert_eq!(response.status, status, "{first} {headers}");
        if status == 426 {
            response.expect_header("sec-websocket-version", "13");
        }
    }
    bystander.unharmed();
}

#[test]
fn row_35_extension_and_protocol_headers_may_be_anything() {
    let target = Target::start(
        env!("CARGO_BIN_EXE_target"),
        &["--options", r#"{"perMessageDeflate":true}"#],
    );
    let bystander = target.bystander();
    let before = target.memory();
    for (name, value) in [
        ("Extensions", "__proto__; constructor=1, toString"),
        ("Extensions", "permessage-deflate; __proto__; hasOwnProperty"),
        ("Extensions", "permessage-deflate; client_max_window_bits=\"\"\"\"\""),
        ("Extensions", "permessage-deflate=1;;;;====;\"\\\""),
        ("Extensions", &",".repeat(8_000)),
        ("Extensions", &"permessage-deflate; a=\"".repeat(300)),
        ("Extensions", &"a;".repeat(4_000)),
        ("Protocol", "__proto__, constructor"),
        ("Protocol", &",".repeat(8_000)),
    ] {
        let handshake = Ws::handshake(SESSION);
        let mut http = Http::connect_to(target.address());
        http.write(format!("{}\r\nSec-WebSocket-{name}: {value}\r\n\r\n", handshake.trim_end()));
        let response = http.response();
        assert_eq!(response.status, 101, "{name}: {value}");
        response.expect_no_header("sec-websocket-extensions");
        response.expect_no_header("sec-websocket-protocol");
        let mut ws = Ws::over(http.into_wire());
        assert!(ws.next_text().starts_with('0'));
        ws.join();
        expect_alive(&mut ws);
    }
    // Thousands of headers are no request.
    let lines = "Sec-WebSocket-Extensions: a\r\n".repeat(4_000);
    let mut http = Http::connect_to(target.address());
    let _cut = http.wire().try_write(format!("GET {SESSION} HTTP/1.1\r\nHost: a\r\n{lines}\r\n"));
    let status = http.response().status;
    assert!((400..500).contains(&status), "{status}");
    assert!(target.memory() < before + 8 * MIB);
    bystander.unharmed();
}

#[test]
fn row_36_an_upgrade_for_an_unknown_session_is_refused_before_it() {
    let target = target();
    let bystander = target.bystander();
    for sid in ["AAAAAAAAAAAAAAAAAAAA", "__proto__", "x", "%00"] {
        let mut http = Http::connect_to(target.address());
        http.write(Ws::handshake(&format!("{SESSION}&sid={sid}")));
        assert_eq!(http.response().status, 400, "{sid}");
    }
    bystander.unharmed();
}

#[test]
fn row_37_a_second_upgrade_is_closed_at_once_and_harms_nothing() {
    let target = target();
    let bystander = target.bystander();
    let mut session = Polling::joined_at(target.address());
    let mut first = probe(target.address(), &session);
    first.text("2probe");
    first.expect("3probe");
    probe(target.address(), &session).expect_close(None);
    expect_polling(&mut session);
    first.text("5");
    expect_alive(&mut first);
    probe(target.address(), &session).expect_close(None);
    expect_alive(&mut first);
    bystander.unharmed();
}

#[test]
fn row_38_a_probe_that_goes_wrong_leaves_the_polling_session() {
    let target = target();
    let bystander = target.bystander();
    let mut session = Polling::joined_at(target.address());
    for garbage in ["4garbage", "2nothing", "6", "", "\u{1e}"] {
        let mut ws = probe(target.address(), &session);
        ws.text(garbage);
        ws.expect_close(None);
        expect_polling(&mut session);
    }
    for bytes in [masked(0x82, "x"), masked(0xc1, "2probe"), announce(0x81, 1 << 40)] {
        let mut ws = probe(target.address(), &session);
        ws.wire().write(bytes);
        assert_eq!(ws.next_frame().head, 0x88);
        expect_polling(&mut session);
    }
    // Dropped, before and after the probe was answered.
    probe(target.address(), &session).into_wire().reset();
    expect_polling(&mut session);
    probe_again(target.address(), &session).into_wire().reset();
    expect_polling(&mut session);
    // While one says nothing more, the session goes on.
    let silent = probe_again(target.address(), &session);
    expect_polling(&mut session);
    drop(silent);
    bystander.unharmed();
}

/// A probe that was answered; the server may not have noticed yet that the one before is gone.
#[track_caller]
fn probe_again(address: SocketAddr, session: &Polling) -> Ws {
    let end = Instant::now() + CUT_OFF;
    loop {
        let mut ws = probe(address, session);
        ws.text("2probe");
        let frame = ws.next_frame();
        if frame.is_text() {
            assert_eq!(frame.text(), "3probe");
            return ws;
        }
        assert!(Instant::now() < end, "the session takes no other WebSocket");
    }
}

#[test]
fn row_39_events_on_both_transports_during_the_switch_come_once_and_in_order() {
    let target = target();
    let bystander = target.bystander();
    for _ in 0..10 {
        let mut session = Polling::joined_at(target.address());
        let mut next = 0;
        let mut events = |count: usize| {
            let from = next;
            next += count;
            (from..next).map(|n| format!(r#"42["echo",{n}]"#)).collect::<Vec<_>>()
        };
        let mut push = |session: &mut Polling, count| session.push(events(count).join("\x1e"));
        push(&mut session, 20);
        let mut ws = probe(target.address(), &session);
        push(&mut session, 20);
        ws.text("2probe");
        ws.expect("3probe");
        push(&mut session, 20);
        let mut came = session.poll_packets(60);
        push(&mut session, 20);
        ws.text("5");
        for event in events(100) {
            ws.text(&event);
        }
        came.retain(|packet| packet != "6");
        while came.len() < 180 {
            came.push(ws.next_text());
        }
        for (n, packet) in came.iter().enumerate() {
            assert_eq!(*packet, format!(r#"42["echo",{n}]"#));
        }
        expect_alive(&mut ws);
    }
    bystander.unharmed();
}

#[test]
fn row_40_a_ping_of_a_client_of_revision_4_closes() {
    let target = target();
    let bystander = target.bystander();
    closes(target.address(), &masked(0x81, "2"), None);
    bystander.unharmed();
}

#[test]
fn row_41_unsolicited_pongs_of_either_kind_cost_nothing() {
    let target = target();
    let bystander = target.bystander();
    let before = target.memory();
    let mut ws = Ws::joined_at(target.address());
    for _ in 0..20 {
        ws.wire().write(masked(0x81, "3").repeat(1_000));
        ws.wire().write(masked(0x8a, "pong").repeat(1_000));
    }
    expect_alive(&mut ws);
    assert!(target.memory() < before + 4 * MIB);
    bystander.unharmed();
}

#[test]
fn row_42_a_close_packet_closes_at_once() {
    let target = target();
    let bystander = target.bystander();
    closes(target.address(), &masked(0x81, "1"), None);
    bystander.unharmed();
}

#[test]
fn row_43_tiny_frames_and_single_bytes_cost_others_nothing() {
    let target = target();
    let bystander = target.bystander();
    let before = target.memory();
    let mut ws = Ws::joined_at(target.address());
    for byte in masked(0x81, r#"42999["echo","byte by byte"]"#) {
        ws.wire().write([byte]);
    }
    ws.expect_through_pings(r#"43999["byte by byte"]"#);
    // 200,000 of them keep no one else waiting.
    let tiny = [masked(0x81, "6"), masked(0x8a, ""), masked(0x81, "3")].concat().repeat(5_000);
    for _ in 0..14 {
        ws.wire().write(&tiny);
    }
    expect_alive(&mut ws);
    assert!(target.memory() < before + 4 * MIB);
    bystander.unharmed();
}

/// One worker with a handler that takes two milliseconds, which others can ask how often it has run, and one that
/// keeps further events waiting until somebody says `go`.
fn slow_server() -> (Server, Arc<AtomicUsize>) {
    let handled = Arc::new(AtomicUsize::new(0));
    let (works, counts) = (Arc::clone(&handled), Arc::clone(&handled));
    let released = Arc::new(Notify::new());
    let releases = Arc::clone(&released);
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                ns.on("work", move || {
                    // Nobody else on the thread has a turn meanwhile.
                    let end = Instant::now() + Duration::from_millis(2);
                    while Instant::now() < end {
                        std::hint::spin_loop();
                    }
                    works.fetch_add(1, Ordering::Relaxed);
                });
                ns.on("count", move || counts.load(Ordering::Relaxed));
                ns.on("block", async move || released.notified().await).ordered();
                ns.on("go", move || releases.notify_one());
            })
        },
        1,
    );
    (server, handled)
}

/// While one connection keeps its worker busy, another is answered before all of that is through.
#[track_caller]
fn expect_turn(handled: &AtomicUsize, other: &mut Ws, events: usize) {
    while handled.load(Ordering::Relaxed) == 0 {
        std::thread::yield_now();
    }
    other.text(r#"421["count"]"#);
    let answer = other.next_text();
    let count = answer.strip_prefix("431[").and_then(|rest| rest.strip_suffix(']')).unwrap();
    assert!(count.parse::<usize>().unwrap() < events, "{count} came first");
}

#[test]
fn row_43_slow_handlers_of_one_connection_leave_others_their_turn() {
    // Fewer than a turn has if they are quick.
    const EVENTS: usize = 200;
    let (server, handled) = slow_server();
    let (mut busy, mut other) = (Ws::joined(&server), Ws::joined(&server));
    busy.wire().write(masked(0x81, r#"42["work"]"#).repeat(EVENTS));
    expect_turn(&handled, &mut other, EVENTS);
}

#[test]
fn row_43_events_that_were_held_leave_others_their_turn() {
    const EVENTS: usize = 200;
    let (server, handled) = slow_server();
    let (mut busy, mut other) = (Ws::joined(&server), Ws::joined(&server));
    busy.text(r#"42["block"]"#);
    busy.wire().write(masked(0x81, r#"42["work"]"#).repeat(EVENTS));
    busy.wire().write(masked(0x89, "all read"));
    assert_eq!(busy.next_frame().head, 0x8a);
    assert_eq!(handled.load(Ordering::Relaxed), 0, "nothing keeps the events waiting");
    other.text(r#"42["go"]"#);
    expect_turn(&handled, &mut other, EVENTS);
    // None of them is lost, and the connection is read again.
    busy.text(r#"422["count"]"#);
    busy.expect(&format!("432[{EVENTS}]"));
}
