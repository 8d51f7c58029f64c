//! Hostile HTTP and polling requests: cases 14 to 23 of `docs/hostile.md`, and the limits of time and heads.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use actix_web::App;
use hostile::{Bystander, Target};
use integration::{Http, Journal, Legacy, Polling, Server, Wire, Ws, echo};
use sio_actix::{DisconnectReason, Io, Limits};

const HANDSHAKE: &str = "/socket.io/?EIO=4&transport=polling";

fn target(flags: &[&str]) -> Target {
    Target::start(env!("CARGO_BIN_EXE_target"), flags)
}

/// The target under each HTTP server.
fn both(flags: &[&str]) -> [Target; 2] {
    [target(flags), target(&[flags, &["--stock"]].concat())]
}

fn recorded(options: &str) -> (Server, Journal, Bystander) {
    let options = serde_json::from_str(options).unwrap();
    let (server, journal) = Server::recorded(|io| io.options(options), 1);
    let bystander = Bystander::watch(server.address());
    (server, journal, bystander)
}

/// Without a head in time the connection is answered 408 or closed.
fn expect_408(mut http: Http) {
    let rest = http.wire().take_to_end();
    assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408 "), "{}", rest.escape_ascii());
}

#[test]
fn row_14_a_head_that_takes_too_long_is_408() {
    // actix's clock has steps of half a second.
    for target in both(&["--head-time", "2000"]) {
        let bystander = target.bystander();
        for head in ["G", "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\nX: "] {
            let mut http = Http::connect_to(target.address());
            http.write(head);
            let began = Instant::now();
            expect_408(http);
            assert!(began.elapsed() > Duration::from_secs(1), "{:?}", began.elapsed());
        }
        bystander.unharmed();
    }
}

#[test]
fn row_14_one_byte_at_a_time_gains_nothing() {
    let target = target(&["--head-time", "1000"]);
    let bystander = target.bystander();
    let mut wire = Wire::connect_to(target.address());
    let began = Instant::now();
    for byte in "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n".bytes().cycle() {
        if wire.try_write([byte]).is_err() {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(4), "the head is still being read");
        #[expect(clippy::disallowed_methods, reason = "the pace of a slow peer, under a deadline")]
        std::thread::sleep(Duration::from_millis(20));
    }
    bystander.unharmed();
}

// Under actix's own server only the first head of a connection has a bound.
#[test]
fn row_14_a_later_head_that_takes_too_long_ends_the_connection() {
    let target = target(&["--head-time", "1000"]);
    let bystander = target.bystander();
    for head in ["G", "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\nX: "] {
        let mut http = Http::connect_to(target.address());
        assert_eq!(http.get(HANDSHAKE).status, 200);
        http.write(head);
        let began = Instant::now();
        http.wire().expect_end();
        assert!(began.elapsed() > Duration::from_millis(800), "{:?}", began.elapsed());
    }
    bystander.unharmed();
}

