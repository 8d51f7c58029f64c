//! Clients that lose their connection and come back (behaviours 34).

use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use sio_core::engine::{Revision, Transport};
use sio_core::handler::Auth;
use sio_core::limits::Limits;
use sio_core::packet::Binary;
use sio_core::server::{
    ConnectError, EmitError, Handshake, HandshakeParts, Io, IoConfig, NamespaceBuilder, Opening,
    Recovery, Socket,
};

use crate::carrier::{Server, WebSocket};
use crate::tools::{Gates, Notes};

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const WINDOW: Duration = Duration::from_secs(120);

type Sockets = Arc<Mutex<Vec<Socket>>>;

/// What a client keeps for coming back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Client {
    id: String,
    pid: String,
    offset: String,
}

impl Client {
    fn request(&self) -> String {
        format!("{{\"pid\":\"{}\",\"offset\":\"{}\"}}", self.pid, self.offset)
    }

    /// Notes id and `pid` of a CONNECT answer.
    #[track_caller]
    fn note_connect(&mut self, answer: &str) {
        let (_, ids) = answer.split_once("{\"sid\":\"").expect(answer);
        let (id, pid) = ids.split_once("\",\"pid\":\"").expect(answer);
        id.clone_into(&mut self.id);
        pid.trim_end_matches("\"}").clone_into(&mut self.pid);
    }

    /// Notes the offset behind each event, and gives the events without it.
    fn note_events(&mut self, frames: &[String]) -> Vec<String> {
        let mut events = Vec::new();
        for frame in frames {
            match frame.strip_suffix("\"]").and_then(|frame| frame.rsplit_once(",\"")) {
                Some((event, offset)) if frame.starts_with("42") || frame.starts_with("45") => {
                    offset.clone_into(&mut self.offset);
                    events.push(format!("{event}]"));
                }
                _ => events.push(frame.clone()),
            }
        }
        events
    }
}

fn recovering(register: impl FnOnce(&mut NamespaceBuilder)) -> IoConfig {
    Io::builder().connection_state_recovery(Recovery::default()).namespace("/", register)
}

fn limited(config: IoConfig, limit: impl FnOnce(&mut Limits)) -> Server {
    let mut config = config;
    limit(&mut config.config_mut().limits);
    Server::start(config)
}

/// Each socket joins `r1` and is pushed to the list.
fn joining(sockets: &Sockets) -> IoConfig {
    let sockets = Arc::clone(sockets);
    recovering(|ns| {
        ns.on_connection(move |socket: Socket| {
            if !socket.is_recovered() {
                socket.join("r1");
            }
            sockets.lock().unwrap().push(socket);
        });
        ns.on("leave", |socket: Socket| socket.disconnect(false));
        ns.on("echo", |socket: Socket, text: String| socket.emit("echo", text));
    })
}

/// A client that has joined `/` and got the event `hello`.
#[track_caller]
fn greeted(server: &Server) -> (WebSocket, Client) {
    let mut client = Client::default();
    let mut socket = server.websocket();
    client.note_connect(&socket.exchange("40")[0]);
    server.io.emit("hello", 1).unwrap();
    assert_eq!(client.note_events(&socket.frames()), ["42[\"hello\",1]"]);
    (socket, client)
}

/// Asks for what was kept; gives the frames that came, the last of them the CONNECT answer.
#[track_caller]
fn ask(server: &Server, request: &str) -> (WebSocket, Vec<String>) {
    let mut socket = server.websocket();
    let answers = socket.exchange(&format!("40{request}"));
    (socket, answers)
}

/// The client comes back as who it was; gives what it missed.
#[track_caller]
fn come_back(server: &Server, client: &mut Client) -> (WebSocket, Vec<String>) {
    let before = client.clone();
    let (socket, mut answers) = ask(server, &client.request());
    client.note_connect(&answers.pop().unwrap());
    let missed = client.note_events(&answers);
    assert_eq!((&client.id, &client.pid), (&before.id, &before.pid), "not recovered");
    (socket, missed)
}

