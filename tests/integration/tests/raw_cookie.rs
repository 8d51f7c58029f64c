//! The session cookie (behaviours 7.5 to 7.8).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::time::Duration;

use actix_web::http::header::{HeaderValue, SET_COOKIE};
use integration::{Http, Polling, Response, Server, Ws, echo, sid_of};
use sio_actix::{Cookie, Io, SameSite};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

fn cookies(answer: &Response) -> Vec<&str> {
    let cookies = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
    cookies.map(|(_, value)| value.as_str()).collect()
}

/// The cookie of a handshake, with the session id written as `<sid>`.
fn cookie_of(cookie: Cookie) -> String {
    let server = Server::start(|io| io.cookie(cookie), 1);
    let answer = Http::connect(&server).get(POLLING);
    let sid = sid_of(answer.text());
    let [cookie] = cookies(&answer)[..] else { panic!("{answer:?}") };
    cookie.replace(&sid, "<sid>")
}

#[test]
fn cookies_that_browsers_drop_are_refused_at_start() {
    for cookie in [Cookie::new("a b"), Cookie::default().same_site(SameSite::None)] {
        let error = Io::builder().cookie(cookie).try_build().unwrap_err();
        assert!(error.to_string().contains("`cookie."), "{error}");
    }
}

// 7.8
#[test]
fn there_is_no_cookie_by_default() {
    let server = Server::start(|io| io.cookie(Cookie::default()).cookie(None), 1);
    Http::connect(&server).get(POLLING).expect_no_header("set-cookie");
    Http::connect(&Server::echo()).get(POLLING).expect_no_header("set-cookie");
}

// 7.5
#[test]
fn only_the_polling_handshake_sets_the_cookie() {
    let server = Server::start(|io| io.cookie(Cookie::default()).namespace("/", echo), 1);
    let mut session = Polling::open(&server);
    session.try_push("40").expect_no_header("set-cookie");
    session.try_poll().expect_no_header("set-cookie");
    let (answer, _) = Ws::attempt(&server, "/socket.io/?EIO=4&transport=websocket");
    assert_eq!(answer.status, 101);
    answer.expect_no_header("set-cookie");
    let upgrade = format!("/socket.io/?EIO=4&transport=websocket&sid={}", session.sid());
    let (answer, _) = Ws::attempt(&server, &upgrade);
    assert_eq!(answer.status, 101);
    answer.expect_no_header("set-cookie");
}

// 7.5, 7.6
#[test]
fn attributes_are_written_as_the_reference_does() {
    for (cookie, expected) in [
        (Cookie::default(), "io=<sid>; Path=/; HttpOnly; SameSite=Lax"),
        (Cookie::new("custom"), "custom=<sid>; Path=/; HttpOnly; SameSite=Lax"),
        (Cookie::default().path(Some("/custom")), "io=<sid>; Path=/custom; HttpOnly; SameSite=Lax"),
        (Cookie::default().path(None), "io=<sid>; HttpOnly; SameSite=Lax"),
        (Cookie::default().http_only(false), "io=<sid>; Path=/; SameSite=Lax"),
        (
            Cookie::default().same_site(SameSite::Strict),
            "io=<sid>; Path=/; HttpOnly; SameSite=Strict",
        ),
        (
            Cookie::default().same_site(SameSite::None).secure(true),
            "io=<sid>; Path=/; HttpOnly; Secure; SameSite=None",
        ),
        (
            Cookie::default()
                .max_age(Duration::from_secs(86_400))
                .secure(true)
                .domain("example.com"),
            "io=<sid>; Max-Age=86400; Domain=example.com; Path=/; HttpOnly; Secure; SameSite=Lax",
        ),
    ] {
        assert_eq!(cookie_of(cookie), expected);
    }
}

// 7.7
#[test]
fn cookies_of_hooks_are_headers_of_their_own() {
    let server = Server::start(
        |io| {
            io.cookie(Cookie::default()).initial_headers(|headers, _| {
                headers.insert(SET_COOKIE, HeaderValue::from_static("a=1"));
            })
        },
        1,
    );
    let answer = Http::connect(&server).get(POLLING);
    let cookies = cookies(&answer);
    assert_eq!((cookies.len(), cookies[0]), (2, "a=1"), "{answer:?}");
    assert!(cookies[1].starts_with("io="), "{answer:?}");
}
