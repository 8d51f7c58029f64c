//! Hostile and unlucky clusters: cases 80 to 86 and promises of `docs/hostile.md`, against a real Redis.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use std::time::Duration;

use sio_core::cluster::{Adapter, ClusterError, Message, Response};
use sio_redis::{Error, Mode, RedisAdapter, RedisAdapterBuilder};
use tokio::time::Instant;

use support::{Heard, Line, RedisServer, TestNode, event, soon, until, until_async};

const A: &str = "aaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbb";
const MODES: [Mode; 3] = [Mode::Classic, Mode::Sharded, Mode::Streams];

fn builder(redis: &RedisServer, mode: Mode) -> RedisAdapterBuilder {
    RedisAdapter::builder(&redis.url()).mode(mode)
}

async fn pair(redis: &RedisServer, mode: Mode) -> (TestNode, TestNode) {
    let b = TestNode::start(B, builder(redis, mode)).await;
    (TestNode::start(A, builder(redis, mode)).await, b)
}

/// Says something on a channel as anybody can who may write to Redis.
async fn say(redis: &RedisServer, mode: Mode, channel: &str, payload: &[u8]) {
    match mode {
        Mode::Sharded => redis.spublish(channel, payload).await,
        _ => redis.publish(channel, payload).await,
    };
}

/// Puts data into the stream as an entry of a broadcast.
async fn add(redis: &RedisServer, data: &str) {
    let words = ["XADD", "socket.io", "*", "uid", "u", "nsp", "/", "type", "3", "data", data];
    let _: String = redis.ask(&words).await;
}

