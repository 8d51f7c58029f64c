//! The MessagePack parser on the wire (behaviours 38, transcript T11).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests fail by panicking"
)]

use std::time::Duration;

use integration::{Journal, Polling, Server, Ws};
use sio_actix::prelude::*;
use sio_actix::{Io, IoBuilder, MsgpackParser};

const CONNECT: &str = "82a47479706500a36e7370a12f";
const DISCONNECT: &str = "82a47479706501a36e7370a12f";
/// `["m",1,"a",null,true,1.5]`
const VALUES: &str = "83a47479706502a46461746196a16d01a161c0c3cb3ff8000000000000a36e7370a12f";
/// `["m",<010203>]`
const BYTES: &str = "83a47479706502a46461746192a16dc403010203a36e7370a12f";
/// `["ack",{"a":1}]` with the id 3, and its answer.
const ASKING: &str = "84a47479706502a2696403a46461746192a361636b81a16101a36e7370a12f";
const ANSWER: &str = "84a2696403a47479706503a4646174619181a16101a36e7370a12f";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn handlers(ns: &mut NamespaceBuilder) {
    ns.on("m", |socket: Socket, args: Rest<Value>| socket.emit("m", args));
    ns.on("ack", |args: Rest<Value>| args);
    ns.on("none", || ());
    ns.on("exact", |one: u64, two: i64, three: f64, four: Binary, five: Option<String>| {
        (one, two, three, four, five)
    });
    ns.on("kick", |socket: Socket| socket.disconnect(false));
    ns.on("all", |io: Io, args: Rest<Value>| io.emit("all", args));
    ns.on("join", |socket: Socket, room: String| socket.join(room));
    ns.on("room", |socket: Socket, room: String| {
        socket.to(room).emit("room", Binary::from(vec![7]))
    });
}

fn server(build: impl FnOnce(IoBuilder) -> IoBuilder, workers: usize) -> (Server, Journal) {
    let journal = Journal::new();
    let (asked, ended) = (journal.clone(), journal.clone());
    let server = Server::start(
        |io| {
            let io = io.parser(MsgpackParser).namespace("/", handlers).namespace("/", |ns| {
                ns.on("ask", async move |socket: Socket| {
                    let wait = Duration::from_secs(10);
                    match socket.emit_with_ack::<Value>("q", (), wait).await {
                        Ok(answer) => asked.note(format!("{answer:?}")),
                        Err(error) => asked.note(error.to_string()),
                    }
                });
                ns.on_disconnect(move |reason: DisconnectReason| ended.note(reason.as_str()));
            });
            build(io.namespace("/admin", |ns| {
                ns.connect_guard(|Auth(auth): Auth<Value>| match auth.get("t") {
                    Some(t) if t.as_u64() == Some(1) => {
                        Err(ConnectError::new("nope").with_data(serde_json::json!({ "c": 1 })))
                    }
                    Some(_) => Err(ConnectError::new("nope")),
                    None => Ok(()),
                });
            }))
        },
        workers,
    );
    (server, journal)
}

/// The socket id of a CONNECT answer.
#[track_caller]
fn sid(answer: &[u8]) -> String {
    let answer = hex(answer);
    let id = answer
        .strip_prefix("83a47479706500a46461746182a3736964b4")
        .and_then(|rest| rest.strip_suffix("a3706964d40000a36e7370a12f"));
    match id {
        Some(id) if id.len() == 40 => String::from_utf8(bytes(id)).unwrap(),
        _ => panic!("no CONNECT answer: {answer}"),
    }
}

fn joined(server: &Server) -> Ws {
    let mut ws = Ws::open(server);
    ws.binary(bytes(CONNECT));
    sid(&ws.next_frame().payload);
    ws
}

/// A round trip: nothing else came.
#[track_caller]
fn fence(ws: &mut Ws) {
    ws.binary(bytes(ASKING));
    ws.expect_binary(&bytes(ANSWER));
}

// ---- refusals -----------------------------------------------------------------------------------

// 38.8
#[test]
fn text_ends_the_session() {
    let (server, journal) = server(|io| io, 1);
    let mut fresh = Ws::open(&server);
    fresh.text("40");
    fresh.expect_close(None);
    let mut ws = joined(&server);
    ws.text("42[\"m\"]");
    ws.expect_close(None);
    journal.expect("forced close");
}

