//! Hooks of the engine: refused requests, headers of answers, middlewares, ids, the packet behind the open
//! packet (behaviours 3.7, 3.9, 3.20, 3.21, 4.5, 4.8, 7.3, 7.4, 9).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use integration::{Http, Journal, Polling, Server, Ws, echo, sid_of};
use sio_actix::{Forbidden, IoBuilder, Pass};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";
const BAD_REQUEST: &str = r#"{"code":3,"message":"Bad request"}"#;

/// A server that notes what its connection error hook is told.
fn watched(build: impl FnOnce(IoBuilder) -> IoBuilder) -> (Server, Journal) {
    let journal = Journal::new();
    let noted = journal.clone();
    let server = Server::start(
        |io| {
            build(io).namespace("/", echo).on_connection_error(move |error| {
                let context = serde_json::to_string(error.context()).unwrap();
                let (code, message) = (error.code(), error.message());
                noted.note(format!("{code} {message} {context} {}", error.method()));
                assert!(error.url().starts_with("/socket.io/"));
                assert_eq!(error.headers().get("host").unwrap(), "localhost");
            })
        },
        1,
    );
    (server, journal)
}

fn mark(headers: &mut HeaderMap, name: &'static str) {
    let count = headers.get(name).map_or(0, |count| count.to_str().unwrap().parse().unwrap());
    headers.insert(HeaderName::from_static(name), HeaderValue::from(count + 1));
}

