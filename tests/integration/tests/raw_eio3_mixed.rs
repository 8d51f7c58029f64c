//! Upgrades of Engine.IO 3, and both revisions at one server (behaviours 14.13, 14.22).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use integration::{Http, Legacy, Polling, Server, Ws, echo};
use sio_actix::Binary;
use sio_actix::prelude::*;

const BAD_REQUEST: &str = r#"{"code":3,"message":"Bad request"}"#;
/// Connections go to the workers in turn, so on four the WebSocket lands on another than the session.
const WORKERS: [usize; 2] = [1, 4];

fn server(workers: usize) -> Server {
    Server::start(
        |io| {
            io.allow_eio3(true).namespace("/", |ns| {
                echo(ns);
                ns.on("join", |socket: Socket, room: String| socket.join(room));
                ns.on("say", |socket: Socket, args: Rest<Value>| {
                    socket.io().to("hall").emit("said", args)
                });
                ns.on("ask", async |socket: Socket| {
                    socket.emit_with_ack::<Value>("question", 1, None).await
                });
            })
        },
        workers,
    )
}

#[track_caller]
fn probed(server: &Server, session: &Legacy) -> Ws {
    let mut ws = Ws::connect(server, &session.websocket());
    ws.text("2probe");
    ws.expect("3probe");
    ws
}

// 14.13, 11.8
#[test]
fn a_failed_probe_leaves_the_polling_session() {
    for workers in WORKERS {
        let server = server(workers);
        let mut session = Legacy::joined(&server, "");
        for bad in ["2", "4hello", "", "1:2", "7:2probex"] {
            let mut ws = Ws::connect(&server, &session.websocket());
            ws.text(bad);
            ws.expect_close(None);
            session.fence();
        }
        let mut ws = Ws::connect(&server, &session.websocket());
        ws.binary(b"\x05");
        ws.expect_close(None);
        let ws = probed(&server, &session);
        ws.into_wire().drop_connection();
        session.fence();
        let mut ws = probed(&server, &session);
        ws.text("5");
        ws.fence();
        Http::connect(&server).get(session.target()).expect(400, BAD_REQUEST);
    }
}

