//! How sockets and sessions end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_core::close::{CloseReason, DisconnectReason};
use sio_core::handler::EventError;
use sio_core::macros::created;
use sio_core::packet::Binary;
use sio_core::server::{Io, IoConfig, NamespaceBuilder, Socket};

use crate::carrier::Server;
use crate::tools::{Gates, Notes};

const SECOND: Duration = Duration::from_secs(1);
/// Timers are this late at most.
const TICK: Duration = Duration::from_millis(8);

type Sockets = Arc<Mutex<Vec<Socket>>>;

/// Notes the end of each socket of a namespace, with the number of its rooms.
fn note_ends(ns: &mut NamespaceBuilder, notes: &Notes) {
    let (disconnecting, disconnect) = (notes.clone(), notes.clone());
    ns.on_connection(|socket: Socket| socket.join("room"));
    ns.on_disconnecting(move |socket: Socket, reason: DisconnectReason| {
        let path = socket.namespace().path().to_owned();
        disconnecting.add(format!("{path} leaves {} rooms: {reason}", socket.rooms().len()));
    });
    ns.on_disconnect(move |socket: Socket, reason: DisconnectReason| {
        let path = socket.namespace().path().to_owned();
        disconnect.add(format!("{path} has {} rooms: {reason}", socket.rooms().len()));
    });
}

fn noting(notes: &Notes) -> IoConfig {
    Io::builder()
        .namespace("/", |ns| {
            note_ends(ns, notes);
            ns.on("leave_me", |socket: Socket| {
                socket.emit("bye", ()).unwrap();
                socket.disconnect(false);
                socket.emit("late", ()).unwrap();
            });
            ns.on("close_me", |socket: Socket| {
                socket.emit("bye", ()).unwrap();
                socket.disconnect(true);
            });
            ns.on("cut_me", |socket: Socket| socket.close_session());
        })
        .namespace("/a", |ns| note_ends(ns, notes))
}

fn ends(path: &str, reason: &str) -> [String; 2] {
    [format!("{path} leaves 2 rooms: {reason}"), format!("{path} has 0 rooms: {reason}")]
}

#[test]
fn every_end_tells_its_reason_once_with_rooms_before_and_none_after() {
    let cases: [(&str, &[&str]); 8] = [
        ("1", &["transport close"]),
        ("2", &["transport error"]),
        ("abc", &["parse error"]),
        ("9", &["parse error"]),
        ("41", &["client namespace disconnect"]),
        ("42[\"leave_me\"]", &["server namespace disconnect"]),
        ("42[\"close_me\"]", &["server namespace disconnect"]),
        ("42[\"cut_me\"]", &["forced close"]),
    ];
    for (text, reasons) in cases {
        let notes = Notes::default();
        let server = Server::start(noting(&notes));
        let mut client = server.joined();
        client.exchange(text);
        drop(client);
        server.assert_empty();
        assert_eq!(notes.take(), ends("/", reasons[0]), "{text}");
        assert_eq!(server.members("room"), 0);
    }
}

#[test]
fn a_lost_connection_ends_every_socket_of_the_session() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes));
    let mut client = server.joined();
    client.connect("/a");
    client.drop_connection();
    let expected = [ends("/", "transport close"), ends("/a", "transport close")].concat();
    assert_eq!(notes.take(), expected);
    server.assert_empty();
}

#[test]
fn a_missing_pong_ends_the_session_after_interval_and_timeout() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes));
    let mut client = server.joined();
    server.advance(45 * SECOND - TICK);
    assert_eq!(client.frames(), ["2"]);
    server.advance(2 * TICK);
    assert_eq!(client.frames(), ["(closed)"]);
    assert_eq!(notes.take(), ends("/", "ping timeout"));
    server.assert_empty();
}

#[test]
fn a_missing_pong_answers_the_waiting_poll_with_a_close_packet() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes));
    let mut client = server.joined_by_polling();
    assert_eq!(client.poll(), None);
    server.advance(25 * SECOND + TICK);
    assert_eq!(client.answer().as_deref(), Some("2"));
    assert_eq!(client.poll(), None);
    server.advance(20 * SECOND + TICK);
    assert_eq!(client.answer().as_deref(), Some("1"));
    assert_eq!(notes.take(), ends("/", "ping timeout"));
    server.assert_empty();
}

#[test]
fn pongs_keep_a_session_for_hours() {
    let server = Server::start(Io::builder());
    let mut client = server.joined();
    for _ in 0..300 {
        server.advance(25 * SECOND + TICK);
        assert_eq!(client.frames(), ["2"]);
        server.advance(19 * SECOND);
        client.send("3");
    }
    assert_eq!(server.io.session_count(), 1);
}