// 38.4, 38.6, 38.7 and what is no MessagePack
#[test]
fn what_is_no_packet_ends_its_session_and_no_other() {
    let (server, journal) = server(|io| io, 1);
    let mut bystander = joined(&server);
    for broken in [
        "",
        "c1",
        "00",
        "c0",
        "80",
        "82a47479706505a36e7370a12f",
        "82a474797065a130a36e7370a12f",
        "82a47479706502a36e737001",
        "82a47479706502a36e7370a12f",
        "83a47479706502a46461746180a36e7370a12f",
        "83a47479706502a46461746190a36e7370a12f",
        "83a47479706502a46461746191a7636f6e6e656374a36e7370a12f",
        "83a47479706500a464617461c0a36e7370a62f61646d696e",
        "83a47479706501a46461746180a36e7370a12f",
        "84a47479706502a26964ffa46461746191a16da36e7370a12f",
        "84a47479706502a26964cf0020000000000000a46461746191a16da36e7370a12f",
        // A CONNECT_ERROR of a client, a second CONNECT, a namespace that is not joined.
        "83a47479706504a46461746180a36e7370a12f",
        CONNECT,
        "83a47479706502a46461746191a16da36e7370a62f61646d696e",
        // Announced, and not there.
        "83a47479706502a36e7370a12fa464617461ddffffffff",
        "83a47479706502a36e7370a12fa46461746192a16dc6ffffffff",
        // Something behind it.
        "82a47479706501a36e7370a12f00",
    ] {
        let mut ws = joined(&server);
        ws.binary(bytes(broken));
        ws.expect_close(None);
        journal.expect("forced close");
        fence(&mut bystander);
    }
}

#[test]
fn nesting_is_limited() {
    let (server, _journal) = server(|io| io, 1);
    let nested = |levels: usize| {
        let deep = "91".repeat(levels);
        format!("83a47479706502a46461746192a16d{deep}c0a36e7370a12f")
    };
    let mut ws = joined(&server);
    ws.binary(bytes(&nested(127)));
    ws.expect_binary(&bytes(&nested(127)));
    ws.binary(bytes(&nested(128)));
    ws.expect_close(None);
    let mut ws = joined(&server);
    ws.binary(bytes(&nested(400_000)));
    ws.expect_close(None);
}

// ---- T11 ----------------------------------------------------------------------------------------

#[test]
fn transcript_t11() {
    let (server, journal) = server(|io| io, 1);
    let mut ws = joined(&server);
    for same in [VALUES, BYTES] {
        ws.binary(bytes(same));
        ws.expect_binary(&bytes(same));
    }
    ws.binary(bytes(ASKING));
    ws.expect_binary(&bytes(ANSWER));
    ws.binary(bytes("83a47479706502a46461746191a361736ba36e7370a12f"));
    ws.expect_binary(&bytes("84a47479706502a46461746191a171a2696400a36e7370a12f"));
    ws.binary(bytes("84a47479706503a2696400a46461746191a178a36e7370a12f"));
    journal.expect("String(\"x\")");
    ws.binary(bytes("83a47479706500a36e7370a62f61646d696ea46461746181a17401"));
    ws.expect_binary(&bytes("83a47479706504a46461746182a76d657373616765a46e6f7065a46461746181a16301a36e7370a62f61646d696e"));
    // Without data, which is undefined then.
    ws.binary(bytes("83a47479706500a36e7370a62f61646d696ea46461746181a17402"));
    ws.expect_binary(&bytes("83a47479706504a46461746182a76d657373616765a46e6f7065a464617461d40000a36e7370a62f61646d696e"));
    ws.binary(bytes("82a47479706500a36e7370a52f6e6f6e65"));
    ws.expect_binary(&bytes("83a47479706504a36e7370a52f6e6f6e65a46461746181a76d657373616765b1496e76616c6964206e616d657370616365"));
    ws.binary(bytes("83a47479706502a46461746191a46b69636ba36e7370a12f"));
    ws.expect_binary(&bytes(DISCONNECT));
    journal.expect("server namespace disconnect");
}

// 38.3, 38.5 and the lines below T11
#[test]
fn packets_of_the_javascript_client_are_understood() {
    let (server, journal) = server(|io| io, 1);
    let mut ws = Ws::open(&server);
    // CONNECT with undefined data.
    ws.binary(bytes("83a47479706500a464617461d40000a36e7370a12f"));
    sid(&ws.next_frame().payload);
    // ["ack",date] with options: the date becomes text.
    ws.binary(bytes("85a47479706502a46461746192a361636bd7000000000000000000a76f7074696f6e7381a8636f6d7072657373c3a2696400a36e7370a12f"));
    ws.expect_binary(&bytes("84a2696400a47479706503a46461746191b8313937302d30312d30315430303a30303a30302e3030305aa36e7370a12f"));
    // ["m",undefined,{"a":undefined,"b":1},<array buffer 01 02>]
    ws.binary(bytes(
        "83a47479706502a46461746194a16dd4000082a161d40000a16201c702000102a36e7370a12f",
    ));
    ws.expect_binary(&bytes("83a47479706502a46461746194a16dc081a16201c4020102a36e7370a12f"));
    // No arguments in the ack.
    ws.binary(bytes("84a47479706502a2696407a46461746191a46e6f6e65a36e7370a12f"));
    ws.expect_binary(&bytes("84a2696407a47479706503a46461746190a36e7370a12f"));
    ws.binary(bytes(DISCONNECT));
    journal.expect("client namespace disconnect");
}