#[test]
fn row_15_a_body_that_takes_too_long_is_408_and_ends_the_session() {
    let (server, journal, bystander) = recorded(r#"{"limits": {"bodyTimeout": 300}}"#);
    let mut session = Polling::joined(&server);
    let mut http = Http::connect(&server);
    let head = format!("POST {} HTTP/1.1\r\nHost: a\r\n", session.target());
    http.write(head + "Content-Length: 20\r\n\r\n42[\"m\"");
    http.response().expect(408, "").expect_header("connection", "close");
    journal.expect("transport error");
    session.expect_unknown();
    bystander.unharmed();
}

#[test]
fn row_16_an_answer_to_a_poll_that_is_never_read_ends_its_session() {
    let journal = Journal::new();
    let noted = journal.clone();
    let io = Io::builder()
        .limits(|limits| (limits.send_buffer_max, limits.send_buffer_max_frames) = (0, 0))
        .namespace("/", |ns| {
            echo(ns);
            ns.on_disconnect(move |reason: DisconnectReason| noted.note(reason.as_str()));
        })
        .build();
    let served = io.clone();
    let server = Server::host(io, move |listener| {
        sio_actix::Server::new(move || App::new().configure(served.configure()))
            .workers(2)
            .write_timeout(Duration::from_millis(400))
            .disable_signals()
            .listen(listener)
            .unwrap()
            .run()
    });
    let bystander = Bystander::watch(server.address());
    let mut session = Polling::open(&server);
    let id = session.join();
    // More than the system takes for both sides.
    server.io().to(&id).emit("m", "x".repeat(24 << 20)).unwrap();
    let target = session.target().to_owned();
    session.polls.send("GET", &target, "", "");
    journal.expect("transport error");
    session.expect_unknown();
    bystander.unharmed();
}

#[test]
fn row_17_a_poll_that_is_dropped_while_it_waits_loses_nothing_in_silence() {
    let (server, journal, bystander) = recorded("{}");
    let mut session = Polling::joined(&server);
    session.start_poll();
    let polls = std::mem::replace(&mut session.polls, Http::connect(&server));
    polls.into_wire().reset();
    journal.expect("transport error");
    session.expect_unknown();
    bystander.unharmed();
}

#[test]
fn row_18_a_body_of_two_lengths_is_400_and_the_connection_ends() {
    for target in both(&[]) {
        let bystander = target.bystander();
        for lengths in [
            "Content-Length: 6\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 6",
            "Content-Length: 2\r\nContent-Length: 4",
            "Content-Length: 2, 4",
            "Content-Length: +2",
            "Content-Length: -2",
            "Content-Length: 0x2",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: chunked, identity",
        ] {
            let session = Polling::joined_at(target.address());
            let mut http = Http::connect_to(target.address());
            let head =
                format!("POST {} HTTP/1.1\r\nHost: a\r\n{lengths}\r\n\r\n", session.target());
            http.write(head + "0\r\n\r\n3");
            let rest = http.wire().take_to_end();
            let answers = rest.windows(9).filter(|part| *part == b"HTTP/1.1 ").count();
            let refused = rest.starts_with(b"HTTP/1.1 400 ") && answers == 1;
            assert!(refused, "{lengths}: {}", rest.escape_ascii());
        }
        bystander.unharmed();
    }
}

#[test]
fn row_19_a_script_has_digits_only_and_plain_polling_no_script() {
    let (server, _, bystander) = recorded(r#"{"allowEIO3": true}"#);
    for (index, shown) in [("alert(1)", "1"), ("0%29%3Balert%281", "01"), ("%3Cscript%3E", "")] {
        let script = Http::connect(&server).get(&format!("{HANDSHAKE}&j={index}"));
        assert!(script.text().starts_with(&format!("___eio[{shown}](\"0")), "{script:?}");
        script.expect_header("content-type", "text/plain; charset=UTF-8");
    }
    let mut session = Polling::joined(&server);
    session.push("42[\"m\",\"</script><script>\"]");
    let plain = session.try_poll();
    plain.expect(200, "42[\"m\",\"</script><script>\"]");
    plain.expect_header("content-type", "text/plain; charset=UTF-8");
    // By default there are no scripts at all.
    let target = target(&[]);
    let answer = Http::connect_to(target.address()).get(&format!("{HANDSHAKE}&j=0"));
    assert!(answer.text().starts_with("0{"), "{answer:?}");
    bystander.unharmed();
}

#[test]
fn row_20_nothing_of_a_request_gets_into_a_header() {
    let options = r#"{"cors": {"origin": true}}"#;
    for target in both(&["--options", options]) {
        let bystander = target.bystander();
        for target_of in ["%0d%0aX-Evil:1", "&sid=%0d%0aX-Evil:%201", "&j=%0aX-Evil:1"] {
            let mut http = Http::connect_to(target.address());
            let answer = http.get(&format!("{HANDSHAKE}{target_of}"));
            answer.expect_no_header("x-evil");
            assert!(!answer.text().contains("X-Evil"), "{answer:?}");
        }
        for header in
            ["Origin: http://a\u{1b}[31m", "Origin: a\0b", "Origin: a\rX-Evil: 1", "X\0: 1"]
        {
            let mut http = Http::connect_to(target.address());
            http.send("GET", HANDSHAKE, &format!("{header}\r\n"), "");
            assert_eq!(http.response().status, 400, "{}", header.escape_debug());
        }
        bystander.unharmed();
    }
}

#[test]
fn row_21_other_methods_on_a_session_that_lives_are_400() {
    let (server, journal, bystander) = recorded("{}");
    let mut session = Polling::joined(&server);
    let target = session.target().to_owned();
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        Http::connect(&server).request(method, &target).expect(400, "");
    }
    session.fence();
    assert!(journal.drain().is_empty());
    bystander.unharmed();
}

#[test]
fn row_22_the_revision_of_a_session_is_that_of_its_handshake() {
    let (server, journal, bystander) = recorded(r#"{"allowEIO3": true}"#);
    let mut session = Polling::joined(&server);
    let other = session.target().replace("EIO=4", "EIO=3");
    let refused = r#"{"code":3,"message":"Bad request"}"#;
    session.pushes.get(&other).expect(400, refused);
    session.pushes.post(&other, "6:42[\"m\"]").expect(400, refused);
    session.pushes = Http::connect(&server);
    session.fence();
    assert!(journal.drain().is_empty());
    bystander.unharmed();
}

#[test]
fn row_23_lengths_of_revision_3_that_are_none_end_the_session() {
    let (server, journal, bystander) = recorded(r#"{"allowEIO3": true}"#);
    for payload in [
        "x:4a",
        "-1:4a",
        "+1:4",
        "1",
        ":",
        "1:",
        "5:4a",
        "99999999999999999999:4a",
        "18446744073709551616:4",
        // Counted in bytes, where characters count.
        "12:42[\"m\",\"é\"]",
    ] {
        let mut session = Legacy::joined(&server, "");
        assert_eq!(session.try_push(payload).status, 400, "{payload}");
        journal.expect("parse error");
    }
    for payload in [
        &b"\x00\xff"[..],
        b"\x00\x09\xff4",
        b"\x00\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff4",
        b"\x02\x01\xff4",
    ] {
        let mut session = Legacy::joined(&server, "");
        assert_eq!(session.try_push_binary(payload).status, 400, "{}", payload.escape_ascii());
        journal.expect("parse error");
    }
    bystander.unharmed();
}

#[test]
fn limit_14_an_upgrade_that_is_not_finished_leaves_the_session() {
    let (server, journal, bystander) = recorded(r#"{"upgradeTimeout": 300}"#);
    let mut session = Polling::joined(&server);
    let mut ws = Ws::probe(&server, &session);
    ws.text("2probe");
    ws.expect("3probe");
    let rest = ws.wire().take_to_end();
    assert!(rest.is_empty() || rest.starts_with(b"\x88"), "{}", rest.escape_ascii());
    // The probe released a poll; the session goes on by polling.
    session.push("42[\"m\",1]");
    while session.poll() != "42[\"m\",1]" {}
    assert!(journal.drain().is_empty());
    bystander.unharmed();
}

#[test]
fn limits_of_time_have_their_defaults() {
    let io = Io::builder().build();
    assert_eq!(io.hub().limits().body_timeout, Duration::from_secs(30));
    assert_eq!(io.hub().engine_config().upgrade_timeout, Duration::from_secs(10));
    let Limits { max_request_target, max_request_head, max_request_headers, .. } =
        Limits::default();
    assert_eq!([max_request_target, max_request_head, max_request_headers], [8_192, 32_768, 96]);
}

#[test]
fn limit_15_a_head_in_time_is_read() {
    for target in both(&["--head-time", "2000"]) {
        let mut http = Http::connect_to(target.address());
        let request = format!("GET {HANDSHAKE} HTTP/1.1\r\nHost: a\r\n\r\n");
        for part in request.as_bytes().chunks(16) {
            http.write(part);
            #[expect(clippy::disallowed_methods, reason = "the pace of a slow peer")]
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(http.response().status, 200);
    }
}

#[test]
fn limit_15_later_heads_in_time_are_read_and_what_waits_is_not_bounded() {
    for target in both(&["--head-time", "1000", "--keep-alive", "4000"]) {
        let mut session = Polling::joined_at(target.address());
        session.start_poll();
        let mut http = Http::connect_to(target.address());
        let push = session.target().to_owned();
        for _ in 0..2 {
            for body in ["3", "3\x1e3"] {
                let head = format!(
                    "POST {push} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                for part in [head.as_bytes(), body.as_bytes()].concat().chunks(60) {
                    http.write(part);
                    http.wire().wait_until_read();
                }
                http.response().expect(200, "ok");
            }
            // Nothing has begun: neither the poll nor the idle connection is late.
            let end = Instant::now() + Duration::from_millis(1_300);
            while Instant::now() < end {
                http.wire().expect_silence();
            }
        }
        session.push("42[\"echo\",1]");
        session.finish_poll().expect(200, "42[\"echo\",1]");
    }
}

#[test]
fn limit_16_a_body_in_time_is_read() {
    let (server, _, bystander) = recorded(r#"{"limits": {"bodyTimeout": 2000}}"#);
    let mut session = Polling::joined(&server);
    let mut http = Http::connect(&server);
    let head = format!("POST {} HTTP/1.1\r\nHost: a\r\n", session.target());
    http.write(head + "Content-Length: 9\r\n\r\n42[\"m\"");
    http.wire().wait_until_read();
    http.write(",1]");
    http.response().expect(200, "ok");
    assert_eq!(session.poll(), "42[\"m\",1]");
    bystander.unharmed();
}

#[test]
fn limit_19_an_idle_connection_is_closed_without_a_word() {
    for target in both(&["--keep-alive", "2000"]) {
        let bystander = target.bystander();
        let mut http = Http::connect_to(target.address());
        assert_eq!(http.get(HANDSHAKE).status, 200);
        http.wire().expect_end();
        bystander.unharmed();
    }
}

/// What a request head is answered.
fn answered(target: &Target, path: &str, headers: &str) -> u16 {
    let mut http = Http::connect_to(target.address());
    http.send("GET", path, headers, "");
    http.response().status
}

#[test]
fn limit_20_at_the_limits_a_head_is_taken() {
    for target in both(&[]) {
        let bystander = target.bystander();
        let path = format!("{HANDSHAKE}&a=");
        assert_eq!(
            answered(&target, &format!("{path}{}", "a".repeat(8_192 - path.len())), ""),
            200
        );
        let mut headers = String::new();
        for number in 0..95 {
            write!(headers, "X-{number}: 1\r\n").unwrap();
        }
        assert_eq!(answered(&target, HANDSHAKE, &headers), 200);
        // Host and its value, and what separates them.
        let rest = 32_768 - HANDSHAKE.len() - "hostlocalhost".len() - 4 - "x".len() - 4;
        assert_eq!(answered(&target, HANDSHAKE, &format!("X: {}\r\n", "a".repeat(rest))), 200);
        bystander.unharmed();
    }
}

#[test]
fn limit_20_above_a_limit_a_head_is_414_or_431() {
    for target in both(&[]) {
        let bystander = target.bystander();
        let path = format!("{HANDSHAKE}&a=");
        let above = format!("{path}{}", "a".repeat(8_193 - path.len()));
        assert_eq!(answered(&target, &above, ""), 414);
        let mut headers = String::new();
        for number in 0..96 {
            write!(headers, "X-{number}: 1\r\n").unwrap();
        }
        assert_eq!(answered(&target, HANDSHAKE, &headers), 431);
        let rest = 32_768 - HANDSHAKE.len() - "hostlocalhost".len() - 4 - "x".len() - 4;
        let above = format!("X: {}\r\n", "a".repeat(rest + 1));
        assert_eq!(answered(&target, HANDSHAKE, &above), 431);
        assert_eq!(answered(&target, HANDSHAKE, &format!("X: {}\r\n", "a".repeat(200_000))), 431);
        // The other transport as well.
        let mut http = Http::connect_to(target.address());
        let handshake = Ws::handshake("/socket.io/?EIO=4&transport=websocket");
        http.write(handshake.replacen("\r\n", &format!("\r\n{above}"), 1));
        assert_eq!(http.response().status, 431);
        bystander.unharmed();
    }
}

#[test]
fn limit_31_one_session_above_the_bound_is_503_and_told_when_to_come_back() {
    for options in
        [r#"{"limits": {"maxConnections": 3}}"#, r#"{"limits": {"maxConnectionsPerIp": 3}}"#]
    {
        for target in both(&["--options", options]) {
            let bystander = target.bystander();
            let mut sessions: Vec<_> =
                (0..2).map(|_| Polling::joined_at(target.address())).collect();
            let mut http = Http::connect_to(target.address());
            let refused = http.get(HANDSHAKE);
            refused.expect(503, "").expect_header("retry-after", "1");
            let mut ws = Http::connect_to(target.address());
            ws.write(Ws::handshake("/socket.io/?EIO=4&transport=websocket"));
            ws.response().expect(503, "").expect_header("retry-after", "1");
            // Who is in stays in, and the place of one who has gone is free.
            let mut gone = sessions.remove(0);
            sessions[0].push("42[\"echo\",1]");
            assert_eq!(sessions[0].poll(), "42[\"echo\",1]");
            gone.push("1");
            gone.expect_unknown();
            assert_eq!(Http::connect_to(target.address()).get(HANDSHAKE).status, 200);
            bystander.unharmed();
        }
    }
}

#[test]
fn limit_31_each_address_has_a_bound_of_its_own() {
    let options = r#"{"limits": {"maxConnectionsPerIp": 1}}"#;
    let target = target(&["--options", options]);
    let from = |last: u8| {
        let local = [127, 0, 0, last].into();
        Http::over(Wire::connect_from(local, target.address())).get(HANDSHAKE).status
    };
    assert_eq!([from(2), from(3), from(2), from(3), from(4)], [200, 200, 503, 503, 200]);
}
