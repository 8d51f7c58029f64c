//! Conversations with clients of Engine.IO 3, byte for byte, ids and times aside (transcripts T8, T9).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests fail by panicking"
)]

use std::time::{Duration, Instant};

use integration::{Journal, Legacy, Server, Ws, echo, sid_of};
use serde_json::json;
use sio_actix::prelude::*;

fn refuse(socket: &Socket) -> Result<(), ConnectError> {
    match socket.handshake().query_value("refuse").as_deref() {
        Some("message") => Err(ConnectError::new("auth")),
        Some("data") => Err(ConnectError::new("auth").with_data(json!({ "code": 1 }))),
        _ => Ok(()),
    }
}

/// What the application of the transcripts does.
fn server() -> (Server, Journal) {
    let journal = Journal::new();
    let (of_main, of_admin) = (journal.clone(), journal.clone());
    let (reasons, admin_reasons) = (journal.clone(), journal.clone());
    let server = Server::start(
        |io| {
            io.allow_eio3(true)
                .namespace("/", |ns| {
                    echo(ns);
                    ns.connect_guard(|socket: Socket| refuse(&socket));
                    ns.on("ack", |value: Value| value);
                    ns.on("kick", |socket: Socket| socket.disconnect(false));
                    ns.on_connection(move |socket: Socket| of_main.note(socket.id().as_str()));
                    ns.on_disconnect(move |reason: DisconnectReason| reasons.note(reason.as_str()));
                })
                .namespace("/admin", |ns| {
                    ns.connect_guard(|socket: Socket| match socket.auth_json() {
                        r#"{"d":"1"}"# => {
                            Err(ConnectError::new("nope").with_data(json!({ "c": 1 })))
                        }
                        "{}" => Err(ConnectError::new("nope")),
                        _ => Ok(()),
                    });
                    ns.on_connection(move |socket: Socket| {
                        of_admin.note(format!("{} {}", socket.id().as_str(), socket.auth_json()));
                    });
                    ns.on_disconnect(move |reason: DisconnectReason| {
                        admin_reasons.note(reason.as_str());
                    });
                })
        },
        1,
    );
    (server, journal)
}

