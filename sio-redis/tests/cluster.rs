//! On a Redis Cluster of three masters.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use sio_core::cluster::{Adapter, Response};
use sio_redis::{Mode, RedisAdapter, RedisAdapterBuilder, SubscriptionMode};

use support::{Heard, RedisCluster, TestNode, event, soon, until, until_async};

const A: &str = "aaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbb";

fn sharded(redis: &RedisCluster, master: usize) -> RedisAdapterBuilder {
    RedisAdapter::builder(&redis.masters[master].url())
        .cluster(true)
        .mode(Mode::Sharded)
        .subscription_mode(SubscriptionMode::Dynamic)
}

fn rooms() -> Vec<String> {
    (0..30).map(|number| format!("room{number}")).collect()
}

/// Waits until what is said to each room is heard.
async fn until_all_rooms_are_heard(from: &TestNode, at: &TestNode, rooms: &[String]) {
    for room in rooms {
        until_async(&format!("{room} is heard"), || async {
            let json = format!(r#"["{room}"]"#);
            from.adapter.publish("/", event(&json, &[room.as_str()]));
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            at.rest().iter().any(|heard| heard.event() == json)
        })
        .await;
    }
}

#[tokio::test]
async fn streams_do_not_go_with_a_cluster() {
    let builder = RedisAdapter::builder("redis://127.0.0.1:1").mode(Mode::Streams).cluster(true);
    let error = builder.build().unwrap_err();
    assert!(error.to_string().contains("cluster"), "{error}");
}

#[tokio::test]
async fn channels_are_spread_over_the_masters_and_everything_arrives() {
    let redis = RedisCluster::start().await;
    let a = TestNode::start(A, sharded(&redis, 0)).await;
    let b = TestNode::start(B, sharded(&redis, 1)).await;
    let rooms = rooms();
    for room in &rooms {
        b.adapter.open_room("/", &room.as_str().into(), false);
    }
    b.ready().await;
    for master in &redis.masters {
        let channels: Vec<String> = master.ask(&["PUBSUB", "SHARDCHANNELS"]).await;
        assert!(!channels.is_empty(), "each master has some");
    }
    for number in 0..20 {
        for room in &rooms {
            let json = format!(r#"["{room}",{number}]"#);
            a.adapter.publish("/", event(&json, &[room.as_str()]));
        }
    }
    let heard = b.events(20 * rooms.len()).await;
    for room in &rooms {
        let start = format!(r#"["{room}","#);
        let of_room: Vec<_> = heard.iter().filter(|json| json.starts_with(&start)).collect();
        let expected: Vec<_> = (0..20).map(|number| format!("{start}{number}]")).collect();
        assert_eq!(of_room, expected.iter().collect::<Vec<_>>(), "in order and once");
    }
    assert_eq!(b.rest(), []);
    assert_eq!(soon("count", a.adapter.node_count("/")).await.unwrap(), 2);
    assert_eq!(soon("nodes", b.adapter.nodes("/")).await.unwrap(), [A, B]);
    let response = Response::ClientCount { request: "q".into(), count: 2 };
    b.adapter.respond("/", A, response.clone());
    let (namespace, from) = ("/".to_owned(), Some(B.to_owned()));
    assert_eq!(a.next().await, Heard::Response { namespace, from, response });
    soon("stop", b.adapter.stop()).await;
    assert_eq!(soon("count", a.adapter.node_count("/")).await.unwrap(), 1);
}

#[tokio::test]
async fn what_is_said_before_the_slots_are_known_is_kept() {
    let redis = RedisCluster::start().await;
    let b = TestNode::start(B, sharded(&redis, 1)).await;
    let a = TestNode::without_namespace(A, sharded(&redis, 0));
    a.adapter.open("/");
    a.adapter.publish("/", event(r#"["early"]"#, &[]));
    assert_eq!(b.events(1).await, [r#"["early"]"#]);
}

#[tokio::test]
async fn a_room_is_heard_where_its_slot_has_moved() {
    let redis = RedisCluster::start().await;
    let a = TestNode::start(A, sharded(&redis, 0)).await;
    let b = TestNode::start(B, sharded(&redis, 1)).await;
    b.adapter.open_room("/", &"room".into(), false);
    b.ready().await;
    let rooms = ["room".to_owned()];
    until_all_rooms_are_heard(&a, &b, &rooms).await;
    let channel = "socket.io#/#room#";
    let slot: u16 = redis.masters[0].ask(&["CLUSTER", "KEYSLOT", channel]).await;
    for to in [0, 1, 2] {
        redis.move_slot(slot, to).await;
        until_all_rooms_are_heard(&a, &b, &rooms).await;
        redis.masters[to].until_shard_heard(channel, 1).await;
    }
}

#[tokio::test]
async fn a_master_that_ends_takes_only_its_channels_and_gives_them_back() {
    let mut redis = RedisCluster::start().await;
    let a = TestNode::start(A, sharded(&redis, 0)).await;
    let b = TestNode::start(B, sharded(&redis, 1)).await;
    let rooms = rooms();
    for room in &rooms {
        b.adapter.open_room("/", &room.as_str().into(), false);
    }
    b.ready().await;
    let mut elsewhere = Vec::new();
    for room in &rooms {
        let channel = format!("socket.io#/#{room}#");
        let slot: u16 = redis.masters[0].ask(&["CLUSTER", "KEYSLOT", &channel]).await;
        if slot < 10_923 {
            elsewhere.push(room.clone());
        }
    }
    redis.masters[2].kill();
    until("noticed", || !a.adapter.stats().connected && !b.adapter.stats().connected).await;
    until_all_rooms_are_heard(&a, &b, &elsewhere).await;
    assert!(redis.masters[2].restart().await);
    redis.until_whole().await;
    until_all_rooms_are_heard(&a, &b, &rooms).await;
    until("back", || a.adapter.stats().connected && b.adapter.stats().connected).await;
}

#[tokio::test]
async fn the_classic_mode_works_too_and_keeps_its_order() {
    let redis = RedisCluster::start().await;
    let classic = |master: usize| {
        RedisAdapter::builder(&redis.masters[master].url()).cluster(true).mode(Mode::Classic)
    };
    let a = TestNode::start(A, classic(0)).await;
    let b = TestNode::start(B, classic(2)).await;
    let expected: Vec<_> = (0..500).map(|number| format!(r#"["n",{number}]"#)).collect();
    for (number, json) in expected.iter().enumerate() {
        let room = format!("room{}", number % 7);
        a.adapter.publish("/", event(json, &[room.as_str()]));
    }
    assert_eq!(b.events(expected.len()).await, expected);
    assert_eq!(soon("count", a.adapter.node_count("/")).await.unwrap(), 2);
    assert_eq!(soon("nodes", a.adapter.nodes("/")).await.unwrap(), [A, B]);
}
