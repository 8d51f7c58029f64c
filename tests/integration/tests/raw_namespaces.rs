//! Joining and leaving namespaces (behaviours 20, 22, 23, transcripts T3 and T6, hostile 55-62).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use integration::{Journal, Polling, Server, Ws, echo, sid_of};
use sio_actix::prelude::*;
use tokio::sync::Semaphore;

fn guarded(ns: &mut NamespaceBuilder) {
    echo(ns);
    ns.connect_guard(|Auth(auth): Auth<serde_json::Value>| match auth["token"].as_str() {
        Some("secret") => Ok(()),
        _ => Err(ConnectError::new("not authorized")
            .with_data(serde_json::json!({"code": 401, "hint": "token"}))),
    });
}

fn server() -> Server {
    Server::start(
        |io| {
            io.namespace("/", echo).namespace("admin", guarded).namespace("/plainerr", |ns| {
                ns.connect_guard(|_: Socket| Err::<(), _>(ConnectError::new("plain")));
            })
        },
        1,
    )
}

// ---- refusals -----------------------------------------------------------------------------------

// 20.3, 19.19
#[test]
fn unknown_namespace_is_refused_and_the_connection_goes_on() {
    let server = server();
    let mut ws = Ws::open(&server);
    for _ in 0..2 {
        ws.text(r#"40/unknown,{"a":1}"#);
        ws.expect(r#"44/unknown,{"message":"Invalid namespace"}"#);
    }
    ws.join();
    ws.fence();

    let mut session = Polling::open(&server);
    session.push("40/unknown");
    assert_eq!(session.poll(), r#"44/unknown,{"message":"Invalid namespace"}"#);
    session.join();
    session.fence();
}

// T6, 23.2
#[test]
fn refusal_of_a_guard_carries_message_and_data() {
    let server = server();
    let mut ws = Ws::open(&server);
    ws.text(r#"40/admin,{"token":"bad"}"#);
    ws.expect(r#"44/admin,{"message":"not authorized","data":{"code":401,"hint":"token"}}"#);
    ws.text(r#"40/admin,{"token":"secret"}"#);
    assert!(ws.next_text().starts_with(r#"40/admin,{"sid":""#));
    ws.text("40/plainerr,");
    ws.expect(r#"44/plainerr,{"message":"plain"}"#);
    ws.text(r#"42/admin,3["echo",1]"#);
    ws.expect("43/admin,3[1]");
}

// L9: at the limit; one above is refused in `raw_packets`.
#[test]
fn unknown_namespace_of_255_bytes_is_answered() {
    let server = server();
    let mut ws = Ws::open(&server);
    let name = format!("/{}", "n".repeat(254));
    ws.text(&format!("40{name},"));
    ws.expect(&format!(r#"44{name},{{"message":"Invalid namespace"}}"#));
}

// L11, hostile 58
#[test]
fn hundred_and_first_failed_connect_closes_the_connection() {
    let server = server();
    let mut bystander = Ws::joined(&server);
    let mut ws = Ws::joined(&server);
    for n in 0..100 {
        ws.text(&format!("40/unknown-{n},"));
        ws.expect(&format!(r#"44/unknown-{n},{{"message":"Invalid namespace"}}"#));
    }
    ws.fence();
    ws.text("40/plainerr,");
    // The refusal may still be told before the end.
    let mut frame = ws.next_frame();
    if frame.is_text() {
        assert_eq!(frame.text(), r#"44/plainerr,{"message":"plain"}"#);
        frame = ws.next_frame();
    }
    assert_eq!(frame.head, 0x88);
    bystander.fence();
    assert!(!server.io().namespaces().iter().any(|name| name.starts_with("/unknown")));
}

// L10
#[test]
fn hundred_and_first_namespace_is_refused() {
    let server = Server::start(
        |mut io| {
            for n in 0..101 {
                io = io.namespace(format!("/n{n}"), echo);
            }
            io
        },
        1,
    );
    let mut ws = Ws::open(&server);
    for n in 0..100 {
        ws.text(&format!("40/n{n},"));
        let answer = ws.next_text();
        assert!(answer.starts_with(&format!(r#"40/n{n},{{"sid":""#)), "{answer}");
    }
    ws.text("40/n100,");
    ws.expect(r#"44/n100,{"message":"Too many namespaces"}"#);
    ws.text("41/n0,");
    ws.text("40/n100,");
    assert!(ws.next_text().starts_with(r#"40/n100,{"sid":""#));
    ws.text(r#"42/n99,1["echo",1]"#);
    ws.expect("43/n99,1[1]");
}

// 19.16
#[test]
fn packets_before_any_connect_close_the_connection() {
    let server = server();
    for packet in [r#"42["m"]"#, "41", "43[]", "44{}", "41/admin,", r#"42/admin,["m"]"#] {
        let mut ws = Ws::open(&server);
        ws.text(packet);
        ws.expect_close(None);
        let mut session = Polling::open(&server);
        session.push(packet);
        assert_eq!(session.poll(), "6\x1e1", "{packet}");
        session.expect_unknown();
    }
}

// 19.17, 19.18, 20.1
#[test]
fn packets_before_the_answer_to_connect_close_the_connection() {
    for packet in [r#"42["m"]"#, "41", "43[]", "40"] {
        let journal = Journal::new();
        let noted = journal.clone();
        let server = Server::start(
            |io| {
                io.namespace("/", |ns| {
                    let connected = noted.clone();
                    ns.connect_guard(async move |_: Socket| {
                        noted.note("guard");
                        std::future::pending::<()>().await;
                    });
                    ns.on_connection(move |_: Socket| connected.note("connected"));
                })
            },
            1,
        );
        let mut ws = Ws::open(&server);
        ws.text("40");
        journal.expect("guard");
        ws.text(packet);
        ws.expect_close(None);
        assert_eq!(journal.drain(), [""; 0]);
    }
}

// 20.10, L12, T14
#[test]
fn connection_without_a_namespace_is_closed() {
    let timeout = Duration::from_millis(150);
    let server = Server::start(|io| io.connect_timeout(timeout).namespace("/admin", guarded), 1);
    let start = Instant::now();
    let mut session = Polling::open(&server);
    session.start_poll();
    session.finish_poll().expect(200, "1");
    assert!(start.elapsed() >= timeout);
    session.expect_unknown();

    let start = Instant::now();
    let mut ws = Ws::open(&server);
    ws.text("40/unknown,");
    ws.expect(r#"44/unknown,{"message":"Invalid namespace"}"#);
    ws.text("40/admin,");
    assert!(ws.next_text().starts_with("44/admin,"));
    ws.expect_close(None);
    assert!(start.elapsed() >= timeout);
}

#[test]
fn one_join_cancels_the_connect_timeout_for_good() {
    let timeout = Duration::from_millis(100);
    let server = Server::start(|io| io.connect_timeout(timeout).namespace("/", echo), 1);
    let mut idle = Ws::joined(&server);
    idle.text("41");
    // Opened later, so that its end proves that the timeout of the other has passed.
    let mut other = Ws::open(&server);
    other.expect_close(None);
    idle.join();
    idle.fence();
}

// ---- joining ------------------------------------------------------------------------------------

// T3, 20.2, 20.6
#[test]
fn namespace_may_be_joined_with_or_without_comma() {
    let server = server();
    let mut ws = Ws::open(&server);
    ws.text(r#"40/admin,{"token":"secret"}"#);
    let answer = ws.next_text();
    assert_eq!(answer, format!(r#"40/admin,{{"sid":"{}"}}"#, sid_of(&answer)));

    let server = Server::start(|io| io.namespace("/admin", echo), 1);
    for connect in ["40/admin", "40/admin,", "40/admin,{}"] {
        let mut ws = Ws::open(&server);
        ws.text(connect);
        assert!(ws.next_text().starts_with(r#"40/admin,{"sid":""#), "{connect}");
    }
}

// 20.1, 20.4, 20.5, 20.9
#[test]
fn every_socket_has_an_id_of_its_own() {
    let server = server();
    let mut ws = Ws::open(&server);
    let mut ids = HashSet::from([ws.sid().to_owned()]);
    ws.text(r#"40/admin,{"token":"secret"}"#);
    assert!(ids.insert(sid_of(&ws.next_text())));
    assert!(ids.insert(ws.join()));
    ws.text("41");
    assert!(ids.insert(ws.join()));
    ws.text(r#"42/admin,1["echo"]"#);
    ws.expect("43/admin,1[]");
    ws.text(r#"421["echo"]"#);
    ws.expect("431[]");
}

// T3, 20.7, 20.8
#[test]
fn answer_to_connect_comes_before_what_handlers_emit() {
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                ns.on_connection(|socket: Socket| {
                    socket.emit("first", 1)?;
                    let own = socket.id().clone();
                    socket.io().to(own).emit("second", 2)
                });
                ns.on_connection(|socket: Socket| socket.emit("third", socket.is_connected()));
            })
        },
        1,
    );
    let mut ws = Ws::open(&server);
    ws.join();
    ws.expect(r#"42["first",1]"#);
    ws.expect(r#"42["second",2]"#);
    ws.expect(r#"42["third",true]"#);

    let mut session = Polling::open(&server);
    session.push("40");
    let packets = session.poll_packets(4);
    assert!(packets[0].starts_with("40{"));
    assert_eq!(packets[1..], [r#"42["first",1]"#, r#"42["second",2]"#, r#"42["third",true]"#]);
}

// 23.1
#[test]
fn guards_run_in_order_and_may_wait() {
    let journal = Journal::new();
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                for n in 0..3 {
                    let noted = journal.clone();
                    ns.connect_guard(async move |socket: Socket| {
                        tokio::time::sleep(Duration::from_millis(10 * (3 - n))).await;
                        noted.note(format!("guard {n} {}", socket.is_connected()));
                    });
                }
                let noted = journal.clone();
                ns.on_connection(move |_: Socket| noted.note("connected"));
            })
        },
        1,
    );
    Ws::joined(&server);
    for line in ["guard 0 false", "guard 1 false", "guard 2 false", "connected"] {
        journal.expect(line);
    }
}

// 23.7
#[test]
fn connection_lost_in_a_guard_makes_no_socket() {
    let journal = Journal::new();
    let gate = Arc::new(Semaphore::new(0));
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                let (noted, gate) = (journal.clone(), Arc::clone(&gate));
                ns.connect_guard(async move |_: Socket| {
                    noted.note("in");
                    gate.acquire().await.expect("open").forget();
                    noted.note("out");
                });
                let connected = journal.clone();
                ns.on_connection(move |_: Socket| connected.note("connected"));
                let ended = journal.clone();
                ns.on_disconnect(move |_: Socket| ended.note("disconnected"));
            })
        },
        1,
    );
    let mut lost = Ws::open(&server);
    lost.text("40");
    journal.expect("in");
    lost.into_wire().drop_connection();
    let deadline = Instant::now() + integration::DEADLINE;
    while server.io().session_count() > 0 {
        assert!(Instant::now() < deadline, "the server did not notice the loss");
        std::thread::yield_now();
    }
    // The guard was dropped where it waited. Another connection is the fence: whatever the lost one did is
    // done before.
    gate.add_permits(1);
    Ws::joined(&server);
    for line in ["in", "out", "connected"] {
        journal.expect(line);
    }
}

// 20.11
#[test]
fn namespace_added_at_run_time_can_be_joined() {
    let journal = Journal::new();
    let noted = journal.clone();
    let server = Server::start(
        |io| io.namespace("/", echo).on_new_namespace(move |name| noted.note(name)),
        1,
    );
    let mut ws = Ws::joined(&server);
    server.io().namespace("late", echo);
    journal.expect("/late");
    ws.text("40/late,");
    assert!(ws.next_text().starts_with(r#"40/late,{"sid":""#));
    ws.text(r#"42/late,1["echo"]"#);
    ws.expect("43/late,1[]");
    assert_eq!(journal.drain(), [""; 0]);
}

// Hostile 63
#[test]
fn joining_and_leaving_in_a_loop_leaves_nothing_behind() {
    let server = server();
    let mut ws = Ws::open(&server);
    for _ in 0..500 {
        ws.join();
        ws.text("41");
    }
    ws.join();
    ws.fence();
    assert_eq!(server.io().of("/").socket_count(), 1);
}
