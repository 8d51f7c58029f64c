//! Cross-origin requests (behaviours 8, transcript T13).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::time::Duration;

use integration::{Http, Polling, Response, Server, Ws, echo};
use sio_actix::{ConfigError, Cors, Io};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const ORIGIN: &str = "Origin: http://a.com\r\n";

fn serve(cors: Cors) -> Server {
    Server::start(|io| io.cors(cors).namespace("/", echo), 1)
}

fn preflight(server: &Server, target: &str) -> Response {
    let mut http = Http::connect(server);
    let headers = format!("{ORIGIN}Access-Control-Request-Headers: x-foo\r\n");
    http.send("OPTIONS", target, &headers, "");
    http.response()
}

fn get(server: &Server, target: &str) -> Response {
    let mut http = Http::connect(server);
    http.send("GET", target, ORIGIN, "");
    http.response()
}

// 8.2, 3.4
#[test]
fn without_configuration_there_are_no_headers_and_no_preflight() {
    let server = Server::echo();
    let answer = get(&server, POLLING);
    assert_eq!(answer.status, 200);
    let cors = |(name, _): &(String, String)| name.starts_with("access-control") || name == "vary";
    assert!(!answer.headers.iter().any(cors), "{answer:?}");
    preflight(&server, POLLING).expect(400, r#"{"code":2,"message":"Bad handshake method"}"#);
}

#[test]
fn every_origin_with_credentials_is_refused_at_start() {
    let error = Io::builder().cors(Cors::any().credentials(true)).try_build().unwrap_err();
    assert!(matches!(error, ConfigError::Invalid(_)), "{error}");
    assert!(error.to_string().contains("cors.credentials"), "{error}");
}

// 8.6
#[test]
fn origin_that_is_not_listed_is_served_without_permission() {
    let server = serve(Cors::list(["http://b.com"]));
    preflight(&server, POLLING)
        .expect(204, "")
        .expect_no_header("access-control-allow-origin")
        .expect_no_header("access-control-allow-credentials")
        .expect_header("access-control-allow-methods", "GET,HEAD,PUT,PATCH,POST,DELETE")
        .expect_header("access-control-allow-headers", "x-foo")
        .expect_header("vary", "Origin, Access-Control-Request-Headers");
    let answer = get(&server, POLLING);
    assert_eq!(answer.status, 200);
    answer.expect_no_header("access-control-allow-origin").expect_header("vary", "Origin");
}

// 8.6
#[test]
fn listed_matching_and_accepted_origins_are_echoed() {
    for cors in [
        Cors::list(["http://b.com", "http://a.com"]),
        Cors::list(["http://b.com"]).origin_pattern(r"https?://[a-z]+\.com"),
        Cors::list(["http://b.com"]).origin_if(|origin| origin == "http://a.com"),
    ] {
        let server = serve(cors);
        get(&server, POLLING)
            .expect_header("access-control-allow-origin", "http://a.com")
            .expect_header("vary", "Origin");
    }
}

// 8.1
#[test]
fn preflight_is_answered_whatever_the_query() {
    let server = serve(Cors::any());
    for target in ["/socket.io/", "/socket.io/?transport=x", "/socket.io/?sid=x", "/socket.io/a.js"]
    {
        preflight(&server, target).expect(204, "");
    }
    let server = serve(Cors::any().options_success_status(200));
    preflight(&server, POLLING).expect(200, "").expect_header("content-length", "0");
    assert_eq!(server.io().session_count(), 0);
}

// A preflight with a body that never ends does not keep its connection busy.
#[test]
fn preflight_with_an_unread_body_ends_the_connection() {
    let server = serve(Cors::any());
    let mut http = Http::connect(&server);
    http.write(
        "OPTIONS /socket.io/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
    );
    http.response().expect(204, "");
    http.wire().expect_end();
}

// 8.3
#[test]
fn any_origin_is_a_star() {
    let server = serve(Cors::any());
    get(&server, POLLING)
        .expect_header("access-control-allow-origin", "*")
        .expect_no_header("vary");
    preflight(&server, POLLING)
        .expect_header("access-control-allow-origin", "*")
        .expect_header("vary", "Access-Control-Request-Headers");
}

// 8.4, 8.7, 8.9
#[test]
fn mirrored_origin_with_credentials() {
    let server = serve(Cors::mirror().credentials(true));
    preflight(&server, POLLING)
        .expect(204, "")
        .expect_header("access-control-allow-origin", "http://a.com")
        .expect_header("access-control-allow-credentials", "true")
        .expect_header("access-control-allow-methods", "GET,HEAD,PUT,PATCH,POST,DELETE")
        .expect_header("access-control-allow-headers", "x-foo")
        .expect_header("vary", "Origin, Access-Control-Request-Headers");
    get(&server, POLLING)
        .expect_header("access-control-allow-origin", "http://a.com")
        .expect_header("access-control-allow-credentials", "true")
        .expect_header("vary", "Origin")
        .expect_no_header("access-control-allow-methods")
        .expect_no_header("access-control-allow-headers");
    Http::connect(&server)
        .get(POLLING)
        .expect_no_header("access-control-allow-origin")
        .expect_header("vary", "Origin");
}

// 8.5
#[test]
fn fixed_origin_is_told_to_everybody() {
    let server = serve(Cors::fixed("http://b.com"));
    for answer in [get(&server, POLLING), preflight(&server, POLLING)] {
        answer.expect_header("access-control-allow-origin", "http://b.com");
        assert!(answer.header("vary").unwrap().starts_with("Origin"));
    }
}

// 8.8, 8.9, 8.10
#[test]
fn configured_lists_are_joined() {
    let cors = Cors::fixed("http://a.com")
        .methods(["GET", "POST"])
        .allowed_headers(["x-a", "x-b"])
        .exposed_headers(["x-c", "x-d"])
        .max_age(Duration::from_secs(123));
    let server = serve(cors);
    preflight(&server, POLLING)
        .expect_header("access-control-allow-methods", "GET,POST")
        .expect_header("access-control-allow-headers", "x-a,x-b")
        .expect_header("access-control-expose-headers", "x-c,x-d")
        .expect_header("access-control-max-age", "123")
        .expect_header("vary", "Origin");
    get(&server, POLLING)
        .expect_header("access-control-expose-headers", "x-c,x-d")
        .expect_no_header("access-control-max-age");
}

// 8.11, 3.21
#[test]
fn errors_pushes_and_websockets_carry_the_headers() {
    let server = serve(Cors::mirror());
    get(&server, "/socket.io/")
        .expect(400, r#"{"code":0,"message":"Transport unknown"}"#)
        .expect_header("access-control-allow-origin", "http://a.com")
        .expect_header("vary", "Origin");
    let mut session = Polling::open(&server);
    let target = session.target().to_owned();
    session.pushes.send("POST", &target, ORIGIN, "40");
    session.pushes.response().expect_header("access-control-allow-origin", "http://a.com");
    let (answer, _) = Ws::attempt(&server, "/socket.io/?EIO=4&transport=websocket&sid=x");
    answer.expect(400, "Session ID unknown").expect_header("vary", "Origin");
    let (answer, _) = Ws::attempt(&server, "/socket.io/?EIO=4&transport=websocket");
    assert_eq!(answer.status, 101);
    answer.expect_header("vary", "Origin");
}
