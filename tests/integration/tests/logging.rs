//! What the log says: `docs/operations/logging.md`, line by line.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    reason = "tests fail by panicking"
)]

use integration::{Http, Legacy, Log, Polling, Server, Ws, echo, sid_of};
use sio_actix::Pattern;
use sio_actix::prelude::*;
use tokio::task::yield_now;

const SECRET: &str = "hunter2";

#[test]
fn neither_payloads_nor_credentials_nor_ids_are_logged_at_trace() {
    let log = Log::capture("sio=trace");
    let register = |ns: &mut NamespaceBuilder| {
        echo(ns);
        ns.on("number", |n: u64| n);
        ns.on("refused", |text: String| Err::<(), _>(EventError::new("denied", text)));
        ns.on("push", |socket: Socket, text: String| socket.emit("pushed", text));
        ns.on("all", |socket: Socket, text: String| socket.everybody().emit("told", text));
        ns.on("wait", async |text: String| {
            yield_now().await;
            text
        });
    };
    let server = Server::start(
        |io| {
            io.allow_eio3(true).namespace("/", register).namespace("/shown", register).namespace(
                "/closed",
                |ns| {
                    ns.connect_guard(|| Err::<(), _>(ConnectError::new(SECRET)));
                },
            )
        },
        1,
    );
    let mut http = Http::connect(&server);
    let headers = format!(
        "Cookie: a={SECRET}\r\nAuthorization: {SECRET}\r\nUser-Agent: {SECRET}\r\nX-A: {SECRET}\r\n"
    );
    let target = format!("/socket.io/?EIO=4&transport=polling&token={SECRET}");
    http.send("GET", &target, &headers, "");
    let sid = sid_of(http.response().text());
    let target = format!("{target}&sid={sid}");
    let connects = ["/,", "/shown,", "/closed,"].map(|ns| format!("40{ns}{{\"a\":\"{SECRET}\"}}"));
    http.post(&target, connects.join("\x1e")).expect(200, "ok");
    let events = ["m", "number", "none", "refused", "push", "all", "wait"]
        .map(|event| format!("42/shown,7[\"{event}\",\"{SECRET}\"]"));
    http.post(&target, events.join("\x1e")).expect(200, "ok");
    http.post(
        &target,
        format!(
            "45/shown,1-[\"m\",\"{SECRET}\",{{\"_placeholder\":true,\"num\":0}}]\x1ebaHVudGVyMg=="
        ),
    )
    .expect(200, "ok");
    http.get(&target);
    // Requests that are refused, and a packet that is none.
    http.get(&format!("/socket.io/?EIO=4&transport=polling&sid={SECRET}"));
    http.get(&format!("/socket.io/?EIO=4&transport={SECRET}"));
    http.post(&target, format!("42[\"m\",{SECRET}]"));
    let mut ws = Ws::joined(&server);
    ws.text(&format!("9{SECRET}"));
    ws.wire().take_to_end();
    // The id of its socket is the session's.
    let mut old = Legacy::joined(&server, "");
    let old_sid = old.sid().to_owned();
    let event = format!("42[\"m\",\"{SECRET}\"]");
    old.push(format!("{}:{event}", event.len()));
    drop(old);
    for parts in [
        &["session{sid=", "session opened"][..],
        &["session{", "received packet=\"connect\""],
        &["connect{namespace=/shown socket=", "socket connected"],
        &["connect{namespace=/closed socket=", "connection refused"],
        &["event{namespace=/shown socket=", "event=m ack=true}", "TRACE", "event"],
        &["event=none ack=true}", "no handler for an event"],
        &["event=refused ack=true}", "event refused", "code=\"denied\""],
        &["session{", "sent packet=\"ack\" bytes="],
        &["received packet=\"binary event\" bytes="],
        &["broadcast namespace=/shown bytes=", "receivers=1"],
        &["request refused", "code=1", "cause=\"unknown sid\"", "remote=127.0.0.1:"],
        &["request refused", "code=0", "cause=\"unknown transport\""],
        &["session closed"],
        &["disconnect{namespace=/shown socket=", "reason=\"forced close\"", "socket disconnected"],
        &["session{", "session ended"],
    ] {
        log.expect(parts);
    }
    for line in log.lines() {
        assert!(!line.contains(SECRET), "{line}");
        assert!(!line.contains(&sid) && !line.contains(&old_sid), "{line}");
        assert!(!line.contains("aHVudGVyMg"), "{line}");
    }
}