/// The client is a new one, and nothing is sent to it before the answer.
#[track_caller]
fn is_new(server: &Server, client: &Client, request: &str) -> WebSocket {
    let (socket, answers) = ask(server, request);
    assert_eq!(answers.len(), 1, "{answers:?}");
    let mut new = Client::default();
    new.note_connect(&answers[0]);
    assert_ne!(new.id, client.id);
    assert_ne!(new.pid, client.pid);
    socket
}

// ---- off ----------------------------------------------------------------------------------------

// 34.1
#[test]
fn a_server_that_does_not_recover_shows_nothing_of_it() {
    let server = Server::start(Io::builder());
    let (mut socket, answers) = ask(&server, r#"{"pid":"a","offset":"b"}"#);
    assert!(answers[0].starts_with("40{\"sid\":\"") && !answers[0].contains("pid"), "{answers:?}");
    server.io.emit("hello", 1).unwrap();
    assert_eq!(socket.frames(), ["42[\"hello\",1]"]);
    assert!(!server.sockets()[0].is_recovered());
}

// 34.14
#[test]
fn clients_of_revision_3_get_no_pid_and_are_not_kept() {
    let mut config = recovering(|_| {});
    config.config_mut().engine.allow_eio3 = true;
    let server = Server::start(config);
    let handshake = Handshake::new(&HandshakeParts {
        headers: &[],
        url: "/socket.io/?EIO=3",
        address: None,
        secure: false,
        time: UNIX_EPOCH,
    });
    let mut opening = Opening::new(handshake, Transport::Websocket);
    opening.revision = Revision::V3;
    let connection = server.worker.open(opening).unwrap();
    let mut socket = WebSocket::new(server.clone(), connection);
    socket.send("2");
    let frames = socket.frames();
    assert!(frames.contains(&"40".to_owned()), "{frames:?}");
    server.io.emit("hello", 1).unwrap();
    let events = socket.frames();
    // The same packet goes to all.
    assert!(events[0].starts_with("42[\"hello\",1,\""), "{events:?}");
    drop(socket);
    server.assert_empty();
}

#[test]
fn a_window_of_no_time_is_refused() {
    let mut recovery = Recovery::default();
    recovery.max_disconnection_duration = Duration::ZERO;
    let config = Io::builder().connection_state_recovery(recovery);
    let error = config.build(Box::new(crate::tools::Counter::default())).unwrap_err();
    assert_eq!(error.to_string(), "`max_disconnection_duration` must be above zero");
}

// ---- refusals -----------------------------------------------------------------------------------

// 34.7
#[test]
fn what_is_unknown_or_no_text_makes_a_new_socket() {
    let server = Server::start(recovering(|_| {}));
    let (mut socket, client) = greeted(&server);
    socket.drop_connection();
    server.io.emit("missed", ()).unwrap();
    let Client { pid, offset, .. } = &client;
    for request in [
        String::new(),
        format!("{{\"pid\":\"{pid}\"}}"),
        format!("{{\"offset\":\"{offset}\"}}"),
        format!("{{\"pid\":\"{pid}\",\"offset\":1}}"),
        format!("{{\"pid\":[\"{pid}\"],\"offset\":\"{offset}\"}}"),
        format!("{{\"pid\":\"{pid}\",\"offset\":null}}"),
        format!("{{\"pid\":\"{pid}\",\"offset\":\"\"}}"),
        format!("{{\"pid\":\"{pid}\",\"offset\":\"{offset}A\"}}"),
        format!("{{\"pid\":\"{pid}\",\"offset\":\"{}Z\"}}", &offset[..offset.len() - 1]),
        format!("{{\"pid\":\"{pid}x\",\"offset\":\"{offset}\"}}"),
        format!("{{\"pid\":\"{}\",\"offset\":\"{offset}\"}}", client.id),
    ] {
        is_new(&server, &client, &request);
    }
    // None of them has used it up.
    let (_, missed) = come_back(&server, &mut client.clone());
    assert_eq!(missed, ["42[\"missed\"]"]);
}

// 34.8
#[test]
fn the_window_is_exact_to_the_millisecond() {
    for (waits, recovers) in [(WINDOW, true), (WINDOW + MILLI, false)] {
        let server = Server::start(recovering(|_| {}));
        let (mut socket, mut client) = greeted(&server);
        server.advance(3 * SECOND);
        socket.drop_connection();
        server.advance(waits);
        if recovers {
            come_back(&server, &mut client);
        } else {
            is_new(&server, &client, &client.request());
        }
    }
}

// 34.11, row 70
#[test]
fn a_pid_is_used_once_for_each_disconnection() {
    let server = Server::start(recovering(|_| {}));
    let (mut socket, mut client) = greeted(&server);
    socket.drop_connection();
    let stolen = client.request();
    let (mut second, _) = come_back(&server, &mut client);
    is_new(&server, &client, &stolen);
    // The socket itself is unharmed, and can be recovered again.
    server.io.emit("more", ()).unwrap();
    assert_eq!(client.note_events(&second.frames()), ["42[\"more\"]"]);
    second.drop_connection();
    server.io.emit("again", ()).unwrap();
    let (_third, missed) = come_back(&server, &mut client);
    assert_eq!(missed, ["42[\"again\"]"]);
}

#[test]
fn a_pid_belongs_to_its_namespace() {
    let server = Server::start(recovering(|_| {}).namespace("/other", |_| {}));
    let (mut socket, mut client) = greeted(&server);
    socket.drop_connection();
    let mut thief = server.websocket();
    let answers = thief.exchange(&format!("40/other,{}", client.request()));
    assert!(answers.len() == 1 && !answers[0].contains(&client.id), "{answers:?}");
    come_back(&server, &mut client);
}

// P15
#[test]
fn nothing_is_recovered_once_an_event_is_gone_that_may_have_been_missed() {
    let server = limited(recovering(|_| {}), |limits| limits.max_recovery_packets = 3);
    for (missed, recovers) in [(3, true), (4, false)] {
        let (mut socket, mut client) = greeted(&server);
        socket.drop_connection();
        (0..missed).for_each(|n| server.io.emit("missed", n).unwrap());
        if recovers {
            let (_, missed) = come_back(&server, &mut client);
            assert_eq!(missed, ["42[\"missed\",0]", "42[\"missed\",1]", "42[\"missed\",2]"]);
        } else {
            is_new(&server, &client, &client.request());
        }
    }
}

// L30
#[test]
fn the_bytes_that_are_kept_are_bounded() {
    let large = "x".repeat(1_000);
    for total in [false, true] {
        let server = limited(recovering(|_| {}), |limits| {
            let max = if total {
                &mut limits.max_recovery_bytes_total
            } else {
                &mut limits.max_recovery_bytes
            };
            *max = 4_000;
        });
        let (mut socket, mut client) = greeted(&server);
        socket.drop_connection();
        (0..3).for_each(|_| server.io.emit("missed", &large).unwrap());
        let (mut socket, missed) = come_back(&server, &mut client);
        assert_eq!(missed.len(), 3);
        socket.drop_connection();
        (0..4).for_each(|_| server.io.emit("missed", &large).unwrap());
        is_new(&server, &client, &client.request());
        // Larger than all that may be kept.
        server.io.emit("missed", "x".repeat(5_000)).unwrap();
    }
}

#[test]
fn the_oldest_sockets_give_way_when_too_many_are_kept() {
    let server = limited(recovering(|_| {}), |limits| limits.max_recovery_sockets = 2);
    let mut all: Vec<_> = (0..3).map(|_| greeted(&server)).collect();
    for (socket, client) in &mut all {
        client.note_events(&socket.frames());
        socket.drop_connection();
    }
    let mut clients: Vec<_> = all.into_iter().map(|(_, client)| client).collect();
    let _new = is_new(&server, &clients[0], &clients[0].request());
    let _last = come_back(&server, &mut clients[2]);
    come_back(&server, &mut clients[1]);
}

/// A session that could not take what was missed would end, and come back, for ever.
#[test]
fn more_than_a_session_may_have_waiting_is_not_recovered() {
    let server = limited(recovering(|_| {}), |limits| limits.send_buffer_max = 20_000);
    let (mut socket, mut client) = greeted(&server);
    socket.drop_connection();
    (0..9).for_each(|_| server.io.emit("missed", "x".repeat(2_000)).unwrap());
    let (mut socket, missed) = come_back(&server, &mut client);
    assert_eq!(missed.len(), 9);
    socket.drop_connection();
    (0..10).for_each(|_| server.io.emit("missed", "x".repeat(2_000)).unwrap());
    is_new(&server, &client, &client.request());
}

// 34.4
#[test]
fn only_who_left_by_accident_is_kept() {
    for (how, kept) in [
        ("41", false),
        ("42[\"leave\"]", false),
        ("9", false),
        ("1", true),
        ("4x", true),
        ("", true),
    ] {
        let server = Server::start(joining(&Sockets::default()));
        let (mut socket, mut client) = greeted(&server);
        if how.is_empty() {
            server.advance(46 * SECOND);
        } else {
            socket.send(how);
        }
        server.run();
        assert_eq!(server.io.of("/").socket_count(), 0, "{how}");
        if kept {
            come_back(&server, &mut client);
        } else {
            is_new(&server, &client, &client.request());
        }
    }
}

#[test]
fn nobody_is_kept_when_the_server_closes() {
    let sockets = Sockets::default();
    let server = Server::start(joining(&sockets));
    let (mut socket, _) = greeted(&server);
    let token = Arc::new(());
    let stored = sockets.lock().unwrap().pop().unwrap();
    stored.set_shared_state(Arc::clone(&token));
    drop(stored);
    server.io.close();
    socket.frames();
    server.assert_empty();
    drop(socket);
    assert_eq!(Arc::strong_count(&token), 1);
}

// ---- what comes back ----------------------------------------------------------------------------

// T10
#[test]
fn missed_events_come_first_and_only_those_that_were_for_the_socket() {
    let sockets = Sockets::default();
    let server = Server::start(joining(&sockets));
    let (mut socket, mut client) = greeted(&server);
    let old = sockets.lock().unwrap().pop().unwrap();
    old.set_state(String::from("bob"));
    socket.drop_connection();
    let io = &server.io;
    io.emit("all", 2).unwrap();
    io.to("r1").emit("room", 3).unwrap();
    io.to("r2").emit("other", 4).unwrap();
    io.except("r1").emit("excluded", 5).unwrap();
    old.emit("direct", 6).unwrap();
    io.to(old.id()).emit("id", 7).unwrap();
    io.local().emit("local", 8).unwrap();
    old.broadcast().emit("not self", 9).unwrap();
    io.volatile().emit("volatile", 10).unwrap();
    old.emit_volatile("volatile", 11).unwrap();
    drop(old.emit_with_ack::<()>("ack", (), None));
    io.emit("bin", Binary(vec![7].into())).unwrap();

    let mut back = server.websocket();
    let mut answers = back.exchange(&format!("40{}", client.request()));
    let answer = answers.pop().unwrap();
    assert_eq!(answer, format!("40{{\"sid\":\"{}\",\"pid\":\"{}\"}}", client.id, client.pid));
    assert_eq!(
        client.note_events(&answers),
        [
            "42[\"all\",2]",
            "42[\"room\",3]",
            "42[\"direct\",6]",
            "42[\"id\",7]",
            "42[\"local\",8]",
            "451-[\"bin\",{\"_placeholder\":true,\"num\":0}]",
            "<07>",
        ]
    );
    let new = sockets.lock().unwrap().pop().unwrap();
    assert!(new.is_recovered() && !old.is_recovered());
    assert_eq!(*new.state::<String>().unwrap(), "bob");
    assert_eq!(new.rooms().iter().map(|room| &**room).collect::<Vec<_>>(), [&*client.id, "r1"]);
    assert_eq!((server.members("r1"), server.members(&client.id)), (1, 1));
    // Who still holds the old handle reaches the client.
    old.emit("late", ()).unwrap();
    assert_eq!(client.note_events(&back.frames()), ["42[\"late\"]"]);
    assert_eq!(
        old.emit("connect", ()).unwrap_err().to_string(),
        new.emit("connect", ()).unwrap_err().to_string()
    );
}

#[test]
fn emits_to_who_is_not_kept_are_dropped_without_an_error() {
    let sockets = Sockets::default();
    let server = Server::start(joining(&sockets));
    let (mut socket, _) = greeted(&server);
    let old = sockets.lock().unwrap().pop().unwrap();
    socket.send("41");
    assert_eq!(old.emit("late", ()), Ok(()));
    assert!(matches!(old.emit("disconnect", ()), Err(EmitError::Encode(_))));
}

/// Events with acks and volatile ones carry no offset (34.3), answers do not either.
#[test]
fn only_what_can_be_missed_carries_an_offset() {
    let sockets = Sockets::default();
    let server = Server::start(joining(&sockets));
    let (mut socket, mut client) = greeted(&server);
    let handle = sockets.lock().unwrap().pop().unwrap();
    handle.emit_volatile("vol", 1).unwrap();
    assert_eq!(socket.frames(), ["42[\"vol\",1]"]);
    let ack = handle.emit_with_ack::<()>("ask", (), None);
    assert_eq!(socket.frames(), ["420[\"ask\"]"]);
    drop(ack);
    let answers = socket.exchange("427[\"echo\",\"a\"]");
    let offset = client.offset.clone();
    assert_eq!(client.note_events(&answers), ["42[\"echo\",\"a\"]", "437[]"]);
    assert_ne!(client.offset, offset);
}

/// What one handler says keeps its order, whether it carries an offset or not.
#[test]
fn events_acks_and_ends_of_a_handler_keep_their_order() {
    let server = Server::start(recovering(|ns| {
        ns.on("talk", |socket: Socket, io: Io| {
            socket.emit("1", ()).unwrap();
            drop(socket.emit_with_ack::<()>("2", (), SECOND));
            io.emit("3", ()).unwrap();
            socket.emit_volatile("4", ()).unwrap();
            io.local().volatile().emit("5", ()).unwrap();
            socket.emit("6", ()).unwrap();
        });
        ns.on("leave", |socket: Socket| {
            socket.emit("bye", ()).unwrap();
            socket.disconnect(false);
            socket.emit("late", ()).unwrap();
        });
    }));
    let (mut socket, mut client) = greeted(&server);
    let frames = socket.send_all(&["427[\"talk\"]"]);
    let frames = client.note_events(&frames);
    // Volatile ones may be dropped, for something waits in front of them.
    let volatile = ["42[\"4\"]", "42[\"5\"]"];
    let said: Vec<_> = frames.iter().filter(|frame| !volatile.contains(&&***frame)).collect();
    assert_eq!(said, ["42[\"1\"]", "420[\"2\"]", "42[\"3\"]", "42[\"6\"]", "437[]"]);
    let frames = client.note_events(&socket.exchange("42[\"leave\"]"));
    assert_eq!(frames, ["42[\"bye\"]", "41"]);
}

// 34.12
#[test]
fn one_poll_holds_what_was_missed_and_the_answer() {
    let sockets = Sockets::default();
    let server = Server::start(joining(&sockets));
    let (mut socket, mut client) = greeted(&server);
    socket.drop_connection();
    server.io.emit("b", ()).unwrap();
    server.io.emit("c", 1).unwrap();
    for waits in [false, true] {
        let mut polling = server.polling();
        let early = waits.then(|| polling.poll());
        assert!(early.is_none_or(|answer| answer.is_none()));
        assert_eq!(polling.push(&format!("40{}", client.request())).as_deref(), Some("ok"));
        let payload = if waits { polling.answer() } else { polling.poll() };
        let payload = payload.unwrap();
        let packets: Vec<String> = payload.split('\x1e').map(str::to_owned).collect();
        let before = client.offset.clone();
        let events = client.note_events(&packets);
        assert_eq!(events[..2], ["42[\"b\"]", "42[\"c\",1]"]);
        assert!(events[2].contains(&client.id) && events.len() == 3, "{events:?}");
        // Next time the client has lost all of it again.
        client.offset = before;
        assert_eq!(polling.push("1").as_deref(), Some("ok"));
        server.run();
    }
}

#[test]
fn who_missed_nothing_comes_back_however_long_ago_the_last_event_was() {
    let server = Server::start(recovering(|ns| {
        ns.on_connection(|socket: Socket| socket.join("quiet"));
    }));
    let (mut quiet, mut client) = greeted(&server);
    for minute in 0..10 {
        for _ in 0..6 {
            server.advance(10 * SECOND);
            if quiet.frames().contains(&"2".to_owned()) {
                quiet.send("3");
            }
        }
        server.io.except("quiet").emit("others", minute).unwrap();
    }
    server.run();
    quiet.drop_connection();
    server.advance(100 * SECOND);
    server.io.emit("missed", ()).unwrap();
    let (_, missed) = come_back(&server, &mut client);
    assert_eq!(missed, ["42[\"missed\"]"]);
}

/// A connection may be dead for long before that is noticed; the window begins when it is.
#[test]
fn what_was_said_to_a_dead_connection_is_not_lost() {
    let server = Server::start(recovering(|_| {}));
    let (socket, mut client) = greeted(&server);
    server.advance(SECOND);
    server.io.emit("unheard", ()).unwrap();
    server.advance(45 * SECOND);
    assert_eq!(server.io.of("/").socket_count(), 0);
    server.advance(WINDOW - SECOND);
    let (_, missed) = come_back(&server, &mut client);
    assert_eq!(missed, ["42[\"unheard\"]"]);
    drop(socket);
}

#[test]
fn an_offset_from_before_the_socket_brings_nothing_that_was_not_for_it() {
    let server = Server::start(recovering(|_| {}));
    let (mut socket, first) = greeted(&server);
    socket.send("41");
    server.io.emit("between", ()).unwrap();
    let mut client = Client { offset: first.offset, ..Client::default() };
    client.note_connect(&socket.exchange("40")[0]);
    socket.drop_connection();
    server.io.emit("missed", ()).unwrap();
    let (_, missed) = come_back(&server, &mut client);
    assert_eq!(missed, ["42[\"missed\"]"]);
}

#[test]
fn the_other_namespaces_of_a_session_come_back_one_by_one() {
    let server = Server::start(recovering(|_| {}).namespace("/b", |_| {}));
    let (mut socket, mut first) = greeted(&server);
    let mut second = Client::default();
    second.note_connect(&socket.exchange("40/b,")[0]);
    server.io.of("/b").emit("hello", ()).unwrap();
    let events = socket.frames();
    let events: Vec<String> = events.iter().map(|event| event.replace("/b,", "")).collect();
    second.note_events(&events);
    socket.drop_connection();
    server.io.of("/b").emit("in b", ()).unwrap();
    server.io.emit("in /", ()).unwrap();
    let (mut back, missed) = come_back(&server, &mut first);
    assert_eq!(missed, ["42[\"in /\"]"]);
    let answers = back.exchange(&format!("40/b,{}", second.request()));
    assert!(answers[0].starts_with("42/b,[\"in b\",\""), "{answers:?}");
    assert!(answers[1].contains(&second.id) && answers.len() == 2, "{answers:?}");
}

// ---- guards -------------------------------------------------------------------------------------

/// A connect guard that wants a token.
fn guarded(skip_guards: bool, notes: &Notes) -> IoConfig {
    let mut recovery = Recovery::default();
    recovery.skip_guards = skip_guards;
    let (guard, connected) = (notes.clone(), notes.clone());
    let global = notes.clone();
    Io::builder()
        .connection_state_recovery(recovery)
        .connect_guard(move |socket: Socket| {
            global.add(format!("global {}", socket.is_recovered()))
        })
        .namespace("/", |ns| {
            ns.connect_guard(move |socket: Socket, Auth(auth): Auth<serde_json::Value>| {
                guard.add(format!("guard {}", socket.is_recovered()));
                if auth["token"] == "good" { Ok(()) } else { Err(ConnectError::new("no")) }
            });
            ns.on_connection(move |socket: Socket| {
                connected.add(format!("connected {}", socket.is_recovered()));
            });
        })
}

// 34.9, 34.10
#[test]
fn guards_are_skipped_for_who_comes_back_unless_they_shall_run() {
    for skips in [true, false] {
        let notes = Notes::default();
        let server = Server::start(guarded(skips, &notes));
        let mut client = Client::default();
        let mut socket = server.websocket();
        client.note_connect(&socket.exchange("40{\"token\":\"good\"}")[0]);
        server.io.emit("hello", ()).unwrap();
        client.note_events(&socket.frames());
        socket.drop_connection();
        assert_eq!(notes.take(), ["global false", "guard false", "connected false"]);
        if skips {
            come_back(&server, &mut client);
            assert_eq!(notes.take(), ["connected true"]);
            continue;
        }
        let (_, answers) = ask(&server, &client.request());
        assert_eq!(answers, ["44{\"message\":\"no\"}"]);
        assert_eq!(notes.take(), ["global true", "guard true"]);
        // It was not let in, so it has used nothing up.
        let request = client.request().replace('{', "{\"token\":\"good\",");
        let (_, answers) = ask(&server, &request);
        assert!(answers.len() == 1 && answers[0].contains(&client.id), "{answers:?}");
        assert_eq!(notes.take(), ["global true", "guard true", "connected true"]);
    }
}

/// A server whose guards wait at the gate `guard` for who comes back.
fn waiting(gates: &Gates, then: impl Fn(Socket) + Send + Sync + 'static) -> IoConfig {
    let mut recovery = Recovery::default();
    recovery.skip_guards = false;
    let gates = gates.clone();
    let then = Arc::new(then);
    Io::builder().connection_state_recovery(recovery).namespace("/", |ns| {
        ns.connect_guard(async move |socket: Socket| {
            if socket.is_recovered() {
                gates.wait("guard").await;
                then(socket);
            }
        });
    })
}

#[test]
fn what_is_said_while_guards_wait_comes_in_order_and_once() {
    let gates = Gates::default();
    let server = Server::start(waiting(&gates, |socket| socket.emit("guard", ()).unwrap()));
    let (mut socket, mut client) = greeted(&server);
    socket.drop_connection();
    server.io.emit("before", ()).unwrap();
    let mut back = server.websocket();
    assert!(back.exchange(&format!("40{}", client.request())).is_empty());
    server.io.emit("meanwhile", ()).unwrap();
    gates.open("guard");
    let frames = client.note_events(&back.frames());
    assert_eq!(frames[..3], ["42[\"before\"]", "42[\"meanwhile\"]", "42[\"guard\"]"]);
    assert!(frames[3].contains(&client.id) && frames.len() == 4, "{frames:?}");
}

#[test]
fn a_connection_lost_while_guards_wait_uses_nothing_up() {
    let gates = Gates::default();
    let server = Server::start(waiting(&gates, |_| ()));
    let (mut socket, mut client) = greeted(&server);
    socket.drop_connection();
    let mut lost = server.websocket();
    assert!(lost.exchange(&format!("40{}", client.request())).is_empty());
    // Nobody else gets it meanwhile.
    is_new(&server, &client, &client.request());
    lost.drop_connection();
    gates.open("guard");
    server.run();
    let mut back = server.websocket();
    assert!(back.exchange(&format!("40{}", client.request())).is_empty());
    gates.open("guard");
    client.note_connect(&back.frames()[0]);
}

#[test]
fn what_was_given_back_is_freed_in_time() {
    let gates = Gates::default();
    let mut config = waiting(&gates, |_| ());
    config.config_mut().connect_timeout = 10 * WINDOW;
    let server = Server::start(config);
    let (mut socket, client) = greeted(&server);
    let token = Arc::new(());
    server.sockets()[0].set_shared_state(Arc::clone(&token));
    socket.drop_connection();
    server.advance(WINDOW - SECOND);
    let mut lost = server.websocket();
    assert!(lost.exchange(&format!("40{}", client.request())).is_empty());
    // Nothing else is kept for so long.
    for _ in 0..10 {
        server.advance(10 * SECOND);
        if lost.frames().contains(&"2".to_owned()) {
            lost.send("3");
        }
    }
    assert_eq!(Arc::strong_count(&token), 3);
    lost.drop_connection();
    gates.open("guard");
    drop((lost, socket));
    server.run();
    assert_eq!(Arc::strong_count(&token), 2);
    server.advance(2 * SECOND);
    assert_eq!(Arc::strong_count(&token), 1);
}

#[test]
fn who_misses_too_much_while_guards_wait_joins_as_a_new_one() {
    let gates = Gates::default();
    let server = limited(waiting(&gates, |_| ()), |limits| limits.max_recovery_packets = 3);
    let (mut socket, client) = greeted(&server);
    socket.drop_connection();
    let mut back = server.websocket();
    assert!(back.exchange(&format!("40{}", client.request())).is_empty());
    (0..4).for_each(|n| server.io.emit("meanwhile", n).unwrap());
    gates.open("guard");
    let frames = back.frames();
    assert!(frames.len() == 1 && !frames[0].contains(&client.id), "{frames:?}");
    drop(back);
    server.assert_empty();
}

// ---- taking over --------------------------------------------------------------------------------

// P14
#[test]
fn a_connection_that_is_dead_without_knowing_is_taken_over_once() {
    let sockets = Sockets::default();
    let server = Server::start(joining(&sockets));
    let (mut dead, mut client) = greeted(&server);
    server.io.emit("lost on the way", ()).unwrap();
    dead.frames();
    let (mut back, missed) = come_back(&server, &mut client);
    assert_eq!(missed, ["42[\"lost on the way\"]"]);
    assert_eq!(dead.frames(), ["(closed)"]);
    assert_eq!(server.io.of("/").socket_count(), 1);
    // It has been used: one who has stolen it gets nothing, and does no harm.
    is_new(&server, &client, &client.request());
    server.io.emit("more", ()).unwrap();
    assert_eq!(client.note_events(&back.frames()), ["42[\"more\"]"]);
    drop((dead, back));
    server.assert_empty();
}

#[test]
fn an_unknown_offset_takes_nothing_over() {
    let server = Server::start(recovering(|_| {}));
    let (mut alive, client) = greeted(&server);
    is_new(&server, &client, &format!("{{\"pid\":\"{}\",\"offset\":\"x\"}}", client.pid));
    assert!(alive.frames().is_empty());
    assert_eq!(server.io.of("/").socket_count(), 1);
}

// ---- memory -------------------------------------------------------------------------------------

#[test]
fn what_nobody_comes_back_for_is_freed_on_an_idle_server() {
    let sockets = Sockets::default();
    let server = Server::start(joining(&sockets).namespace("/room/{name}", |_| {}));
    let (mut socket, client) = greeted(&server);
    let token = Arc::new(());
    let handle = sockets.lock().unwrap().pop().unwrap();
    handle.set_shared_state(Arc::clone(&token));
    drop(handle);
    socket.exchange("40/room/x,");
    socket.drop_connection();
    drop(socket);
    assert_eq!(Arc::strong_count(&token), 2);
    assert!(server.io.of("/room/x").exists());
    server.advance(WINDOW + 2 * SECOND);
    assert_eq!(Arc::strong_count(&token), 1);
    assert!(!server.io.of("/room/x").exists());
    // The events go as well, and then nobody has to look any more.
    server.advance(50 * SECOND);
    assert_eq!(server.worker.next_deadline(), None);
    is_new(&server, &client, &client.request());
}

/// Values of the user's that panic when they are dropped.
struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn a_value_that_panics_when_it_is_freed_does_no_harm() {
    let sockets = Sockets::default();
    let server = Server::start(joining(&sockets));
    let (mut socket, _) = greeted(&server);
    sockets.lock().unwrap().pop().unwrap().set_state(Fragile);
    socket.drop_connection();
    server.advance(WINDOW + 2 * SECOND);
    greeted(&server);
}