#[test]
fn what_was_emitted_before_a_disconnect_is_delivered_and_later_words_are_dropped() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes));
    let mut client = server.joined();
    assert_eq!(client.exchange("42[\"leave_me\"]"), ["42[\"bye\"]", "41"]);
    assert_eq!(server.io.session_count(), 1);
    client.connect("/");
}

#[test]
fn a_disconnect_with_close_tells_every_namespace_and_closes() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes));
    let mut client = server.joined();
    client.connect("/a");
    let told = client.exchange("42[\"close_me\"]");
    assert_eq!(told, ["42[\"bye\"]", "41", "41/a,", "(closed)"]);
    let reason = "server namespace disconnect";
    assert_eq!(notes.take(), [ends("/", reason), ends("/a", reason)].concat());
    server.assert_empty();
}

#[test]
fn a_disconnect_with_close_on_polling_is_told_before_the_close() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes));
    let mut client = server.joined_by_polling();
    assert_eq!(client.push("42[\"close_me\"]").as_deref(), Some("ok"));
    assert_eq!(client.poll().as_deref(), Some("42[\"bye\"]\u{1e}41"));
    assert_eq!(client.poll().as_deref(), Some("6\u{1e}1"));
    assert_eq!(client.poll().as_deref(), Some("gone"));
    server.assert_empty();
}

#[test]
fn a_closed_polling_session_that_nobody_polls_is_forgotten() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes));
    let mut client = server.joined_by_polling();
    client.push("42[\"cut_me\"]");
    assert_eq!(notes.take(), ends("/", "forced close"));
    server.advance(30 * SECOND - TICK);
    assert_eq!(server.io.session_count(), 1);
    server.advance(2 * TICK);
    server.assert_empty();
}

#[test]
fn a_lost_poll_ends_the_session() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes));
    let mut client = server.joined_by_polling();
    assert_eq!(client.poll(), None);
    client.waiting.take().unwrap().close();
    server.worker.poll_lost(&client.session, false);
    assert_eq!(notes.take(), ends("/", "transport error"));
    server.assert_empty();
}

#[test]
fn an_answer_that_nobody_takes_ends_the_session() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes));
    let mut client = server.joined_by_polling();
    assert_eq!(client.poll(), None);
    drop(client.waiting.take());
    server.io.emit("lost", ()).unwrap();
    assert_eq!(notes.take(), ends("/", "transport error"));
    server.assert_empty();
}

#[test]
fn a_second_poll_ends_the_session() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes));
    let mut client = server.joined_by_polling();
    assert_eq!(client.poll(), None);
    let mut first = client.waiting.take();
    assert_eq!(client.poll().as_deref(), Some("overlap"));
    client.waiting = first.take();
    assert_eq!(client.answer().as_deref(), Some("1"));
    assert_eq!(client.poll().as_deref(), Some("gone"));
    assert_eq!(notes.take(), ends("/", "transport error"));
    server.assert_empty();
}

#[test]
fn a_socket_that_was_refused_has_no_end() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes).namespace("/", |ns| {
        ns.connect_guard(|| Err::<(), _>(EventError::new("no", "no")));
    }));
    let mut client = server.websocket();
    client.exchange("40");
    drop(client);
    assert_eq!(notes.take(), [""; 0]);
    server.assert_empty();
}

#[test]
fn emits_after_the_end_are_dropped_without_an_error() {
    let sockets = Sockets::default();
    let slot = Arc::clone(&sockets);
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on_connection(move |socket: Socket| slot.lock().unwrap().push(socket));
    }));
    let mut client = server.joined();
    client.send("41");
    let socket = sockets.lock().unwrap()[0].clone();
    socket.emit("late", ()).unwrap();
    socket.emit_volatile("late", ()).unwrap();
    socket.disconnect(false);
    assert_eq!(client.frames(), [""; 0]);
    client.drop_connection();
    socket.emit("late", ()).unwrap();
    socket.disconnect(true);
    socket.close_session();
    server.assert_empty();
}

#[test]
fn what_another_thread_says_behind_a_disconnect_is_dropped() {
    let sockets = Sockets::default();
    let slot = Arc::clone(&sockets);
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on_connection(move |socket: Socket| slot.lock().unwrap().push(socket));
    }));
    let mut client = server.joined();
    let socket = sockets.lock().unwrap()[0].clone();
    let speaker = std::thread::spawn(move || {
        socket.emit("bye", ()).unwrap();
        socket.disconnect(false);
        socket.emit("late", ()).unwrap();
    });
    speaker.join().unwrap();
    assert_eq!(client.frames(), ["42[\"bye\"]", "41"]);
}

