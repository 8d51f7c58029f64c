//! Conversations of Socket.IO 5, byte for byte, ids aside (transcripts T1-T6).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use integration::{Http, Polling, Server, Ws, echo, sid_of};
use serde_json::json;
use sio_actix::prelude::*;

const BAD_REQUEST: &str = r#"{"code":3,"message":"Bad request"}"#;
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// `/admin` lets in who knows the token, and greets with a byte.
fn admin(ns: &mut NamespaceBuilder) {
    ns.connect_guard(|socket: Socket| match socket.auth_json() {
        r#"{"token":"secret"}"# => Ok(()),
        _ => {
            let data = json!({ "code": 401, "hint": "token" });
            Err(ConnectError::new("not authorized").with_data(data))
        }
    });
    ns.on_connection(|socket: Socket| socket.emit("welcome", Binary::from(vec![9])));
    ns.on("x", || "ok");
}

fn main_namespace(ns: &mut NamespaceBuilder) {
    echo(ns);
    ns.on("noargs", || ());
    ns.on("twice", |ack: AckSender| {
        // The second answer finds nothing to answer.
        ack.send(1)
    });
    ns.on("ask", async |socket: Socket| {
        let answer = socket.emit_with_ack::<Rest<Value>>("question", "q", None).await;
        if let Ok(args) = answer {
            socket.emit("answer", args)?;
        }
        Ok::<_, EventError>(())
    });
    ns.on("arguments", |socket: Socket| {
        socket.emit("a", ())?;
        socket.emit("b", (1, "two", [3], json!({ "four": null })))?;
        let nothing: Option<u8> = None;
        socket.emit("c", (nothing, nothing, f64::NAN, "1970-01-01T00:00:00.000Z"))
    });
    ns.on("bin", |socket: Socket, args: Rest<Value>| socket.emit("bin-back", args));
    ns.on("binack", |bytes: Binary| (bytes.clone(), json_of("n", bytes)));
}

