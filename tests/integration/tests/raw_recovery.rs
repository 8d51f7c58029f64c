//! Clients that lose their connection and come back (behaviours 34, transcript T10, hostile 69 and 70).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use integration::{Journal, Polling, Server, Ws};
use sio_actix::prelude::*;
use sio_actix::{IoHandle, Recovery};

/// A server whose sockets join `r1` and are somebody.
struct App {
    server: Server,
    journal: Journal,
    sockets: Arc<Mutex<Vec<Socket>>>,
}

impl App {
    fn start(recovery: Recovery, workers: usize) -> Self {
        let (journal, sockets) = (Journal::new(), Arc::<Mutex<Vec<Socket>>>::default());
        let (noted, list) = (journal.clone(), Arc::clone(&sockets));
        let server = Server::start(
            |io| {
                io.connection_state_recovery(recovery).namespace("/", |ns| {
                    ns.connect_guard(|Auth(auth): Auth<Value>| match auth.get("refuse") {
                        Some(_) => Err(ConnectError::new("refused")),
                        None => Ok(()),
                    });
                    ns.on_connection(move |socket: Socket| {
                        if !socket.is_recovered() {
                            socket.join("r1");
                            socket.set_state(String::from("bob"));
                        }
                        list.lock().unwrap().push(socket);
                    });
                    ns.on("who", |socket: Socket, name: State<String>| {
                        (socket.is_recovered(), socket.rooms().len(), name.to_string())
                    });
                    ns.on("fence", || ());
                    ns.on_disconnect(move |reason: DisconnectReason| noted.note(reason.as_str()));
                })
            },
            workers,
        );
        Self { server, journal, sockets }
    }

    fn io(&self) -> &IoHandle {
        self.server.io()
    }

    fn socket(&self) -> Socket {
        self.sockets.lock().unwrap().last().unwrap().clone()
    }
}