#[test]
fn what_another_thread_said_to_a_socket_that_left_does_not_reach_the_next_one() {
    let sockets = Sockets::default();
    let slot = Arc::clone(&sockets);
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on_connection(move |socket: Socket| slot.lock().unwrap().push(socket));
    }));
    let mut client = server.joined();
    let first = sockets.lock().unwrap()[0].clone();
    std::thread::spawn(move || first.emit("for the first", ()).unwrap()).join().unwrap();
    let told = client.send_all(&["41", "40"]);
    let second = sockets.lock().unwrap()[1].clone();
    assert_eq!(told, [format!("40{{\"sid\":\"{}\"}}", second.id())]);
}

#[test]
fn a_socket_in_its_disconnect_handler_says_nothing_and_others_hear_of_it() {
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on_connection(|socket: Socket| socket.join("room"));
        ns.on_disconnecting(|socket: Socket| {
            socket.emit("self", ()).unwrap();
            socket.to("room").emit("left", 1).unwrap();
        });
        ns.on_disconnect(|socket: Socket| socket.broadcast().emit("left", 2));
    }));
    let (mut leaving, mut staying) = (server.joined(), server.joined());
    assert_eq!(leaving.exchange("41"), [""; 0]);
    assert_eq!(staying.frames(), ["42[\"left\",1]", "42[\"left\",2]"]);
}

#[test]
fn a_handler_may_end_its_own_session_in_the_middle_of_a_row() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes));
    let mut client = server.joined();
    let told = client.send_all(&["42[\"close_me\"]", "42[\"leave_me\"]", "nonsense"]);
    assert_eq!(told, ["42[\"bye\"]", "41", "(closed)"]);
    assert_eq!(notes.take(), ends("/", "server namespace disconnect"));
}

#[test]
fn disconnect_handlers_may_wait_and_leave_nothing_behind() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let (note, gate) = (notes.clone(), gates.clone());
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on_disconnect(async move |reason: DisconnectReason| {
            gate.wait("gate").await;
            note.add(reason.as_str());
        });
    }));
    drop(server.joined());
    server.assert_empty();
    gates.open("gate");
    server.run();
    assert_eq!(notes.take(), ["transport close"]);
}

// ---- shutting down ------------------------------------------------------------------------------

#[test]
fn closing_the_server_ends_everything_and_drops_what_waits() {
    let (notes, gates) = (Notes::default(), Gates::default());
    let sockets = Sockets::default();
    let (gate, slot) = (gates.clone(), Arc::clone(&sockets));
    let config = noting(&notes).namespace("/", |ns| {
        ns.on_connection(move |socket: Socket| slot.lock().unwrap().push(socket));
    });
    let server = Server::start(config.namespace("/slow", |ns| {
        ns.connect_guard(async move || gate.wait("guard").await);
    }));
    let (mut websocket, mut polling) = (server.joined(), server.joined_by_polling());
    let polling_id = sockets.lock().unwrap()[1].id().clone();
    let (mut idle, mut joining) = (server.joined_by_polling(), server.websocket());
    joining.send("40/slow,");
    assert_eq!(polling.poll(), None);
    websocket.frames();
    server.io.except(polling_id).emit("dropped", ()).unwrap();
    server.io.close();
    assert_eq!(websocket.frames(), ["(closed)"]);
    assert_eq!(polling.answer().as_deref(), Some("1"));
    assert_eq!(idle.poll().as_deref(), Some("6\u{1e}1"));
    server.run();
    gates.expect_left("guard");
    assert_eq!(joining.frames(), ["(closed)"]);
    let ended = notes.take();
    assert_eq!(ended.len(), 6, "{ended:?}");
    assert!(ended.iter().all(|end| end.ends_with("server shutting down")), "{ended:?}");
    server.assert_empty();
}

#[test]
fn closing_twice_is_closing_once() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes));
    let _client = server.joined();
    server.io.close();
    server.io.close();
    server.run();
    assert_eq!(notes.take().len(), 2);
    assert!(server.io.is_closing());
}

#[test]
fn a_worker_that_stops_ends_its_sessions() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes));
    let (client, polling) = (server.joined(), server.joined_by_polling());
    server.worker.stop();
    let ended = notes.take();
    assert_eq!(ended.len(), 4, "{ended:?}");
    assert!(ended.iter().all(|end| end.ends_with("transport close")), "{ended:?}");
    assert_eq!(server.io.session_count(), 0);
    drop((client, polling));
}

#[test]
fn the_reason_of_the_transport_is_the_reason_of_the_socket() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes));
    let client = server.joined();
    let reason = CloseReason::TransportError("message too large");
    server.worker.transport_closed(&client.connection, reason);
    server.worker.transport_closed(&client.connection, CloseReason::TransportClose);
    assert_eq!(notes.take(), ends("/", "transport error"));
    server.assert_empty();
}

