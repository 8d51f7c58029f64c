//! Joining namespaces.

use std::time::Duration;

use sio_core::handler::{Auth, EventError};
use sio_core::server::{Io, Socket};

use crate::carrier::Server;
use crate::tools::Notes;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(45);
const MS: Duration = Duration::from_millis(1);
/// Timers are this late at most.
const TICK: Duration = Duration::from_millis(8);

#[test]
fn an_unknown_namespace_is_refused_and_the_session_goes_on() {
    let server = Server::start(Io::builder());
    let mut client = server.websocket();
    assert_eq!(client.exchange("40/nobody,"), ["44/nobody,{\"message\":\"Invalid namespace\"}"]);
    client.connect("/");
}

#[test]
fn one_namespace_above_the_limit_is_refused() {
    let mut config = Io::builder().namespace("/a", |_| {}).namespace("/b", |_| {});
    config.config_mut().limits.max_namespaces = 2;
    let server = Server::start(config);
    let mut client = server.joined();
    client.connect("/a");
    assert_eq!(client.exchange("40/b,"), ["44/b,{\"message\":\"Too many namespaces\"}"]);
    assert_eq!(client.exchange("41/a,"), [""; 0]);
    client.connect("/b");
}

#[test]
fn one_connect_failure_above_the_limit_ends_the_session() {
    let mut config = Io::builder();
    config.config_mut().limits.max_connect_failures = 2;
    let server = Server::start(config);
    let mut client = server.websocket();
    assert_eq!(client.exchange("40/x,").len(), 1);
    assert_eq!(client.exchange("40/x,"), ["44/x,{\"message\":\"Invalid namespace\"}"]);
    assert_eq!(client.exchange("40/x,"), ["(closed)"]);
    server.assert_empty();
}

#[test]
fn a_second_connect_ends_the_session() {
    let server = Server::start(Io::builder());
    let mut client = server.joined();
    assert_eq!(client.exchange("40"), ["(closed)"]);
    server.assert_empty();
}

#[test]
fn packets_before_connect_end_the_session() {
    for text in ["42[\"a\"]", "41", "43[]", "44{}", "41/admin,"] {
        let server = Server::start(Io::builder());
        let mut client = server.websocket();
        assert_eq!(client.exchange(text), ["(closed)"], "{text}");
        server.assert_empty();
    }
}

#[test]
fn a_session_that_joins_nothing_ends_after_the_connect_timeout() {
    let server = Server::start(Io::builder());
    let mut client = server.websocket();
    client.send("40/nobody,");
    server.advance(CONNECT_TIMEOUT - MS);
    client.send("3");
    assert_eq!(client.frames().last().unwrap(), "2");
    server.advance(MS + TICK);
    assert_eq!(client.frames(), ["(closed)"]);
    server.assert_empty();
}

#[test]
fn the_connect_timeout_answers_a_waiting_poll_with_a_close_packet() {
    let mut config = Io::builder();
    config.config_mut().connect_timeout = Duration::from_secs(1);
    let server = Server::start(config);
    let mut client = server.polling();
    assert_eq!(client.poll(), None);
    server.advance(Duration::from_secs(1) + TICK);
    assert_eq!(client.answer().as_deref(), Some("1"));
    assert_eq!(client.poll().as_deref(), Some("gone"));
    server.assert_empty();
}

#[test]
fn one_success_switches_the_connect_timeout_off_for_good() {
    let mut config = Io::builder();
    config.config_mut().connect_timeout = Duration::from_secs(1);
    let server = Server::start(config);
    let mut client = server.joined();
    client.send("41");
    server.advance(Duration::from_secs(20));
    assert_eq!(client.frames(), [""; 0]);
    client.connect("/");
}

#[test]
fn ids_differ_from_the_session_and_between_namespaces() {
    let server = Server::start(Io::builder().namespace("/a", |_| {}));
    let mut client = server.websocket();
    let (main, other) = (client.connect("/"), client.connect("/a"));
    assert_ne!(main, other);
    assert_ne!(main, client.connection.handle().sid().as_str());
}

