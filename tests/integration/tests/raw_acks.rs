//! Acknowledgements in both directions (behaviours 27, transcript T4, hostile 53, 54).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::sync::Mutex;
use std::time::{Duration, Instant};

use integration::{Journal, Polling, Server, Ws, echo};
use sio_actix::prelude::*;

fn handlers(ns: &mut NamespaceBuilder) {
    echo(ns);
    ns.on("noargs", || ());
    ns.on("many", || ("a", serde_json::json!({"b": [1, null]})));
    ns.on("none", || None::<u8>);
    ns.on("refuse", || Err::<(), _>(EventError::new("nope", "not today")));
    ns.on("add", |a: i64, b: i64| a + b);
    ns.on("forget", |_ack: AckSender| {});
    ns.on("slow", async |ms: u64, value: Value| {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        value
    });
    ns.on("ask", async |socket: Socket| {
        let answer = socket.emit_with_ack::<Rest<Value>>("question", "q", None).await?;
        socket.emit("answer", answer)?;
        Ok::<_, EventError>(())
    });
    ns.on("ask-within", async |socket: Socket, ms: u64| {
        let timeout = Duration::from_millis(ms);
        let answer = socket.emit_with_ack::<Value>("question", (), timeout).await;
        let text = match answer {
            Ok(value) => format!("{value:?}"),
            Err(error) => error.to_string(),
        };
        socket.emit("answer", text)
    });
}

fn server() -> Server {
    Server::start(|io| io.namespace("/", handlers).namespace("/other", handlers), 1)
}

