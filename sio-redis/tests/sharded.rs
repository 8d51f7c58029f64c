//! The sharded mode: which rooms have channels, and what is said and heard on them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use sio_core::adapter::Room;
use sio_core::cluster::{Adapter, Message, Response};
use sio_redis::{Mode, RedisAdapter, RedisAdapterBuilder, SubscriptionMode};

use support::{Heard, Line, RedisServer, TestNode, event, soon, to, until, with_bytes};

const A: &str = "aaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbb";
const C: &str = "cccccccccccccccc";
const SOCKET: &str = "iwsBsmAfPyXo5CWYAAAB";

fn builder(url: &str, mode: SubscriptionMode) -> RedisAdapterBuilder {
    RedisAdapter::builder(url).mode(Mode::Sharded).subscription_mode(mode)
}

fn room(name: &str) -> Room {
    name.into()
}

/// Does the same in each mode and gives back the commands.
async fn commands(mode: SubscriptionMode) -> Vec<String> {
    let redis = RedisServer::start().await;
    let line = Line::to(redis.port).await;
    let a = TestNode::start(A, builder(&line.url(), mode)).await;
    for step in 0..2 {
        for (name, own) in [("room", false), (SOCKET, true)] {
            match step {
                0 => a.adapter.open_room("/", &room(name), own),
                _ => a.adapter.close_room("/", &room(name), own),
            }
            a.ready().await;
        }
        if step == 0 {
            for rooms in [&[][..], &["room"], &[SOCKET], &["room", "other"]] {
                a.adapter.publish("/", event(r#"["e"]"#, rooms));
            }
            let mut asking = event(r#"["e"]"#, &["room"]);
            if let Message::Broadcast { request, .. } = &mut asking {
                *request = Some("q".into());
            }
            a.adapter.publish("/", asking);
            until("published", || a.adapter.stats().published == 5).await;
        }
    }
    let commands = line.take_commands();
    commands.into_iter().map(|words| format!("{} {}", words[0], words[1])).collect()
}

#[tokio::test]
async fn static_mode_has_no_channels_for_rooms() {
    assert_eq!(
        commands(SubscriptionMode::Static).await,
        [
            "SSUBSCRIBE socket.io#/#",
            "SSUBSCRIBE socket.io#/#aaaaaaaaaaaaaaaa#",
            "SPUBLISH socket.io#/#",
            "SPUBLISH socket.io#/#",
            "SPUBLISH socket.io#/#",
            "SPUBLISH socket.io#/#",
            "SPUBLISH socket.io#/#",
        ]
    );
}

#[tokio::test]
async fn dynamic_mode_has_channels_for_public_rooms() {
    assert_eq!(
        commands(SubscriptionMode::Dynamic).await,
        [
            "SSUBSCRIBE socket.io#/#",
            "SSUBSCRIBE socket.io#/#aaaaaaaaaaaaaaaa#",
            "SSUBSCRIBE socket.io#/#room#",
            "SPUBLISH socket.io#/#",
            "SPUBLISH socket.io#/#room#",
            "SPUBLISH socket.io#/#",
            "SPUBLISH socket.io#/#",
            "SPUBLISH socket.io#/#",
            "SUNSUBSCRIBE socket.io#/#room#",
        ]
    );
}

#[tokio::test]
async fn dynamic_private_mode_has_channels_for_all_rooms() {
    assert_eq!(
        commands(SubscriptionMode::DynamicPrivate).await,
        [
            "SSUBSCRIBE socket.io#/#",
            "SSUBSCRIBE socket.io#/#aaaaaaaaaaaaaaaa#",
            "SSUBSCRIBE socket.io#/#room#",
            "SSUBSCRIBE socket.io#/#iwsBsmAfPyXo5CWYAAAB#",
            "SPUBLISH socket.io#/#",
            "SPUBLISH socket.io#/#room#",
            "SPUBLISH socket.io#/#iwsBsmAfPyXo5CWYAAAB#",
            "SPUBLISH socket.io#/#",
            "SPUBLISH socket.io#/#",
            "SUNSUBSCRIBE socket.io#/#room#",
            "SUNSUBSCRIBE socket.io#/#iwsBsmAfPyXo5CWYAAAB#",
        ]
    );
}

#[tokio::test]
async fn garbage_is_counted_and_what_follows_is_heard() {
    let redis = RedisServer::start().await;
    let a = TestNode::start(A, builder(&redis.url(), SubscriptionMode::Dynamic)).await;
    let b = TestNode::start(B, builder(&redis.url(), SubscriptionMode::Dynamic)).await;
    for channel in ["socket.io#/#", "socket.io#/#aaaaaaaaaaaaaaaa#"] {
        for garbage in ["", "{", "\u{84}", "[]", r#"{"type":99,"nsp":"/"}"#] {
            let _: i64 = redis.ask(&["SPUBLISH", channel, garbage]).await;
        }
    }
    b.adapter.publish("/", event(r#"["fine"]"#, &[]));
    assert_eq!(a.events(1).await, [r#"["fine"]"#]);
    assert_eq!(a.adapter.stats().garbage, 10);
    assert_eq!(a.rest(), []);
}

#[tokio::test]
async fn a_room_is_heard_from_its_first_member_to_its_last() {
    let redis = RedisServer::start().await;
    let a = TestNode::start(A, builder(&redis.url(), SubscriptionMode::Dynamic)).await;
    let b = TestNode::start(B, builder(&redis.url(), SubscriptionMode::Dynamic)).await;
    a.adapter.publish("/", event(r#"["before"]"#, &["room"]));
    until("published", || a.adapter.stats().published == 1).await;
    b.adapter.open_room("/", &room("room"), false);
    b.ready().await;
    a.adapter.publish("/", event(r#"["during"]"#, &["room"]));
    assert_eq!(b.events(1).await, [r#"["during"]"#]);
    b.adapter.close_room("/", &room("room"), false);
    b.ready().await;
    a.adapter.publish("/", event(r#"["after"]"#, &["room"]));
    a.adapter.publish("/", event(r#"["all"]"#, &[]));
    assert_eq!(b.events(1).await, [r#"["all"]"#]);
    assert_eq!(b.rest(), []);
}

#[tokio::test]
async fn a_room_named_like_a_node_does_not_take_its_answers() {
    let redis = RedisServer::start().await;
    let mode = SubscriptionMode::DynamicPrivate;
    let a = TestNode::start(A, builder(&redis.url(), mode)).await;
    let b = TestNode::start(B, builder(&redis.url(), mode)).await;
    a.adapter.open_room("/", &room(A), false);
    a.adapter.close_room("/", &room(A), false);
    a.ready().await;
    let response = Response::ClientCount { request: "q".into(), count: 2 };
    b.adapter.respond("/", A, response.clone());
    let (namespace, from) = ("/".to_owned(), Some(B.to_owned()));
    assert_eq!(a.next().await, Heard::Response { namespace, from, response });
}

#[tokio::test]
async fn namespaces_and_rooms_with_one_channel_are_told_apart() {
    let redis = RedisServer::start().await;
    let mode = SubscriptionMode::Dynamic;
    let a = TestNode::start(A, builder(&redis.url(), mode)).await;
    let b = TestNode::start(B, builder(&redis.url(), mode)).await;
    for node in [&a, &b] {
        node.adapter.open("/c");
        node.adapter.open("/c#x");
        node.adapter.open_room("/c", &room("x"), false);
        node.ready().await;
    }
    a.adapter.publish("/c", event(r#"["room"]"#, &["x"]));
    a.adapter.publish("/c#x", event(r#"["namespace"]"#, &[]));
    for (expected, json) in [("/c", r#"["room"]"#), ("/c#x", r#"["namespace"]"#)] {
        let heard = b.next().await;
        assert_eq!(heard.event(), json);
        let Heard::Message { namespace, .. } = heard else { panic!("{heard:?}") };
        assert_eq!(namespace, expected);
    }
    b.adapter.close_room("/c", &room("x"), false);
    b.ready().await;
    a.adapter.publish("/c#x", event(r#"["still"]"#, &[]));
    assert_eq!(b.events(1).await, [r#"["still"]"#]);
}

#[tokio::test]
async fn everything_arrives_in_each_mode_and_answers_at_who_asked() {
    for mode in
        [SubscriptionMode::Static, SubscriptionMode::Dynamic, SubscriptionMode::DynamicPrivate]
    {
        let redis = RedisServer::start().await;
        let a = TestNode::start(A, builder(&redis.url(), mode)).await;
        let b = TestNode::start(B, builder(&redis.url(), mode)).await;
        let c = TestNode::start(C, builder(&redis.url(), mode)).await;
        for node in [&b, &c] {
            node.adapter.open_room("/", &room("room"), false);
            node.ready().await;
        }
        b.adapter.open_room("/", &room(SOCKET), true);
        b.ready().await;
        let messages = [
            with_bytes(r#"["b",{"_placeholder":true,"num":0}]"#, &[b"\xff\x00"], &[]),
            event(r#"["room"]"#, &["room"]),
            event(r#"["rooms"]"#, &["room", "other"]),
            Message::Join { options: to(&["room"]), rooms: vec!["s".into()] },
            Message::FetchSockets { options: to(&[]), request: "q".into() },
            event(r#"["socket"]"#, &[SOCKET]),
        ];
        for message in &messages {
            a.adapter.publish("/", message.clone());
        }
        // Channels of their own have an order of their own.
        let mut heard = Vec::new();
        for _ in &messages {
            heard.push(b.next().await.message());
        }
        for message in &messages {
            assert!(heard.contains(message), "{mode:?}: {message:?} in {heard:?}");
        }
        let response = Response::ClientCount { request: "q".into(), count: 2 };
        b.adapter.respond("/", A, response.clone());
        let (namespace, from) = ("/".to_owned(), Some(B.to_owned()));
        assert_eq!(a.next().await, Heard::Response { namespace, from, response });
        for message in &messages[..5] {
            assert_eq!(&c.next().await.message(), message, "{mode:?}");
        }
        assert_eq!(a.rest(), []);
        assert_eq!(soon("count", a.adapter.node_count("/")).await.unwrap(), 3);
        assert_eq!(soon("nodes", a.adapter.nodes("/")).await.unwrap(), [A, B, C]);
    }
}

#[tokio::test]
async fn rooms_are_subscribed_again_after_an_outage() {
    let mut redis = RedisServer::start().await;
    let mode = SubscriptionMode::Dynamic;
    let a = TestNode::start(A, builder(&redis.url(), mode)).await;
    let b = TestNode::start(B, builder(&redis.url(), mode)).await;
    for number in 0..1500 {
        b.adapter.open_room("/", &room(&format!("room{number}")), false);
    }
    b.ready().await;
    redis.kill();
    until("noticed", || !a.adapter.stats().connected && !b.adapter.stats().connected).await;
    b.adapter.open_room("/", &room("late"), false);
    b.adapter.close_room("/", &room("room7"), false);
    assert!(redis.restart().await);
    b.ready().await;
    redis.until_shard_heard("socket.io#/#late#", 1).await;
    redis.until_shard_heard("socket.io#/#room7#", 0).await;
    a.ready().await;
    for name in ["room0", "room7", "room1499", "late"] {
        a.adapter.publish("/", event(&format!(r#"["{name}"]"#), &[name]));
    }
    assert_eq!(b.events(3).await, [r#"["room0"]"#, r#"["room1499"]"#, r#"["late"]"#]);
}

#[tokio::test]
async fn a_room_that_comes_and_goes_quickly_ends_as_it_is() {
    let redis = RedisServer::start().await;
    let a = TestNode::start(A, builder(&redis.url(), SubscriptionMode::Dynamic)).await;
    for round in 0..500 {
        a.adapter.open_room("/", &room("x"), false);
        a.adapter.open_room("/", &room("y"), false);
        a.adapter.close_room("/", &room("x"), false);
        if round % 100 == 0 {
            a.ready().await;
        }
        a.adapter.close_room("/", &room("y"), false);
    }
    a.adapter.open_room("/", &room("y"), false);
    a.ready().await;
    redis.until_shard_heard("socket.io#/#x#", 0).await;
    redis.until_shard_heard("socket.io#/#y#", 1).await;
}

#[tokio::test]
async fn a_room_that_comes_back_while_it_is_given_up_costs_no_connection() {
    let redis = RedisServer::start().await;
    let line = Line::to(redis.port).await;
    let a = TestNode::start(A, builder(&line.url(), SubscriptionMode::Dynamic)).await;
    let given_up = |commands: Vec<Vec<String>>| commands.iter().any(|it| it[0] == "SUNSUBSCRIBE");
    for _ in 0..10 {
        a.adapter.open_room("/", &room("x"), false);
        a.ready().await;
        line.take_commands();
        line.hold_answers(true);
        a.adapter.close_room("/", &room("x"), false);
        until("given up", || given_up(line.take_commands())).await;
        // It is wanted again before Redis has said that it is given up.
        a.adapter.open_room("/", &room("x"), false);
        line.hold_answers(false);
        a.ready().await;
        redis.until_shard_heard("socket.io#/#x#", 1).await;
        a.adapter.close_room("/", &room("x"), false);
        a.ready().await;
    }
    assert_eq!(a.adapter.stats().reconnects, 0);
}