#[test]
fn what_peers_choose_is_escaped_in_spans_and_lines_alike() {
    let log = Log::capture("sio=trace");
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                ns.fallback(|socket: Socket, room: String| socket.join(room));
            })
            .namespace(Pattern::matching(|name| name.starts_with("/made")), |_| {})
        },
        1,
    );
    let mut session = Polling::joined(&server);
    let long = "x".repeat(10_000);
    for name in ["a\\u001b[31m", "a\\nERROR forged", "a\\u0000", "a\\u202e", &*long] {
        session.push(format!("421[\"{name}\",\"{name}\"]"));
        session.poll();
    }
    for namespace in ["/none", "/made"] {
        session.push(format!("40{namespace}\r\nERROR forged\u{1b}[31m,"));
        session.poll();
    }
    session.push("1");
    log.expect(&["event=a\\nERROR forged ack=true}"]);
    log.expect(&["rooms=a\\nERROR forged", "joins"]);
    log.expect(&["no such namespace namespace=/none\\r\\nERROR forged\\u{1b}[31m"]);
    log.expect(&["connect{namespace=/made\\r\\nERROR forged\\u{1b}[31m", "socket connected"]);
    log.expect(&["session ended"]);
    for line in log.lines() {
        assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
        assert!(!line.starts_with("ERROR"), "{line:?}");
        assert!(line.len() < 2_000, "{} bytes", line.len());
    }
}

#[test]
fn sio_debug_shows_the_lives_of_sessions_and_sockets_and_no_packets() {
    let log = Log::capture("sio=debug");
    let server = Server::start(|io| io.namespace("/", echo), 1);
    let mut session = Polling::open(&server);
    let sid = session.sid().to_owned();
    session.join();
    session.push("42[\"m\"]");
    session.poll();
    session.push("41");
    session.push("1");
    let opened = log.expect(&["session opened"]);
    let shown = &sid[..6];
    let span = format!("DEBUG session{{sid={shown}… transport=\"polling\" remote=127.0.0.1:");
    assert!(opened.starts_with(&span), "{opened}");
    assert!(opened.ends_with(": sio::engine: session opened revision=V4"), "{opened}");
    log.expect(&[&span, "}:connect{namespace=/ socket=", "sio::socket: socket connected"]);
    log.expect(&[&span, "}:disconnect{", "reason=\"client namespace disconnect\"}: sio::socket: "]);
    log.expect(&[&span, "}: sio::engine: session ended reason=TransportClose"]);
    assert_eq!(log.count(" received "), 0);
    assert_eq!(log.count(" sent "), 0);
}

#[test]
fn an_upgrade_is_logged_where_it_begins_and_where_it_ends() {
    let log = Log::capture("sio=debug");
    let server = Server::start(|io| io.namespace("/", echo), 1);
    let session = Polling::joined(&server);
    let mut ws = Ws::probe(&server, &session);
    ws.text("5");
    log.expect(&["session{", "upgrade begun"]);
    log.expect(&["session{", "upgraded"]);
    let session = Polling::joined(&server);
    let ws = Ws::probe(&server, &session);
    drop(ws);
    log.expect(&["session{", "upgrade given up"]);
}