// 3.20
#[test]
fn refusals_are_told_with_their_context() {
    let (server, journal) = watched(|io| {
        io.allow_request(async |handshake| match handshake.query_value("deny").as_deref() {
            Some("") => Err(Forbidden::default()),
            Some(text) => Err(text.into()),
            None => Ok(()),
        })
    });
    let mut http = Http::connect(&server);
    for (method, target, told) in [
        ("GET", "/socket.io/", r"0 Transport unknown {} GET"),
        ("GET", "/socket.io/?transport=x", r#"0 Transport unknown {"transport":"x"} GET"#),
        (
            "GET",
            "/socket.io/?EIO=4&transport=polling&sid=nobody",
            r#"1 Session ID unknown {"sid":"nobody"} GET"#,
        ),
        ("PUT", POLLING, r#"2 Bad handshake method {"method":"PUT"} PUT"#),
        ("GET", WEBSOCKET, r#"3 Bad request {"name":"TRANSPORT_HANDSHAKE_ERROR"} GET"#),
        ("GET", "/socket.io/?EIO=4&transport=polling&deny=", r#"4 Forbidden {"message":null} GET"#),
        (
            "GET",
            "/socket.io/?EIO=4&transport=polling&deny=no+entry",
            r#"4 Forbidden {"message":"no entry"} GET"#,
        ),
        (
            "GET",
            "/socket.io/?EIO=3&transport=polling",
            r#"5 Unsupported protocol version {"protocol":3} GET"#,
        ),
    ] {
        let status = http.request(method, target).status;
        assert!(matches!(status, 400 | 403), "{method} {target}: {status}");
        journal.expect(told);
    }
    let (answer, _) = Ws::attempt(&server, "/socket.io/?EIO=4&transport=websocket&deny=no");
    answer.expect(400, "no");
    journal.expect(r#"4 Forbidden {"message":"no"} GET"#);
}

// 3.20
#[test]
fn mismatch_of_transports_is_told_with_both() {
    let (server, journal) = watched(|io| io);
    let session = Polling::open(&server);
    let target = session.target().replace("polling", "websocket");
    Http::connect(&server).get(&target).expect(400, BAD_REQUEST);
    journal.expect(
        r#"3 Bad request {"name":"TRANSPORT_MISMATCH","transport":"websocket","previousTransport":"polling"} GET"#,
    );
    let ws = Ws::open(&server);
    let target = format!("{POLLING}&sid={}", ws.sid());
    Http::connect(&server).get(&target).expect(400, BAD_REQUEST);
    journal.expect(
        r#"3 Bad request {"name":"TRANSPORT_MISMATCH","transport":"polling","previousTransport":"websocket"} GET"#,
    );
}

#[test]
fn panics_in_hooks_harm_nobody() {
    let server = Server::start(
        |io| {
            io.namespace("/", echo)
                .on_connection_error(|_| panic!("on purpose"))
                .initial_headers(|_, _| panic!("on purpose"))
                .response_headers(|_, _| panic!("on purpose"))
        },
        1,
    );
    Http::connect(&server)
        .get("/socket.io/")
        .expect(400, r#"{"code":0,"message":"Transport unknown"}"#);
    Polling::joined(&server).fence();
    Ws::joined(&server).fence();
}

#[test]
fn a_panic_of_the_request_hook_refuses() {
    let server = Server::start(|io| io.allow_request(async |_| panic!("on purpose")), 1);
    Http::connect(&server).get(POLLING).expect(403, r#"{"code":4,"message":"Forbidden"}"#);
    assert_eq!(server.io().session_count(), 0);
}

// 7.3, 7.4
#[test]
fn header_hooks_see_first_answers_and_all_answers() {
    let server = Server::start(
        |io| {
            io.namespace("/", echo)
                .initial_headers(|headers, handshake| {
                    assert!(handshake.url().starts_with("/socket.io/"));
                    mark(headers, "x-first");
                })
                .response_headers(|headers, request| {
                    assert!(request.path().starts_with("/socket.io/"));
                    mark(headers, "x-every");
                })
        },
        1,
    );
    let mut http = Http::connect(&server);
    let answer = http.get(POLLING);
    answer.expect_header("x-first", "1").expect_header("x-every", "1");
    let target = format!("{POLLING}&sid={}", sid_of(answer.text()));
    http.post(&target, "40").expect_header("x-every", "1").expect_no_header("x-first");
    http.get(&target).expect_header("x-every", "1").expect_no_header("x-first");
    let upgrade = target.replace("polling", "websocket");
    let (answer, _) = Ws::attempt(&server, &upgrade);
    assert_eq!(answer.status, 101);
    answer.expect_header("x-every", "1").expect_no_header("x-first");
    let (answer, _) = Ws::attempt(&server, WEBSOCKET);
    assert_eq!(answer.status, 101);
    answer.expect_header("x-every", "1").expect_header("x-first", "1");
    http.get("/socket.io/").expect_no_header("x-every").expect_no_header("x-first");
}

async fn gate(request: HttpRequest) -> Result<Pass, &'static str> {
    match request.headers().get("x-do").map(HeaderValue::as_bytes) {
        Some(b"fail") => Err("no"),
        Some(b"panic") => panic!("on purpose"),
        Some(b"invalid") => Ok(Pass::next().with_header(("x-bad", "a\nb"))),
        Some(b"answer") => Ok(Pass::answer(HttpResponse::ServiceUnavailable().body("later"))),
        _ => Ok(Pass::next().with_header(("x-gate", "1"))),
    }
}

fn gated() -> (Server, Journal) {
    watched(|io| {
        io.engine_middleware(async |_| {
            Ok::<_, String>(
                Pass::next()
                    .with_header(("x-first", "1"))
                    .with_header(("x-gate", "0"))
                    .with_header(("cache-control", "public"))
                    .with_header(("set-cookie", "a=1"))
                    .with_header(("set-cookie", "b=2")),
            )
        })
        .engine_middleware(gate)
    })
}

// 3.7, 9.4
#[test]
fn a_middleware_that_fails_refuses_the_request() {
    let (server, journal) = gated();
    for what in ["fail", "panic", "invalid"] {
        let mut http = Http::connect(&server);
        http.send("GET", POLLING, &format!("X-Do: {what}\r\n"), "");
        http.response().expect(400, BAD_REQUEST).expect_header("x-first", "1");
        journal.expect(r#"3 Bad request {"name":"MIDDLEWARE_FAILURE"} GET"#);
        let mut http = Http::connect(&server);
        http.write(Ws::handshake(WEBSOCKET).replace("Host:", &format!("X-Do: {what}\r\nHost:")));
        http.response().expect(400, "Bad request").expect_header("content-type", "text/html");
        http.wire().expect_end();
        journal.expect(r#"3 Bad request {"name":"MIDDLEWARE_FAILURE"} GET"#);
    }
    assert_eq!(server.io().session_count(), 0);
}

// 9.3
#[test]
fn a_middleware_may_answer_itself() {
    let (server, _) = gated();
    let mut http = Http::connect(&server);
    http.send("GET", POLLING, "X-Do: answer\r\n", "");
    http.response().expect(503, "later").expect_header("x-first", "1");
    let mut http = Http::connect(&server);
    http.write(Ws::handshake(WEBSOCKET).replace("Host:", "X-Do: answer\r\nHost:"));
    http.response().expect(503, "later");
    http.wire().expect_end();
    assert_eq!(server.io().session_count(), 0);
}

// 9.1, 9.2, 3.21
#[test]
fn headers_of_middlewares_are_on_all_answers() {
    let (server, _) = gated();
    let mut session = Polling::open(&server);
    let (refused, _) = Ws::attempt(&server, "/socket.io/?EIO=4&transport=websocket&sid=x");
    let (switched, _) = Ws::attempt(&server, WEBSOCKET);
    assert_eq!(switched.status, 101);
    for answer in [
        session.try_push("40"),
        session.try_poll(),
        Http::connect(&server).get("/socket.io/"),
        refused,
        switched,
    ] {
        // The later middleware wins, and cookies add up.
        answer.expect_header("x-first", "1").expect_header("x-gate", "1");
        let cookies = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
        assert_eq!(cookies.count(), 2, "{answer:?}");
    }
    // What an answer says itself stays.
    session.try_push("3").expect_header("cache-control", "no-store");
}

// 9.5
#[test]
fn limits_hold_with_middlewares() {
    let server =
        Server::start(|io| io.max_payload(100).engine_middleware(gate).namespace("/", echo), 1);
    let mut session = Polling::joined(&server);
    session.fence();
    assert_eq!(session.try_push("4".repeat(101)).status, 413);
}

// 3.9
#[test]
fn failing_id_generators_refuse_the_handshake() {
    let (server, journal) = watched(|io| {
        io.try_generate_id(async |handshake| match handshake.query_value("id").as_deref() {
            Some("panic") => panic!("on purpose"),
            Some(id) => Ok(id.to_owned()),
            None => Err("no id"),
        })
    });
    for (query, error) in [
        ("", "no id"),
        ("&id=panic", "the id generator panicked"),
        ("&id=a/b", "not 1 to 128 letters, digits, `-`, `_`, `.` or `~`"),
    ] {
        let told =
            format!(r#"3 Bad request {{"name":"ID_GENERATION_ERROR","error":"{error}"}} GET"#);
        Http::connect(&server).get(&format!("{POLLING}{query}")).expect(400, BAD_REQUEST);
        journal.expect(&told);
        let (answer, _) = Ws::attempt(&server, &format!("{WEBSOCKET}{query}"));
        answer.expect(400, "Bad request");
        journal.expect(&told);
    }
    let answer = Http::connect(&server).get(&format!("{POLLING}&id=mine"));
    assert_eq!(sid_of(answer.text()), "mine");
    // The first session is not touched by who claims its id.
    Http::connect(&server).get(&format!("{POLLING}&id=mine")).expect(400, BAD_REQUEST);
    journal.expect(
        r#"3 Bad request {"name":"ID_GENERATION_ERROR","error":"the session id is in use"} GET"#,
    );
    Http::connect(&server).post(&format!("{POLLING}&sid=mine"), "40").expect(200, "ok");
    assert_eq!(server.io().session_count(), 1);
}

// 4.5
#[test]
fn made_ids_are_used_as_they_are() {
    let server = Server::start(
        |io| {
            io.generate_id(|handshake| handshake.query_value("id").unwrap_or_default().into_owned())
        },
        1,
    );
    let answer = Http::connect(&server).get(&format!("{POLLING}&id=a-b_c.d~9"));
    assert_eq!(sid_of(answer.text()), "a-b_c.d~9");
    let mut ws = Ws::connect(&server, &format!("{WEBSOCKET}&id=w"));
    assert_eq!(sid_of(&ws.next_text()), "w");
}

// 4.8
#[test]
fn initial_packet_follows_the_open_packet() {
    let server = Server::start(|io| io.initial_packet("hi thére").allow_eio3(true), 1);
    let mut http = Http::connect(&server);
    let answer = http.get(POLLING);
    assert!(answer.text().ends_with("}\u{1e}4hi thére"), "{answer:?}");
    let answer = http.get("/socket.io/?EIO=3&transport=polling");
    assert!(answer.text().ends_with("}9:4hi thére"), "{answer:?}");
    let mut ws = Ws::connect(&server, WEBSOCKET);
    ws.next_text();
    ws.expect("4hi thére");
}
