//! What an emit or a request asks for itself (behaviours 7.9, 8.1, 8.12, 10.10, 28.5).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use integration::{Http, Polling, Server, Ws, echo};
use sio_actix::prelude::*;
use sio_actix::{Cors, PerMessageDeflate};

const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

// 8.12
#[test]
fn websockets_of_other_origins_are_served() {
    let server = Server::start(|io| io.cors(Cors::list(["http://b.com"])).namespace("/", echo), 1);
    let mut http = Http::connect(&server);
    let handshake = Ws::handshake(WEBSOCKET);
    http.write(handshake.replacen("\r\n", "\r\nOrigin: http://a.com\r\n", 1));
    let answer = http.response();
    assert_eq!(answer.status, 101);
    answer.expect_no_header("access-control-allow-origin");
    assert_eq!(server.io().session_count(), 1);
}

// 8.1: RFC 9110 forbids the length of a 204, and the connection is in step without it.
#[test]
fn nothing_follows_a_preflight() {
    let server = Server::start(|io| io.cors(Cors::any()), 1);
    let mut http = Http::connect(&server);
    let answer = http.request("OPTIONS", "/socket.io/?EIO=4&transport=polling");
    answer.expect(204, "").expect_no_header("content-length");
    assert_eq!(http.get("/socket.io/?EIO=4&transport=polling").status, 200);
}

// 7.9, 10.10, 28.5
#[test]
fn messages_that_say_so_are_not_compressed() {
    let text = "x".repeat(2_000);
    let server = Server::start(
        |io| {
            io.per_message_deflate(PerMessageDeflate::default()).namespace("/", |ns| {
                ns.on("emit", |socket: Socket, compress: bool, text: String| {
                    socket.compress(compress).emit("e", text)
                });
                ns.on("all", |socket: Socket, compress: bool, text: String| {
                    socket.everybody().compress(compress).emit("e", text)
                });
            })
        },
        1,
    );
    let expected = format!(r#"42["e","{text}"]"#);
    let (mut ws, granted) = Ws::offer(&server, WEBSOCKET, "permessage-deflate");
    assert!(granted.is_some());
    ws.next_text();
    ws.join();
    let mut session = Polling::joined(&server);
    for event in ["emit", "all"] {
        for compress in [false, true] {
            let push = format!(r#"42["{event}",{compress},"{text}"]"#);
            ws.text(&push);
            let frame = ws.next_frame();
            assert_eq!(frame.head == 0xc1, compress, "{event}: {:x}", frame.head);
            assert_eq!(frame.payload == expected.as_bytes(), !compress);
            if event == "emit" {
                session.push(&push);
            }
            let target = session.target().to_owned();
            session.polls.send("GET", &target, "Accept-Encoding: gzip\r\n", "");
            let answer = session.polls.response();
            let coding = answer.header("content-encoding");
            assert_eq!(coding, compress.then_some("gzip"), "{event}");
            assert_eq!(answer.body == expected.as_bytes(), !compress);
        }
    }
}
