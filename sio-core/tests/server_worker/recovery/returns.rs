//! What comes back with a client, and in which order.

use sio_core::packet::Binary;
use sio_core::server::{EmitError, Io, Socket};

use super::*;

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

#[test]
fn data_comes_back_and_logged_events_are_shown_to_listeners_once() {
    let sockets = Sockets::default();
    let server = Server::start(joining(&sockets));
    let (mut socket, client) = greeted(&server);
    let old = sockets.lock().unwrap().pop().unwrap();
    old.set_data([1, 2]).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    old.on_any_outgoing(move |event| noted.lock().unwrap().push(event.name().to_owned()));
    server.io.emit("all", 1).unwrap();
    old.emit("direct", 2).unwrap();
    server.io.compress(false).emit("plain", 3).unwrap();
    assert_eq!(socket.frames().len(), 3);
    assert_eq!(*seen.lock().unwrap(), ["direct", "all", "plain"]);
    socket.drop_connection();
    server.websocket().exchange(&format!("40{}", client.request()));
    let back = sockets.lock().unwrap().pop().unwrap();
    assert!(back.is_recovered());
    assert_eq!(back.data::<[u8; 2]>().unwrap(), [1, 2]);
}