// 27.7
#[test]
fn ack_that_does_not_come_times_out() {
    let server = server();
    let mut ws = Ws::joined(&server);
    let start = Instant::now();
    ws.text(r#"42["ask-within",100]"#);
    ws.expect(r#"420["question"]"#);
    ws.expect(r#"42["answer","operation has timed out"]"#);
    assert!(start.elapsed() >= Duration::from_millis(100));
    // The late ack is ignored.
    ws.text(r#"430["late"]"#);
    ws.fence();
}

#[test]
fn timeout_of_zero_expires_before_any_answer() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text(r#"42["ask-within",0]"#);
    ws.expect(r#"420["question"]"#);
    ws.expect(r#"42["answer","operation has timed out"]"#);
}

// 27.9
#[test]
fn waiting_for_a_client_that_left_ends_with_an_error() {
    let journal = Journal::new();
    let noted = journal.clone();
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                ns.on("ask", async move |socket: Socket| {
                    let answer = socket.emit_with_ack::<Value>("question", (), None).await;
                    noted.note(answer.unwrap_err().to_string());
                });
            })
        },
        1,
    );
    let mut ws = Ws::joined(&server);
    ws.text(r#"42["ask"]"#);
    ws.expect(r#"420["question"]"#);
    ws.into_wire().drop_connection();
    journal.expect("the socket has been disconnected");
    let mut ws = Ws::joined(&server);
    ws.text(r#"42["ask"]"#);
    ws.expect(r#"421["question"]"#);
    ws.text("41");
    journal.expect("the socket has been disconnected");
}

// 27.10
#[test]
fn ack_of_another_socket_answers_nothing() {
    let server = server();
    let mut asked = Ws::joined(&server);
    let mut other = Ws::joined(&server);
    asked.text(r#"42["ask"]"#);
    asked.expect(r#"420["question","q"]"#);
    other.text(r#"430["stolen"]"#);
    other.fence();
    asked.text("40/other,");
    asked.next_text();
    asked.text(r#"43/other,0["stolen"]"#);
    asked.fence();
    asked.text(r#"430["mine"]"#);
    asked.expect(r#"42["answer","mine"]"#);
}

// 27.4
#[test]
fn reply_after_the_socket_left_is_not_sent() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text("40/other,");
    ws.next_text();
    ws.text(r#"421["slow",50,"late"]"#);
    ws.text("41");
    // This answer comes later than the other would have.
    ws.text(r#"42/other,2["slow",100,"later"]"#);
    ws.expect(r#"43/other,2["later"]"#);
}

// T4, 27.1, 27.2
#[test]
fn results_of_handlers_are_the_arguments_of_the_ack() {
    let server = server();
    let mut ws = Ws::joined(&server);
    for (event, ack) in [
        (r#"4212["echo","a",{"b":[1,null]}]"#, r#"4312["a",{"b":[1,null]}]"#),
        (r#"420["noargs"]"#, "430[]"),
        (r#"421["many"]"#, r#"431["a",{"b":[1,null]}]"#),
        (r#"422["none"]"#, "432[null]"),
        (r#"423["add",1,2]"#, "433[3]"),
        (r#"424["add",1,2,"more"]"#, "434[3]"),
    ] {
        ws.text(event);
        ws.expect(ack);
    }
    ws.text("40/other");
    ws.next_text();
    ws.text(r#"42/other,13["add",1,2]"#);
    ws.expect("43/other,13[3]");
}

#[test]
fn failure_is_answered_where_an_ack_was_asked_for() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text(r#"421["refuse"]"#);
    ws.expect(r#"431[{"error":{"code":"nope","message":"not today"}}]"#);
    ws.text(r#"42["refuse"]"#);
    ws.expect(r#"42["exception",{"code":"nope","message":"not today","event":"refuse"}]"#);
    ws.text(r#"422["add",1,"x"]"#);
    assert!(ws.next_text().starts_with(r#"432[{"error":{"code":"bad_request","#));
    ws.text(r#"423["add"]"#);
    assert!(ws.next_text().starts_with(r#"433[{"error":{"code":"bad_request","#));
    ws.text(r#"424["forget"]"#);
    ws.expect(r#"434[{"error":{"code":"no_answer","message":"the handler gave no answer"}}]"#);
    ws.text(r#"42["forget"]"#);
    ws.fence();
}

// 27.5, 27.6, T4
#[test]
fn ids_of_the_server_count_from_zero() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text(r#"42["ask"]"#);
    ws.expect(r#"420["question","q"]"#);
    ws.text(r#"430["yes",42]"#);
    ws.expect(r#"42["answer","yes",42]"#);
    ws.text(r#"42["ask"]"#);
    ws.expect(r#"421["question","q"]"#);
    ws.text(r#"4399["bad id"]"#);
    ws.text("431[]");
    ws.expect(r#"42["answer"]"#);
    // An ack answers once.
    ws.text(r#"431["again"]"#);
    ws.fence();
    ws.text("40/other,");
    ws.next_text();
    ws.text(r#"42/other,["ask"]"#);
    ws.expect(r#"42/other,0["question","q"]"#);
}

#[test]
fn acks_may_come_in_any_order() {
    let server = server();
    let mut ws = Ws::joined(&server);
    for n in 0..3 {
        ws.text(r#"42["ask"]"#);
        ws.expect(&format!(r#"42{n}["question","q"]"#));
    }
    for n in [2, 0, 1] {
        ws.text(&format!("43{n}[{n}]"));
        ws.expect(&format!(r#"42["answer",{n}]"#));
    }
}

#[test]
fn ack_may_carry_attachments() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text(r#"42["ask"]"#);
    ws.expect(r#"420["question","q"]"#);
    ws.text(r#"461-0[{"_placeholder":true,"num":0}]"#);
    ws.binary([7]);
    ws.expect(r#"451-["answer",{"_placeholder":true,"num":0}]"#);
    ws.expect_binary(&[7]);
}

#[test]
fn acks_work_over_polling() {
    let server = server();
    let mut session = Polling::joined(&server);
    session.push(r#"42["ask"]"#);
    assert_eq!(session.poll(), r#"420["question","q"]"#);
    session.push(r#"430["yes"]"#);
    assert_eq!(session.poll(), r#"42["answer","yes"]"#);
    session.push(r#"421["slow",1,"x"]"#);
    assert_eq!(session.poll(), r#"431["x"]"#);
}

// L25
#[test]
fn emits_that_wait_for_acks_are_limited() {
    let server = Server::start(
        |io| {
            io.limits(|limits| limits.max_pending_acks = 2).namespace("/", |ns| {
                let kept = Mutex::new(Vec::new());
                ns.on("ask", async move |socket: Socket| {
                    let mut third = None;
                    for n in 0..3 {
                        let answer = socket.emit_with_ack::<Value>("question", n, None);
                        if n < 2 {
                            kept.lock().unwrap().push(answer);
                        } else {
                            third = Some(answer);
                        }
                    }
                    third.unwrap().await.is_err()
                });
            })
        },
        1,
    );
    let mut ws = Ws::joined(&server);
    ws.text(r#"427["ask"]"#);
    ws.expect(r#"420["question",0]"#);
    ws.expect(r#"421["question",1]"#);
    ws.expect("437[true]");
}
