//! CONNECT and what the application does with it (behaviours 19.17, 20, 22, 23).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::sync::Arc;
use std::time::Duration;

use integration::{Http, Journal, Polling, Server, Ws, echo, sid_of};
use sio_actix::prelude::*;
use tokio::sync::Semaphore;

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

// 23.3
#[test]
fn guards_of_one_namespace_do_not_run_for_another() {
    let journal = Journal::new();
    let (main, admin) = (journal.clone(), journal.clone());
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                echo(ns);
                ns.connect_guard(move |_: Socket| main.note("main"));
            })
            .namespace("/admin", |ns| {
                ns.connect_guard(move |_: Socket| {
                    admin.note("admin");
                    Err::<(), _>(ConnectError::new("no"))
                });
            })
        },
        1,
    );
    let mut ws = Ws::open(&server);
    ws.text("40/admin,");
    ws.expect(r#"44/admin,{"message":"no"}"#);
    assert_eq!(journal.drain(), ["admin"]);
    ws.join();
    ws.fence();
    assert_eq!(journal.drain(), ["main"]);
}

// 19.17: the answer is produced before the next packet of the payload is read, if no guard waits.
#[test]
fn event_behind_connect_in_one_payload_finds_its_socket() {
    let server = Server::echo();
    let mut session = Polling::open(&server);
    session.push("40\x1e42[\"m\",1]");
    let packets = session.poll_packets(2);
    assert!(packets[0].starts_with(r#"40{"sid":""#), "{packets:?}");
    assert_eq!(packets[1], r#"42["m",1]"#);
}

#[test]
fn event_behind_connect_in_one_payload_closes_the_session_while_a_guard_waits() {
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                echo(ns);
                ns.connect_guard(async |_: Socket| std::future::pending::<()>().await);
            })
        },
        1,
    );
    let mut session = Polling::open(&server);
    session.push("40\x1e42[\"m\",1]");
    assert_eq!(session.poll(), "6\x1e1");
    session.expect_unknown();
}

// 20.6
#[test]
fn namespace_registered_twice_runs_all_its_handlers() {
    let journal = Journal::new();
    let (first, second) = (journal.clone(), journal.clone());
    let server = Server::start(
        |io| {
            io.namespace("", |ns| _ = ns.on_connection(move |_: Socket| first.note("first")))
                .namespace("/", |ns| _ = ns.on_connection(move |_: Socket| second.note("second")))
                .namespace("abc", |ns| _ = ns.on("a", || 1))
                .namespace("/abc", |ns| _ = ns.on("b", || 2))
        },
        1,
    );
    let mut ws = Ws::joined(&server);
    journal.expect("first");
    journal.expect("second");
    ws.text("40/abc,");
    ws.next_text();
    ws.text(r#"42/abc,1["a"]"#);
    ws.expect("43/abc,1[1]");
    ws.text(r#"42/abc,2["b"]"#);
    ws.expect("43/abc,2[2]");
    assert_eq!(journal.drain(), [""; 0]);
}

// 20.8, 20.12, 23.4
#[test]
fn socket_is_in_its_namespace_from_the_answer_on() {
    let journal = Journal::new();
    let gate = Arc::new(Semaphore::new(0));
    let (noted, connected, waiting) = (journal.clone(), journal.clone(), Arc::clone(&gate));
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                echo(ns);
                ns.connect_guard(async move |socket: Socket| {
                    socket.join("early");
                    socket.set_state(7_u32);
                    noted.note(format!(
                        "guard {} of {} connected {}",
                        socket.namespace().path(),
                        socket.namespace().socket_count(),
                        socket.is_connected()
                    ));
                    waiting.acquire().await.unwrap().forget();
                });
                ns.on_connection(move |socket: Socket| {
                    let rooms: Vec<_> = socket.rooms().iter().map(ToString::to_string).collect();
                    connected.note(format!(
                        "connection of {} connected {} state {:?} rooms {}",
                        socket.namespace().socket_count(),
                        socket.is_connected(),
                        socket.state::<u32>(),
                        rooms.join(",").replace(socket.id().as_str(), "id"),
                    ));
                });
            })
        },
        1,
    );
    let mut ws = Ws::open(&server);
    ws.text("40");
    journal.expect("guard / of 0 connected false");
    // The only worker answers once the guard has come to wait.
    Http::connect(&server).get("/elsewhere");
    assert_eq!(server.io().of("/").socket_count(), 0);
    server.io().to("early").emit("x", 1).unwrap();
    gate.add_permits(1);
    let id = sid_of(&ws.next_text());
    assert_ne!(id, ws.sid());
    journal.expect("connection of 1 connected true state Some(7) rooms id,early");
    assert_eq!(server.io().of("/").socket_count(), 1);
    server.io().to("early").emit("x", 2).unwrap();
    ws.expect(r#"42["x",2]"#);
    ws.fence();
    assert_eq!(journal.drain(), [""; 0]);
}

