//! Namespaces of Socket.IO 2 clients (behaviours 14.15-14.20, 14.23).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::time::Duration;

use integration::{Journal, Legacy, Server, Ws, echo, sid_of};
use serde_json::json;
use sio_actix::prelude::*;

const WEBSOCKET: &str = "/socket.io/?EIO=3&transport=websocket";
/// `/` refuses clients whose query has `refuse`; `/admin` those that show no token.
const REFUSED: &str = "/socket.io/?EIO=3&transport=websocket&refuse=";

fn refuse(socket: &Socket) -> Result<(), ConnectError> {
    match socket.handshake().query_value("refuse").as_deref() {
        Some("message") => Err(ConnectError::new("auth")),
        Some("data") => Err(ConnectError::new("auth").with_data(json!({ "code": 1 }))),
        _ => Ok(()),
    }
}

fn admin(socket: &Socket, auth: &Value) -> Result<(), ConnectError> {
    // What a refused socket joined is left with it.
    socket.join("hall");
    match auth.get("token").and_then(Value::as_str) {
        Some("x") => Ok(()),
        Some("data") => Err(ConnectError::new("nope").with_data(json!({ "c": 1 }))),
        _ => Err(ConnectError::new("nope")),
    }
}

fn server(connect_timeout: Duration) -> (Server, Journal) {
    let journal = Journal::new();
    let noted = journal.clone();
    let server = Server::start(
        |io| {
            io.allow_eio3(true)
                .connect_timeout(connect_timeout)
                .namespace("/", |ns| {
                    echo(ns);
                    ns.connect_guard(|socket: Socket| refuse(&socket));
                    ns.on("id", |socket: Socket| socket.id().as_str().to_owned());
                    ns.on("auth", |auth: Auth<Value>| auth.0);
                    ns.on("kick", |socket: Socket| socket.disconnect(false));
                    ns.on("close", |socket: Socket| socket.disconnect(true));
                    ns.on_disconnect(move |reason: DisconnectReason| noted.note(reason.as_str()));
                })
                .namespace("/admin", |ns| {
                    echo(ns);
                    ns.connect_guard(|socket: Socket, Auth(auth): Auth<Value>| {
                        admin(&socket, &auth)
                    });
                    ns.on("id", |socket: Socket| socket.id().as_str().to_owned());
                    ns.on("auth", |auth: Auth<Value>| auth.0);
                })
        },
        1,
    );
    (server, journal)
}

fn patient() -> (Server, Journal) {
    server(Duration::from_secs(45))
}

/// A WebSocket session in `/`, and its session id.
#[track_caller]
fn joined(server: &Server) -> (Ws, String) {
    let mut ws = Ws::connect(server, WEBSOCKET);
    let sid = sid_of(&ws.next_text());
    ws.expect("40");
    (ws, sid)
}

// 19.11 in revision 3: the query is no part of the name.
#[test]
fn a_joined_namespace_cannot_be_joined_again() {
    let (server, journal) = patient();
    for again in ["40", "40/?a=b,", "40/"] {
        let (mut ws, _) = joined(&server);
        ws.text(again);
        ws.expect_close(None);
        journal.expect("forced close");
    }
    for again in ["40/admin?token=x,", "40/admin?token=y,", "40/admin?,", "40/admin,"] {
        let (mut ws, _) = joined(&server);
        ws.text("40/admin?token=x,");
        ws.expect("40/admin,");
        ws.text(again);
        ws.expect_close(None);
        journal.expect("forced close");
    }
}

