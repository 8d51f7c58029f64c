//! Which requests are refused, with what status and what words (behaviours 3).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::sync::Arc;

use integration::{Http, Journal, Polling, Response, Server, Ws, echo};
use sio_actix::{Forbidden, Handshake, Transport};

const UNKNOWN_TRANSPORT: &str = r#"{"code":0,"message":"Transport unknown"}"#;
const UNKNOWN_SID: &str = r#"{"code":1,"message":"Session ID unknown"}"#;
const BAD_METHOD: &str = r#"{"code":2,"message":"Bad handshake method"}"#;
const BAD_REQUEST: &str = r#"{"code":3,"message":"Bad request"}"#;
const UNSUPPORTED: &str = r#"{"code":5,"message":"Unsupported protocol version"}"#;

#[track_caller]
fn refused(answer: &Response, status: u16, body: &str) {
    answer
        .expect(status, body)
        .expect_header("content-type", "application/json")
        .expect_header("content-length", &body.len().to_string());
}

#[track_caller]
fn refused_upgrade(server: &Server, target: &str, text: &str) {
    let (answer, _wire) = Ws::attempt(server, target);
    answer
        .expect(400, text)
        .expect_header("content-type", "text/html")
        .expect_header("content-length", &text.len().to_string())
        .expect_header("connection", "close");
}

// 3.1, 3.2
#[test]
fn unknown_transport_has_code_0() {
    let server = Server::echo();
    let mut http = Http::connect(&server);
    for query in [
        "",
        "?EIO=4",
        "?EIO=4&transport=",
        "?EIO=4&transport=webtransport",
        "?EIO=4&transport=constructor",
        "?EIO=4&transport=__proto__",
        "?EIO=4&transport=POLLING",
        "?EIO=4&transport=polling%00",
    ] {
        refused(&http.get(&format!("/socket.io/{query}")), 400, UNKNOWN_TRANSPORT);
    }
    refused_upgrade(&server, "/socket.io/?EIO=4&transport=tcp", "Transport unknown");
    assert_eq!(server.io().session_count(), 0);
}

#[test]
fn disabled_transport_has_code_0() {
    let server = Server::start(|io| io.transports(&[Transport::Polling]), 1);
    let websocket = "/socket.io/?EIO=4&transport=websocket";
    refused(&Http::connect(&server).get(websocket), 400, UNKNOWN_TRANSPORT);
    refused_upgrade(&server, websocket, "Transport unknown");

    let server = Server::start(|io| io.transports(&[Transport::Websocket]), 1);
    let polling = "/socket.io/?EIO=4&transport=polling";
    refused(&Http::connect(&server).get(polling), 400, UNKNOWN_TRANSPORT);
}

#[test]
fn transport_is_checked_before_the_session_id() {
    let server = Server::echo();
    let answer = Http::connect(&server).get("/socket.io/?EIO=4&sid=unknown");
    refused(&answer, 400, UNKNOWN_TRANSPORT);
}

// 3.3 and hostile 2
#[test]
fn unknown_session_id_has_code_1() {
    let server = Server::echo();
    let mut http = Http::connect(&server);
    let long = "x".repeat(4_000);
    for sid in ["unknown", "%00", "%0d%0aX-Injected:%201", "../..", "__proto__", long.as_str()] {
        for transport in ["polling", "websocket"] {
            let target = format!("/socket.io/?EIO=4&transport={transport}&sid={sid}");
            let answer = http.get(&target);
            refused(&answer, 400, UNKNOWN_SID);
            answer.expect_no_header("x-injected");
            refused(&Http::connect(&server).post(&target, "40"), 400, UNKNOWN_SID);
        }
    }
}

#[test]
fn socket_id_is_no_session_id() {
    let server = Server::echo();
    let id = Polling::open(&server).join();
    let target = format!("/socket.io/?EIO=4&transport=polling&sid={id}");
    refused(&Http::connect(&server).get(&target), 400, UNKNOWN_SID);
}

