//! The emitter: its bytes are those of the official ones, and nodes understand it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: helpers beside the tests"
)]

mod support;

use std::fs;
use std::path::Path;

use deadpool_redis::redis::Client;
use deadpool_redis::{Config, Runtime};
use futures_util::StreamExt;
use serde_json::{Value, json};
use sio_core::adapter::{BroadcastOptions, Room};
use sio_core::cluster::{Adapter, Message};
use sio_core::packet::Binary;
use sio_redis::{Codec, Emitter, EmitterError, Mode, RedisAdapter, RedisOptions, SubscriptionMode};

use support::{Heard, RedisServer, TestNode, soon};

const A: &str = "aaaaaaaaaaaaaaaa";

/// What an official emitter was recorded to send.
fn recorded(file: &str, operation: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/cluster");
    let text = fs::read_to_string(folder.join(file)).unwrap();
    let content: Value = serde_json::from_str(&text).unwrap();
    let vectors = content["vectors"].as_array().unwrap();
    let is_it = |vector: &&Value| {
        vector["operation"] == operation
            && ["PUBLISH", "XADD"].contains(&vector["command"].as_str().unwrap())
    };
    vectors.iter().find(is_it).unwrap_or_else(|| panic!("{operation}")).clone()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn reserved_names_are_refused() {
    let emitter = Emitter::new("redis://127.0.0.1:1").unwrap();
    for name in
        ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
    {
        let error = emitter.emit(name, ()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("\"{name}\" is a reserved event name"));
    }
    for name in ["connect", "connection", "new_namespace"] {
        let error = emitter.server_side_emit(name, ()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("\"{name}\" is a reserved event name"));
    }
}

#[tokio::test]
async fn without_redis_there_is_an_error_without_the_password() {
    let mut redis = RedisServer::start().await;
    let url = format!("redis://:secret@127.0.0.1:{}", redis.port);
    redis.kill();
    let emitter = Emitter::new(&url).unwrap();
    let error = emitter.emit("hello", 1).await.unwrap_err();
    assert!(matches!(error, EmitterError::Unavailable(_)));
    assert!(!error.to_string().contains("secret"), "{error}");
    assert!(!format!("{emitter:?}").contains("secret"));
}

#[tokio::test]
async fn a_redis_that_does_not_answer_is_waited_for_in_bounded_time() {
    let redis = RedisServer::start().await;
    let mut options = RedisOptions::default();
    options.command_timeout = std::time::Duration::from_millis(200);
    let emitter = Emitter::new(&redis.url()).unwrap().options(options);
    emitter.emit("hello", 1).await.unwrap();
    redis.pause();
    let error = soon("an error", emitter.emit("hello", 1)).await.unwrap_err();
    redis.resume();
    assert!(matches!(error, EmitterError::Unavailable(_)));
}

#[tokio::test]
async fn what_it_says_to_classic_servers_is_what_the_official_emitter_says() {
    let redis = RedisServer::start().await;
    let client = Client::open(redis.url()).unwrap();
    let mut ears = client.get_async_pubsub().await.unwrap();
    ears.psubscribe("*").await.unwrap();
    let mut heard = ears.on_message();
    let emitter = Emitter::new(&redis.url()).unwrap();
    let bytes = Binary::from(vec![1, 2]);
    let map = json!({ "3": ["4"] });
    let calls = async {
        emitter.emit("hello", (1, "2", &map)).await?;
        emitter.to("room1").emit("hello", "room").await?;
        emitter.to(["room1", "room2"]).except("room2").emit("hello", "x").await?;
        emitter.volatile().compress(false).emit("hello", "flags").await?;
        emitter.emit("bin", &bytes).await?;
        emitter.of("/custom").emit("hello", "ns").await?;
        emitter.of("custom").to("r").emit("hello", "ns").await?;
        emitter.within("room1").sockets_join(["room3", "room4"]).await?;
        emitter.within("room1").except("room2").sockets_leave("room3").await?;
        emitter.server_side_emit("sse", (1, "2")).await?;
        emitter.clone().prefix("myapp").of("/custom").emit("hello", ()).await?;
        emitter.clone().prefix("json").codec(Codec::Json).emit("hello", 1).await?;
        emitter.within("room2").disconnect_sockets(true).await
    };
    soon("all calls", calls).await.unwrap();
    for operation in [
        "emit",
        "emit_room",
        "emit_rooms_except",
        "emit_flags",
        "emit_binary",
        "emit_ns",
        "emit_ns_noslash",
        "sockets_join",
        "sockets_leave",
        "server_side_emit",
        "emit_key",
        "emit_json_parser",
        "disconnect_sockets",
    ] {
        let message = soon(operation, heard.next()).await.unwrap();
        let recorded = recorded("redis-emitter.json", operation);
        assert_eq!(message.get_channel_name(), recorded["channel"], "{operation}");
        assert_eq!(hex(message.get_payload_bytes()), recorded["payload_hex"], "{operation}");
    }
}

#[tokio::test]
async fn what_it_says_to_streams_is_what_the_official_emitter_says() {
    let redis = RedisServer::start().await;
    let emitter = Emitter::new(&redis.url()).unwrap().mode(Mode::Streams);
    let bytes = Binary::from(vec![1, 2]);
    let calls = async {
        emitter.emit("hello", (1, "2")).await?;
        emitter.to("room1").except("room2").emit("hello", "room").await?;
        emitter.volatile().compress(false).emit("hello", ()).await?;
        emitter.emit("bin", &bytes).await?;
        emitter.of("/custom").emit("hello", "ns").await?;
        emitter.within("room1").sockets_join(["room3", "room4"]).await?;
        emitter.within("room1").sockets_leave("room3").await?;
        emitter.server_side_emit("sse", (1, "2")).await?;
        emitter.within("room2").disconnect_sockets(true).await
    };
    soon("all calls", calls).await.unwrap();
    let entries: Vec<(String, Vec<String>)> = redis.ask(&["XRANGE", "socket.io", "-", "+"]).await;
    let operations = [
        "emit",
        "emit_room",
        "emit_flags",
        "emit_binary",
        "emit_ns",
        "sockets_join",
        "sockets_leave",
        "server_side_emit",
        "disconnect_sockets",
    ];
    assert_eq!(entries.len(), operations.len());
    for (operation, (_, fields)) in operations.into_iter().zip(entries) {
        let recorded = recorded("redis-streams-emitter.json", operation);
        let names = ["uid", "nsp", "type", "data"];
        let value = |name: &str| recorded["fields"][name].as_str().unwrap().to_owned();
        let expected: Vec<_> =
            names.iter().flat_map(|name| [(*name).to_owned(), value(name)]).collect();
        assert_eq!(fields, expected, "{operation}");
    }
}

#[tokio::test]
async fn a_stream_of_several_is_chosen_and_kept_short() {
    let redis = RedisServer::start().await;
    let mut options = RedisOptions::default();
    options.mode = Mode::Streams;
    options.stream_count = 3;
    options.stream_max_len = 5;
    let emitter = Emitter::new(&redis.url()).unwrap().options(options).of("/custom");
    for number in 0..300 {
        emitter.emit("hello", number).await.unwrap();
    }
    let len: usize = redis.ask(&["XLEN", "socket.io-2"]).await;
    assert!((5..300).contains(&len), "{len}");
}

#[tokio::test]
async fn nodes_in_classic_mode_understand_it() {
    let redis = RedisServer::start().await;
    understood(&redis, RedisAdapter::builder(&redis.url()), RedisOptions::default()).await;
}

#[tokio::test]
async fn nodes_in_sharded_mode_understand_it() {
    let redis = RedisServer::start().await;
    for mode in
        [SubscriptionMode::Static, SubscriptionMode::Dynamic, SubscriptionMode::DynamicPrivate]
    {
        let mut options = RedisOptions::default();
        options.mode = Mode::Sharded;
        options.subscription_mode = mode;
        let builder = RedisAdapter::builder(&redis.url()).options(options.clone());
        understood(&redis, builder, options).await;
    }
}

/// Says everything to a node and looks what that hears.
async fn understood(
    redis: &RedisServer,
    builder: sio_redis::RedisAdapterBuilder,
    options: RedisOptions,
) {
    let node = TestNode::without_namespace(A, builder);
    node.adapter.open("/");
    node.adapter.open_room("/", &"room1".into(), false);
    node.ready().await;
    let pool = Config::from_url(redis.url()).create_pool(Some(Runtime::Tokio1)).unwrap();
    let emitter = Emitter::from(pool).options(options);
    let bytes = Binary::from(vec![1, 2]);
    emitter.to("room1").volatile().emit("hello", (1, "2")).await.unwrap();
    assert!(matches!(
        next(&node).await,
        Message::Broadcast { data, options: BroadcastOptions { rooms, flags, .. }, .. }
            if &*data.json == r#"["hello",1,"2"]"# && *rooms == [Room::from("room1")] && flags.volatile
    ));
    emitter.emit("bin", &bytes).await.unwrap();
    assert!(matches!(
        next(&node).await,
        Message::Broadcast { data, .. } if data.attachments == [&b"\x01\x02"[..]]
    ));
    emitter.within("room1").sockets_join("room2").await.unwrap();
    assert!(
        matches!(next(&node).await, Message::Join { rooms, .. } if rooms == [Room::from("room2")])
    );
    emitter.within("room1").sockets_leave("room2").await.unwrap();
    assert!(
        matches!(next(&node).await, Message::Leave { rooms, .. } if rooms == [Room::from("room2")])
    );
    emitter.disconnect_sockets(true).await.unwrap();
    assert!(matches!(next(&node).await, Message::Disconnect { close: true, .. }));
    emitter.server_side_emit("sse", 1).await.unwrap();
    assert!(matches!(
        next(&node).await,
        Message::ServerSide { data, request: None } if &*data.json == r#"["sse",1]"#
    ));
    emitter.of("/other").emit("hello", 1).await.unwrap();
    emitter.emit("last", ()).await.unwrap();
    assert!(
        matches!(next(&node).await, Message::Broadcast { data, .. } if &*data.json == r#"["last"]"#)
    );
}

async fn next(node: &TestNode) -> Message {
    match node.next().await {
        Heard::Message { from, message, .. } => {
            // In classic mode it does not say who it is where nobody asks.
            assert!(["emitter", ""].contains(&&*from), "{from}");
            message
        }
        other => panic!("{other:?}"),
    }
}