#[test]
fn packets_of_a_namespace_that_was_not_joined_end_the_session() {
    let (server, journal) = patient();
    for packet in [r#"42/admin,["m"]"#, "41/admin,", "43/admin,1[]", "44", r#"42["connect"]"#, "4x"]
    {
        let (mut ws, _) = joined(&server);
        ws.text(packet);
        ws.expect_close(None);
        journal.expect("forced close");
    }
}

// 14.18
#[test]
fn a_refusal_is_the_bare_message_or_the_bare_data() {
    let (server, _) = patient();
    let (mut ws, _) = joined(&server);
    ws.text("40/admin,");
    ws.expect(r#"44/admin,"nope""#);
    ws.text("40/admin?token=data,");
    ws.expect(r#"44/admin,{"c":1}"#);
    // 14.19
    ws.text("40/unknown,");
    ws.expect(r#"44/unknown,{"message":"Invalid namespace"}"#);
    ws.text("40/unknown?token=x,");
    ws.expect(r#"44/unknown,{"message":"Invalid namespace"}"#);
    // The connection is still good.
    ws.text("40/admin?token=x,");
    ws.expect("40/admin,");
    ws.fence();
    // Its rooms are those of its last attempt.
    server.io().of("/admin").to("hall").emit("all", 1).unwrap();
    ws.expect(r#"42/admin,["all",1]"#);
    ws.fence();
}

// 14.18, 14.23
#[test]
fn a_client_that_is_refused_in_the_main_namespace_stays_connected() {
    let (server, journal) = patient();
    for (kind, answer) in [("message", r#"44"auth""#), ("data", r#"44{"code":1}"#)] {
        let mut ws = Ws::connect(&server, &format!("{REFUSED}{kind}"));
        assert!(ws.next_text().starts_with('0'));
        ws.expect(answer);
        ws.text("2");
        ws.expect("3");
        ws.text("40/admin?token=x,");
        ws.expect("40/admin,");

        let mut session = Legacy::open(&server, &format!("&refuse={kind}"));
        assert_eq!(session.poll(), format!("{}:{answer}", answer.len()));
        session.push("1:2");
        assert_eq!(session.poll(), "1:3");
    }
    assert_eq!(journal.drain(), [""; 0]);
}

// 14.23, 20.10
#[test]
fn a_client_that_is_refused_everywhere_has_the_connect_timeout() {
    let (server, _) = server(Duration::from_millis(100));
    let mut ws = Ws::connect(&server, &format!("{REFUSED}message"));
    assert!(ws.next_text().starts_with('0'));
    ws.expect(r#"44"auth""#);
    ws.expect_close(None);

    let mut session = Legacy::open(&server, "&refuse=message");
    assert_eq!(session.poll(), r#"8:44"auth""#);
    session.start_poll();
    session.finish_poll().expect(200, "1:1");

    // One success switches it off.
    let (mut ws, _) = joined(&server);
    let mut other = Ws::connect(&server, &format!("{REFUSED}message"));
    assert!(other.next_text().starts_with('0'));
    other.expect(r#"44"auth""#);
    other.expect_close(None);
    ws.fence();
}

// 14.15
#[test]
fn clients_are_in_the_main_namespace_without_asking() {
    let (server, _) = patient();
    let (mut ws, _) = joined(&server);
    ws.fence();
    let mut session = Legacy::joined(&server, "");
    session.fence();
    // The handshake's own poll holds only the open packet.
    let mut session = Legacy::open(&server, "");
    session.push(r#"11:42["m","a"]"#);
    assert_eq!(session.poll(), r#"2:4011:42["m","a"]"#);
}

// 14.16
#[test]
fn socket_ids_are_made_of_the_session_id() {
    let (server, _) = patient();
    let (mut ws, sid) = joined(&server);
    ws.text(r#"421["id"]"#);
    ws.expect(&format!(r#"431["{sid}"]"#));
    ws.text("40/admin?token=x,");
    ws.expect("40/admin,");
    ws.text(r#"42/admin,2["id"]"#);
    ws.expect(&format!(r#"43/admin,2["/admin#{sid}"]"#));
    // It is the room of its own, and may come back.
    server.io().of("/admin").to(format!("/admin#{sid}")).emit("you", ()).unwrap();
    ws.expect(r#"42/admin,["you"]"#);
    ws.text("41/admin,");
    ws.text("40/admin?token=x,");
    ws.expect("40/admin,");
    server.io().of("/admin").to(format!("/admin#{sid}")).emit("you", ()).unwrap();
    ws.expect(r#"42/admin,["you"]"#);
}

// 14.17
#[test]
fn the_query_behind_a_namespace_is_the_auth_payload() {
    let (server, _) = patient();
    for (query, auth) in [
        ("?token=x&a=b", r#"{"token":"x","a":"b"}"#),
        ("?token=x&n=1&n=2", r#"{"token":"x","n":"2"}"#),
        ("?a=%26%3D%20%E2%82%AC&token=x&flag", r#"{"a":"&= €","token":"x","flag":""}"#),
    ] {
        let (mut ws, _) = joined(&server);
        ws.text(r#"420["auth"]"#);
        ws.expect("430[{}]");
        ws.text(&format!("40/admin{query},"));
        ws.expect("40/admin,");
        ws.text(r#"42/admin,0["auth"]"#);
        ws.expect(&format!("43/admin,0[{auth}]"));
    }
}

// 14.20
#[test]
fn leaving_and_being_put_out_are_the_same_packets() {
    let (server, journal) = patient();
    let (mut ws, _) = joined(&server);
    ws.text("40/admin?token=x,");
    ws.expect("40/admin,");
    ws.text("41");
    journal.expect("client namespace disconnect");
    ws.text(r#"42/admin,1["echo",5]"#);
    ws.expect("43/admin,1[5]");
    // A client may ask for the main namespace again.
    ws.text("40");
    ws.expect("40");
    ws.text(r#"42["kick"]"#);
    ws.expect("41");
    journal.expect("server namespace disconnect");

    let (mut ws, _) = joined(&server);
    ws.text("40/admin?token=x,");
    ws.expect("40/admin,");
    ws.text(r#"42["close"]"#);
    let mut farewell = [ws.next_text(), ws.next_text()];
    farewell.sort_unstable();
    assert_eq!(farewell, ["41", "41/admin,"]);
    ws.expect_close(None);
    journal.expect("server namespace disconnect");
}

// 14.14
#[test]
fn the_end_of_a_polling_session_has_the_lengths() {
    let (server, journal) = patient();
    let mut session = Legacy::joined(&server, "");
    session.push(r#"11:42["close"]"#);
    assert_eq!(session.poll(), "2:41");
    assert_eq!(session.poll(), "1:61:1");
    session.expect_unknown(&server);
    journal.expect("server namespace disconnect");

    let mut session = Legacy::joined(&server, "");
    session.push("2:40");
    assert_eq!(session.poll(), "1:61:1");
    journal.expect("forced server close");
    session.expect_unknown(&server);

    let mut session = Legacy::joined(&server, "");
    session.start_poll();
    session.push("1:2");
    session.finish_poll().expect(200, "1:3");
    session.start_poll();
    session.push("1:0");
    session.push("2:40");
    session.finish_poll().expect(200, "1:1");
    journal.expect("forced close");
}
