//! The stream as the log that all nodes share: events with offsets, and sessions of clients that come back.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: helpers beside the tests"
)]

mod support;

use std::time::{Duration, Instant};

use serde_json::json;
use sio_core::adapter::Room;
use sio_core::cluster::{Adapter, EventLog, Message, Offset, RestoredSession, SavedSession};
use sio_redis::{Mode, RedisAdapter, RedisAdapterBuilder, RedisOptions};

use support::{Heard, RedisServer, TestNode, event, soon, to, until, until_async, with_bytes};

const A: &str = "aaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbb";
const MINUTE: Duration = Duration::from_secs(60);

/// Events wait for their offsets as long as a test does.
fn builder(redis: &RedisServer) -> RedisAdapterBuilder {
    with_wait(redis, support::DEADLINE)
}

fn with_wait(redis: &RedisServer, wait: Duration) -> RedisAdapterBuilder {
    let mut options = RedisOptions::default();
    options.mode = Mode::Streams;
    options.stream_offset_wait = wait;
    RedisAdapter::builder(&redis.url()).options(options)
}

async fn node(id: &str, builder: RedisAdapterBuilder) -> TestNode {
    let node = TestNode::with_recovery(id, builder, true);
    node.adapter.open("/");
    node.ready().await;
    node
}

async fn pair(redis: &RedisServer) -> (TestNode, TestNode) {
    (node(A, builder(redis)).await, node(B, builder(redis)).await)
}

fn log(node: &TestNode) -> &dyn EventLog {
    node.adapter.event_log().unwrap()
}

/// The next event with an offset: who said it, where it stands, its text.
async fn logged(node: &TestNode) -> (String, Offset, String) {
    let heard = node.next().await;
    let text = heard.event().to_owned();
    match heard {
        Heard::Logged { from, offset, .. } => (from, offset, text),
        other => panic!("{other:?}"),
    }
}

async fn unlogged(node: &TestNode) -> String {
    match node.next().await {
        heard @ Heard::Unlogged { .. } => heard.event().to_owned(),
        other => panic!("{other:?}"),
    }
}

async fn position(node: &TestNode) -> Offset {
    match node.next().await {
        Heard::Position { offset, .. } => offset,
        other => panic!("{other:?}"),
    }
}

fn session(pid: &str, rooms: &[&str]) -> SavedSession {
    SavedSession {
        sid: "sid".into(),
        pid: pid.into(),
        rooms: rooms.iter().map(|room| Room::from(*room)).collect(),
        data: json!({ "user": "bob", "bin": { "type": "Buffer", "data": [1, 2] } }),
        ..SavedSession::default()
    }
}

async fn restore(node: &TestNode, pid: &str, offset: Offset) -> Option<RestoredSession> {
    soon("an answer", log(node).restore("/", pid, offset)).await
}

fn texts(restored: &RestoredSession) -> Vec<String> {
    let text = |message: &Message| match message {
        Message::Broadcast { data, .. } => data.json.to_string(),
        other => panic!("{other:?}"),
    };
    restored.missed.iter().map(|event| text(&event.message)).collect()
}

async fn last_offset(redis: &RedisServer) -> Offset {
    let found: Vec<(String, Vec<String>)> =
        redis.ask(&["XREVRANGE", "socket.io", "+", "-", "COUNT", "1"]).await;
    found[0].0.parse().unwrap()
}

