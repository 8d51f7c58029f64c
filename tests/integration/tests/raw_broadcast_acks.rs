//! Broadcasts that ask for acks, on one and two workers (behaviours 31, 32.5, 27.5; transcript T12).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::time::{Duration, Instant};

use integration::{Polling, Server, Ws, echo};
use sio_actix::BroadcastAckError;
use sio_actix::prelude::*;

/// What came of a question, as the asking client is told.
fn told(outcome: Result<Vec<Value>, BroadcastAckError<Value>>) -> (Option<String>, Vec<Value>) {
    match outcome {
        Ok(responses) => (None, responses),
        Err(error) => (Some(error.to_string()), error.responses),
    }
}

fn handlers(ns: &mut NamespaceBuilder) {
    echo(ns);
    ns.on("join", |socket: Socket, room: String| socket.join(room));
    ns.on("ask", async |socket: Socket, room: String, value: Value, ms: u64| {
        let timeout = Duration::from_millis(ms);
        told(socket.to(room).emit_with_ack("q", value, timeout).await)
    });
    ns.on("ask-me", async |socket: Socket| {
        socket.emit_with_ack::<Value>("mine", (), None).await.ok()
    });
    ns.on("end-others", |socket: Socket| {
        socket.broadcast().emit("last", 1)?;
        socket.broadcast().disconnect_sockets(false);
        socket.emit("done", ())
    });
}

fn servers() -> [Server; 2] {
    [1, 2].map(|workers| Server::start(|io| io.namespace("/", handlers), workers))
}

fn in_room(server: &Server) -> Ws {
    let mut ws = Ws::joined(server);
    ws.text(r#"4299["join","r"]"#);
    ws.expect("4399[]");
    ws
}

#[test]
fn all_answers_are_listed_in_order_of_arrival_by_their_first_value() {
    for server in servers() {
        let (mut a, mut b, mut asker) = (in_room(&server), in_room(&server), Ws::joined(&server));
        asker.text(r#"421["ask","r",1,4000]"#);
        a.expect(r#"420["q",1]"#);
        b.expect(r#"420["q",1]"#);
        a.text(r#"430["ra","second arg"]"#);
        a.fence();
        b.text(r#"430["rb"]"#);
        asker.expect(r#"431[null,["ra","rb"]]"#);
        // Answered is answered.
        a.text(r#"430["again"]"#);
        a.fence();
        // One counter for all emits of the namespace.
        asker.text(r#"422["ask-me"]"#);
        asker.expect(r#"421["mine"]"#);
        asker.text("431[]");
        asker.expect("432[null]");
    }
}

#[test]
fn who_does_not_answer_in_time_is_missing_and_late_answers_are_ignored() {
    for server in servers() {
        let (mut a, mut b, mut asker) = (in_room(&server), in_room(&server), Ws::joined(&server));
        let start = Instant::now();
        asker.text(r#"421["ask","r",2,150]"#);
        a.expect(r#"420["q",2]"#);
        b.expect(r#"420["q",2]"#);
        a.text(r#"430["ra"]"#);
        asker.expect(r#"431["operation has timed out",["ra"]]"#);
        assert!(start.elapsed() >= Duration::from_millis(150));
        b.text(r#"430["rb"]"#);
        b.fence();
    }
}

#[test]
fn a_room_without_members_is_answered_at_once() {
    for server in servers() {
        let mut asker = Ws::joined(&server);
        asker.text(r#"421["ask","nobody",1,60000]"#);
        asker.expect("431[null,[]]");
    }
}

#[test]
fn a_client_that_leaves_is_missing() {
    for server in servers() {
        let (mut a, mut b, mut asker) = (in_room(&server), in_room(&server), Ws::joined(&server));
        asker.text(r#"421["ask","r",1,60000]"#);
        a.expect(r#"420["q",1]"#);
        b.expect(r#"420["q",1]"#);
        a.text(r#"430["ra"]"#);
        b.text("41");
        asker.expect(r#"431["operation has timed out",["ra"]]"#);
    }
}

#[test]
fn binary_answers_are_bytes_in_the_list() {
    for server in servers() {
        let (mut a, mut asker) = (in_room(&server), Ws::joined(&server));
        asker.text(r#"421["ask","r",1,4000]"#);
        a.expect(r#"420["q",1]"#);
        a.text(r#"461-0[{"_placeholder":true,"num":0}]"#);
        a.binary([1, 2, 3]);
        asker.expect(r#"461-1[null,[{"_placeholder":true,"num":0}]]"#);
        asker.expect_binary(&[1, 2, 3]);
    }
}

#[test]
fn polling_clients_are_asked_and_answer_too() {
    for server in servers() {
        let mut polling = Polling::joined(&server);
        polling.push(r#"4299["join","r"]"#);
        assert_eq!(polling.poll_packets(1), ["4399[]"]);
        let mut asker = Ws::joined(&server);
        asker.text(r#"421["ask","r","é",4000]"#);
        assert_eq!(polling.poll_packets(1), [r#"420["q","é"]"#]);
        polling.push(r#"430["polled"]"#);
        asker.expect(r#"431[null,["polled"]]"#);
    }
}

// 30.12
#[test]
fn what_was_broadcast_before_a_disconnection_arrives_before_it() {
    for server in servers() {
        let (mut a, mut b, mut one) =
            (Ws::joined(&server), Ws::joined(&server), Ws::joined(&server));
        one.text(r#"42["end-others"]"#);
        for ws in [&mut a, &mut b] {
            ws.expect(r#"42["last",1]"#);
            ws.expect("41");
        }
        one.expect(r#"42["done"]"#);
    }
}
