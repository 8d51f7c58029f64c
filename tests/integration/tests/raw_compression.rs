//! Compression of answers to polls, and what proxies are told (behaviours 7.1, 7.2, 7.9, 7.10).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::io::Read as _;

use flate2::read::{GzDecoder, ZlibDecoder};
use integration::{Http, Polling, Response, Server, echo};
use sio_actix::HttpCompression;

const BOTH: &str = "Accept-Encoding: gzip, deflate\r\n";

fn serve(compression: HttpCompression) -> Server {
    Server::start(|io| io.http_compression(compression).namespace("/", echo), 1)
}

/// The answer to a poll of `length` bytes, for a client with these headers.
fn poll(server: &Server, length: usize, headers: &str) -> (Response, String) {
    let mut session = Polling::joined(server);
    let text = "x".repeat(length - r#"42["m",""]"#.len());
    session.push(format!(r#"42["m","{text}"]"#));
    let target = session.target().to_owned();
    session.polls.send("GET", &target, headers, "");
    (session.polls.response(), format!(r#"42["m","{text}"]"#))
}

#[track_caller]
fn expect_plain(server: &Server, length: usize, headers: &str) {
    let (answer, text) = poll(server, length, headers);
    answer
        .expect(200, &text)
        .expect_no_header("content-encoding")
        .expect_header("content-length", &length.to_string());
}

// 7.9
#[test]
fn answers_below_the_threshold_are_plain() {
    let server = serve(HttpCompression::default());
    expect_plain(&server, 1_023, BOTH);
    let server = serve(HttpCompression::threshold(2_000));
    expect_plain(&server, 1_999, BOTH);
}

// 7.9
#[test]
fn answers_are_plain_for_clients_that_do_not_accept_more() {
    let server = serve(HttpCompression::default());
    for headers in [
        "",
        "Accept-Encoding: br\r\n",
        "Accept-Encoding: identity\r\n",
        "Accept-Encoding: gzip;q=0\r\n",
    ] {
        expect_plain(&server, 1_024, headers);
    }
}

// 7.9
#[test]
fn switched_off_nothing_is_compressed() {
    expect_plain(&serve(HttpCompression::OFF), 5_000, BOTH);
}

// 7.9, 7.10
#[test]
fn large_answers_are_compressed() {
    let server = serve(HttpCompression::default());
    for (accepted, coding) in [
        ("gzip, deflate", "gzip"),
        ("deflate, gzip", "gzip"),
        ("br, deflate", "deflate"),
        ("gzip;q=0.1, deflate", "deflate"),
        ("*", "gzip"),
    ] {
        let headers = format!("Accept-Encoding: {accepted}\r\n");
        let (answer, text) = poll(&server, 1_024, &headers);
        let mut inflated = String::new();
        match coding {
            "gzip" => GzDecoder::new(&answer.body[..]).read_to_string(&mut inflated),
            _ => ZlibDecoder::new(&answer.body[..]).read_to_string(&mut inflated),
        }
        .unwrap();
        assert_eq!((answer.status, inflated), (200, text), "{accepted}");
        answer
            .expect_header("content-encoding", coding)
            .expect_header("content-type", "text/plain; charset=UTF-8")
            .expect_header("content-length", &answer.body.len().to_string())
            .expect_no_header("vary");
        assert!(answer.body.len() < 200, "{accepted}");
    }
}

// 7.1
#[test]
fn proxies_are_asked_not_to_hold_answers_back() {
    let server = Server::echo();
    let mut session = Polling::open(&server);
    session.try_push("40").expect_header("cache-control", "no-store");
    session
        .try_poll()
        .expect_header("cache-control", "no-store")
        .expect_header("x-accel-buffering", "no");
    for header in ["X-Forwarded-For: 10.0.0.1", "Forwarded: for=10.0.0.1", "Via: 1.1 proxy"] {
        let mut http = Http::connect(&server);
        let headers = format!("{header}\r\n");
        http.send("GET", "/socket.io/?EIO=4&transport=polling", &headers, "");
        http.response()
            .expect_header("cache-control", "no-store, no-transform")
            .expect_header("x-accel-buffering", "no");
    }
}

// 7.2
#[test]
fn old_browsers_are_told_not_to_filter() {
    let server = Server::echo();
    let mut http = Http::connect(&server);
    for (agent, told) in [
        ("Mozilla/5.0 (compatible;MSIE 9.0; Windows NT 6.1)", true),
        ("Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", true),
        ("Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0", false),
    ] {
        let headers = format!("User-Agent: {agent}\r\n");
        http.send("GET", "/socket.io/?EIO=4&transport=polling", &headers, "");
        let answer = http.response();
        assert_eq!(answer.header("x-xss-protection"), told.then_some("0"), "{agent}");
    }
}