/// What is said between nodes still arrives, and nothing else did.
async fn assert_well(from: &TestNode, to: &TestNode) {
    from.adapter.publish("/", event(r#"["fine"]"#, &[]));
    assert_eq!(to.events(1).await, [r#"["fine"]"#]);
    assert_eq!(to.rest(), []);
}

#[tokio::test]
async fn row_80_garbage_is_dropped_and_counted_in_all_modes_and_the_node_lives() {
    let redis = RedisServer::start().await;
    for mode in MODES {
        let (a, b) = pair(&redis, mode).await;
        let garbage =
            [&b""[..], b"{", b"\x93", b"\xc1", b"{\"type\":99,\"nsp\":\"/\"}", b"[]", &[0xff; 300]];
        for garbage in garbage {
            say(&redis, mode, "socket.io#/#", garbage).await;
        }
        until("counted", || a.adapter.stats().garbage == 7).await;
        if mode == Mode::Streams {
            add(&redis, "???").await;
            add(&redis, "{").await;
            until("counted", || a.adapter.stats().garbage == 9).await;
        }
        assert_well(&b, &a).await;
    }
}

#[tokio::test]
async fn row_81_a_message_without_its_fields_is_dropped_and_counted() {
    let redis = RedisServer::start().await;
    for mode in MODES {
        let (a, b) = pair(&redis, mode).await;
        let channel = if mode == Mode::Classic { "socket.io-request#/#" } else { "socket.io#/#" };
        // Those of the modes with one channel; 1 and 2 are signs of life there, and have no fields.
        let kinds = if mode == Mode::Classic { 0..=7 } else { 3..=12 };
        let count = kinds.clone().count() as u64;
        for kind in kinds {
            let payload = format!(r#"{{"uid":"u","nsp":"/","type":{kind}}}"#);
            say(&redis, mode, channel, payload.as_bytes()).await;
        }
        until("counted", || a.adapter.stats().garbage == count).await;
        assert_well(&b, &a).await;
    }
}

#[tokio::test]
async fn row_83_a_huge_or_very_deep_message_is_dropped_and_counted() {
    let redis = RedisServer::start().await;
    for mode in MODES {
        let (a, b) = pair(&redis, mode).await;
        let large = "a".repeat(17 << 20);
        let deep = format!("{}1{}", "[".repeat(1_000), "]".repeat(1_000));
        let in_classic = |data: &str| {
            format!(r#"["u",{{"type":2,"nsp":"/","data":["e",{data}]}},{{"rooms":[]}}]"#)
        };
        let alone = |data: &str| {
            format!(r#"{{"packet":{{"type":2,"data":["e",{data}]}},"opts":{{"rooms":[]}}}}"#)
        };
        let in_envelope =
            |data: &str| format!(r#"{{"uid":"u","nsp":"/","type":3,"data":{}}}"#, alone(data));
        for data in [&*format!("{large:?}"), &*deep] {
            match mode {
                Mode::Classic => {
                    say(&redis, mode, "socket.io#/#", in_classic(data).as_bytes()).await
                }
                _ => say(&redis, mode, "socket.io#/#", in_envelope(data).as_bytes()).await,
            }
        }
        until("counted", || a.adapter.stats().garbage == 2).await;
        if mode == Mode::Streams {
            add(&redis, &alone(&format!("{large:?}"))).await;
            add(&redis, &alone(&deep)).await;
            until("counted", || a.adapter.stats().garbage == 4).await;
        }
        // The same form with less in it is understood.
        let fine = |data: &str| match mode {
            Mode::Classic => in_classic(data),
            _ => in_envelope(data),
        };
        say(&redis, mode, "socket.io#/#", fine("1").as_bytes()).await;
        assert_eq!(a.events(1).await, [r#"["e",1]"#]);
        assert_well(&b, &a).await;
    }
}

#[tokio::test]
async fn row_84_redis_that_stops_restarts_or_hangs_is_come_back_to_in_all_modes() {
    for mode in MODES {
        let mut redis = RedisServer::start().await;
        let patient =
            |redis: &RedisServer| builder(redis, mode).command_timeout(Duration::from_millis(400));
        let a = TestNode::start(A, patient(&redis)).await;
        let b = TestNode::start(B, patient(&redis)).await;
        for hangs in [false, true] {
            if hangs {
                redis.pause();
            } else {
                redis.kill();
            }
            let both = |connected| {
                let is_so = |node: &TestNode| node.adapter.stats().connected == connected;
                is_so(&a) && is_so(&b)
            };
            until("noticed", || both(false)).await;
            if hangs {
                redis.resume();
            } else {
                assert!(redis.restart().await);
            }
            until("back", || both(true)).await;
            a.ready().await;
            b.ready().await;
            assert_well(&b, &a).await;
        }
    }
}

#[tokio::test]
async fn row_84_a_node_that_redis_cuts_off_for_being_slow_comes_back() {
    let redis = RedisServer::start().await;
    let (a, b) = pair(&redis, Mode::Classic).await;
    // What Redis does when `client-output-buffer-limit pubsub` is reached.
    let _: i64 = redis.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    until("noticed and back", || {
        [&a, &b].iter().all(|node| {
            let stats = node.adapter.stats();
            stats.reconnects == 1 && stats.connected
        })
    })
    .await;
    assert_well(&b, &a).await;
}

#[tokio::test]
async fn row_85_what_another_node_says_under_our_id_is_ignored() {
    let redis = RedisServer::start().await;
    for mode in MODES {
        let (a, b) = pair(&redis, mode).await;
        let twin = TestNode::start(A, builder(&redis, mode)).await;
        twin.adapter.publish("/", event(r#"["twin"]"#, &[]));
        twin.adapter.publish("/", Message::Disconnect { options: support::to(&[]), close: true });
        assert_eq!(b.events(1).await, [r#"["twin"]"#]);
        assert!(matches!(b.next().await.message(), Message::Disconnect { .. }));
        assert_well(&b, &a).await;
        assert_eq!(a.adapter.stats().garbage, 0);
    }
}

#[tokio::test]
async fn row_85_an_answer_without_a_request_to_it_is_garbage_and_harms_nobody() {
    let redis = RedisServer::start().await;
    let (a, b) = pair(&redis, Mode::Classic).await;
    say(&redis, Mode::Classic, "socket.io-response#/#", b"{}").await;
    say(&redis, Mode::Classic, "socket.io-response#/#", br#"{"requestId":null}"#).await;
    until("counted", || a.adapter.stats().garbage == 2).await;
    // Whether the request is known, the server decides, once for all adapters.
    b.adapter.respond("/", A, Response::Done { request: "unknown".into() });
    let heard = a.next().await;
    assert!(matches!(heard, Heard::Response { .. }), "{heard:?}");
    assert_well(&b, &a).await;
}

#[tokio::test]
async fn promise_16_redis_that_is_away_at_the_start_is_an_error_or_is_waited_for() {
    let mut redis = RedisServer::start().await;
    redis.kill();
    let error = soon("connect", builder(&redis, Mode::Classic).connect()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    // Without `connect` the node is there all the same, and says that it is alone.
    let a = TestNode::without_namespace(A, builder(&redis, Mode::Classic));
    a.adapter.open("/");
    a.adapter.publish("/", event(r#"["early"]"#, &[]));
    until("noticed", || !a.adapter.stats().connected).await;
    let asked = Instant::now();
    let error = soon("count", a.adapter.node_count("/")).await.unwrap_err();
    assert!(matches!(error, ClusterError::Unavailable(_)), "{error}");
    assert!(asked.elapsed() < Duration::from_secs(6));
    assert!(redis.restart().await);
    a.ready().await;
    until("said", || a.adapter.stats().queued == 0).await;
}

#[tokio::test]
async fn promise_17_a_connection_that_hangs_is_noticed_and_subscriptions_are_back_before_it_counts()
{
    let redis = RedisServer::start().await;
    let line = Line::to(redis.port).await;
    // With the default times.
    let a = TestNode::start(A, RedisAdapter::builder(&line.url())).await;
    let b = TestNode::start(B, builder(&redis, Mode::Classic)).await;
    line.go_dead();
    let dead = Instant::now();
    until("noticed", || !a.adapter.stats().connected).await;
    assert!(dead.elapsed() < Duration::from_secs(15), "{:?}", dead.elapsed());
    line.cut();
    line.mend();
    until("back", || a.adapter.stats().connected).await;
    redis.until_heard("socket.io-request#/#", 2).await;
    assert_well(&b, &a).await;
}

#[tokio::test]
async fn promise_18_what_is_said_while_a_node_is_away_is_read_from_the_stream_and_lost_on_channels()
{
    for (mode, expected) in [(Mode::Streams, 100), (Mode::Classic, 0)] {
        let redis = RedisServer::start().await;
        let line = Line::to(redis.port).await;
        let silent = Duration::from_millis(400);
        let away = RedisAdapter::builder(&line.url()).mode(mode).command_timeout(silent);
        let a = TestNode::start(A, away).await;
        let b = TestNode::start(B, builder(&redis, mode)).await;
        line.cut();
        until("noticed", || !a.adapter.stats().connected).await;
        for number in 0..100 {
            b.adapter.publish("/", event(&format!(r#"["n",{number}]"#), &[]));
        }
        until("said", || b.adapter.stats().published == 100).await;
        line.mend();
        until("back", || a.adapter.stats().connected).await;
        let said: Vec<_> = (0..expected).map(|number| format!(r#"["n",{number}]"#)).collect();
        assert_eq!(a.events(expected).await, said);
        assert_well(&b, &a).await;
    }
}

#[tokio::test]
async fn promise_19_what_is_said_while_redis_hangs_is_queued_within_a_bound_and_keeps_its_order() {
    let redis = RedisServer::start().await;
    let (line, bytes) = (Line::to(redis.port).await, 100_000);
    let waits = RedisAdapter::builder(&line.url()).queue_bytes(bytes);
    let a = TestNode::start(A, waits.command_timeout(Duration::from_millis(400))).await;
    let b = TestNode::start(B, builder(&redis, Mode::Classic)).await;
    line.cut();
    until("noticed", || !a.adapter.stats().connected).await;
    let before = Instant::now();
    for number in 0..10_000 {
        a.adapter.publish("/", event(&format!(r#"["n",{number}]"#), &[]));
    }
    assert!(before.elapsed() < Duration::from_secs(5), "nobody waits");
    let stats = a.adapter.stats();
    assert!(stats.queued > 100 && stats.queued * 128 < bytes, "{stats:?}");
    assert_eq!(stats.dropped, 10_000 - stats.queued as u64);
    line.mend();
    let said: Vec<_> =
        (10_000 - stats.queued..10_000).map(|number| format!(r#"["n",{number}]"#)).collect();
    assert_eq!(b.events(stats.queued).await, said);
    assert_eq!(b.rest(), []);
}

#[tokio::test]
async fn promise_21_a_node_that_is_gone_without_a_word_does_not_count_any_more() {
    let redis = RedisServer::start().await;
    for mode in MODES {
        let line = Line::to(redis.port).await;
        let lost = TestNode::start(B, RedisAdapter::builder(&line.url()).mode(mode)).await;
        let a = TestNode::start(A, builder(&redis, mode)).await;
        let count = || async { soon("count", a.adapter.node_count("/")).await.unwrap() };
        assert_eq!(count().await, 2);
        let gone = Instant::now();
        line.cut();
        until_async("gone", || async { count().await == 1 }).await;
        assert!(gone.elapsed() < Duration::from_secs(10));
        assert_eq!(soon("nodes", a.adapter.nodes("/")).await.unwrap(), [A]);
        drop(lost);
    }
}
