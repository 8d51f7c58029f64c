//! Who can write to Redis but does not belong to the cluster: case 82 of `docs/hostile.md`, against a real Redis.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use std::time::Duration;

use serde_json::json;
use sio_core::cluster::{Adapter, EventLog, Message, Offset, Response, SavedSession};
use sio_redis::{
    Emitter, Error, Mode, RedisAdapter, RedisAdapterBuilder, RedisOptions, SigningKey,
};

use support::{Heard, Line, RedisServer, TestNode, event, soon, to, until, with_bytes};

const A: &str = "aaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbb";
const MODES: [Mode; 3] = [Mode::Classic, Mode::Sharded, Mode::Streams];
const MINUTE: Duration = Duration::from_secs(60);

fn key() -> SigningKey {
    SigningKey::new("what all nodes of the cluster know").unwrap()
}

fn builder(url: &str, mode: Mode) -> RedisAdapterBuilder {
    RedisAdapter::builder(url).mode(mode)
}

/// Two nodes that sign; what the first says is written down.
async fn pair(redis: &RedisServer, mode: Mode) -> (Line, TestNode, TestNode) {
    let line = Line::to(redis.port).await;
    let b = TestNode::start(B, builder(&redis.url(), mode).sign_with(key())).await;
    let a = TestNode::start(A, builder(&line.url(), mode).sign_with(key())).await;
    (line, a, b)
}

/// Carries out a command that [`Line`] has written down, where bytes that are no text are digits.
async fn repeat(redis: &RedisServer, words: &[String]) {
    let mut connection = redis.connect().await.unwrap();
    let mut command = deadpool_redis::redis::Cmd::new();
    for word in words {
        match word.starts_with("c1") {
            true => command.arg(bytes(word)),
            false => command.arg(word),
        };
    }
    command.exec_async(&mut connection).await.unwrap();
}

fn bytes(digits: &str) -> Vec<u8> {
    let value = |digit: &u8| u8::try_from(char::from(*digit).to_digit(16).unwrap()).unwrap();
    digits.as_bytes().chunks(2).map(|pair| value(&pair[0]) << 4 | value(&pair[1])).collect()
}

fn forged(node: &TestNode) -> u64 {
    node.adapter.stats().forged
}

