//! Broken and oversized requests below Engine.IO (hostile 2 L20, 18, 20, 34, 35).

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::fmt::Write as _;

use integration::{Http, Polling, Server, Ws};

const TARGET: &str = "/socket.io/?EIO=4&transport=websocket";

/// Sends a request, which gets one of these statuses, and the server lives on.
#[track_caller]
fn refused(request: &str, statuses: &[u16]) {
    let server = Server::echo();
    let mut http = Http::connect(&server);
    // A server that refuses early may close before everything is written.
    let _closed = http.wire().try_write(request);
    let answer = http.response();
    assert!(statuses.contains(&answer.status), "{answer:?}");
    assert_eq!(server.io().session_count(), 0);
    Polling::joined(&server).fence();
}

#[test]
fn content_length_together_with_transfer_encoding_is_refused() {
    let server = Server::echo();
    let mut session = Polling::joined(&server);
    let mut http = Http::connect(&server);
    http.write(format!(
        "POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n41",
        session.target()
    ));
    assert_eq!(http.response().status, 400);
    http.wire().expect_end();
    session.fence();
}

#[test]
fn two_content_lengths_are_refused() {
    let server = Server::echo();
    let mut session = Polling::joined(&server);
    let mut http = Http::connect(&server);
    http.write(format!(
        "POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\n41xx",
        session.target()
    ));
    assert_eq!(http.response().status, 400);
    http.wire().expect_end();
    session.fence();
}

#[test]
fn two_hundred_headers_are_refused() {
    let mut request = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n".to_owned();
    for number in 0..200 {
        write!(request, "X-{number}: 1\r\n").unwrap();
    }
    request.push_str("\r\n");
    refused(&request, &[400, 431]);
}

#[test]
fn request_head_of_200_kilobytes_is_refused() {
    let long = "x".repeat(200_000);
    let request =
        format!("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n");
    refused(&request, &[400, 431]);
}

#[test]
fn request_target_of_200_kilobytes_is_refused() {
    let long = "x".repeat(200_000);
    let request =
        format!("GET /socket.io/?EIO=4&transport=polling&a={long} HTTP/1.1\r\nHost: a\r\n\r\n");
    refused(&request, &[400, 414, 431]);
}

#[test]
fn websocket_handshake_without_a_key_is_refused() {
    let request =
        Ws::handshake(TARGET).replace("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "");
    refused(&request, &[400]);
}

#[test]
fn websocket_handshake_with_a_short_key_is_refused() {
    let request = Ws::handshake(TARGET).replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=");
    refused(&request, &[400]);
}

#[test]
fn websocket_handshake_without_connection_upgrade_is_refused() {
    let request = Ws::handshake(TARGET).replace("Connection: Upgrade\r\n", "");
    refused(&request, &[400]);
}

#[test]
fn upgrade_to_another_protocol_is_refused() {
    let request = Ws::handshake(TARGET).replace("Upgrade: websocket", "Upgrade: h2c");
    refused(&request, &[400]);
}

#[test]
fn websocket_handshake_by_post_is_refused() {
    let request = Ws::handshake(TARGET).replacen("GET", "POST", 1);
    refused(&request, &[400]);
}

#[test]
fn other_websocket_version_gets_426() {
    for version in ["8", "14", "13, 8", ""] {
        let server = Server::echo();
        let mut http = Http::connect(&server);
        http.write(Ws::handshake(TARGET).replace("Version: 13", &format!("Version: {version}")));
        let answer = http.response();
        assert_eq!(answer.status, 426, "{version:?}");
        answer.expect_header("sec-websocket-version", "13");
        assert_eq!(server.io().session_count(), 0);
    }
}

#[test]
fn offered_extensions_and_protocols_are_not_taken() {
    let server = Server::echo();
    let commas = ",".repeat(6_000);
    for offer in ["permessage-deflate; client_max_window_bits", "__proto__, constructor", &commas] {
        let request = Ws::handshake(TARGET).replacen(
            "\r\n\r\n",
            &format!(
                "\r\nSec-WebSocket-Extensions: {offer}\r\nSec-WebSocket-Protocol: {offer}\r\n\r\n"
            ),
            1,
        );
        let mut http = Http::connect(&server);
        http.write(request);
        let answer = http.response();
        assert_eq!(answer.status, 101, "{answer:?}");
        answer
            .expect_no_header("sec-websocket-extensions")
            .expect_no_header("sec-websocket-protocol")
            .expect_no_header("set-cookie");
    }
}

#[test]
fn header_names_and_tokens_are_compared_without_case() {
    let server = Server::echo();
    let request = Ws::handshake(TARGET)
        .replace("Upgrade: websocket", "uPGRADE: WebSocket")
        .replace("Connection: Upgrade", "connection: keep-alive, UPGRADE");
    let mut http = Http::connect(&server);
    http.write(request);
    assert_eq!(http.response().status, 101);
}
