//! Bounds that are off unless configured: rates, rooms, sessions, depth; and the form of errors.

use std::time::Duration;

use sio_core::engine::Transport;
use sio_core::handler::EventError;
use sio_core::limits::SendPolicy;
use sio_core::packet::Value;
use sio_core::server::{BuildError, Io, IoConfig, Socket, TooManyRooms};

use crate::carrier::Server;
use crate::tools::Counter;

fn limited(change: impl FnOnce(&mut sio_core::limits::Limits)) -> IoConfig {
    let mut config = Io::builder().namespace("/", |ns| {
        ns.on("echo", |value: Value| value);
        ns.on("join", |socket: Socket, rooms: Vec<String>| socket.join(&rooms));
        ns.on("fail", || Err::<(), _>(EventError::new("no", "not today")));
    });
    change(&mut config.config_mut().limits);
    config
}

#[test]
fn events_above_the_rate_are_answered_with_an_error() {
    let server = Server::start(limited(|limits| limits.max_events_per_second = 2));
    let mut client = server.joined();
    assert_eq!(client.exchange(r#"420["echo",1]"#), ["430[1]"]);
    assert_eq!(client.exchange(r#"421["echo",1]"#), ["431[1]"]);
    let refused = r#"{"code":"rate_limited","message":"too many events"}"#;
    assert_eq!(client.exchange(r#"422["echo",1]"#), [format!(r#"432[{{"error":{refused}}}]"#)]);
    assert_eq!(
        client.exchange(r#"42["echo",1]"#),
        [r#"42["exception",{"code":"rate_limited","message":"too many events","event":"echo"}]"#]
    );
    server.advance(Duration::from_millis(499));
    assert!(client.exchange(r#"423["echo",1]"#)[0].contains("rate_limited"));
    server.advance(Duration::from_millis(1));
    assert_eq!(client.exchange(r#"424["echo",1]"#), ["434[1]"]);
    assert!(client.exchange(r#"425["echo",1]"#)[0].contains("rate_limited"));
    // A pause gives back no more than one second's worth.
    server.advance(Duration::from_secs(10));
    let answers = client.send_all(&[r#"426["echo",1]"#; 3]);
    assert_eq!(answers.iter().filter(|answer| **answer == "436[1]").count(), 2);
}

#[test]
fn a_broken_packet_above_the_rate_is_still_broken() {
    let server = Server::start(limited(|limits| limits.max_events_per_second = 1));
    let mut client = server.joined();
    client.exchange(r#"42["echo",1]"#);
    assert_eq!(client.exchange(r#"42["echo",1}]"#), ["(closed)"]);
}

#[test]
fn rooms_above_the_limit_are_not_joined() {
    let server = Server::start(limited(|limits| limits.max_rooms = 2));
    let mut client = server.joined();
    client.exchange(r#"42["join",["a","b","a"]]"#);
    client.exchange(r#"42["join",["a","c"]]"#);
    assert_eq!((server.members("b"), server.members("c")), (1, 0));
    let socket = &server.sockets()[0];
    assert_eq!(socket.try_join("c"), Err(TooManyRooms { limit: 2 }));
    assert_eq!(socket.try_join(["a", "b"]), Ok(()));
    socket.leave("a");
    assert_eq!(socket.try_join("c"), Ok(()));
    server.io.of("/").everybody().sockets_join("d");
    assert_eq!(server.members("d"), 0);
}

#[test]
fn nesting_above_the_limit_ends_the_session() {
    let server = Server::start(limited(|limits| limits.max_json_depth = 3));
    let mut client = server.joined();
    assert_eq!(client.exchange(r#"420["echo",[[1]]]"#), ["430[[[1]]]"]);
    assert_eq!(client.exchange(r#"421["echo",[[[1]]]]"#), ["(closed)"]);
    for depth in [0, 129] {
        let built =
            limited(|limits| limits.max_json_depth = depth).build(Box::new(Counter::default()));
        assert!(matches!(built, Err(BuildError::Depth)));
    }
}

#[test]
fn errors_have_the_applications_form() {
    let config = limited(|_| {}).error_answer(|error, event| match event {
        _ if error.code() == "bad_request" => panic!("a broken form"),
        Some(event) => serde_json::json!([event, error.message()]),
        None => serde_json::json!({ "failed": error.message() }),
    });
    let server = Server::start(config);
    let mut client = server.joined();
    assert_eq!(client.exchange(r#"420["fail"]"#), [r#"430[{"failed":"not today"}]"#]);
    assert_eq!(client.exchange(r#"42["fail"]"#), [r#"42["exception",["fail","not today"]]"#]);
    assert_eq!(client.exchange(r#"421["join",7]"#), ["431[null]"]);
}

#[test]
fn a_server_that_refuses_sessions_goes_on_with_those_it_has() {
    let server = Server::start(limited(|_| {}));
    let mut client = server.joined();
    server.io.refuse_sessions();
    assert!(server.try_open(Transport::Websocket).is_none());
    assert_eq!(client.exchange(r#"420["echo",1]"#), ["430[1]"]);
}

#[test]
fn sessions_above_the_limit_are_refused_until_one_has_ended() {
    let server = Server::start(limited(|limits| limits.max_connections = 2));
    let mut one = server.joined();
    let _two = server.joined();
    assert!(server.try_open(Transport::Websocket).is_none());
    one.drop_connection();
    server.run();
    assert!(server.try_open(Transport::Websocket).is_some());
}

#[test]
fn a_full_queue_drops_events_where_that_is_the_policy() {
    let config = limited(|limits| {
        limits.send_buffer_max_frames = 3;
        limits.send_policy = SendPolicy::DropOldest;
    });
    let server = Server::start(config);
    let mut client = server.joined_by_polling();
    let socket = server.sockets().remove(0);
    for n in 0..5 {
        socket.emit("n", n).unwrap();
        server.io.emit("all", n).unwrap();
    }
    server.run();
    let expected = "42[\"all\",3]\u{1e}42[\"n\",4]\u{1e}42[\"all\",4]";
    assert_eq!(client.poll().as_deref(), Some(expected));
}
