//! Redis goes away and comes back, goes silent, or was never there.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use std::time::{Duration, Instant};

use sio_core::cluster::{Adapter, ClusterError};
use sio_redis::{Error, Mode, RedisAdapter, RedisAdapterBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use support::{DEADLINE, Line, RedisServer, TestNode, event, soon, until, until_async};

const A: &str = "aaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbb";

/// Silence is noticed soon.
fn builder(url: &str) -> RedisAdapterBuilder {
    RedisAdapter::builder(url).command_timeout(Duration::from_millis(400))
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!(r#"["n",{number}]"#)).collect()
}

fn say(node: &TestNode, events: &[String]) {
    for json in events {
        node.adapter.publish("/", event(json, &[]));
    }
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_an_error_without_the_password() {
    let mut redis = RedisServer::start().await;
    redis.kill();
    let url = format!("redis://:secret@127.0.0.1:{}", redis.port);
    let error = soon("connect", RedisAdapter::builder(&url).connect()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    let text = format!("{error} {error:?}");
    assert!(text.contains(&format!("127.0.0.1:{}", redis.port)), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[tokio::test]
async fn a_wrong_password_is_an_error_without_the_password() {
    let redis = RedisServer::start().await;
    let _: () = redis.ask(&["CONFIG", "SET", "requirepass", "right"]).await;
    let url = format!("redis://:wrong@127.0.0.1:{}", redis.port);
    let error = soon("connect", RedisAdapter::builder(&url).connect()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("wrong@"), "{error}");
    let url = format!("redis://:right@127.0.0.1:{}", redis.port);
    soon("connect", RedisAdapter::builder(&url).connect()).await.unwrap();
}

/// Answers as a Redis of another version would.
async fn server_of_version(version: &'static str) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut bytes = vec![0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                    let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
                    for command in text.split('*').skip(1) {
                        let info = format!("redis_version:{version}\r\n");
                        let answer = match () {
                            () if command.contains("HELLO") => {
                                "%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n".to_owned()
                            }
                            () if command.contains("INFO\r\n$6\r\nserver") => {
                                format!("${}\r\n{info}\r\n", info.len())
                            }
                            () => "+OK\r\n".to_owned(),
                        };
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn a_redis_that_is_too_old_for_the_mode_is_an_error() {
    let url = server_of_version("6.2.7").await;
    let sharded = RedisAdapter::builder(&url).mode(Mode::Sharded);
    let error = soon("connect", sharded.connect()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("is version 6.2.7; channels that belong to shards needs 7.0 or newer"),
        "{error}"
    );
    soon("connect", RedisAdapter::builder(&url).connect()).await.unwrap();
    let url = server_of_version("5.0.14").await;
    let error = soon("connect", RedisAdapter::builder(&url).connect()).await.unwrap_err();
    assert!(matches!(error, Error::TooOld { .. }), "{error}");
}

#[tokio::test]
async fn a_redis_alone_is_an_error_where_a_cluster_was_said() {
    let redis = RedisServer::start().await;
    let builder = RedisAdapter::builder(&redis.url()).mode(Mode::Sharded).cluster(true);
    let error = soon("connect", builder.connect()).await.unwrap_err();
    assert!(error.to_string().contains("cluster support disabled"), "{error}");
}

#[tokio::test]
async fn an_adapter_connects_when_redis_comes() {
    let mut redis = RedisServer::start().await;
    redis.kill();
    let a = TestNode::without_namespace(A, builder(&redis.url()));
    let b = TestNode::without_namespace(B, builder(&redis.url()));
    a.adapter.open("/");
    b.adapter.open("/");
    let error = soon("count", a.adapter.node_count("/")).await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("the cluster cannot be reached: Connection refused"), "{text}");
    until("noticed", || !a.adapter.stats().connected).await;
    assert!(redis.restart().await);
    a.ready().await;
    b.ready().await;
    say(&a, &numbers(0..1));
    assert_eq!(b.events(1).await, numbers(0..1));
    until("noticed", || a.adapter.stats().connected).await;
    assert_eq!(a.adapter.stats().reconnects, 1);
}

#[tokio::test]
async fn what_is_said_during_an_outage_arrives_after_it_in_order_and_once() {
    let redis = RedisServer::start().await;
    let line = Line::to(redis.port).await;
    let a = TestNode::start(A, builder(&line.url())).await;
    let b = TestNode::start(B, builder(&redis.url())).await;
    say(&a, &numbers(0..10));
    assert_eq!(b.events(10).await, numbers(0..10));
    until("answered", || a.adapter.stats().published == 10).await;
    line.cut();
    until("noticed", || !a.adapter.stats().connected).await;
    let before = Instant::now();
    say(&a, &numbers(10..1010));
    assert!(before.elapsed() < Duration::from_secs(1), "callers do not wait");
    assert_eq!(a.adapter.stats().queued, 1000);
    line.mend();
    assert_eq!(b.events(1000).await, numbers(10..1010));
    say(&b, &numbers(0..1));
    a.ready().await;
    say(&b, &numbers(1..2));
    soon("subscribed again", async { while a.next().await.event() != r#"["n",1]"# {} }).await;
    assert_eq!(b.rest(), []);
    assert_eq!(a.adapter.stats().dropped, 0);
}

#[tokio::test]
async fn a_queue_that_is_full_drops_the_oldest_and_counts_them() {
    let redis = RedisServer::start().await;
    let line = Line::to(redis.port).await;
    let a = TestNode::start(A, builder(&line.url()).queue_bytes(20_000)).await;
    let b = TestNode::start(B, builder(&redis.url())).await;
    line.cut();
    until("noticed", || !a.adapter.stats().connected).await;
    say(&a, &numbers(0..1000));
    let stats = a.adapter.stats();
    let kept = stats.queued;
    assert!(kept > 10 && kept < 200, "{stats:?}");
    assert_eq!(stats.dropped, 1000 - kept as u64);
    line.mend();
    assert_eq!(b.events(kept).await, numbers(1000 - kept..1000));
    assert_eq!(b.rest(), []);
}

#[tokio::test]
async fn after_a_restart_everything_is_subscribed_again_and_nothing_comes_twice() {
    let mut redis = RedisServer::start().await;
    let a = TestNode::start(A, builder(&redis.url())).await;
    let b = TestNode::start(B, builder(&redis.url())).await;
    a.adapter.open("/more");
    b.adapter.open("/more");
    a.ready().await;
    b.ready().await;
    for round in 0..3 {
        redis.kill();
        until("noticed", || !a.adapter.stats().connected && !b.adapter.stats().connected).await;
        assert!(redis.restart().await);
        for channel in ["socket.io-request#/#", "socket.io-request#/more#"] {
            redis.until_heard(channel, 2).await;
        }
        a.ready().await;
        b.ready().await;
        let said = numbers(round * 10..round * 10 + 10);
        for json in &said {
            a.adapter.publish("/", event(json, &[]));
            a.adapter.publish("/more", event(json, &["room"]));
        }
        let twice: Vec<_> = said.iter().flat_map(|json| [json.clone(), json.clone()]).collect();
        assert_eq!(b.events(20).await, twice);
        assert_eq!(b.rest(), []);
    }
}

#[tokio::test]
async fn connections_that_are_cut_come_back_and_nothing_comes_twice() {
    let redis = RedisServer::start().await;
    let a = TestNode::start(A, builder(&redis.url())).await;
    let b = TestNode::start(B, builder(&redis.url())).await;
    let mut said = 0;
    let mut heard = Vec::new();
    for _ in 0..5 {
        say(&a, &numbers(said..said + 200));
        redis.cut_all().await;
        say(&a, &numbers(said + 200..said + 400));
        said += 400;
        // Connections are noticed to be gone, and made again.
        until("said", || a.adapter.stats().queued == 0 && a.adapter.stats().connected).await;
        b.ready().await;
    }
    redis.until_heard("socket.io-request#/#", 2).await;
    a.adapter.publish("/", event(r#"["end"]"#, &[]));
    soon("the end", async {
        loop {
            let json = b.next().await.event().to_owned();
            if json == r#"["end"]"# {
                break;
            }
            heard.push(json);
        }
    })
    .await;
    // Some may be lost; the others are in order and there once.
    let all = numbers(0..said);
    let mut rest = all.iter();
    assert!(heard.iter().all(|json| rest.any(|other| other == json)), "{heard:?}");
}

#[tokio::test]
async fn a_connection_that_is_dead_is_noticed_and_what_was_under_way_is_not_said_again() {
    let redis = RedisServer::start().await;
    let line = Line::to(redis.port).await;
    let a = TestNode::start(A, builder(&line.url())).await;
    let b = TestNode::start(B, builder(&redis.url())).await;
    line.go_dead();
    say(&a, &numbers(0..1));
    until("taken", || a.adapter.stats().queued == 0).await;
    say(&a, &numbers(1..3));
    until("noticed", || !a.adapter.stats().connected).await;
    until("given up", || a.adapter.stats().dropped == 1).await;
    // What is in the dead line goes with it.
    line.cut();
    line.mend();
    assert_eq!(b.events(2).await, numbers(1..3));
    assert_eq!(b.rest(), []);
    a.ready().await;
}

#[tokio::test]
async fn a_subscription_that_is_dead_is_noticed_without_traffic() {
    let redis = RedisServer::start().await;
    let line = Line::to(redis.port).await;
    let a = TestNode::start(A, builder(&line.url())).await;
    let b = TestNode::start(B, builder(&redis.url())).await;
    line.go_dead();
    until("noticed", || !a.adapter.stats().connected).await;
    line.cut();
    line.mend();
    until("back", || a.adapter.stats().connected).await;
    a.ready().await;
    say(&b, &numbers(0..3));
    assert_eq!(a.events(3).await, numbers(0..3));
    assert_eq!(a.rest(), []);
}

#[tokio::test]
async fn a_redis_that_is_paused_stops_nobody() {
    let redis = RedisServer::start().await;
    let a = TestNode::start(A, builder(&redis.url())).await;
    let b = TestNode::start(B, builder(&redis.url())).await;
    redis.pause();
    let before = Instant::now();
    say(&a, &numbers(0..1000));
    assert!(before.elapsed() < Duration::from_secs(1), "callers do not wait");
    let error = soon("count", a.adapter.node_count("/")).await.unwrap_err();
    assert!(matches!(error, ClusterError::Unavailable(_)), "{error}");
    let error = soon("nodes", a.adapter.nodes("/")).await.unwrap_err();
    assert!(matches!(error, ClusterError::Unavailable(_)), "{error}");
    assert!(before.elapsed() < DEADLINE / 4, "{:?}", before.elapsed());
    until("noticed", || !a.adapter.stats().connected).await;
    redis.resume();
    until("back", || a.adapter.stats().connected && b.adapter.stats().connected).await;
    redis.until_heard("socket.io-request#/#", 2).await;
    a.ready().await;
    b.ready().await;
    until("said", || a.adapter.stats().queued == 0).await;
    b.rest();
    say(&a, &numbers(0..100));
    // What was said during the pause may still come, but only once and before.
    let mut heard = Vec::new();
    while heard.last().map(String::as_str) != Some(r#"["n",99]"#) || heard.len() < 100 {
        heard.push(b.next().await.event().to_owned());
    }
    assert_eq!(heard[heard.len() - 100..], numbers(0..100));
    let count = soon("count", a.adapter.node_count("/")).await.unwrap();
    assert_eq!(count, 2);
}

#[tokio::test]
async fn an_adapter_that_stops_says_what_is_queued_and_leaves() {
    let redis = RedisServer::start().await;
    let a = TestNode::start(A, builder(&redis.url())).await;
    let b = TestNode::start(B, builder(&redis.url())).await;
    say(&a, &numbers(0..5000));
    soon("stop", a.adapter.stop()).await;
    assert_eq!(b.events(5000).await, numbers(0..5000));
    redis.until_heard("socket.io-request#/#", 1).await;
    // Nothing waits for ever afterwards.
    assert!(soon("ready", a.adapter.ready()).await.is_err());
    assert!(soon("count", a.adapter.node_count("/")).await.is_err());
    soon("sleep", a.adapter.sleep(Duration::from_secs(3600))).await;
    soon("stop", a.adapter.stop()).await;
}

#[tokio::test]
async fn an_adapter_stops_in_bounded_time_while_redis_is_away() {
    let mut redis = RedisServer::start().await;
    let a = TestNode::start(A, builder(&redis.url())).await;
    redis.kill();
    say(&a, &numbers(0..10));
    soon("stop", a.adapter.stop()).await;
}

#[tokio::test]
async fn a_dropped_adapter_leaves_no_connection() {
    let redis = RedisServer::start().await;
    let a = TestNode::start(A, builder(&redis.url())).await;
    soon("count", a.adapter.node_count("/")).await.unwrap();
    drop(a);
    until_async("no connection", || async {
        let list: String = redis.ask(&["CLIENT", "LIST"]).await;
        list.lines().count() == 1
    })
    .await;
}

#[test]
fn futures_of_an_adapter_need_no_timer_of_their_caller() {
    let server = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let redis = server.block_on(RedisServer::start());
    let bare = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let adapter = bare.block_on(builder(&redis.url()).connect()).unwrap();
    let before = Instant::now();
    bare.block_on(adapter.sleep(Duration::from_millis(50)));
    assert!(before.elapsed() >= Duration::from_millis(50));
    bare.block_on(adapter.node_count("/")).unwrap();
}