#[test]
fn what_handlers_log_is_inside_of_their_session_and_event_also_when_they_have_waited() {
    let log = Log::capture("info,sio=debug");
    let say = |what: &str| tracing::info!("says {what}");
    let server = Server::start(
        |io| {
            io.namespace("/", move |ns| {
                ns.connect_guard(async move || {
                    say("guard at once");
                    yield_now().await;
                    say("guard later");
                });
                ns.on_connection(async move || {
                    say("connection at once");
                    yield_now().await;
                    say("connection later");
                });
                ns.socket_middleware(async move |_event: &mut IncomingEvent| {
                    say("middleware at once");
                    yield_now().await;
                    say("middleware later");
                    Ok::<_, EventError>(())
                });
                ns.on("slow", async move || {
                    say("event at once");
                    yield_now().await;
                    say("event later");
                })
                .guard(async move |_: &EventCx<'_>| {
                    say("event guard at once");
                    yield_now().await;
                    say("event guard later");
                    true
                });
                ns.on("fails", async move || {
                    yield_now().await;
                    Err::<(), _>(EventError::internal("it broke"))
                });
                ns.on_disconnect(async move || {
                    say("disconnect at once");
                    yield_now().await;
                    say("disconnect later");
                });
            })
        },
        1,
    );
    let mut session = Polling::joined(&server);
    session.push("421[\"slow\"]");
    assert_eq!(session.poll(), "431[]");
    session.push("42[\"fails\"]");
    session.poll();
    session.push("1");
    for (span, said) in [
        ("}:connect{namespace=/ socket=", "guard at once"),
        ("}:connect{namespace=/ socket=", "guard later"),
        ("}:connect{namespace=/ socket=", "connection at once"),
        ("}:connect{namespace=/ socket=", "connection later"),
        ("}:event{namespace=/ socket=", "middleware at once"),
        ("}:event{namespace=/ socket=", "middleware later"),
        ("}:event{namespace=/ socket=", "event guard at once"),
        ("}:event{namespace=/ socket=", "event guard later"),
        ("}:event{namespace=/ socket=", "event at once"),
        ("}:event{namespace=/ socket=", "event later"),
        ("}:disconnect{namespace=/ socket=", "disconnect at once"),
        ("}:disconnect{namespace=/ socket=", "disconnect later"),
    ] {
        let line = log.expect(&[&format!("says {said}")]);
        assert!(line.contains("INFO session{sid=") && line.contains(span), "{line}");
        // Nothing is around or inside of these two.
        assert_eq!(line.matches('{').count(), 2, "{line}");
    }
    let slow = log.expect(&["says event later"]);
    assert!(slow.contains("event=slow ack=true}"), "{slow}");
    let failed = log.expect(&["handler failed"]);
    assert!(failed.contains("event=fails ack=false}"), "{failed}");
    assert!(failed.contains("detail=\"it broke\""), "{failed}");
}

#[test]
fn a_session_says_of_which_trace_it_is_a_part() {
    let log = Log::capture("sio=debug");
    let server = Server::start(|io| io.namespace("/", echo), 1);
    let open = |parent: &str| {
        let mut http = Http::connect(&server);
        let headers = format!("Traceparent: {parent}\r\n");
        http.send("GET", "/socket.io/?EIO=4&transport=polling", &headers, "");
        let sid = sid_of(http.response().text());
        log.expect(&[&format!("sid={}… ", &sid[..6]), "session opened"])
    };
    let line = open("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let ids = "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 parent_span_id=00f067aa0ba902b7}";
    assert!(line.contains(ids), "{line}");
    let line = open("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01");
    assert!(!line.contains("trace_id") && !line.contains("4BF9"), "{line}");
}

#[test]
fn a_debug_build_shows_once_what_is_registered() {
    let log = Log::capture("sio=info");
    let server = Server::start(
        |io| {
            io.guard(|_: &EventCx<'_>| true).namespace("/org/{org}", |ns| {
                ns.on("say", |text: String| text);
                ns.on_connection(|| {});
                ns.on_server_side("leave", |_: String| {});
            })
        },
        2,
    );
    Polling::joined(&server);
    let table = server.io().routes().to_string();
    let expected = "path /socket.io/\n\
        namespace /\n\
        \x20 (connect)  1 guard\n\
        namespaces /org/{org}\n\
        \x20 (connect)            1 guard\n\
        \x20 (connection)         a closure\n\
        \x20 say                  a closure, 1 guard\n\
        \x20 (server-side) leave  a closure\n";
    assert_eq!(table, expected);
    for line in expected.lines() {
        assert_eq!(
            log.count(&format!(" INFO sio::routes: {line}")),
            1,
            "{line}: {:#?}",
            log.lines()
        );
    }
}

#[test]
fn a_name_that_is_nearly_right_is_told_once_in_debug_builds() {
    let log = Log::capture("sio=info");
    let server = Server::start(
        |io| {
            io.namespace("/chat", |ns| {
                ns.on("chat:say", |text: String| text);
            })
        },
        1,
    );
    let mut session = Polling::open(&server);
    for namespace in ["/chatt", "/chatt", "/somewhere", "/chat"] {
        session.push(format!("40{namespace},"));
        session.poll();
    }
    for event in ["say", "say", "other"] {
        session.push(format!("42/chat,[\"{event}\"]"));
    }
    session.push("42/chat,1[\"chat:say\",\"a\"]");
    session.poll();
    let line = log.expect(&["no such namespace; was another one meant?"]);
    assert!(line.contains("WARN") && line.contains("namespace=/chatt nearest=\"/chat\""), "{line}");
    let line = log.expect(&["no handler for an event; was another one meant?"]);
    assert!(line.contains("namespace=/chat event=say nearest=\"chat:say\""), "{line}");
    assert_eq!(log.count("was another one meant?"), 2);
}