/// The CONNECT answer of a socket that can come back: its id and its secret.
#[track_caller]
fn ids(answer: &str) -> (String, String) {
    let ids = answer.strip_prefix(r#"40{"sid":""#).and_then(|ids| ids.strip_suffix(r#""}"#));
    let (id, pid) = ids.and_then(|ids| ids.split_once(r#"","pid":""#)).expect(answer);
    assert!(id.len() == 20 && pid.len() == 20 && id != pid, "{answer}");
    (id.to_owned(), pid.to_owned())
}

/// The offset behind an event that begins like this.
#[track_caller]
fn offset(packet: &str, event: &str) -> String {
    let offset = packet.strip_prefix(event).and_then(|rest| rest.strip_suffix(r#""]"#));
    let offset = offset.unwrap_or_else(|| panic!("expected {event:?}, got {packet:?}"));
    assert!(!offset.is_empty() && offset.len() < 16, "{packet}");
    assert!(offset.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)), "{packet}");
    offset.to_owned()
}

fn request(pid: &str, offset: &str) -> String {
    format!(r#"40{{"pid":"{pid}","offset":"{offset}"}}"#)
}

// 34.1
#[test]
fn without_recovery_there_is_neither_pid_nor_offset() {
    let server = Server::echo();
    let mut ws = Ws::open(&server);
    ws.text(r#"40{"pid":"a","offset":"b"}"#);
    let answer = ws.next_text();
    assert!(answer.len() == r#"40{"sid":""}"#.len() + 20, "{answer}");
    ws.text(r#"42["m",1]"#);
    ws.expect(r#"42["m",1]"#);
}

// T10
#[test]
fn transcript_of_a_client_that_comes_back_on_websocket() {
    for workers in [1, 2] {
        let app = App::start(Recovery::default(), workers);
        let mut ws = Ws::open(&app.server);
        ws.text("40");
        let (id, pid) = ids(&ws.next_text());
        ws.text(r#"421["who"]"#);
        ws.expect(r#"431[false,2,"bob"]"#);
        let (io, old) = (app.io(), app.socket());
        io.emit("hello", 1).unwrap();
        let known = offset(&ws.next_text(), r#"42["hello",1,""#);
        drop(old.emit_with_ack::<()>("withack", (), None));
        ws.expect(r#"420["withack"]"#);
        old.emit_volatile("vol", 1).unwrap();
        ws.expect(r#"42["vol",1]"#);
        io.emit("bin", Binary(vec![1].into())).unwrap();
        let bin = ws.next_text();
        let second = offset(&bin, r#"451-["bin",{"_placeholder":true,"num":0},""#);
        ws.expect_binary(&[1]);
        assert_ne!(known, second);

        ws.into_wire().drop_connection();
        app.journal.expect("transport close");
        io.emit("hello", 2).unwrap();
        io.to("r1").emit("room", 3).unwrap();
        io.to("r2").emit("other", 4).unwrap();
        io.except("r1").emit("excluded", 5).unwrap();
        old.emit("direct", 6).unwrap();
        io.volatile().emit("volmissed", ()).unwrap();
        io.emit("binmissed", Binary(vec![7].into())).unwrap();

        let mut ws = Ws::open(&app.server);
        ws.text(&request(&pid, &known));
        ws.expect(&bin);
        ws.expect_binary(&[1]);
        let mut offsets = vec![known, second];
        offsets.push(offset(&ws.next_text(), r#"42["hello",2,""#));
        offsets.push(offset(&ws.next_text(), r#"42["room",3,""#));
        offsets.push(offset(&ws.next_text(), r#"42["direct",6,""#));
        let head = r#"451-["binmissed",{"_placeholder":true,"num":0},""#;
        offsets.push(offset(&ws.next_text(), head));
        ws.expect_binary(&[7]);
        ws.expect(&format!(r#"40{{"sid":"{id}","pid":"{pid}"}}"#));
        offsets.sort_unstable();
        offsets.dedup();
        assert_eq!(offsets.len(), 6, "offsets are unique");
        ws.text(r#"422["who"]"#);
        ws.expect(r#"432[true,2,"bob"]"#);

        // Row 70: a second one with the same secret is somebody else.
        let mut thief = Ws::open(&app.server);
        thief.text(&request(&pid, &offsets[0]));
        let (other, secret) = ids(&thief.next_text());
        assert!(other != id && secret != pid);
        ws.fence();
    }
}

// T10, 34.12
#[test]
fn transcript_of_a_client_that_comes_back_by_polling() {
    for workers in [1, 2] {
        let app = App::start(Recovery::default(), workers);
        let mut session = Polling::open(&app.server);
        session.push("40");
        let (id, pid) = ids(&session.poll());
        app.io().emit("a", ()).unwrap();
        let known = offset(&session.poll(), r#"42["a",""#);
        session.push("1");
        app.journal.expect("transport close");
        app.io().emit("b", ()).unwrap();
        app.io().emit("c", 1).unwrap();

        let mut session = Polling::open(&app.server);
        session.push(request(&pid, &known));
        let payload = session.poll();
        let packets: Vec<&str> = payload.split('\x1e').collect();
        let [b, c, answer] = packets[..] else { panic!("three packets, not {payload:?}") };
        offset(b, r#"42["b",""#);
        offset(c, r#"42["c",1,""#);
        assert_eq!(answer, format!(r#"40{{"sid":"{id}","pid":"{pid}"}}"#));
        session.push(r#"423["who"]"#);
        assert_eq!(session.poll(), r#"433[true,2,"bob"]"#);
    }
}

// 34.7
#[test]
fn whoever_is_unknown_gets_a_new_socket_without_an_error() {
    let app = App::start(Recovery::default(), 1);
    let mut ws = Ws::open(&app.server);
    ws.text("40");
    let (id, pid) = ids(&ws.next_text());
    app.io().emit("hello", ()).unwrap();
    let known = offset(&ws.next_text(), r#"42["hello",""#);
    ws.into_wire().drop_connection();
    app.journal.expect("transport close");
    for payload in [
        r#"{"pid":"unknown","offset":"unknown"}"#.to_owned(),
        format!(r#"{{"pid":"unknown","offset":"{known}"}}"#),
        format!(r#"{{"pid":"{pid}","offset":"unknown"}}"#),
        format!(r#"{{"pid":"{pid}"}}"#),
        format!(r#"{{"pid":["{pid}"],"offset":"{known}"}}"#),
        format!(r#"{{"pid":"{pid}","offset":7}}"#),
        r#"{"pid":123,"offset":true}"#.to_owned(),
    ] {
        let mut ws = Ws::open(&app.server);
        ws.text(&format!("40{payload}"));
        let (other, secret) = ids(&ws.next_text());
        assert!(other != id && secret != pid, "{payload}");
        ws.text(r#"421["who"]"#);
        ws.expect(r#"431[false,2,"bob"]"#);
    }
    // More keys do no harm, and nothing was used up.
    let mut ws = Ws::open(&app.server);
    ws.text(&format!(r#"40{{"token":"x","pid":"{pid}","offset":"{known}","n":[1]}}"#));
    ws.expect(&format!(r#"40{{"sid":"{id}","pid":"{pid}"}}"#));
}

// 34.4
#[test]
fn who_says_goodbye_or_is_sent_away_does_not_come_back() {
    let app = App::start(Recovery::default(), 1);
    for (leave, reason) in [
        (Some("41"), "client namespace disconnect"),
        (None, "server namespace disconnect"),
        (Some("x"), "parse error"),
    ] {
        let mut ws = Ws::open(&app.server);
        ws.text("40");
        let (id, pid) = ids(&ws.next_text());
        app.io().emit("hello", ()).unwrap();
        let known = offset(&ws.next_text(), r#"42["hello",""#);
        match leave {
            Some(packet) => ws.text(packet),
            None => app.socket().disconnect(false),
        }
        app.journal.expect(reason);
        let mut ws = Ws::open(&app.server);
        ws.text(&request(&pid, &known));
        assert_ne!(ids(&ws.next_text()).0, id, "{reason}");
        ws.text("41");
        app.journal.expect("client namespace disconnect");
    }
}

// 34.9
#[test]
fn guards_may_refuse_who_comes_back_if_they_run() {
    let mut recovery = Recovery::default();
    recovery.max_disconnection_duration = Duration::from_secs(60);
    for skips in [true, false] {
        recovery.skip_guards = skips;
        let app = App::start(recovery.clone(), 1);
        let mut ws = Ws::open(&app.server);
        ws.text("40");
        let (id, pid) = ids(&ws.next_text());
        app.io().emit("hello", ()).unwrap();
        let known = offset(&ws.next_text(), r#"42["hello",""#);
        ws.into_wire().drop_connection();
        app.journal.expect("transport close");
        let mut ws = Ws::open(&app.server);
        ws.text(&format!(r#"40{{"pid":"{pid}","offset":"{known}","refuse":1}}"#));
        if !skips {
            ws.expect(r#"44{"message":"refused"}"#);
            ws.text(&request(&pid, &known));
        }
        ws.expect(&format!(r#"40{{"sid":"{id}","pid":"{pid}"}}"#));
    }
}

// P14
#[test]
fn a_connection_that_the_server_believes_alive_is_taken_over() {
    for workers in [1, 2] {
        let app = App::start(Recovery::default(), workers);
        let mut dead = Ws::open(&app.server);
        dead.text("40");
        let (id, pid) = ids(&dead.next_text());
        app.io().emit("hello", ()).unwrap();
        let known = offset(&dead.next_text(), r#"42["hello",""#);
        app.io().emit("unread", ()).unwrap();
        let mut ws = Ws::open(&app.server);
        ws.text(&request(&pid, &known));
        offset(&ws.next_text(), r#"42["unread",""#);
        ws.expect(&format!(r#"40{{"sid":"{id}","pid":"{pid}"}}"#));
        app.journal.expect("transport close");
        offset(&dead.next_text(), r#"42["unread",""#);
        dead.expect_close(None);
        ws.fence();
    }
}