fn open_packet(sid: &str, upgrades: &str) -> String {
    format!(
        r#"0{{"sid":"{sid}","upgrades":[{upgrades}],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#
    )
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn t08_polling() {
    let (server, journal) = server();
    let mut http = integration::Http::connect(&server);
    let answer = http.get("/socket.io/?EIO=3&transport=polling");
    let sid = sid_of(answer.text());
    let open = open_packet(&sid, r#""websocket""#);
    answer.expect(200, &format!("118:{open}"));
    answer.expect_header("content-type", "text/plain; charset=UTF-8");
    journal.expect(&sid);

    let mut session = Legacy::open(&server, "");
    assert_eq!(session.poll(), "2:40");
    journal.expect(session.sid());
    session.push(r#"11:42["m","€"]11:42["m",123]"#);
    let answer = session.try_poll();
    answer.expect(200, r#"11:42["m","€"]11:42["m",123]"#);
    answer.expect_header("content-length", "30");
    session.push("1:2");
    assert_eq!(session.poll(), "1:3");

    session.push(r#"43:451-["m",{"_placeholder":true,"num":0},"€"]6:b4AQID"#);
    let answer = session.try_poll();
    answer.expect_header("content-type", "application/octet-stream");
    answer.expect_header("content-length", "56");
    assert_eq!(
        answer.body,
        hex("000405ff3435312d5b226d222c7b225f706c616365686f6c646572223a747275652c226e756d223a307d2c22e282ac225d
             0104ff04010203")
    );
    let binary = hex(
        "000309ff3435312d5b226d222c7b225f706c616365686f6c646572223a747275652c226e756d223a307d5d
         0104ff04090807",
    );
    session.try_push_binary(&binary).expect(200, "ok");
    assert_eq!(binary.len(), 50);
    assert_eq!(session.poll_binary(), binary);

    session.push("21:40/admin?token=x&a=b,");
    assert_eq!(session.poll(), "9:40/admin,");
    journal.expect(&format!(r#"/admin#{} {{"token":"x","a":"b"}}"#, session.sid()));
    session.push("9:41/admin,");
    journal.expect("client namespace disconnect");
    session.push("9:40/admin,");
    assert_eq!(session.poll(), r#"15:44/admin,"nope""#);
    session.push("13:40/admin?d=1,");
    assert_eq!(session.poll(), r#"16:44/admin,{"c":1}"#);
    session.push("11:40/unknown,");
    assert_eq!(session.poll(), r#"42:44/unknown,{"message":"Invalid namespace"}"#);
    session.push(r#"12:427["ack",5]"#);
    assert_eq!(session.poll(), "6:437[5]");
    session.push(r#"10:42["kick"]"#);
    assert_eq!(session.poll(), "2:41");
    journal.expect("server namespace disconnect");
}

#[test]
fn t08_polling_in_base64() {
    let (server, journal) = server();
    let mut session = Legacy::joined(&server, "&b64=1");
    journal.expect(session.sid());
    session.push(r#"39:451-["m",{"_placeholder":true,"num":0}]10:b4AQIDBA=="#);
    assert_eq!(session.poll(), r#"39:451-["m",{"_placeholder":true,"num":0}]10:b4AQIDBA=="#);
    session.start_poll();
    session.push("1:1");
    session.finish_poll().expect(200, "1:6");
    session.expect_unknown(&server);
    journal.expect("transport close");
}

#[test]
fn t09_websocket() {
    let (server, journal) = server();
    let mut ws = Ws::connect(&server, "/socket.io/?EIO=3&transport=websocket");
    let open = ws.next_text();
    let sid = sid_of(&open);
    assert_eq!(open, open_packet(&sid, ""));
    ws.expect("40");
    journal.expect(&sid);
    ws.text("2");
    ws.expect("3");
    ws.text(r#"42["m",1]"#);
    ws.expect(r#"42["m",1]"#);
    let two = r#"452-["m",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    ws.text(two);
    ws.binary(b"\x04\x01\x02");
    ws.binary(b"\x04\x03");
    ws.expect(two);
    ws.expect_binary(b"\x04\x01\x02");
    ws.expect_binary(b"\x04\x03");
    ws.text("40/admin?token=x,");
    ws.expect("40/admin,");
    journal.expect(&format!(r#"/admin#{sid} {{"token":"x"}}"#));
    ws.text("40/admin2,");
    ws.expect(r#"44/admin2,{"message":"Invalid namespace"}"#);
    ws.text("3");
    ws.expect_close(None);
    journal.expect("transport error");
    journal.expect("transport error");
}

#[test]
fn t09_websocket_in_base64() {
    let (server, _) = server();
    let mut ws = Ws::connect(&server, "/socket.io/?EIO=3&transport=websocket&b64=1");
    assert!(ws.next_text().starts_with('0'));
    ws.expect("40");
    ws.text(r#"451-["m",{"_placeholder":true,"num":0}]"#);
    ws.text("b4AQI=");
    ws.expect(r#"451-["m",{"_placeholder":true,"num":0}]"#);
    ws.expect("b4AQI=");
}

#[test]
fn t09_refused_in_the_main_namespace() {
    let (server, _) = server();
    for (kind, answer) in [("message", r#"44"auth""#), ("data", r#"44{"code":1}"#)] {
        let target = format!("/socket.io/?EIO=3&transport=websocket&refuse={kind}");
        let mut ws = Ws::connect(&server, &target);
        assert!(ws.next_text().starts_with('0'));
        ws.expect(answer);
        ws.text("2");
        ws.expect("3");
    }
}

#[test]
fn t09_client_that_does_not_ping() {
    let millis = Duration::from_millis;
    let (server, journal) = Server::recorded(
        |io| io.allow_eio3(true).ping_interval(millis(100)).ping_timeout(millis(80)),
        1,
    );
    let start = Instant::now();
    let mut ws = Ws::connect(&server, "/socket.io/?EIO=3&transport=websocket");
    assert!(ws.next_text().starts_with('0'));
    ws.expect("40");
    ws.expect_close(None);
    assert!(start.elapsed() >= millis(180));
    journal.expect("ping timeout");
}