#[tokio::test]
async fn all_nodes_get_all_events_in_one_order_with_their_offsets() {
    let redis = RedisServer::start().await;
    let (a, b) = pair(&redis).await;
    for number in 0..100 {
        log(&a).append("/", event(&format!("[\"a\",{number}]"), &["r"]));
        log(&b).append("/", event(&format!("[\"b\",{number}]"), &[]));
    }
    let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        of_a.push(logged(&a).await);
        of_b.push(logged(&b).await);
    }
    assert_eq!(of_a, of_b);
    assert!(of_a.is_sorted_by(|first, second| first.1 < second.1));
    for (id, letter) in [(A, "a"), (B, "b")] {
        let own: Vec<_> = of_a.iter().filter(|(from, ..)| from == id).collect();
        assert_eq!(own.len(), 100);
        for (number, (.., text)) in own.into_iter().enumerate() {
            assert_eq!(*text, format!("[\"{letter}\",{number}]"));
        }
    }
    assert_eq!(of_a.last().unwrap().1, last_offset(&redis).await);
    assert_eq!((a.rest(), b.rest()), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn the_message_comes_back_as_it_was() {
    let redis = RedisServer::start().await;
    let (a, b) = pair(&redis).await;
    let bytes = r#"["bin",{"_placeholder":true,"num":0},12345678901234567890,1.5]"#;
    let said = with_bytes(bytes, &[&[0, 255]], &["r"]);
    log(&a).append("/", said.clone());
    for node in [&a, &b] {
        match node.next().await {
            Heard::Logged { message, .. } => assert_eq!(message, said),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_only_published_passes_without_being_heard_again() {
    let redis = RedisServer::start().await;
    let (a, b) = pair(&redis).await;
    let mut options = to(&["r"]);
    options.flags.volatile = true;
    let volatile = Message::Broadcast {
        data: sio_core::cluster::Data { json: r#"["v"]"#.into(), attachments: Vec::new() },
        id: None,
        options,
        request: None,
    };
    let join = Message::Join { options: to(&["r"]), rooms: vec!["s".into()] };
    a.adapter.publish("/", volatile.clone());
    a.adapter.publish("/", join.clone());
    log(&a).append("/", event(r#"["e"]"#, &[]));
    assert!(position(&a).await < position(&a).await);
    assert_eq!(logged(&a).await.2, r#"["e"]"#);
    assert!(matches!(b.next().await, Heard::Logged { message, .. } if message == volatile));
    assert!(matches!(b.next().await, Heard::Message { message, .. } if message == join));
    position(&b).await;
    assert_eq!(logged(&b).await.2, r#"["e"]"#);
}

#[tokio::test]
async fn entries_that_cannot_be_read_move_the_position() {
    let redis = RedisServer::start().await;
    let a = node(A, builder(&redis)).await;
    let words = ["XADD", "socket.io", "*", "uid", "u", "nsp", "/", "type", "3", "data", "???"];
    let _: String = redis.ask(&words).await;
    assert_eq!(position(&a).await, last_offset(&redis).await);
    assert_eq!(a.adapter.stats().garbage, 1);
}

#[tokio::test]
async fn without_redis_events_are_handed_back_at_once_and_later_pass_quietly() {
    let mut redis = RedisServer::start().await;
    let (a, b) = pair(&redis).await;
    redis.kill();
    until("the outage is noticed", || !a.adapter.stats().connected).await;
    until("the outage is noticed", || !b.adapter.stats().connected).await;
    for number in 0..100 {
        log(&a).append("/", event(&format!("[\"e\",{number}]"), &[]));
    }
    for number in 0..100 {
        assert_eq!(unlogged(&a).await, format!("[\"e\",{number}]"));
    }
    assert!(redis.restart().await);
    for number in 0..100 {
        assert_eq!(logged(&b).await.2, format!("[\"e\",{number}]"));
        position(&a).await;
    }
    a.ready().await;
    // Nothing waits for offsets until the stream has answered.
    until_async("an offset again", || async {
        log(&a).append("/", event(r#"["again"]"#, &[]));
        matches!(a.next().await, Heard::Logged { .. })
    })
    .await;
}

#[tokio::test]
async fn while_redis_does_not_run_events_are_handed_back_soon_and_in_order() {
    let redis = RedisServer::start().await;
    let hasty = with_wait(&redis, RedisOptions::default().stream_offset_wait);
    let (a, b) = (node(A, hasty).await, node(B, builder(&redis)).await);
    redis.pause();
    let start = Instant::now();
    for number in 0..20 {
        log(&a).append("/", event(&format!("[\"e\",{number}]"), &[]));
        // Some wait, some find that nobody waits any more.
        if number % 5 == 4 {
            for number in number - 4..=number {
                assert_eq!(unlogged(&a).await, format!("[\"e\",{number}]"));
            }
        }
    }
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    redis.resume();
    for number in 0..20 {
        assert_eq!(logged(&b).await.2, format!("[\"e\",{number}]"));
        position(&a).await;
    }
    until_async("an offset again", || async {
        log(&a).append("/", event(r#"["again"]"#, &[]));
        matches!(a.next().await, Heard::Logged { .. })
    })
    .await;
}

#[tokio::test]
async fn after_a_long_pause_nothing_turns_up_behind_what_is_logged_later() {
    let redis = RedisServer::start().await;
    let hasty = || {
        let wait = RedisOptions::default().stream_offset_wait;
        with_wait(&redis, wait).command_timeout(Duration::from_millis(300))
    };
    let (a, b) = (node(A, hasty()).await, node(B, hasty()).await);
    redis.pause();
    for number in 0..10 {
        log(&a).append("/", event(&format!("[\"early\",{number}]"), &[]));
    }
    for number in 0..10 {
        assert_eq!(unlogged(&a).await, format!("[\"early\",{number}]"));
    }
    until("the outage is noticed", || !a.adapter.stats().connected).await;
    redis.resume();
    a.ready().await;
    b.ready().await;
    loop {
        log(&a).append("/", event(r#"["late"]"#, &[]));
        let heard = loop {
            match a.next().await {
                Heard::Position { .. } => {}
                heard => break heard,
            }
        };
        if matches!(heard, Heard::Logged { .. }) {
            break;
        }
    }
    log(&a).append("/", event(r#"["end"]"#, &[]));
    let mut heard = Vec::new();
    while heard.last().is_none_or(|last| last != r#"["end"]"#) {
        heard.push(logged(&b).await.2);
    }
    let first_late = heard.iter().position(|text| text == r#"["late"]"#).unwrap();
    assert!(!heard[first_late..].iter().any(|text| text.contains("early")), "{heard:?}");
}

#[tokio::test]
async fn an_event_that_redis_refuses_is_handed_back_at_once() {
    let redis = RedisServer::start().await;
    let a = node(A, builder(&redis)).await;
    let _: String = redis.ask(&["CONFIG", "SET", "maxmemory", "1"]).await;
    log(&a).append("/", event(r#"["e"]"#, &[]));
    assert_eq!(unlogged(&a).await, r#"["e"]"#);
    let _: String = redis.ask(&["CONFIG", "SET", "maxmemory", "0"]).await;
    log(&a).append("/", event(r#"["f"]"#, &[]));
    assert_eq!(logged(&a).await.2, r#"["f"]"#);
}

#[tokio::test]
async fn an_event_without_a_form_in_streams_is_handed_back() {
    let redis = RedisServer::start().await;
    let a = node(A, builder(&redis)).await;
    log(&a).append("/", with_bytes(r#"["e",{"_placeholder":true,"num":7}]"#, &[b"x"], &[]));
    assert!(matches!(a.next().await, Heard::Unlogged { .. }));
}

#[tokio::test]
async fn what_was_missed_during_an_outage_comes_with_offsets_and_only_once() {
    let redis = RedisServer::start().await;
    let (a, b) = pair(&redis).await;
    for round in 0..5 {
        redis.cut_all().await;
        for number in 0..10 {
            let data =
                format!(r#"{{"packet":{{"type":2,"data":["e",{round},{number}]}},"opts":{{}}}}"#);
            let words = ["XADD", "socket.io", "*", "uid", "u", "nsp", "/", "type", "3", "data"];
            let offset: String = redis.ask(&[&words[..], &[&data]].concat()).await;
            let (offset, text) = (offset.parse().unwrap(), format!("[\"e\",{round},{number}]"));
            assert_eq!(logged(&a).await, ("u".to_owned(), offset, text.clone()));
            assert_eq!(logged(&b).await, ("u".to_owned(), offset, text));
        }
    }
    assert_eq!((a.rest(), b.rest()), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_session_comes_back_on_another_node_with_what_was_missed() {
    let redis = RedisServer::start().await;
    let (a, b) = pair(&redis).await;
    a.adapter.open("/other");
    log(&a).append("/", event(r#"["first"]"#, &[]));
    let known = logged(&a).await.1;
    log(&a).save("/", session("pid", &["sid", "room1"]), MINUTE);
    let mut except = to(&[]);
    except.except = vec!["room1".into()];
    let not_for_it = Message::Broadcast {
        data: sio_core::cluster::Data { json: r#"["no"]"#.into(), attachments: Vec::new() },
        id: None,
        options: except,
        request: None,
    };
    log(&a).append("/", event(r#"["room"]"#, &["room1"]));
    log(&b).append("/", not_for_it);
    log(&a).append("/", event(r#"["elsewhere"]"#, &["room2"]));
    log(&a).append("/other", event(r#"["other"]"#, &[]));
    a.adapter.publish("/", Message::Join { options: to(&["x"]), rooms: vec!["y".into()] });
    redis.until_len("socket.io", 6).await;
    log(&b).append("/", with_bytes(r#"["bin",{"_placeholder":true,"num":0}]"#, &[b"\x07"], &[]));
    redis.until_len("socket.io", 7).await;
    let restored = restore(&b, "pid", known).await.unwrap();
    assert_eq!(restored.session, session("pid", &["sid", "room1"]));
    let bytes = r#"["bin",{"_placeholder":true,"num":0}]"#;
    assert_eq!(texts(&restored), [r#"["room"]"#, bytes]);
    assert!(restored.missed[0].offset > known);
    assert!(restored.missed[1].offset > restored.missed[0].offset);
    assert_eq!(restored.position, last_offset(&redis).await);
    assert_eq!(restore(&a, "pid", known).await, None, "it was used up");
}

#[tokio::test]
async fn who_missed_nothing_comes_back_with_its_own_offset_as_position() {
    let redis = RedisServer::start().await;
    let a = node(A, builder(&redis)).await;
    log(&a).append("/", event(r#"["first"]"#, &[]));
    let known = logged(&a).await.1;
    for round in 0..20 {
        // It is found although it may not have left the queue.
        log(&a).save("/", session("pid", &["sid"]), MINUTE);
        let restored = restore(&a, "pid", known).await.unwrap_or_else(|| panic!("{round}"));
        assert_eq!((restored.missed.len(), restored.position), (0, known));
    }
}

#[tokio::test]
async fn an_offset_that_is_not_there_any_more_uses_the_session_up() {
    let redis = RedisServer::start().await;
    let a = node(A, builder(&redis)).await;
    log(&a).append("/", event(r#"["first"]"#, &[]));
    let known = logged(&a).await.1;
    log(&a).save("/", session("pid", &["sid"]), MINUTE);
    assert_eq!(restore(&a, "pid", "1-0".parse().unwrap()).await, None);
    assert_eq!(restore(&a, "pid", known).await, None);
    assert_eq!(restore(&a, "unknown", known).await, None);
}

#[tokio::test]
async fn a_session_of_one_namespace_opens_no_other() {
    let redis = RedisServer::start().await;
    let a = node(A, builder(&redis)).await;
    a.adapter.open("/admin");
    log(&a).append("/", event(r#"["first"]"#, &[]));
    let here = logged(&a).await.1;
    log(&a).append("/admin", event(r#"["second"]"#, &[]));
    let there = logged(&a).await.1;
    log(&a).save("/", session("pid", &["sid"]), MINUTE);
    assert_eq!(soon("none", log(&a).restore("/admin", "pid", there)).await, None);
    // An offset of another namespace says nothing here.
    log(&a).save("/", session("pid", &["sid"]), MINUTE);
    assert_eq!(restore(&a, "pid", there).await, None);
    log(&a).save("/", session("pid", &["sid"]), MINUTE);
    assert!(restore(&a, "pid", here).await.is_some());
    // The official adapter does not say which namespace a session is of.
    let official = concat!(
        "hKNzaWS0cTh3Tmh0aWdKUTJxc0hyYkFBQUOjcGlktGxBWk1fMVM1X3l5eFlYUmVBQUFEpXJvb21zkrRx",
        "OHdOaHRpZ0pRMnFzSHJiQUFBQ6Vyb29tMaRkYXRhgaRub2RloUI="
    );
    let _: String = redis.ask(&["SET", "sio:session:theirs", official]).await;
    assert!(restore(&a, "theirs", here).await.is_some());
}

#[tokio::test]
async fn more_than_one_step_is_read() {
    let redis = RedisServer::start().await;
    let (a, b) = pair(&redis).await;
    log(&a).append("/", event(r#"["first"]"#, &[]));
    let known = logged(&a).await.1;
    log(&a).save("/", session("pid", &["sid"]), MINUTE);
    for number in 0..2_500 {
        b.adapter.publish("/", event(&format!("[\"e\",{number}]"), &["sid"]));
    }
    redis.until_len("socket.io", 2_501).await;
    let restored = restore(&a, "pid", known).await.unwrap();
    assert_eq!(restored.missed.len(), 2_500);
    assert_eq!(texts(&restored)[2_499], r#"["e",2499]"#);
    assert_eq!(restored.position, last_offset(&redis).await);
}

#[tokio::test]
async fn a_session_is_kept_as_the_official_adapter_keeps_it_and_says_its_namespace() {
    let redis = RedisServer::start().await;
    let a = node(A, builder(&redis)).await;
    let session = SavedSession {
        sid: "q8wNhtigJQ2qsHrbAAAC".into(),
        pid: "lAZM_1S5_yyxYXReAAAD".into(),
        rooms: vec!["q8wNhtigJQ2qsHrbAAAC".into(), "room1".into()],
        data: json!({ "node": "B" }),
        ..SavedSession::default()
    };
    log(&a).save("/", session, MINUTE);
    let key = "sio:session:lAZM_1S5_yyxYXReAAAD";
    until_async("a session", || async { redis.ask::<i64>(&["EXISTS", key]).await == 1 }).await;
    let text: String = redis.ask(&["GET", key]).await;
    let expected = concat!(
        "haNzaWS0cTh3Tmh0aWdKUTJxc0hyYkFBQUOjcGlktGxBWk1fMVM1X3l5eFlYUmVBQUFEpXJvb21zkrRx",
        "OHdOaHRpZ0pRMnFzSHJiQUFBQ6Vyb29tMaRkYXRhgaRub2RloUKjbnNwoS8="
    );
    assert_eq!(text, expected);
    let left: i64 = redis.ask(&["PTTL", key]).await;
    assert!((1..=60_000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_session_that_is_no_session_is_none() {
    let redis = RedisServer::start().await;
    let a = node(A, builder(&redis)).await;
    log(&a).append("/", event(r#"["first"]"#, &[]));
    let known = logged(&a).await.1;
    for text in ["", "???", "gA==", "{}"] {
        let _: String = redis.ask(&["SET", "sio:session:pid", text]).await;
        assert_eq!(restore(&a, "pid", known).await, None);
    }
    assert_eq!(a.adapter.stats().garbage, 4);
    let _: i64 = redis.ask(&["RPUSH", "sio:session:pid", "x"]).await;
    assert_eq!(restore(&a, "pid", known).await, None);
}

#[tokio::test]
async fn without_redis_there_is_no_session_and_nobody_waits_for_ever() {
    let redis = RedisServer::start().await;
    let hasty = builder(&redis).command_timeout(Duration::from_millis(200));
    let a = node(A, hasty).await;
    redis.pause();
    log(&a).save("/", session("pid", &["sid"]), MINUTE);
    assert_eq!(restore(&a, "pid", "1-0".parse().unwrap()).await, None);
    redis.resume();
}

#[tokio::test]
async fn at_the_end_sessions_are_kept_and_events_are_not_lost() {
    let redis = RedisServer::start().await;
    let (a, b) = pair(&redis).await;
    log(&a).append("/", event(r#"["last"]"#, &[]));
    log(&a).save("/", session("pid", &["sid"]), MINUTE);
    soon("the end", a.adapter.stop()).await;
    let heard = a.rest();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0].event(), r#"["last"]"#);
    let known = logged(&b).await.1;
    assert_eq!(restore(&b, "pid", known).await.unwrap().session, session("pid", &["sid"]));
}