// 14.13
#[test]
fn an_upgraded_session_goes_on_over_the_websocket() {
    for workers in WORKERS {
        let server = server(workers);
        let mut session = Legacy::joined(&server, "");
        session.start_poll();
        session.push("1:0");
        let mut ws = probed(&server, &session);
        session.finish_poll().expect(200, "1:6");
        for _ in 0..2 {
            assert_eq!(session.poll(), "1:6");
        }
        session.push(r#"10:42["m",12]43:451-["m",{"_placeholder":true,"num":0},"€"]6:b4AQID"#);
        session.push("1:2");
        ws.text("5");
        ws.expect(r#"42["m",12]"#);
        ws.expect(r#"451-["m",{"_placeholder":true,"num":0},"€"]"#);
        ws.expect_binary(b"\x04\x01\x02\x03");
        ws.expect("3");
        ws.fence();
        Http::connect(&server).get(session.target()).expect(400, BAD_REQUEST);
        Http::connect(&server).post(session.target(), "1:2").expect(400, BAD_REQUEST);
        // 11.7
        let mut second = Ws::connect(&server, &session.websocket());
        second.expect_close(None);
        ws.fence();
    }
}

// 10.12 in revision 3
#[test]
fn base64_counts_as_the_websocket_asked_for_it() {
    let server = server(1);
    let packet = r#"451-["m",{"_placeholder":true,"num":0}]"#;
    let session = Legacy::joined(&server, "&b64=1");
    let mut ws = probed(&server, &session);
    ws.text("5");
    ws.text(packet);
    ws.binary(b"\x04\x01");
    ws.expect(packet);
    ws.expect_binary(b"\x04\x01");

    let session = Legacy::joined(&server, "");
    let mut ws = Ws::connect(&server, &format!("{}&b64=1", session.websocket()));
    ws.text("2probe");
    ws.expect("3probe");
    ws.text("5");
    ws.text(packet);
    ws.text("b4AQ==");
    ws.expect(packet);
    ws.expect("b4AQ==");
}

#[test]
fn acks_of_the_server_work() {
    let server = server(1);
    let mut ws = Ws::connect(&server, "/socket.io/?EIO=3&transport=websocket");
    assert!(ws.next_text().starts_with('0'));
    ws.expect("40");
    ws.text(r#"425["ask"]"#);
    ws.expect(r#"420["question",1]"#);
    ws.text(r#"430["yes"]"#);
    ws.expect(r#"435["yes"]"#);
    ws.text(r#"426["ask"]"#);
    ws.expect(r#"421["question",1]"#);
    ws.text(r#"461-1[{"_placeholder":true,"num":0}]"#);
    ws.binary(b"\x04\x09");
    ws.expect(r#"461-6[{"_placeholder":true,"num":0}]"#);
    ws.expect_binary(b"\x04\x09");
}

// 14.22
#[test]
fn both_revisions_share_rooms_and_broadcasts() {
    for workers in WORKERS {
        let server = server(workers);
        let mut new_ws = Ws::joined(&server);
        let mut new_polling = Polling::joined(&server);
        let mut new_base64 = Ws::connect(&server, "/socket.io/?EIO=4&transport=websocket&b64=1");
        assert!(new_base64.next_text().starts_with('0'));
        new_base64.join();
        let mut old_ws = Ws::connect(&server, "/socket.io/?EIO=3&transport=websocket");
        assert!(old_ws.next_text().starts_with('0'));
        old_ws.expect("40");
        let mut old_base64 = Ws::connect(&server, "/socket.io/?EIO=3&transport=websocket&b64=1");
        assert!(old_base64.next_text().starts_with('0'));
        old_base64.expect("40");
        let mut old_polling = Legacy::joined(&server, "");
        let mut old_polling_base64 = Legacy::joined(&server, "&b64=1");
        for ws in [&mut new_ws, &mut new_base64, &mut old_ws, &mut old_base64] {
            ws.text(r#"421["join","hall"]"#);
            ws.expect("431[]");
        }
        new_polling.push(r#"421["join","hall"]"#);
        assert_eq!(new_polling.poll(), "431[]");
        for session in [&mut old_polling, &mut old_polling_base64] {
            session.push(r#"18:421["join","hall"]"#);
            assert_eq!(session.poll(), "5:431[]");
        }

        let said = r#"451-["said",{"_placeholder":true,"num":0},"é"]"#;
        let emit = || {
            let args = (Binary::from(vec![1, 2, 3, 4]), "é");
            server.io().to("hall").emit("said", args).unwrap();
        };
        emit();
        for round in 0..2 {
            new_ws.expect(said);
            new_ws.expect_binary(b"\x01\x02\x03\x04");
            new_base64.expect(said);
            new_base64.expect("bAQIDBA==");
            old_ws.expect(said);
            old_ws.expect_binary(b"\x04\x01\x02\x03\x04");
            old_base64.expect(said);
            old_base64.expect("b4AQIDBA==");
            let packets = new_polling.poll_packets(2);
            assert_eq!(packets, [said, "bAQIDBA=="]);
            assert_eq!(said.chars().count(), 46);
            let expected =
                [b"\x00\x04\x07\xff", said.as_bytes(), b"\x01\x05\xff\x04\x01\x02\x03\x04"]
                    .concat();
            assert_eq!(old_polling.poll_binary(), expected);
            assert_eq!(old_polling_base64.poll(), format!("46:{said}10:b4AQIDBA=="));
            // Once from the outside, once from a client of the older revision.
            if round == 0 {
                old_ws.text(r#"451-["say",{"_placeholder":true,"num":0},"é"]"#);
                old_ws.binary(b"\x04\x01\x02\x03\x04");
            }
        }
        new_ws.fence();
        old_ws.fence();
        old_polling.fence();
    }
}
