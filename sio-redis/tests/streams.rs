//! The streams mode: what goes into the stream and what over channels, and what is heard.

mod support;

use std::time::Duration;

use sio_core::cluster::{Adapter, Data, Message, Response};
use sio_redis::{Mode, RedisAdapter, RedisAdapterBuilder, RedisOptions};

use support::{Heard, RedisServer, TestNode, event, soon, to, until, with_bytes};

const A: &str = "aaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbb";

fn builder(redis: &RedisServer) -> RedisAdapterBuilder {
    RedisAdapter::builder(&redis.url()).mode(Mode::Streams)
}

async fn pair(redis: &RedisServer) -> (TestNode, TestNode) {
    (TestNode::start(A, builder(redis)).await, TestNode::start(B, builder(redis)).await)
}

async fn entries(redis: &RedisServer, stream: &str) -> Vec<Vec<String>> {
    let found: Vec<(String, Vec<String>)> = redis.ask(&["XRANGE", stream, "-", "+"]).await;
    found.into_iter().map(|(_, fields)| fields).collect()
}

#[tokio::test]
async fn garbage_is_counted_and_what_follows_is_heard() {
    let redis = RedisServer::start().await;
    let a = TestNode::start(A, builder(&redis)).await;
    for fields in [
        &["x", "y"][..],
        &["uid", "u", "type", "3", "data", "{}"],
        &["uid", "u", "nsp", "/other", "type", "3", "data", "???"],
        &["uid", "u", "nsp", "/"],
        &["uid", "u", "nsp", "/", "type", "x", "data", "{}"],
        &["uid", "u", "nsp", "/", "type", "3"],
        &["uid", "u", "nsp", "/", "type", "3", "data", ""],
        &["uid", "u", "nsp", "/", "type", "3", "data", "{"],
        &["uid", "u", "nsp", "/", "type", "3", "data", "{}"],
        &["uid", "u", "nsp", "/", "type", "3", "data", "???"],
        &["uid", "u", "nsp", "/", "type", "3", "data", "gA=="],
        &["uid", "u", "nsp", "/", "type", "99", "data", "{}"],
        // What older nodes put there.
        &["uid", "u", "nsp", "/", "type", "1"],
        &["uid", "u", "nsp", "/", "type", "11", "data", r#"{"requestId":"q","clientCount":1}"#],
    ] {
        let words = [&["XADD", "socket.io", "*"], fields].concat();
        let _: String = redis.ask(&words).await;
    }
    let good = r#"{"packet":{"type":2,"data":["fine"]},"opts":{"rooms":[]}}"#;
    let words = ["XADD", "socket.io", "*", "uid", "u", "nsp", "/", "type", "3", "data", good];
    let _: String = redis.ask(&words).await;
    assert_eq!(a.events(1).await, [r#"["fine"]"#]);
    assert_eq!(a.adapter.stats().garbage, 9);
    redis.publish("socket.io#/#", b"{").await;
    until("garbage on a channel", || a.adapter.stats().garbage == 10).await;
    assert_eq!(a.rest(), []);
}

#[tokio::test]
async fn what_was_said_before_a_node_started_is_not_heard() {
    let redis = RedisServer::start().await;
    let a = TestNode::start(A, builder(&redis)).await;
    a.adapter.publish("/", event(r#"["before"]"#, &[]));
    redis.until_len("socket.io", 1).await;
    let b = TestNode::start(B, builder(&redis)).await;
    a.adapter.publish("/", event(r#"["after"]"#, &[]));
    assert_eq!(b.events(1).await, [r#"["after"]"#]);
    assert_eq!(b.rest(), []);
}

#[tokio::test]
async fn what_needs_no_answer_is_an_entry_of_the_stream() {
    let redis = RedisServer::start().await;
    let (a, b) = pair(&redis).await;
    let mut options = to(&["r"]);
    options.except = vec!["x".into()];
    let said = [
        event(r#"["hello",1,"2",{"3":["4"]}]"#, &["r"]),
        with_bytes(r#"["bin",{"_placeholder":true,"num":0}]"#, &[&[0, 1, 2, 255]], &[]),
        Message::Join { options: options.clone(), rooms: vec!["room3".into()] },
        Message::Leave { options: options.clone(), rooms: vec!["room3".into()] },
        Message::Disconnect { options, close: true },
    ];
    for message in &said {
        a.adapter.publish("/", message.clone());
    }
    for message in said {
        let (namespace, from) = ("/".to_owned(), A.to_owned());
        assert_eq!(b.next().await, Heard::Message { namespace, from, message });
    }
    let opts = r#""opts":{"rooms":["r"],"except":["x"],"flags":{}}"#;
    let datas = [
        (
            "3",
            concat!(
                r#"{"packet":{"type":2,"data":["hello",1,"2",{"3":["4"]}]},"#,
                r#""opts":{"rooms":["r"],"except":[],"flags":{}}}"#
            )
            .to_owned(),
        ),
        (
            "3",
            "gqZwYWNrZXSCpHR5cGUCpGRhdGGSo2JpbsQEAAEC/6RvcHRzg6Vyb29tc5CmZXhjZXB0kKVmbGFnc4A="
                .to_owned(),
        ),
        ("4", format!(r#"{{{opts},"rooms":["room3"]}}"#)),
        ("5", format!(r#"{{{opts},"rooms":["room3"]}}"#)),
        ("6", format!(r#"{{{opts},"close":true}}"#)),
    ];
    let expected: Vec<Vec<String>> = datas
        .into_iter()
        .map(|(kind, data)| {
            ["uid", A, "nsp", "/", "type", kind, "data", &data].map(str::to_owned).into()
        })
        .collect();
    assert_eq!(entries(&redis, "socket.io").await, expected);
    assert_eq!(a.rest(), []);
}

#[tokio::test]
async fn questions_and_answers_go_over_channels() {
    let redis = RedisServer::start().await;
    let (a, b) = pair(&redis).await;
    let data = Data { json: r#"["e"]"#.into(), attachments: Vec::new() };
    let said = [
        Message::FetchSockets { options: to(&[]), request: "q".into() },
        Message::ServerSide { data: data.clone(), request: None },
        Message::ServerSide { data: data.clone(), request: Some("r".into()) },
        Message::Broadcast { data, id: None, options: to(&[]), request: Some("s".into()) },
    ];
    for message in said {
        a.adapter.publish("/", message.clone());
        assert_eq!(b.next().await.message(), message);
    }
    let response = Response::ClientCount { request: "s".into(), count: 3 };
    b.adapter.respond("/", A, response.clone());
    let (namespace, from) = ("/".to_owned(), Some(B.to_owned()));
    assert_eq!(a.next().await, Heard::Response { namespace, from, response });
    assert!(entries(&redis, "socket.io").await.is_empty());
    assert_eq!(soon("count", a.adapter.node_count("/")).await, Ok(2));
    let mut nodes = soon("nodes", a.adapter.nodes("/")).await.unwrap();
    nodes.sort();
    assert_eq!(nodes, [A, B]);
    assert_eq!(b.rest(), []);
}

#[tokio::test]
async fn namespaces_share_a_stream_and_hear_only_their_own() {
    let redis = RedisServer::start().await;
    let (a, b) = pair(&redis).await;
    a.adapter.publish("/other", event(r#"["other"]"#, &[]));
    a.adapter.publish("/", event(r#"["one"]"#, &[]));
    assert_eq!(b.events(1).await, [r#"["one"]"#]);
    b.adapter.open("/other");
    b.ready().await;
    a.adapter.publish("/other", event(r#"["two"]"#, &[]));
    assert_eq!(b.events(1).await, [r#"["two"]"#]);
    b.adapter.close("/other");
    a.adapter.publish("/other", event(r#"["three"]"#, &[]));
    a.adapter.publish("/", event(r#"["four"]"#, &[]));
    assert_eq!(b.events(1).await, [r#"["four"]"#]);
}

#[tokio::test]
async fn many_entries_come_in_order_and_the_stream_stays_short() {
    let redis = RedisServer::start().await;
    let mut options = RedisOptions::default();
    options.mode = Mode::Streams;
    options.stream_max_len = 1_000;
    let builder = || RedisAdapter::builder(&redis.url()).options(options.clone());
    let (a, b) = (TestNode::start(A, builder()).await, TestNode::start(B, builder()).await);
    for hundred in 0..50 {
        for one in 0..100 {
            a.adapter.publish("/", event(&format!("[\"e\",{}]", hundred * 100 + one), &[]));
        }
        for one in 0..100 {
            let expected = format!("[\"e\",{}]", hundred * 100 + one);
            assert_eq!(b.next().await.event(), expected);
        }
    }
    let len: usize = redis.ask(&["XLEN", "socket.io"]).await;
    assert!((1_000..2_000).contains(&len), "{len}");
}

#[tokio::test]
async fn each_namespace_has_its_stream_and_those_with_negative_names_are_read_too() {
    let redis = RedisServer::start().await;
    let mut options = RedisOptions::default();
    options.mode = Mode::Streams;
    options.stream_count = 3;
    let builder = || RedisAdapter::builder(&redis.url()).options(options.clone());
    let nodes = [A, B].map(|id| TestNode::without_namespace(id, builder()));
    let namespaces = ["/", "/custom", "/admin", "/a-long-namespace-name"];
    for node in &nodes {
        namespaces.iter().for_each(|namespace| node.adapter.open(namespace));
        node.ready().await;
    }
    for namespace in namespaces {
        nodes[0].adapter.publish(namespace, event(r#"["e"]"#, &[]));
        match nodes[1].next().await {
            Heard::Message { namespace: heard, .. } => assert_eq!(heard, namespace),
            other => panic!("{other:?}"),
        }
    }
    for (stream, len) in [("socket.io-2", 2), ("socket.io-1", 1), ("socket.io--2", 1)] {
        assert_eq!(entries(&redis, stream).await.len(), len, "{stream}");
    }
}

#[tokio::test]
async fn plain_text_only_and_channels_of_shards_can_be_asked_for() {
    let redis = RedisServer::start().await;
    let mut options = RedisOptions::default();
    options.mode = Mode::Streams;
    options.prefix = "pfx".to_owned();
    options.stream_name = "mystream".to_owned();
    options.stream_only_plaintext = true;
    options.stream_sharded_channels = true;
    let builder = || RedisAdapter::builder(&redis.url()).options(options.clone());
    let (a, b) = (TestNode::start(A, builder()).await, TestNode::start(B, builder()).await);
    let bytes = r#"["bin",{"_placeholder":true,"num":0}]"#;
    a.adapter.publish("/", with_bytes(bytes, &[&[0, 255]], &[]));
    assert_eq!(b.events(1).await, [r#"["bin",{"type":"Buffer","data":[0,255]}]"#]);
    assert_eq!(entries(&redis, "mystream").await.len(), 1);
    redis.until_shard_heard("pfx#/#", 2).await;
    assert_eq!(soon("count", a.adapter.node_count("/")).await, Ok(2));
    let question = Message::FetchSockets { options: to(&[]), request: "q".into() };
    a.adapter.publish("/", question.clone());
    assert_eq!(b.next().await.message(), question);
}

#[tokio::test]
async fn what_was_missed_while_the_connection_was_gone_is_caught_up() {
    let redis = RedisServer::start().await;
    let (a, b) = pair(&redis).await;
    for round in 0..5 {
        redis.cut_all().await;
        let expected: Vec<_> = (0..20).map(|number| format!("[\"e\",{round},{number}]")).collect();
        for event in &expected {
            let data = format!(r#"{{"packet":{{"type":2,"data":{event}}},"opts":{{}}}}"#);
            let words = ["XADD", "socket.io", "*", "uid", "u", "nsp", "/", "type", "3", "data"];
            let _: String = redis.ask(&[&words[..], &[&data]].concat()).await;
        }
        assert_eq!(a.events(20).await, expected);
        assert_eq!(b.events(20).await, expected);
    }
    assert_eq!((a.rest(), b.rest()), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_redis_that_lost_its_data_is_read_from_its_beginning() {
    let mut redis = RedisServer::start().await;
    let (a, b) = pair(&redis).await;
    a.adapter.publish("/", event(r#"["before"]"#, &[]));
    assert_eq!(b.events(1).await, [r#"["before"]"#]);
    redis.kill();
    until("the outage is noticed", || !b.adapter.stats().connected).await;
    assert!(redis.restart().await);
    // Older than all that was read before.
    let data = r#"{"packet":{"type":2,"data":["old"]},"opts":{}}"#;
    let words = ["XADD", "socket.io", "5-1", "uid", "u", "nsp", "/", "type", "3", "data", data];
    let _: String = redis.ask(&words).await;
    assert_eq!(b.events(1).await, [r#"["old"]"#]);
    a.adapter.publish("/", event(r#"["after"]"#, &[]));
    assert_eq!(b.events(1).await, [r#"["after"]"#]);
    assert_eq!(b.rest(), []);
}

#[tokio::test]
async fn while_redis_does_not_run_nobody_waits_and_afterwards_all_is_heard() {
    let redis = RedisServer::start().await;
    let fast = |id| {
        let builder = builder(&redis).command_timeout(Duration::from_millis(300));
        TestNode::start(id, builder)
    };
    let (a, b) = (fast(A).await, fast(B).await);
    redis.pause();
    let start = std::time::Instant::now();
    a.adapter.publish("/", event(r#"["in doubt"]"#, &[]));
    until("the outage is noticed", || !a.adapter.stats().connected).await;
    for number in 0..10 {
        a.adapter.publish("/", event(&format!("[\"e\",{number}]"), &[]));
    }
    assert!(start.elapsed() < Duration::from_secs(15));
    assert!(soon("an answer", a.adapter.node_count("/")).await.is_err());
    redis.resume();
    let mut heard = b.events(10).await;
    if heard[0] == r#"["in doubt"]"# {
        heard.remove(0);
        heard.extend(b.events(1).await);
    }
    assert_eq!(heard, (0..10).map(|n| format!("[\"e\",{n}]")).collect::<Vec<_>>());
    a.ready().await;
    b.ready().await;
    a.adapter.publish("/", event(r#"["last"]"#, &[]));
    assert_eq!(b.events(1).await, [r#"["last"]"#]);
    assert_eq!(b.rest(), []);
}

#[tokio::test]
async fn what_is_queued_is_said_before_the_end() {
    let redis = RedisServer::start().await;
    let (a, b) = pair(&redis).await;
    for number in 0..100 {
        a.adapter.publish("/", event(&format!("[\"e\",{number}]"), &[]));
    }
    soon("the end", a.adapter.stop()).await;
    assert_eq!(b.events(100).await.last().unwrap(), r#"["e",99]"#);
    redis.until_heard("socket.io#/#", 1).await;
}