/// An object with one key.
fn json_of(key: &'static str, bytes: Binary) -> std::collections::BTreeMap<&'static str, Binary> {
    [(key, bytes)].into()
}

fn server() -> Server {
    Server::start(
        |io| {
            io.namespace("/", main_namespace)
                .namespace("/admin", admin)
                .namespace("/plainerr", |ns| {
                    ns.connect_guard(|| Err::<(), _>(ConnectError::new("plain")));
                })
                .namespace("/dyn-{number}", |ns| {
                    ns.on_connection(|socket: Socket| {
                        socket.emit("hello", socket.namespace().path().to_owned())
                    });
                })
        },
        1,
    )
}

fn open_packet(sid: &str, upgrades: &str) -> String {
    format!(
        r#"0{{"sid":"{sid}","upgrades":[{upgrades}],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#
    )
}

#[test]
fn t01_polling() {
    let server = server();
    let mut http = Http::connect(&server);
    let answer = http.get("/socket.io/?EIO=4&transport=polling");
    let sid = sid_of(answer.text());
    answer.expect(200, &open_packet(&sid, r#""websocket""#));
    answer.expect_header("content-type", "text/plain; charset=UTF-8");
    answer.expect_header("content-length", "118");
    answer.expect_header("cache-control", "no-store");

    let target = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
    let pushed = http.post(&target, "40");
    pushed.expect(200, "ok");
    pushed.expect_header("content-type", "text/html");
    pushed.expect_header("content-length", "2");
    pushed.expect_header("cache-control", "no-store");

    let answer = http.get(&target);
    let id = sid_of(answer.text());
    assert_ne!(id, sid);
    answer.expect(200, &format!(r#"40{{"sid":"{id}"}}"#));
    answer.expect_header("content-type", "text/plain; charset=UTF-8");
    answer.expect_header("content-length", "32");
    answer.expect_header("cache-control", "no-store");

    http.post(&target, "42[\"m\",1]\x1e42[\"m\",\"é€\"]").expect(200, "ok");
    let answer = http.get(&target);
    answer.expect(200, "42[\"m\",1]\x1e42[\"m\",\"é€\"]");
    let binary = "451-[\"m\",{\"_placeholder\":true,\"num\":0}]\x1ebAQIDBA==";
    http.post(&target, binary).expect(200, "ok");
    http.get(&target).expect(200, binary).expect_header("content-length", "49");
}

#[test]
fn t02_upgrade() {
    let server = server();
    let mut session = Polling::joined(&server);
    session.start_poll();
    session.push("3");
    let mut ws = Ws::probe(&server, &session);
    ws.text("2probe");
    ws.expect("3probe");
    let released = session.finish_poll();
    released.expect(200, "6").expect_header("content-length", "1");
    server.io().emit("m", "buffered-during-upgrade").unwrap();
    ws.text("5");
    ws.expect(r#"42["m","buffered-during-upgrade"]"#);
    ws.text(r#"42["m",1]"#);
    ws.expect(r#"42["m",1]"#);
    Http::connect(&server).get(session.target()).expect(400, BAD_REQUEST);
    Http::connect(&server).post(session.target(), "3").expect(400, BAD_REQUEST);
    let mut again = Ws::probe(&server, &session);
    again.expect_close(None);
    ws.fence();
}

#[test]
fn t02_failed_probe() {
    let timeout = std::time::Duration::from_millis(200);
    let server = Server::start(|io| io.upgrade_timeout(timeout).namespace("/", echo), 1);
    let mut session = Polling::joined(&server);
    let mut ws = Ws::probe(&server, &session);
    ws.text("4hello");
    ws.expect_close(None);
    session.fence();
    let start = std::time::Instant::now();
    let mut ws = Ws::probe(&server, &session);
    ws.text("2probe");
    ws.expect("3probe");
    ws.expect_close(None);
    assert!(start.elapsed() >= timeout);
    session.push(r#"42999["fence"]"#);
    // Polls during the probe may have been released.
    while session.poll() == "6" {}
}

#[test]
fn t03_namespaces_over_websocket() {
    let server = server();
    let (answer, wire) = Ws::attempt(&server, WEBSOCKET);
    assert_eq!(answer.status, 101);
    answer.expect_no_header("set-cookie").expect_no_header("sec-websocket-extensions");
    drop(wire);
    let mut ws = Ws::connect(&server, WEBSOCKET);
    let open = ws.next_text();
    assert_eq!(open, open_packet(&sid_of(&open), ""));
    ws.text(r#"40/admin,{"token":"secret"}"#);
    let answer = ws.next_text();
    assert_eq!(answer, format!(r#"40/admin,{{"sid":"{}"}}"#, sid_of(&answer)));
    ws.expect(r#"451-/admin,["welcome",{"_placeholder":true,"num":0}]"#);
    ws.expect_binary(b"\x09");
    ws.text(r#"42/admin,7["x"]"#);
    ws.expect(r#"43/admin,7["ok"]"#);
    ws.text(r#"40/admin2,{"a":1}"#);
    ws.expect(r#"44/admin2,{"message":"Invalid namespace"}"#);
    ws.text("40/dyn-12,");
    let answer = ws.next_text();
    assert_eq!(answer, format!(r#"40/dyn-12,{{"sid":"{}"}}"#, sid_of(&answer)));
    ws.expect(r#"42/dyn-12,["hello","/dyn-12"]"#);
}

#[test]
fn t04_acks_in_both_directions() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text(r#"4212["echo","a",{"b":[1,null]}]"#);
    ws.expect(r#"4312["a",{"b":[1,null]}]"#);
    ws.text(r#"420["noargs"]"#);
    ws.expect("430[]");
    ws.text(r#"421["twice"]"#);
    ws.expect("431[1]");
    ws.text(r#"42["ask"]"#);
    ws.expect(r#"420["question","q"]"#);
    ws.text(r#"430["yes",42]"#);
    ws.expect(r#"42["answer","yes",42]"#);
    ws.text(r#"42["ask"]"#);
    ws.expect(r#"421["question","q"]"#);
    ws.text(r#"4399["bad id"]"#);
    ws.text("431[]");
    ws.expect(r#"42["answer"]"#);
}

#[test]
fn t04_arguments() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text(r#"42["arguments"]"#);
    ws.expect(r#"42["a"]"#);
    ws.expect(r#"42["b",1,"two",[3],{"four":null}]"#);
    ws.expect(r#"42["c",null,null,null,"1970-01-01T00:00:00.000Z"]"#);
}

#[test]
fn t05_attachments() {
    let server = server();
    let mut ws = Ws::joined(&server);
    let args = r#"{"_placeholder":true,"num":0},{"k":{"_placeholder":true,"num":1}}]"#;
    ws.text(&format!(r#"452-["bin",{args}"#));
    ws.binary(b"\x01\x02");
    ws.binary(b"\x03\x04\x05");
    ws.expect(&format!(r#"452-["bin-back",{args}"#));
    ws.expect_binary(b"\x01\x02");
    ws.expect_binary(b"\x03\x04\x05");
    ws.text(r#"451-5["binack",{"_placeholder":true,"num":0}]"#);
    ws.binary(b"\xde\xad");
    ws.expect(r#"462-5[{"_placeholder":true,"num":0},{"n":{"_placeholder":true,"num":1}}]"#);
    ws.expect_binary(b"\xde\xad");
    ws.expect_binary(b"\xde\xad");
}

#[test]
fn t06_connect_error() {
    let server = server();
    let mut ws = Ws::open(&server);
    ws.text(r#"40/admin,{"token":"bad"}"#);
    ws.expect(r#"44/admin,{"message":"not authorized","data":{"code":401,"hint":"token"}}"#);
    ws.text(r#"40/admin,{"token":"secret"}"#);
    let answer = ws.next_text();
    assert_eq!(answer, format!(r#"40/admin,{{"sid":"{}"}}"#, sid_of(&answer)));
    ws.expect(r#"451-/admin,["welcome",{"_placeholder":true,"num":0}]"#);
    ws.expect_binary(b"\x09");
    ws.text("40/plainerr,");
    ws.expect(r#"44/plainerr,{"message":"plain"}"#);
}