// 38.11
#[test]
fn numbers_reach_typed_arguments_exactly() {
    let (server, _journal) = server(|io| io, 1);
    let mut ws = joined(&server);
    let args = "cfffffffffffffffff d38000000000000000 cb3fb999999999999a c400 c0".replace(' ', "");
    let head = "a46461746196a56578616374";
    ws.binary(bytes(&format!("84a47479706502a2696401{head}{args}a36e7370a12f")));
    ws.expect_binary(&bytes(&format!("84a2696401a47479706503a46461746195{args}a36e7370a12f")));
}

#[test]
fn broadcasts_and_rooms_reach_both_transports_on_all_workers() {
    for workers in [1, 2] {
        let (server, _journal) = server(|io| io, workers);
        let mut sockets = [joined(&server), joined(&server), joined(&server)];
        let mut polling = Polling::open(&server);
        polling.push("bgqR0eXBlAKNuc3ChLw==");
        polling.poll();
        // ["join","r"] with the id 3: ["all",1]
        let join = "84a47479706502a2696403a46461746192a46a6f696ea172a36e7370a12f";
        sockets[1].binary(bytes(join));
        sockets[1].expect_binary(&bytes("84a2696403a47479706503a46461746190a36e7370a12f"));
        let all = "83a47479706502a46461746192a3616c6c01a36e7370a12f";
        sockets[0].binary(bytes(all));
        for ws in &mut sockets {
            ws.expect_binary(&bytes(all));
        }
        assert_eq!(polling.poll(), "bg6R0eXBlAqRkYXRhkqNhbGwBo25zcKEv");
        sockets[0].binary(bytes("83a47479706502a46461746192a4726f6f6da172a36e7370a12f"));
        sockets[1].expect_binary(&bytes("83a47479706502a46461746192a4726f6f6dc40107a36e7370a12f"));
        sockets.iter_mut().for_each(fence);
    }
}

// ---- polling ------------------------------------------------------------------------------------

// 38.9
#[test]
fn packets_travel_in_base64_on_polling() {
    let (server, journal) = server(|io| io, 1);
    let mut session = Polling::open(&server);
    session.push("bgqR0eXBlAKNuc3ChLw==");
    let answer = session.poll();
    assert!(answer.starts_with("bg6R0eXBlAKRkYXRhgqNzaWS0"), "{answer}");
    assert!(answer.ends_with("jcGlk1AAAo25zcKEv"), "{answer}");
    // Two packets in one payload: bytes, and ["ack",{"a":1}] with the id 3.
    session.push(
        "bg6R0eXBlAqRkYXRhkqFtxAMBAgOjbnNwoS8=\u{1e}bhKR0eXBlAqJpZAOkZGF0YZKjYWNrgaFhAaNuc3ChLw==",
    );
    let answers = session.poll_packets(2);
    assert_eq!(
        answers,
        ["bg6R0eXBlAqRkYXRhkqFtxAMBAgOjbnNwoS8=", "bhKJpZAOkdHlwZQOkZGF0YZGBoWEBo25zcKEv"]
    );
    session.push("4hello");
    assert_eq!(session.poll(), "6\u{1e}1");
    journal.expect("forced close");
}

#[test]
fn a_session_upgrades_with_its_parser() {
    for workers in [1, 2] {
        let (server, _journal) = server(|io| io, workers);
        let mut session = Polling::open(&server);
        session.push("bgqR0eXBlAKNuc3ChLw==");
        session.poll();
        let mut ws = Ws::probe(&server, &session);
        ws.text("2probe");
        ws.expect("3probe");
        ws.text("5");
        fence(&mut ws);
    }
}

#[test]
fn clients_of_revision_3_get_the_bare_packet() {
    let (server, _journal) = server(|io| io.allow_eio3(true), 1);
    let mut ws = Ws::connect(&server, "/socket.io/?EIO=3&transport=websocket");
    assert!(ws.next_text().starts_with('0'));
    // Bytes begin with the type of the engine packet.
    ws.expect_binary(&bytes(&format!("04{CONNECT}")));
    ws.binary(bytes(&format!("04{VALUES}")));
    ws.expect_binary(&bytes(&format!("04{VALUES}")));
}