#[test]
fn ends_that_cause_ends_do_not_nest() {
    const SESSIONS: usize = 3_000;
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on_disconnecting(|socket: Socket| socket.broadcast().disconnect_sockets(true));
    }));
    let mut clients: Vec<_> = (0..SESSIONS).map(|_| server.joined()).collect();
    clients[0].send("41");
    server.run();
    assert_eq!(server.io.of("/").socket_count(), 0);
}

#[test]
fn overflows_that_cause_overflows_do_not_nest() {
    const SESSIONS: usize = 2_000;
    let mut config = Io::builder().namespace("/", |ns| {
        ns.on_disconnect(|socket: Socket| socket.io().emit("left", "x".repeat(200)));
    });
    config.config_mut().limits.send_buffer_max = 1_000;
    let server = Server::start(config);
    let _clients: Vec<_> = (0..SESSIONS).map(|_| server.joined_by_polling()).collect();
    server.io.emit("x", "y".repeat(2_000)).unwrap();
    server.run();
    assert_eq!(server.io.of("/").socket_count(), 0);
    server.assert_empty();
}

#[test]
fn a_panic_in_what_a_user_stored_ends_one_session_only() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "deliberate");
        }
    }
    let server = Server::start(
        Io::builder()
            .namespace("/", |ns| {
                ns.on_connection(|socket: Socket| drop(socket.set_state(Bomb)));
            })
            .namespace("/calm", |ns| {
                ns.on("echo", |number: i64| number);
            }),
    );
    let _victims = [server.joined(), server.joined()];
    let mut bystander = server.websocket();
    bystander.exchange("40/calm,");
    let everybody = server.io.of("/");
    std::thread::spawn(move || everybody.disconnect_sockets(false)).join().unwrap();
    server.run();
    assert_eq!(server.io.of("/").socket_count(), 0);
    assert_eq!(bystander.exchange("42/calm,0[\"echo\",1]"), ["43/calm,0[1]"]);
}

#[test]
fn a_socket_hears_nothing_after_its_goodbye() {
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on_disconnect(async |socket: Socket| {
            let io = socket.io();
            for other in io.of("/").sockets().await {
                other.disconnect(false);
            }
            io.emit("after", 1)
        });
    }));
    let (mut first, mut second) = (server.joined(), server.joined());
    first.send("41");
    server.run();
    assert_eq!(second.frames(), ["41"]);
}

#[test]
fn handlers_of_one_event_stop_where_one_of_them_ends_the_socket() {
    let notes = Notes::default();
    let (first, other) = (notes.clone(), notes.clone());
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on("a", move || first.add("first")).multi();
        ns.on("a", move |socket: Socket| {
            other.add("other");
            socket.disconnect(false);
        })
        .multi();
    }));
    server.joined().exchange("42[\"a\"]");
    assert_eq!(notes.take(), ["other"]);
}

#[test]
fn panics_in_what_users_stored_do_not_meet() {
    struct Bomb<const NUMBER: u8>;
    impl<const NUMBER: u8> Drop for Bomb<NUMBER> {
        fn drop(&mut self) {
            panic!("deliberate");
        }
    }
    let register = |ns: &mut NamespaceBuilder| {
        ns.connect_guard(|socket: Socket| {
            socket.set_state(Bomb::<1>);
            socket.set_state(Bomb::<2>);
            // As two controllers with `scope = connection`.
            created::<Bomb<3>, _>(&socket, Bomb::<3>);
            created::<Bomb<4>, _>(&socket, Bomb::<4>);
        });
    };
    let server = Server::start(Io::builder().namespace("/", register).namespace("/b", register));
    let mut client = server.joined();
    client.connect("/b");
    client.drop_connection();
    server.assert_empty();
}

#[test]
fn closing_the_server_keeps_the_answers_that_wait() {
    let config = noting(&Notes::default()).namespace("/", |ns| {
        ns.on("ask", |socket: Socket| {
            socket.emit("dropped", Binary(b"dropped".as_slice().into())).unwrap();
            (1, Binary(b"kept".as_slice().into()))
        });
    });
    let server = Server::start(config);
    let mut polling = server.joined_by_polling();
    assert_eq!(polling.push("420[\"ask\"]").as_deref(), Some("ok"));
    server.io.close();
    let answer = "461-0[1,{\"_placeholder\":true,\"num\":0}]";
    assert_eq!(polling.poll(), Some(format!("{answer}\u{1e}ba2VwdA==")));
    assert_eq!(polling.poll().as_deref(), Some("6\u{1e}1"));
    server.assert_empty();
}
