//! Hostile Socket.IO packets: cases 44 to 65 of `docs/hostile.md`.
//!
//! What is invalid is so on both transports, and each time another session is served afterwards.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::time::Duration;

use hostile::{Bystander, Target};
use integration::In::{Binary as B, Text as T};
use integration::{Journal, PacketBench, Polling, Server, Ws, echo};
use sio_actix::prelude::*;
use sio_actix::{Io, IoBuilder};

/// The longest time that no test waits for.
const NEVER: Duration = Duration::from_secs(600);

/// Feeds packets to a server while somebody else is served.
fn under_attack(attack: impl FnOnce(&mut PacketBench)) {
    let mut bench = PacketBench::new();
    let bystander = Bystander::watch(bench.server().address());
    attack(&mut bench);
    bystander.unharmed();
}

/// A server whose `/` echoes and notes the ends of sockets.
fn recorded(build: impl FnOnce(IoBuilder) -> IoBuilder) -> (Server, Journal, Bystander) {
    let (server, journal) = Server::recorded(build, 1);
    let bystander = Bystander::watch(server.address());
    (server, journal, bystander)
}

fn placeholder(num: &str) -> String {
    format!(r#"{{"_placeholder":true,"num":{num}}}"#)
}

// ---- attachments --------------------------------------------------------------------------------

#[test]
fn row_44_more_attachments_than_may_be_are_refused_at_the_header() {
    under_attack(|bench| {
        for count in ["11", "10000", "4294967296", "99999999999999999999"] {
            bench.invalid(&[T(&format!(r#"45{count}-["m"]"#))]);
            bench.invalid(&[T(&format!("46{count}-1[]"))]);
        }
    });
}

#[test]
fn row_45_attachments_that_never_come_end_the_session() {
    let (server, journal, bystander) =
        recorded(|io| io.limits(|limits| limits.attachment_timeout = Duration::from_millis(150)));
    let mut ws = Ws::joined(&server);
    ws.text(&format!(r#"452-["m",{},{}]"#, placeholder("0"), placeholder("1")));
    ws.binary([1]);
    ws.expect_close(None);
    journal.expect("forced close");
    let mut session = Polling::joined(&server);
    session.push(format!(r#"451-["m",{}]"#, placeholder("0")));
    journal.expect("forced close");
    bystander.unharmed();
}

#[test]
fn row_46_attachments_out_of_place_are_invalid() {
    let one = format!(r#"451-["m",{}]"#, placeholder("0"));
    under_attack(|bench| {
        bench.invalid(&[B(&[1])]);
        bench.invalid(&[T(&one), T(r#"42["m"]"#)]);
        bench.invalid(&[T(&one), T("41")]);
    });
}

#[test]
fn row_47_placeholders_that_fit_no_attachment_are_invalid() {
    under_attack(|bench| {
        for num in ["-1", "1", "10", "0.5", r#""0""#, "null", "[]", "1e400"] {
            bench.invalid(&[T(&format!(r#"451-["m",{}]"#, placeholder(num))), B(&[1])]);
            bench.invalid(&[T(&format!("461-7[{}]", placeholder(num))), B(&[1])]);
        }
    });
}

#[test]
fn row_48_an_attachment_that_is_referenced_often_is_held_once_and_counts_as_often_as_it_is_sent() {
    let target = Target::start(env!("CARGO_BIN_EXE_target"), &[]);
    let bystander = target.bystander();
    let mut warm = Ws::joined_at(target.address());
    warm.text(r#"421["echo",1]"#);
    warm.expect("431[1]");
    let before = target.memory();
    let references = vec![placeholder("0"); 100].join(",");
    // Expanded, the echo of each is 90 MB, and a session may have 4 MiB wait.
    for _ in 0..3 {
        let mut ws = Ws::joined_at(target.address());
        ws.text(&format!(r#"451-1["echo",{references}]"#));
        ws.binary(vec![7; 900_000]);
        let mut said = 0;
        loop {
            let frame = ws.next_frame();
            if frame.head == 0x88 {
                break;
            }
            said += frame.payload.len();
        }
        assert!(said < 8 << 20, "{said} bytes of an answer that is too large");
    }
    let grown = target.memory().saturating_sub(before);
    assert!(grown < 24 << 20, "{grown} bytes more");
    warm.text(r#"422["echo",2]"#);
    warm.expect("432[2]");
    bystander.unharmed();
}

// ---- names and payloads -------------------------------------------------------------------------

#[test]
fn row_49_reserved_event_names_are_invalid() {
    under_attack(|bench| {
        for name in [
            "connect",
            "connect_error",
            "disconnect",
            "disconnecting",
            "newListener",
            "removeListener",
        ] {
            bench.invalid(&[T(&format!(r#"42["{name}"]"#))]);
            bench.invalid(&[T(&format!(r#"421["{name}",1]"#))]);
        }
    });
}

#[test]
fn row_50_names_that_are_special_elsewhere_are_ordinary() {
    under_attack(|bench| {
        for name in ["__proto__", "constructor", "error"] {
            bench.answers(&[T(&format!(r#"421["{name}",1]"#))], &[T("431[1]")]);
        }
        for name in ["hasOwnProperty", "toString", "then", "\\u0000", ""] {
            bench.is_ignored(&[T(&format!(r#"42["{name}",1]"#))]);
        }
    });
}

#[test]
fn row_51_nesting_beyond_the_limit_is_invalid_and_what_is_below_comes_back() {
    under_attack(|bench| {
        // The array of the packet is the first level.
        let (open, close) = ("[".repeat(127), "]".repeat(127));
        let deepest = format!(r#"421["echo",{open}{close}]"#);
        let back = format!("431[{open}{close}]");
        bench.answers(&[T(&deepest)], &[T(&back)]);
        for levels in [130, 5_000, 400_000] {
            let (open, close) = ("[".repeat(levels), "]".repeat(levels));
            bench.invalid(&[T(&format!(r#"421["echo",{open}{close}]"#))]);
            // Nor need it be closed, or have a handler.
            bench.invalid(&[T(&format!(r#"421["nobody",{open}"#))]);
        }
    });
}

#[test]
fn row_52_payloads_that_are_no_event_are_invalid() {
    under_attack(|bench| {
        for packet in [
            "42",
            "42{}",
            "42[]",
            "42[null]",
            "42[{}]",
            "42[[]]",
            "42[true]",
            r#"42["m"]x"#,
            r#"42["m"]]"#,
            r#"42["m",]"#,
            r#"42["m""#,
            r#"42"m""#,
        ] {
            bench.invalid(&[T(packet)]);
        }
    });
}

#[test]
fn row_53_ack_ids_are_exact_or_invalid() {
    under_attack(|bench| {
        bench.answers(&[T(r#"429007199254740991["echo",1]"#)], &[T("439007199254740991[1]")]);
        for id in ["9007199254740992", "9007199254740993", "18446744073709551616"] {
            bench.invalid(&[T(&format!(r#"42{id}["echo",1]"#))]);
            bench.invalid(&[T(&format!("43{id}[]"))]);
        }
    });
}

#[test]
fn row_54_acks_nobody_waits_for_are_ignored() {
    under_attack(|bench| {
        bench.is_ignored(&[T("437[]"), T("437[]"), T("430[1]")]);
        let mut ws = Ws::joined(bench.server());
        for id in 0..10_000 {
            ws.text(&format!("43{id}[]"));
        }
        ws.fence();
    });
}

// ---- states -------------------------------------------------------------------------------------

#[test]
fn row_55_a_second_connect_ends_the_session() {
    under_attack(|bench| {
        bench.violation(&[T("40")]);
        bench.violation(&[T("40/,{}")]);
    });
}

#[test]
fn row_56_packets_for_a_namespace_that_is_not_joined_end_the_session() {
    under_attack(|bench| {
        bench.violation(&[T(r#"42/admin,["m"]"#)]);
        bench.violation(&[T("41/admin,")]);
        bench.violation(&[T("43/elsewhere,1[]")]);
    });
}

#[test]
fn row_57_a_connect_error_of_a_client_ends_the_session() {
    under_attack(|bench| {
        bench.violation(&[T(r#"44{"message":"no"}"#)]);
        bench.violation(&[T(r#"44/admin,{"message":"no"}"#)]);
    });
}

#[test]
fn row_58_the_hundred_and_first_refusal_ends_the_session() {
    let (server, journal, bystander) = recorded(|io| io);
    let mut ws = Ws::joined(&server);
    let names = server.io().namespaces().len();
    for n in 0..2_000 {
        // It may be closed before all are written.
        if ws.wire().try_write(integration::masked(0x81, format!("40/unknown-{n},"))).is_err() {
            break;
        }
    }
    for n in 0..100 {
        ws.expect(&format!(r#"44/unknown-{n},{{"message":"Invalid namespace"}}"#));
    }
    ws.expect_close(None);
    journal.expect("forced close");
    assert_eq!(server.io().namespaces().len(), names);
    bystander.unharmed();
}

#[test]
fn row_59_a_long_name_is_not_echoed() {
    under_attack(|bench| {
        for length in [256, 900_000] {
            let name = format!("/{}", "n".repeat(length - 1));
            bench.invalid(&[T(&format!("40{name},"))]);
        }
        let longest = format!("/{}", "n".repeat(254));
        let refusal = format!(r#"44{longest},{{"message":"Invalid namespace"}}"#);
        bench.answers(&[T(&format!("40{longest},"))], &[T(&refusal)]);
    });
}

#[test]
fn row_60_namespaces_of_a_pattern_go_with_their_last_socket() {
    let io = |io: IoBuilder| io.namespace("/room-{n}", echo);
    let (server, _journal, bystander) = recorded(io);
    let mut ws = Ws::joined(&server);
    let before = server.io().namespaces().len();
    for n in 0..2_000 {
        ws.text(&format!("40/room-{n},"));
        assert!(ws.next_text().starts_with(&format!("40/room-{n},")));
        ws.text(&format!("41/room-{n},"));
    }
    ws.fence();
    assert_eq!(server.io().namespaces().len(), before);
    bystander.unharmed();
}

#[test]
fn row_61_events_before_the_answer_to_connect_end_the_session() {
    let (server, journal) = Server::recorded(
        |io| {
            io.namespace("/slow", |ns| {
                ns.connect_guard(async || tokio::time::sleep(NEVER).await);
            })
        },
        1,
    );
    let bystander = Bystander::watch(server.address());
    let mut early = Ws::open(&server);
    early.text(r#"42["m"]"#);
    early.expect_close(None);
    let mut waiting = Ws::joined(&server);
    waiting.text("40/slow,");
    waiting.text(r#"42/slow,["m"]"#);
    waiting.expect_close(None);
    journal.expect("forced close");
    bystander.unharmed();
}

#[test]
fn row_62_a_session_that_joins_nothing_ends_although_it_answers_pings() {
    let (server, journal) = Server::recorded(
        |io| {
            io.connect_timeout(Duration::from_millis(300))
                .ping_interval(Duration::from_millis(50))
                .ping_timeout(NEVER)
        },
        1,
    );
    let mut ws = Ws::open(&server);
    let mut pings = 0;
    loop {
        let frame = ws.next_frame();
        if frame.head == 0x88 {
            break;
        }
        assert_eq!(frame.text(), "2");
        ws.text("3");
        pings += 1;
    }
    assert!(pings > 0);
    assert_eq!(server.io().session_count(), 0);
    assert_eq!(journal.drain(), [""; 0]);
}

#[test]
fn row_63_joining_and_leaving_in_a_loop_leaves_nothing_behind() {
    let target = Target::start(env!("CARGO_BIN_EXE_target"), &[]);
    let bystander = target.bystander();
    let mut ws = Ws::joined_at(target.address());
    let mut rounds = |count: usize| {
        for _ in 0..count {
            ws.text("41");
            ws.join();
        }
        target.memory()
    };
    let warm = rounds(1_000);
    let after = rounds(5_000);
    assert!(after < warm + (2 << 20), "{warm} bytes grew to {after}");
    bystander.unharmed();
}

#[test]
fn row_64_a_flood_of_events_for_slow_handlers_is_not_read() {
    let target = Target::start(env!("CARGO_BIN_EXE_target"), &[]);
    let bystander = target.bystander();
    let mut ws = Ws::joined_at(target.address());
    let before = target.memory();
    let wait = format!(r#"42["slow",{},"{}"]"#, 60_000, "x".repeat(10_000));
    // Far more than is held, and than the system takes for both sides.
    let mut written = 0;
    ws.wire().set_write_timeout(Duration::from_millis(500));
    while written < 64 << 20 {
        match ws.wire().try_write(integration::masked(0x81, &wait)) {
            Ok(()) => written += wait.len(),
            Err(_full) => break,
        }
    }
    assert!(written < 64 << 20, "everything was read");
    let grown = target.memory().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more");
    bystander.unharmed();
}

#[test]
fn row_65_traps_of_json_are_taken_as_they_are_or_refused_aloud() {
    let mut bench = PacketBench::new();
    let bystander = Bystander::watch(bench.server().address());
    bench.answers(&[T(r#"421["echo",{"a":1,"a":2}]"#)], &[T(r#"431[{"a":2}]"#)]);
    bench.answers(&[T("421[\"echo\",\"\u{2028}\"]")], &[T("431[\"\u{2028}\"]")]);
    bench.answers(&[T(r#"421["echo","\u0000"]"#)], &[T(r#"431["\u0000"]"#)]);
    bench.invalid(&[T("421[\"echo\",\"\u{0}\"]")]);
    bench.invalid(&[T(r#"421["echo",01]"#)]);
    drop(bench);
    bystander.unharmed();
}

#[test]
fn row_65_arguments_that_do_not_fit_are_answered_and_told_to_the_error_hook() {
    let journal = Journal::new();
    let noted = journal.clone();
    let io = Io::builder().namespace("/", move |ns| {
        echo(ns);
        ns.on("number", |n: u8| n);
        ns.on("bytes", |bytes: Vec<u8>| bytes.len());
        ns.on_error(move |error: &mut EventError, _: &EventCx<'_>| noted.note(error.code()));
    });
    let server = Server::run(io.build(), 1, |_| {});
    let mut ws = Ws::joined(&server);
    for wrong in ["256", "-1", r#""\ud800""#, "1e400", "[]", "null"] {
        ws.text(&format!(r#"421["number",{wrong}]"#));
        let answer = ws.next_text();
        assert!(answer.starts_with(r#"431[{"error":{"code":"#), "{wrong}: {answer}");
        journal.expect("bad_request");
    }
    ws.fence();
}