#[test]
fn a_namespace_that_was_left_gives_a_new_socket() {
    let server = Server::start(Io::builder());
    let mut client = server.websocket();
    let first = client.connect("/");
    assert_eq!(client.exchange("41"), [""; 0]);
    assert_eq!(server.io.of("/").socket_count(), 0);
    assert_ne!(first, client.connect("/"));
    assert_eq!(server.io.of("/").socket_count(), 1);
}

#[test]
fn the_answer_comes_before_what_the_connection_handler_says() {
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on_connection(|socket: Socket| socket.emit("welcome", 1));
    }));
    let answers = server.websocket().exchange("40");
    assert!(answers[0].starts_with("40{\"sid\":"), "{answers:?}");
    assert_eq!(answers[1..], ["42[\"welcome\",1]"]);
}

#[test]
fn a_connection_handler_that_fails_disconnects_its_socket() {
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on_connection(|| Err::<(), _>(EventError::new("no", "no")));
    }));
    let answers = server.websocket().exchange("40");
    assert_eq!(answers[1..], ["41"]);
    assert_eq!(server.io.of("/").socket_count(), 0);
}

#[test]
fn connection_handlers_run_once_in_order_and_see_a_connected_socket() {
    let notes = Notes::default();
    let (first, second) = (notes.clone(), notes.clone());
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on_connection(move |socket: Socket| {
            first.add(format!("first {} {}", socket.is_connected(), socket.rooms().len()));
        });
        ns.on_connection(move || second.add("second"));
    }));
    server.joined();
    assert_eq!(notes.take(), ["first true 1", "second"]);
}

#[test]
fn the_connect_payload_is_read_per_namespace() {
    let notes = Notes::default();
    let (main, other) = (notes.clone(), notes.clone());
    let config = Io::builder()
        .namespace("/", |ns| {
            ns.on_connection(move |auth: Auth<serde_json::Value>| main.add(auth.0.to_string()));
        })
        .namespace("/a", |ns| {
            ns.on_connection(move |auth: Auth<serde_json::Value>| other.add(auth.0.to_string()));
        });
    let server = Server::start(config);
    let mut client = server.websocket();
    client.send("40{\"token\":1}");
    client.send("40/a,");
    assert_eq!(notes.take(), ["{\"token\":1}", "{}"]);
}

#[test]
fn a_namespace_added_at_run_time_is_open_to_sessions_that_exist() {
    let server = Server::start(Io::builder());
    let mut client = server.joined();
    server.io.namespace("late", |ns| {
        ns.on("ask", || 1);
    });
    client.connect("/late");
    assert_eq!(client.exchange("42/late,0[\"ask\"]"), ["43/late,0[1]"]);
}

#[test]
fn a_lost_connection_leaves_nothing_behind() {
    let server = Server::start(Io::builder().namespace("/a", |_| {}));
    let mut clients = [server.websocket(), server.joined(), server.joined()];
    clients[1].connect("/a");
    assert_eq!(server.io.session_count(), 3);
    assert_eq!(server.io.of("/").socket_count(), 2);
    drop(clients);
    server.assert_empty();
}

#[test]
fn a_socket_that_one_connection_handler_ends_is_told_to_the_others_before_its_end() {
    let notes = Notes::default();
    let (one, two, end) = (notes.clone(), notes.clone(), notes.clone());
    let server = Server::start(Io::builder().namespace("/", |ns| {
        ns.on_connection(move |socket: Socket| {
            one.add("one");
            socket.disconnect(true);
        });
        ns.on_connection(move || two.add("two"));
        ns.on_disconnect(move || end.add("end"));
    }));
    server.websocket().exchange("40");
    assert_eq!(notes.take(), ["one", "two", "end"]);
    server.assert_empty();
}

#[test]
fn a_namespace_that_a_pattern_made_stays_once_it_is_registered_by_its_name() {
    let server = Server::start(Io::builder().namespace("/org/{org}", |ns| {
        ns.on("a", || "pattern");
    }));
    let mut client = server.websocket();
    client.connect("/org/x");
    server.io.namespace("/org/x", |ns| {
        ns.on("a", || "name");
    });
    assert_eq!(client.exchange("42/org/x,1[\"a\"]"), ["43/org/x,1[\"pattern\"]"]);
    client.exchange("41/org/x,");
    client.connect("/org/x");
    assert_eq!(client.exchange("42/org/x,1[\"a\"]"), ["43/org/x,1[\"name\"]"]);
}
