//! Values that engine middlewares give to sessions: who gets them, and which of several.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use actix_web::{HttpRequest, HttpResponse};
use integration::{Http, Polling, Server, Ws};
use sio_actix::prelude::*;
use sio_actix::{Forbidden, IoBuilder, KeptHeaders, Pass, Recovery};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// Number of the request.
struct Number(u32);

struct Name(&'static str);

/// Gives each request its number.
fn numbered(io: IoBuilder) -> IoBuilder {
    let count = AtomicU32::new(0);
    io.engine_middleware(move |_| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        async move { Ok::<_, String>(Pass::next().with_extension(Number(number))) }
    })
    .namespace("/", which)
}

fn which(ns: &mut NamespaceBuilder) {
    ns.on("which", |number: Extension<Number>| number.0.0);
    ns.on("name", |name: Extension<Name>| name.0.0);
    ns.on("perhaps", |name: Option<Extension<Name>>| name.map_or("nobody", |name| name.0.0));
    ns.on("fence", || ());
}

#[test]
fn a_parameter_without_a_value_fails_and_an_optional_one_is_none() {
    let server = Server::start(|io| io.namespace("/", which), 1);
    let mut ws = Ws::joined(&server);
    ws.text(r#"421["name"]"#);
    // Which type is missing is for the log.
    ws.expect(r#"431[{"error":{"code":"internal","message":"internal error"}}]"#);
    ws.text(r#"422["perhaps"]"#);
    ws.expect(r#"432["nobody"]"#);
}

#[test]
fn a_guard_that_needs_a_value_refuses_without_one() {
    let guarded = |ns: &mut NamespaceBuilder| {
        ns.connect_guard(|_: Extension<Name>| ());
    };
    let server = Server::start(|io| io.namespace("/", guarded), 1);
    let mut ws = Ws::open(&server);
    ws.text("40");
    let answer = ws.next_text();
    assert!(answer.starts_with("44{\"message\":") && !answer.contains("Name"), "{answer}");
}

#[test]
fn a_middleware_that_answers_gives_nothing_to_anybody() {
    let value = Arc::new(());
    let given = Arc::clone(&value);
    let server = Server::start(
        |io| {
            io.engine_middleware(move |_| {
                let answer = Pass::answer(HttpResponse::ServiceUnavailable().body("later"));
                let answer = answer.with_extension(Arc::clone(&given));
                async move { Ok::<_, String>(answer) }
            })
        },
        1,
    );
    Http::connect(&server).get(POLLING).expect(503, "later");
    assert_eq!((server.io().session_count(), Arc::strong_count(&value)), (0, 2));
}

#[test]
fn the_last_middleware_counts_for_each_type() {
    let name =
        |name| async move |_: HttpRequest| Ok::<_, String>(Pass::next().with_extension(Name(name)));
    let server = Server::start(
        |io| numbered(io).engine_middleware(name("first")).engine_middleware(name("last")),
        1,
    );
    let mut ws = Ws::joined(&server);
    ws.text(r#"421["name"]"#);
    ws.expect(r#"431["last"]"#);
    ws.text(r#"422["which"]"#);
    ws.expect("432[0]");
}

#[test]
fn later_requests_of_a_session_change_nothing() {
    for workers in [1, 2] {
        let server = Server::start(numbered, workers);
        let mut session = Polling::joined(&server);
        for _ in 0..3 {
            session.push(r#"421["which"]"#);
            assert_eq!(session.poll(), "431[0]");
        }
        let mut ws = Ws::probe(&server, &session);
        ws.text("2probe");
        ws.expect("3probe");
        ws.text("5");
        ws.text(r#"421["which"]"#);
        ws.expect("431[0]");
        // Each of the requests had a value of its own.
        let mut other = Ws::joined(&server);
        other.text(r#"421["which"]"#);
        let number = other.next_text();
        assert!(!["431[0]", "431[1]"].contains(&number.as_str()), "{number}");
    }
}

#[test]
fn all_namespaces_and_hooks_of_a_session_see_the_same_value() {
    let server = Server::start(
        |io| {
            // It decides with the value, and reads no header.
            let io = numbered(io).keep_headers(KeptHeaders::Only(Vec::new()));
            io.allow_request(async |handshake| match handshake.extension::<Number>() {
                Some(number) if number.0 == 0 => Ok(()),
                _ => Err(Forbidden::default()),
            })
            .namespace("/other", which)
        },
        1,
    );
    let mut ws = Ws::joined(&server);
    ws.text("40/other,");
    assert!(ws.next_text().starts_with(r#"40/other,{"sid":""#));
    ws.text(r#"421["which"]"#);
    ws.expect("431[0]");
    ws.text(r#"42/other,2["which"]"#);
    ws.expect("43/other,2[0]");
    Http::connect(&server).get(POLLING).expect(403, r#"{"code":4,"message":"Forbidden"}"#);
}

#[test]
fn who_comes_back_has_the_value_of_the_new_request() {
    let server = Server::start(|io| numbered(io).connection_state_recovery(Recovery::default()), 1);
    let mut ws = Ws::open(&server);
    ws.text("40");
    let first = ws.next_text();
    server.io().emit("hello", ()).unwrap();
    let hello = ws.next_text();
    let offset = hello.strip_prefix(r#"42["hello",""#).unwrap().trim_end_matches("\"]").to_owned();
    ws.text(r#"421["which"]"#);
    ws.expect("431[0]");
    ws.into_wire().drop_connection();
    until(|| server.io().session_count() == 0);

    let pid = first.split('"').nth(7).unwrap();
    let mut ws = Ws::open(&server);
    ws.text(&format!(r#"40{{"pid":"{pid}","offset":"{offset}"}}"#));
    ws.expect(&first);
    ws.text(r#"421["which"]"#);
    ws.expect("431[1]");
}

#[test]
fn a_value_goes_with_its_session() {
    let value = Arc::new(());
    let given = Arc::clone(&value);
    let server = Server::start(
        |io| {
            let io = io.engine_middleware(move |_| {
                let pass = Pass::next().with_extension(Arc::clone(&given));
                async move { Ok::<_, String>(pass) }
            });
            io.namespace("/", which)
        },
        1,
    );
    let ws = Ws::joined(&server);
    let mut session = Polling::joined(&server);
    session.fence();
    assert!(Arc::strong_count(&value) >= 4);
    ws.into_wire().drop_connection();
    session.push("1");
    // The test's own, and the middleware's.
    until(|| Arc::strong_count(&value) == 2);
}

#[track_caller]
fn until(done: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < end, "it does not happen");
        std::thread::yield_now();
    }
}