#[tokio::test]
async fn row_82_what_is_not_signed_is_dropped_and_counted() {
    let redis = RedisServer::start().await;
    for mode in MODES {
        let (_line, a, b) = pair(&redis, mode).await;
        let stranger = TestNode::start("cccccccccccccccc", builder(&redis.url(), mode)).await;
        let other = SigningKey::new("another key that is long enough, too").unwrap();
        let thief = TestNode::start(A, builder(&redis.url(), mode).sign_with(other)).await;
        let emitter = Emitter::new(&redis.url()).unwrap().mode(mode);
        for who in [&stranger, &thief] {
            who.adapter.publish("/", event(r#"["forged"]"#, &[]));
            who.adapter.publish(
                "/",
                with_bytes(r#"["forged",{"_placeholder":true,"num":0}]"#, &[b"x"], &[]),
            );
            let rooms = vec!["secret".into()];
            who.adapter.publish("/", Message::Join { options: to(&[]), rooms });
            who.adapter.publish("/", Message::Disconnect { options: to(&[]), close: true });
            who.adapter.respond("/", B, Response::ClientCount { request: "r".into(), count: 9 });
        }
        emitter.emit("forged", 1).await.unwrap();
        emitter.disconnect_sockets(true).await.unwrap();
        until("counted", || forged(&b) == 12).await;
        let (of_strangers, garbage) = (stranger.rest(), stranger.adapter.stats().garbage);
        assert!(of_strangers.len() as u64 + garbage > 0, "a stranger does not sign");
        drop((stranger, thief));
        a.adapter.publish("/", event(r#"["fine"]"#, &[]));
        assert_eq!(b.events(1).await, [r#"["fine"]"#]);
        assert_eq!((b.rest(), b.adapter.stats().garbage), (vec![], 0));
    }
}

#[tokio::test]
async fn row_82_a_copy_of_a_signed_message_is_dropped_and_counted() {
    let redis = RedisServer::start().await;
    for mode in MODES {
        let (line, a, b) = pair(&redis, mode).await;
        until("nothing else is said", || a.adapter.stats().queued == 0).await;
        line.take_commands();
        a.adapter.publish("/", event(r#"["once"]"#, &[]));
        a.adapter.publish(
            "/",
            Message::ServerSide {
                data: sio_core::cluster::Data { json: r#"["e"]"#.into(), attachments: Vec::new() },
                request: Some("r".into()),
            },
        );
        let mut heard = vec![b.next().await, b.next().await];
        heard.retain(|heard| matches!(heard, Heard::Message { .. }));
        assert_eq!(heard.len(), 2);
        let said = ["PUBLISH", "SPUBLISH", "XADD"];
        let mut commands = line.take_commands();
        commands.retain(|words| said.contains(&&*words[0]));
        assert_eq!(commands.len(), 2, "{commands:?}");
        for words in &commands {
            repeat(&redis, words).await;
        }
        until("counted", || forged(&b) == 2).await;
        // What was said in one place is not valid in another one.
        for words in &mut commands {
            let namespace = words.iter_mut().find(|word| *word == "/");
            match namespace {
                Some(namespace) => "/other".clone_into(namespace),
                None => words[1] = words[1].replace("request", "response") + "bbbbbbbbbbbbbbbb#",
            }
        }
        b.adapter.open("/other");
        b.ready().await;
        for words in &commands {
            repeat(&redis, words).await;
        }
        until("counted", || forged(&b) == 4).await;
        a.adapter.publish("/", event(r#"["fine"]"#, &[]));
        assert_eq!(b.events(1).await, [r#"["fine"]"#]);
        assert_eq!(b.rest(), []);
    }
}

#[tokio::test]
async fn row_82_nodes_and_emitters_with_the_key_understand_each_other() {
    let redis = RedisServer::start().await;
    for mode in MODES {
        let (line, a, b) = pair(&redis, mode).await;
        let emitter = Emitter::new(&redis.url()).unwrap().mode(mode).sign_with(&key());
        let bytes = r#"["b",{"_placeholder":true,"num":0}]"#;
        a.adapter.publish("/", with_bytes(bytes, &[&[0, 255]], &[]));
        assert_eq!(b.next().await.message(), with_bytes(bytes, &[&[0, 255]], &[]));
        b.adapter.respond("/", A, Response::ClientCount { request: "r".into(), count: 9 });
        assert!(matches!(a.next().await, Heard::Response { .. }));
        for number in 0..10 {
            emitter.emit("n", number).await.unwrap();
        }
        let expected: Vec<_> = (0..10).map(|number| format!(r#"["n",{number}]"#)).collect();
        assert_eq!(b.events(10).await, expected);
        // Signed when it is sent, so that an outage makes nothing too old.
        line.cut();
        until("noticed", || !a.adapter.stats().connected).await;
        a.adapter.publish("/", event(r#"["late"]"#, &[]));
        line.mend();
        assert_eq!(b.events(1).await, [r#"["late"]"#]);
        assert_eq!((b.rest(), forged(&a), forged(&b)), (vec![], 0, 0));
        assert_eq!((a.adapter.stats().garbage, b.adapter.stats().garbage), (0, 0));
    }
}

fn session(pid: &str) -> SavedSession {
    SavedSession {
        sid: "sid".into(),
        pid: pid.into(),
        rooms: vec!["room".into()],
        data: json!({ "user": "bob" }),
        ..SavedSession::default()
    }
}

async fn recovering(id: &str, redis: &RedisServer, signs: bool) -> TestNode {
    let mut options = RedisOptions::default();
    options.mode = Mode::Streams;
    options.stream_offset_wait = support::DEADLINE;
    options.signing_key = signs.then(key);
    let builder = RedisAdapter::builder(&redis.url()).options(options);
    let node = TestNode::with_recovery(id, builder, true);
    node.adapter.open("/");
    node.ready().await;
    node
}

fn log(node: &TestNode) -> &dyn EventLog {
    node.adapter.event_log().unwrap()
}

async fn logged(node: &TestNode) -> Offset {
    match node.next().await {
        Heard::Logged { offset, .. } => offset,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn row_82_what_was_forged_is_not_recovered_and_neither_is_a_forged_session() {
    let redis = RedisServer::start().await;
    let a = recovering(A, &redis, true).await;
    log(&a).append("/", event(r#"["first"]"#, &[]));
    let known = logged(&a).await;
    log(&a).append("/", event(r#"["second"]"#, &[]));
    logged(&a).await;
    log(&a).save("/", session("pid"), MINUTE);
    // A forged entry, and copies of both others.
    let found: Vec<(String, Vec<String>)> = redis.ask(&["XRANGE", "socket.io", "-", "+"]).await;
    let data = r#"{"packet":{"type":2,"data":["forged"]},"opts":{}}"#;
    let forgery = ["uid", A, "nsp", "/", "type", "3", "data", data].map(str::to_owned).to_vec();
    for (_, fields) in [&(String::new(), forgery), &found[0], &found[1]] {
        let words: Vec<_> =
            ["XADD", "socket.io", "*"].into_iter().chain(fields.iter().map(|f| &**f)).collect();
        let _: String = redis.ask(&words).await;
        assert!(matches!(a.next().await, Heard::Position { .. }));
    }
    assert_eq!(forged(&a), 3);
    let restored = soon("an answer", log(&a).restore("/", "pid", known)).await.unwrap();
    let missed: Vec<_> = restored.missed.iter().map(|event| &event.message).collect();
    assert_eq!(missed, [&event(r#"["second"]"#, &[])]);
    assert_eq!(restored.session, session("pid"));

    // Sessions that a stranger kept, and one under another key than its own.
    let stranger = recovering(B, &redis, false).await;
    log(&stranger).save("/", session("theirs"), MINUTE);
    log(&a).save("/", session("moved"), MINUTE);
    support::until_async("kept", || async {
        redis.ask::<i64>(&["EXISTS", "sio:session:theirs", "sio:session:moved"]).await == 2
    })
    .await;
    let _: String = redis.ask(&["RENAME", "sio:session:moved", "sio:session:elsewhere"]).await;
    for pid in ["theirs", "elsewhere"] {
        let before = forged(&a);
        assert!(soon("an answer", log(&a).restore("/", pid, known)).await.is_none());
        assert_eq!(forged(&a), before + 1);
    }
}

/// The user of the documentation, beside the one that asks in tests.
async fn documented_user(redis: &RedisServer) -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations/redis/users.acl");
    let users = std::fs::read_to_string(file).unwrap();
    let line = users.lines().find_map(|line| line.strip_prefix("user sio ")).unwrap();
    let words: Vec<_> = ["ACL", "SETUSER", "sio"].into_iter().chain(line.split(' ')).collect();
    let _: String = redis.ask(&words).await;
    format!("redis://sio:change-me@127.0.0.1:{}", redis.port)
}

#[tokio::test]
async fn row_82_the_documented_user_can_do_what_nodes_need_in_all_modes_and_nothing_beside() {
    let redis = RedisServer::start().await;
    let url = documented_user(&redis).await;
    for mode in MODES {
        let a = TestNode::start(A, builder(&url, mode).sign_with(key())).await;
        let b = TestNode::start(B, builder(&url, mode).sign_with(key())).await;
        a.adapter.publish("/", event(r#"["fine"]"#, &[]));
        assert_eq!(b.events(1).await, [r#"["fine"]"#]);
        assert_eq!(soon("count", a.adapter.node_count("/")).await.unwrap(), 2);
        soon("connect", builder(&url, mode).connect()).await.unwrap();
        // Another cluster's channels, and its stream, are closed to it.
        let beside = builder(&url, mode).prefix("beside").stream_name("beside");
        let c = TestNode::without_namespace("cccccccccccccccc", beside);
        c.adapter.publish("/", event(r#"["forged"]"#, &[]));
        until("refused", || c.adapter.stats().dropped == 1).await;
        assert_eq!(c.adapter.stats().published, 0);
    }
    let wrong = url.replace("change-me", "guessed");
    let error = soon("connect", builder(&wrong, Mode::Classic).connect()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("guessed"), "{error}");
}