// 20.7
#[test]
fn emit_of_a_guard_is_not_lost() {
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                echo(ns);
                ns.connect_guard(|socket: Socket| socket.emit("from-guard", 1).unwrap());
            })
        },
        1,
    );
    let mut ws = Ws::open(&server);
    ws.text("40");
    let mut packets = [ws.next_text(), ws.next_text()];
    packets.sort();
    assert!(packets[0].starts_with(r#"40{"sid":""#), "{packets:?}");
    assert_eq!(packets[1], r#"42["from-guard",1]"#);
}

// 20.13
#[test]
fn calls_of_the_server_are_those_of_the_main_namespace() {
    let server = Server::start(
        |io| {
            let register = |ns: &mut NamespaceBuilder| {
                echo(ns);
                ns.on("join", |socket: Socket, room: String| socket.join(room));
            };
            io.namespace("/", register).namespace("/other", register)
        },
        1,
    );
    let mut ws = Ws::joined(&server);
    ws.text("40/other,");
    ws.next_text();
    for packet in [r#"421["join","a"]"#, r#"42/other,1["join","a"]"#] {
        ws.text(packet);
        ws.next_text();
    }
    let io = server.io();
    io.emit("x", 1).unwrap();
    io.to("a").emit("x", 2).unwrap();
    io.within("a").emit("x", 3).unwrap();
    io.except("b").emit("x", 4).unwrap();
    io.local().emit("x", 5).unwrap();
    io.to("a").send(6).unwrap();
    for n in 1..6 {
        ws.expect(&format!(r#"42["x",{n}]"#));
    }
    ws.expect(r#"42["message",6]"#);
    ws.fence();
    io.volatile().emit("x", 7).unwrap();
    ws.expect(r#"42["x",7]"#);
    ws.fence();
}

// 22.3, 22.4
#[test]
fn handshake_can_be_sent_to_the_client_as_it_is() {
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                ns.on_connection(|socket: Socket| {
                    socket.emit("handshake", socket.handshake_object())
                });
            })
        },
        1,
    );
    let mut session = Http::connect(&server);
    session.send("GET", &format!("{POLLING}&k=v"), "Origin: http://a.com\r\nX-Key: 7\r\n", "");
    let target = format!("{POLLING}&sid={}", sid_of(session.response().text()));
    session.post(&target, r#"40{"token":1}"#).expect(200, "ok");
    let answer = session.get(&target);
    let event = answer.text().split('\x1e').nth(1).unwrap();
    let event = event.strip_prefix("42").unwrap();
    let (name, handshake): (String, serde_json::Value) = serde_json::from_str(event).unwrap();
    assert_eq!(name, "handshake");
    assert_eq!(handshake["url"], format!("{POLLING}&k=v"));
    assert_eq!(
        handshake["query"],
        serde_json::json!({"EIO": "4", "transport": "polling", "k": "v"})
    );
    assert_eq!(handshake["headers"]["x-key"], "7");
    assert_eq!(handshake["address"], "127.0.0.1");
    assert_eq!(handshake["secure"], false);
    assert_eq!(handshake["xdomain"], true);
    assert!(handshake["issued"].as_u64().unwrap() > 1_600_000_000_000);
    assert_eq!(handshake["auth"], serde_json::json!({"token": 1}));
    let time = handshake["time"].as_str().unwrap();
    assert!(time.ends_with(" GMT+0000 (Coordinated Universal Time)"), "{time}");
}

// 41.8
#[test]
fn slow_decision_about_a_handshake_delays_nothing_else() {
    let server = Server::start(
        |io| {
            io.namespace("/", echo).allow_request(async |handshake: Arc<Handshake>| {
                if handshake.query_value("slow").is_some() {
                    tokio::time::sleep(Duration::from_millis(80)).await;
                }
                Ok(())
            })
        },
        1,
    );
    let mut slow = Http::connect(&server);
    slow.send("GET", &format!("{POLLING}&slow=1"), "", "");
    let mut quick = Polling::joined(&server);
    quick.fence();
    let target = format!("{POLLING}&sid={}", sid_of(slow.response().text()));
    slow.post(&target, "40").expect(200, "ok");
    assert!(slow.get(&target).text().starts_with(r#"40{"sid":""#));

    let mut ws = Ws::connect(&server, &format!("{WEBSOCKET}&slow=1"));
    assert!(ws.next_text().starts_with(r#"0{"sid":""#));
    ws.join();
    ws.fence();
}

// What an error or a handle shows may end up in a log.
#[test]
fn what_came_with_connect_is_in_no_error_and_in_no_handle() {
    type Token = std::collections::BTreeMap<String, u64>;
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                ns.on("errors", async |socket: Socket, ns: NamespaceRef| {
                    socket.set_data("stored-secret").unwrap();
                    let others = ns.to(socket.id()).fetch_sockets().await.unwrap();
                    let other = others.first().unwrap();
                    let errors = [
                        socket.auth::<Token>().unwrap_err(),
                        socket.data::<u64>().unwrap_err(),
                        other.auth::<Token>().unwrap_err(),
                        other.data::<u64>().unwrap_err(),
                    ];
                    format!("{errors:?} {socket:?} {others:?}")
                });
            })
        },
        1,
    );
    let mut ws = Ws::open(&server);
    ws.text(r#"40{"token":"sent-secret"}"#);
    sid_of(&ws.next_text());
    ws.text(r#"420["errors"]"#);
    let shown = ws.next_text();
    assert!(shown.contains("invalid type: string"), "{shown}");
    assert!(!shown.contains("secret"), "{shown}");
}
