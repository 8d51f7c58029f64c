//! Clients that come back to the node they were on: promises 13 to 15 of `docs/hostile.md`, as literal bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use integration::{Journal, Server, Ws};
use sio_actix::prelude::*;
use sio_actix::{IoBuilder, IoHandle, Recovery};

/// A server whose sockets are in `r1`, have data, and whose ends are noted.
fn start(change: impl FnOnce(IoBuilder) -> IoBuilder) -> (Server, Journal) {
    let journal = Journal::new();
    let noted = journal.clone();
    let handlers = move |ns: &mut NamespaceBuilder| {
        ns.on_connection(|socket: Socket| {
            if !socket.is_recovered() {
                socket.join("r1");
                socket.set_state(String::from("bob"));
            }
        });
        ns.on("who", |socket: Socket, name: State<String>| {
            (socket.rooms().len(), name.to_string())
        });
        ns.on_disconnect(move |reason: DisconnectReason| noted.note(reason.as_str()));
    };
    let build = |io: IoBuilder| {
        let io = io.connection_state_recovery(Recovery::default());
        change(io.namespace("/", handlers).namespace("/other", |_| {}))
    };
    (Server::start(build, 1), journal)
}

/// Who a client is to the server, and the last event it got.
struct Known {
    answer: String,
    pid: String,
    offset: String,
}

/// What stands between two texts.
#[track_caller]
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = text.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    rest.unwrap_or_else(|| panic!("{start:?} and {end:?} around {text:?}"))
}

/// Joins `/` and gets one event.
#[track_caller]
fn joined(server: &Server, io: &IoHandle) -> (Ws, Known) {
    let mut ws = Ws::open(server);
    ws.text("40");
    let answer = ws.next_text();
    let (_, pid) = between(&answer, r#"40{"sid":""#, r#""}"#).split_once(r#"","pid":""#).unwrap();
    let pid = pid.to_owned();
    io.emit("first", ()).unwrap();
    let offset = between(&ws.next_text(), r#"42["first",""#, r#""]"#).to_owned();
    (ws, Known { answer, pid, offset })
}

impl Known {
    /// A connection that asks for this socket.
    fn come_back(&self, server: &Server, namespace: &str) -> Ws {
        let mut ws = Ws::open(server);
        let (pid, offset) = (&self.pid, &self.offset);
        ws.text(&format!(r#"40{namespace}{{"pid":"{pid}","offset":"{offset}"}}"#));
        ws
    }

    /// The next packet makes a new socket: nothing is sent again before it.
    #[track_caller]
    fn expect_new(&self, ws: &mut Ws, namespace: &str) {
        let answer = ws.next_text();
        assert!(answer.starts_with(&format!(r#"40{namespace}{{"sid":""#)), "{answer}");
        assert!(!answer.contains(&self.pid) && answer != self.answer, "{answer}");
    }
}

#[test]
fn promise_13_who_comes_back_in_time_gets_all_it_missed_once_and_in_order() {
    let (server, journal) = start(|io| io);
    let io = server.io();
    let (ws, known) = joined(&server, io);
    ws.into_wire().drop_connection();
    journal.expect("transport close");
    for number in 0..1_000 {
        match number % 3 {
            0 => io.emit("n", number),
            1 => io.to("r1").emit("n", number),
            _ => io.to("nobody").emit("n", number),
        }
        .unwrap();
        // What is volatile is not kept.
        io.volatile().emit("volatile", ()).unwrap();
    }
    let mut ws = known.come_back(&server, "");
    for number in (0..1_000).filter(|number| number % 3 < 2) {
        between(&ws.next_text(), &format!(r#"42["n",{number},""#), r#""]"#);
    }
    ws.expect(&known.answer);
    io.emit("newer", ()).unwrap();
    between(&ws.next_text(), r#"42["newer",""#, r#""]"#);
    ws.text(r#"421["who"]"#);
    ws.expect(r#"431[2,"bob"]"#);
}

#[test]
fn promise_13_who_is_not_known_gets_a_new_socket_and_nothing_again() {
    let (server, journal) = start(|io| io);
    let (ws, known) = joined(&server, server.io());
    ws.into_wire().drop_connection();
    journal.expect("transport close");
    server.io().emit("missed", ()).unwrap();
    let stranger = Known { pid: "x".repeat(20), ..known };
    let mut ws = stranger.come_back(&server, "");
    stranger.expect_new(&mut ws, "");
    ws.text(r#"421["who"]"#);
    ws.expect(r#"431[2,"bob"]"#);
}

#[test]
fn promise_14_a_connection_that_is_dead_without_knowing_is_taken_over() {
    let (server, journal) = start(|io| io);
    let (mut dead, known) = joined(&server, server.io());
    server.io().emit("unread", ()).unwrap();
    let mut ws = known.come_back(&server, "");
    between(&ws.next_text(), r#"42["unread",""#, r#""]"#);
    ws.expect(&known.answer);
    journal.expect("transport close");
    between(&dead.next_text(), r#"42["unread",""#, r#""]"#);
    dead.expect_close(None);
    server.io().emit("newer", ()).unwrap();
    between(&ws.next_text(), r#"42["newer",""#, r#""]"#);
}

#[test]
fn promise_15_what_was_forgotten_makes_a_new_socket_and_no_gap() {
    // With 3 events kept, 3 missed ones are there and of 4 the first is not.
    for (missed, comes_back) in [(3, true), (4, false)] {
        let (server, journal) = start(|io| io.limits(|limits| limits.max_recovery_packets = 3));
        let (ws, known) = joined(&server, server.io());
        ws.into_wire().drop_connection();
        journal.expect("transport close");
        for number in 0..missed {
            server.io().emit("n", number).unwrap();
        }
        let mut ws = known.come_back(&server, "");
        if comes_back {
            for number in 0..missed {
                between(&ws.next_text(), &format!(r#"42["n",{number},""#), r#""]"#);
            }
            ws.expect(&known.answer);
        } else {
            known.expect_new(&mut ws, "");
        }
    }
}

#[test]
fn promise_15_a_pid_is_used_once_and_in_its_own_namespace() {
    let (server, journal) = start(|io| io);
    let (ws, known) = joined(&server, server.io());
    ws.into_wire().drop_connection();
    journal.expect("transport close");
    known.expect_new(&mut known.come_back(&server, "/other,"), "/other,");
    let mut back = known.come_back(&server, "");
    back.expect(&known.answer);
    back.text("41");
    journal.expect("client namespace disconnect");
    known.expect_new(&mut known.come_back(&server, ""), "");
}