#[test]
fn first_of_two_session_ids_counts() {
    let server = Server::echo();
    let mut session = Polling::joined(&server);
    let target = format!("{}&sid=unknown", session.target());
    session.pushes.post(&target, r#"42["m",1]"#).expect(200, "ok");
    assert_eq!(session.poll(), r#"42["m",1]"#);

    let target = format!("/socket.io/?EIO=4&transport=polling&sid=unknown&sid={}", session.sid());
    refused(&session.pushes.get(&target), 400, UNKNOWN_SID);
    session.fence();
}

// 3.4
#[test]
fn handshake_by_another_method_has_code_2() {
    let server = Server::echo();
    for transport in ["polling", "websocket"] {
        let target = format!("/socket.io/?EIO=4&transport={transport}");
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            refused(&Http::connect(&server).request(method, &target), 400, BAD_METHOD);
        }
        let answer = Http::connect(&server).request("HEAD", &target);
        assert_eq!(answer.status, 400);
    }
    assert_eq!(server.io().session_count(), 0);
}

// 3.5
#[test]
fn websocket_handshake_without_upgrade_has_code_3() {
    let server = Server::echo();
    let answer = Http::connect(&server).get("/socket.io/?EIO=4&transport=websocket");
    refused(&answer, 400, BAD_REQUEST);
    assert_eq!(server.io().session_count(), 0);
}

// 3.6
#[test]
fn plain_websocket_request_of_a_polling_session_has_code_3() {
    let server = Server::echo();
    let mut session = Polling::joined(&server);
    let target = format!("/socket.io/?EIO=4&transport=websocket&sid={}", session.sid());
    refused(&session.pushes.get(&target), 400, BAD_REQUEST);
    refused(&Http::connect(&server).post(&target, "41"), 400, BAD_REQUEST);
    session.fence();
}

#[test]
fn polling_request_of_a_websocket_session_has_code_3() {
    let server = Server::echo();
    let mut ws = Ws::joined(&server);
    let target = format!("/socket.io/?EIO=4&transport=polling&sid={}", ws.sid());
    refused(&Http::connect(&server).get(&target), 400, BAD_REQUEST);
    refused(&Http::connect(&server).post(&target, r#"42["m",1]"#), 400, BAD_REQUEST);
    ws.fence();
}

// 3.8
#[test]
fn control_character_in_the_origin_is_refused() {
    let server = Server::echo();
    let mut http = Http::connect(&server);
    http.write(
        "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\nOrigin: http://a\x01\r\n\r\n",
    );
    assert_eq!(http.response().status, 400);
    assert_eq!(server.io().session_count(), 0);
    Polling::open(&server);
}

// 3.10, 3.11
#[test]
fn refusal_of_the_application_has_code_4() {
    let server = Server::start(
        |io| {
            io.allow_request(async |handshake: Arc<Handshake>| match handshake.query_value("why") {
                Some(text) => Err(Forbidden::from(text.into_owned())),
                None => Err(Forbidden::default()),
            })
        },
        1,
    );
    let mut http = Http::connect(&server);
    let target = "/socket.io/?EIO=4&transport=polling";
    refused(&http.get(target), 403, r#"{"code":4,"message":"Forbidden"}"#);
    let with_text = format!("{target}&why=no%20%22entry%22");
    refused(&http.get(&with_text), 403, r#"{"code":4,"message":"no \"entry\""}"#);

    let target = "/socket.io/?EIO=4&transport=websocket";
    refused_upgrade(&server, target, "Forbidden");
    refused_upgrade(&server, &format!("{target}&why=no%20entry"), "no entry");
    assert_eq!(server.io().session_count(), 0);
}

// 3.13
#[test]
fn application_is_asked_about_handshakes_only() {
    let journal = Journal::new();
    let asked = journal.clone();
    let server = Server::start(
        |io| {
            io.namespace("/", echo).allow_request(async move |handshake: Arc<Handshake>| {
                asked.note(format!("{} {:?}", handshake.url(), handshake.header("x-key")));
                actix_web::rt::task::yield_now().await;
                Ok(())
            })
        },
        1,
    );
    let mut session = Polling::joined(&server);
    session.fence();
    let mut upgrade = Ws::probe(&server, &session);
    upgrade.text("2probe");
    upgrade.expect("3probe");
    let mut http = Http::connect(&server);
    http.send("GET", "/socket.io/?EIO=4&transport=polling&b=1", "X-Key: 7\r\n", "");
    assert_eq!(http.response().status, 200);
    drop(Ws::open(&server));
    assert_eq!(
        journal.drain(),
        [
            "/socket.io/?EIO=4&transport=polling None",
            "/socket.io/?EIO=4&transport=polling&b=1 Some(\"7\")",
            "/socket.io/?EIO=4&transport=websocket None",
        ]
    );
}

// 3.12, 3.16
#[test]
fn other_protocol_revision_has_code_5() {
    let server = Server::echo();
    let mut http = Http::connect(&server);
    for revision in ["", "&EIO=", "&EIO=3", "&EIO=5", "&EIO=four", "&EIO=4&EIO=3"] {
        let target = format!("/socket.io/?transport=polling{revision}");
        refused(&http.get(&target), 400, UNSUPPORTED);
        let target = format!("/socket.io/?transport=websocket{revision}");
        refused_upgrade(&server, &target, "Unsupported protocol version");
    }
    assert_eq!(server.io().session_count(), 0);
}

// Hostile 22
#[test]
fn revision_is_fixed_at_the_handshake() {
    let server = Server::echo();
    let mut session = Polling::joined(&server);
    let target = format!("/socket.io/?EIO=3&transport=polling&sid={}", session.sid());
    refused(&Http::connect(&server).get(&target), 400, BAD_REQUEST);
    refused(&Http::connect(&server).post(&target, "41"), 400, BAD_REQUEST);
    session.fence();
}

// 3.14
#[test]
fn empty_session_id_is_a_handshake() {
    let server = Server::echo();
    let answer = Http::connect(&server).get("/socket.io/?EIO=4&transport=polling&sid=");
    assert_eq!(answer.status, 200);
    assert!(answer.text().starts_with(r#"0{"sid":""#), "{answer:?}");
}

// 11.14
#[test]
fn upgrade_of_an_unknown_session_is_refused() {
    let server = Server::echo();
    let target = "/socket.io/?EIO=4&transport=websocket&sid=unknown";
    refused_upgrade(&server, target, "Session ID unknown");
}

#[test]
fn refused_upgrade_ends_the_connection() {
    let server = Server::echo();
    let (answer, mut wire) = Ws::attempt(&server, "/socket.io/?EIO=4");
    answer.expect(400, "Transport unknown");
    wire.expect_end();
}

// 3.17
#[test]
fn websocket_with_transport_polling_opens_no_session() {
    let server = Server::echo();
    refused_upgrade(&server, "/socket.io/?EIO=4&transport=polling", "Bad request");
    assert_eq!(server.io().session_count(), 0);
    let mut session = Polling::joined(&server);
    refused_upgrade(&server, session.target(), "Bad request");
    session.fence();
}

// 1.1, 1.4, 1.5
#[test]
fn only_the_prefix_belongs_to_the_server() {
    let server = Server::echo();
    let mut http = Http::connect(&server);
    for path in ["/", "/socket.io", "/socket.iox/", "/other/socket.io/"] {
        let answer = http.get(&format!("{path}?EIO=4&transport=polling"));
        assert_eq!(answer.status, 404, "{path}");
    }
    let answer = http.get("/socket.io/some/thing?EIO=4&transport=polling");
    assert_eq!(answer.status, 200);
}

#[test]
fn path_without_trailing_slash_serves_both() {
    let server = Server::start(|io| io.path("/my/").add_trailing_slash(false), 1);
    let mut http = Http::connect(&server);
    for path in ["/my", "/my/"] {
        let answer = http.get(&format!("{path}?EIO=4&transport=polling"));
        assert_eq!(answer.status, 200, "{path}");
    }
    assert_eq!(http.get("/socket.io/?EIO=4&transport=polling").status, 404);
}
