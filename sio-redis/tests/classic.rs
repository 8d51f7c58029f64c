//! The classic mode: what is said on which channel, and what is heard.

mod support;

use sio_core::cluster::{Adapter, Data, Message, Response};
use sio_redis::{RedisAdapter, RedisAdapterBuilder};

use support::{Heard, Line, RedisServer, TestNode, event, soon, to, until, with_bytes};

const A: &str = "aaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbb";
const C: &str = "cccccccccccccccc";

fn builder(url: &str) -> RedisAdapterBuilder {
    RedisAdapter::builder(url)
}

#[tokio::test]
async fn garbage_is_counted_and_what_follows_is_heard() {
    let redis = RedisServer::start().await;
    let node = TestNode::start(A, builder(&redis.url())).await;
    for channel in ["socket.io#/#", "socket.io#/#r#", "socket.io-request#/#"] {
        for garbage in [&b""[..], b"{", b"\x93", b"\xc1", b"{\"type\":99}", b"[]", &[0xff; 300]] {
            redis.publish(channel, garbage).await;
        }
    }
    redis.publish("socket.io-response#/#", b"{\"requestId\":7}").await;
    redis.publish("socket.io#/#\u{e9}#", b"nonsense").await;
    redis
        .publish(
            "socket.io#/#",
            b"[\"x\",{\"type\":2,\"data\":[\"fine\"],\"nsp\":\"/\"},{\"rooms\":[]}]",
        )
        .await;
    assert_eq!(node.events(1).await, [r#"["fine"]"#]);
    assert_eq!(node.adapter.stats().garbage, 23);
    assert_eq!(node.rest(), []);
}

#[tokio::test]
async fn what_comes_back_from_this_node_is_ignored() {
    let redis = RedisServer::start().await;
    let (a, b) = (
        TestNode::start(A, builder(&redis.url())).await,
        TestNode::start(B, builder(&redis.url())).await,
    );
    a.adapter.publish("/", event(r#"["one"]"#, &[]));
    a.adapter.publish("/", Message::Join { options: to(&["r"]), rooms: vec!["s".into()] });
    a.adapter.respond("/", "", Response::ClientCount { request: "q".into(), count: 1 });
    b.adapter.publish("/", event(r#"["two"]"#, &[]));
    assert_eq!(a.events(1).await, [r#"["two"]"#]);
    assert_eq!(a.rest(), []);
    assert_eq!(b.events(1).await, [r#"["one"]"#]);
    assert!(matches!(b.next().await.message(), Message::Join { .. }));
    assert_eq!(
        b.next().await,
        Heard::Response {
            namespace: "/".to_owned(),
            from: Some(A.to_owned()),
            response: Response::ClientCount { request: "q".into(), count: 1 },
        }
    );
}

#[tokio::test]
async fn many_messages_arrive_in_order_and_once() {
    let redis = RedisServer::start().await;
    let (a, b, c) = (
        TestNode::start(A, builder(&redis.url())).await,
        TestNode::start(B, builder(&redis.url())).await,
        TestNode::start(C, builder(&redis.url())).await,
    );
    let expected: Vec<_> = (0..20_000).map(|number| format!(r#"["n",{number}]"#)).collect();
    for (number, json) in expected.iter().enumerate() {
        let rooms: &[&str] = if number % 3 == 0 { &["room"] } else { &[] };
        a.adapter.publish("/", event(json, rooms));
    }
    assert_eq!(b.events(expected.len()).await, expected);
    assert_eq!(c.events(expected.len()).await, expected);
    assert_eq!((b.rest(), c.rest()), (vec![], vec![]));
    assert_eq!(a.adapter.stats().dropped, 0);
}

#[tokio::test]
async fn bytes_arrive_as_they_are() {
    let redis = RedisServer::start().await;
    let (a, b) = (
        TestNode::start(A, builder(&redis.url())).await,
        TestNode::start(B, builder(&redis.url())).await,
    );
    let message =
        with_bytes(r#"["b",{"_placeholder":true,"num":0}]"#, &[b"\x00\xff\x01"], &["r", "s"]);
    a.adapter.publish("/", message.clone());
    let heard = b.next().await;
    assert_eq!(heard, Heard::Message { namespace: "/".to_owned(), from: A.to_owned(), message });
}

#[tokio::test]
async fn namespaces_do_not_hear_each_other() {
    let redis = RedisServer::start().await;
    let (a, b) = (
        TestNode::start(A, builder(&redis.url())).await,
        TestNode::start(B, builder(&redis.url())).await,
    );
    for namespace in ["/chat", "/c*", "/c#x"] {
        a.adapter.open(namespace);
        b.adapter.open(namespace);
    }
    a.ready().await;
    b.ready().await;
    for namespace in ["/chat", "/c*", "/c#x", "/"] {
        a.adapter.publish(namespace, event(&format!(r#"["{namespace}"]"#), &["x"]));
    }
    for namespace in ["/chat", "/c*", "/c#x", "/"] {
        let Heard::Message { namespace: found, message, .. } = b.next().await else { panic!() };
        assert_eq!(found, namespace);
        assert_eq!(message, event(&format!(r#"["{namespace}"]"#), &["x"]));
    }
    b.adapter.close("/chat");
    b.ready().await;
    a.adapter.publish("/chat", event(r#"["gone"]"#, &[]));
    a.adapter.publish("/", event(r#"["last"]"#, &[]));
    assert_eq!(b.events(1).await, [r#"["last"]"#]);
    assert_eq!((b.rest(), b.adapter.stats().garbage), (vec![], 0));
}

#[tokio::test]
async fn nodes_are_counted_and_named_per_namespace() {
    let redis = RedisServer::start().await;
    let a = TestNode::start(A, builder(&redis.url())).await;
    let b = TestNode::start(B, builder(&redis.url())).await;
    b.adapter.open("/b");
    b.ready().await;
    assert_eq!(soon("count", a.adapter.node_count("/")).await.unwrap(), 2);
    assert_eq!(soon("count", a.adapter.node_count("/b")).await.unwrap(), 1);
    let mut nodes = soon("nodes", a.adapter.nodes("/")).await.unwrap();
    nodes.sort();
    assert_eq!(nodes, [A, B]);
    assert_eq!(soon("nodes", a.adapter.nodes("/b")).await.unwrap(), [B]);
    soon("stop", b.adapter.stop()).await;
    assert_eq!(soon("count", a.adapter.node_count("/")).await.unwrap(), 1);
    assert_eq!(soon("nodes", a.adapter.nodes("/")).await.unwrap(), [A]);
}

#[tokio::test]
async fn the_commands_are_those_of_the_reference() {
    let redis = RedisServer::start().await;
    let line = Line::to(redis.port).await;
    let a = TestNode::start(A, builder(&line.url())).await;
    assert_eq!(
        line.take_commands(),
        [
            vec!["PSUBSCRIBE", "socket.io#/#*"],
            vec![
                "SUBSCRIBE",
                "socket.io-request#/#",
                "socket.io-response#/#",
                "socket.io-response#/#aaaaaaaaaaaaaaaa#",
            ],
        ]
    );
    a.adapter.publish("/", event(r#"["e"]"#, &["r"]));
    a.adapter.publish("/", Message::AllRooms { request: "q".into() });
    let value = Some(Data { json: "1".into(), attachments: vec![] });
    let answer = Response::ServerSide { request: "q".into(), value };
    a.adapter.respond("/", B, answer);
    a.adapter.respond("/", B, Response::ClientCount { request: "q".into(), count: 0 });
    soon("count", a.adapter.node_count("/")).await.unwrap();
    until("published", || a.adapter.stats().published == 4).await;
    let commands = line.take_commands();
    let channels: Vec<_> = commands.iter().map(|words| (&*words[0], &*words[1])).collect();
    assert_eq!(channels.len(), 5, "{commands:?}");
    for expected in [
        ("PUBLISH", "socket.io#/#r#"),
        ("PUBLISH", "socket.io-request#/#"),
        ("PUBLISH", "socket.io-response#/#"),
        ("PUBSUB", "NUMSUB"),
    ] {
        assert!(channels.contains(&expected), "{expected:?}");
    }
    let published: Vec<_> = commands.iter().filter(|words| words[0] == "PUBLISH").collect();
    assert_eq!(published[1][2], r#"{"uid":"aaaaaaaaaaaaaaaa","requestId":"q","type":1}"#);
    soon("stop", a.adapter.stop()).await;
    assert_eq!(line.take_commands().len(), 2);
}

#[tokio::test]
async fn answers_go_to_the_own_channel_of_who_asked_if_wanted() {
    let redis = RedisServer::start().await;
    let a = TestNode::start(A, builder(&redis.url()).answer_on_own_channel(true)).await;
    let b = TestNode::start(B, builder(&redis.url())).await;
    let c = TestNode::start(C, builder(&redis.url())).await;
    let count = |request: &str| Response::ClientCount { request: request.into(), count: 3 };
    let answer = Response::ServerSide { request: "s".into(), value: None };
    a.adapter.respond("/", B, count("own"));
    a.adapter.respond("/", B, answer.clone());
    a.adapter.respond("/", "", count("all"));
    let heard = |response| Heard::Response {
        namespace: "/".to_owned(),
        from: Some(A.to_owned()),
        response,
    };
    assert_eq!(b.next().await, heard(count("own")));
    assert_eq!(b.next().await, heard(answer.clone()));
    assert_eq!(b.next().await, heard(count("all")));
    assert_eq!(c.next().await, heard(answer));
    assert_eq!(c.next().await, heard(count("all")));
}

#[tokio::test]
async fn a_prefix_makes_a_cluster_of_its_own() {
    let redis = RedisServer::start().await;
    let a = TestNode::start(A, builder(&redis.url())).await;
    let b = TestNode::start(B, builder(&redis.url()).prefix("other")).await;
    let c = TestNode::start(C, builder(&redis.url()).prefix("other")).await;
    a.adapter.publish("/", event(r#"["a"]"#, &[]));
    b.adapter.publish("/", event(r#"["b"]"#, &[]));
    assert_eq!(c.events(1).await, [r#"["b"]"#]);
    assert_eq!(soon("count", a.adapter.node_count("/")).await.unwrap(), 1);
}

#[tokio::test]
async fn a_node_that_has_just_opened_a_namespace_counts_itself() {
    let redis = RedisServer::start().await;
    let a = TestNode::start(A, RedisAdapter::builder(&redis.url())).await;
    let b = TestNode::start(B, RedisAdapter::builder(&redis.url())).await;
    let names: Vec<_> = (0..100).map(|number| format!("/{number}")).collect();
    names.iter().for_each(|name| b.adapter.open(name));
    b.ready().await;
    assert_eq!(soon("count", a.adapter.node_count("/")).await.unwrap(), 2);
    for name in &names {
        a.adapter.open(name);
        assert_eq!(soon("count", a.adapter.node_count(name)).await.unwrap(), 2, "{name}");
    }
}
