//! Program F: a node of a cluster over Redis.
//!
//! `cargo run -p conformance --bin cluster-node -- --port 3000 --redis redis://127.0.0.1 --mode classic|sharded|streams`
//!
//! `--key` is the prefix of channels and the name of the stream; `--subscription` how the mode `sharded`
//! subscribes: `static`, `dynamic` or `dynamic-private`; `--specific-responses` and `--requests-timeout` (ms)
//! are the reference's options; `--no-recovery` and `--offset-wait` (ms) are for the mode `streams`.
//!
//! The head of `tests/cluster/node.mjs` lists the events that go beyond what all such programs have.

use std::io;
use std::time::Duration;

use conformance::cluster::options;
use conformance::{Flags, Listeners, SUITE_WORKERS};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sio_actix::prelude::*;
use sio_actix::{BroadcastOperator, Recovery, RemoteSocket, Room};
use sio_redis::RedisAdapter;

/// How long `ask` and `ask-one` wait.
const ASK: Duration = Duration::from_millis(1000);
const NAMESPACES: [&str; 2] = ["/", "/custom"];

/// What sockets keep.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    value: Option<serde_json::Value>,
}

/// What the sockets of a broadcast answered.
#[derive(Serialize)]
struct Answers {
    err: Option<String>,
    answers: Vec<Value>,
}

/// What one socket answered.
#[derive(Serialize)]
struct Answer {
    err: Option<String>,
    answer: Value,
}

/// What a node answers another.
#[derive(Serialize)]
struct Hello {
    node: String,
    x: Value,
}

/// What a client wants to have sent; it may leave it out.
type Payload = Option<Value>;

/// Nothing is `null`, as with the reference.
fn some(p: Payload) -> Value {
    p.unwrap_or_default()
}

fn sorted(rooms: &[Room]) -> Vec<String> {
    let mut rooms: Vec<String> = rooms.iter().map(ToString::to_string).collect();
    rooms.sort();
    rooms
}

/// The sockets of a room, or of the namespace.
fn select(ns: &NamespaceRef, room: Option<String>) -> BroadcastOperator {
    room.map_or_else(|| ns.everybody().clone(), |room| ns.to(room))
}

/// One socket, wherever it is.
async fn find(ns: &NamespaceRef, id: &str) -> Result<RemoteSocket, EventError> {
    let mut found = ns
        .to(id)
        .fetch_sockets()
        .await
        .map_err(|error| EventError::new("cluster", error.to_string()))?;
    found.pop().ok_or_else(|| EventError::new("not_found", "no such socket"))
}

/// Sends to others, and who sends.
fn emissions(ns: &mut NamespaceBuilder) {
    ns.on("all", |ns: NamespaceRef, event: String, p: Payload| ns.emit(&event, some(p)));
    ns.on("others", |socket: Socket, event: String, p: Payload| {
        socket.broadcast().emit(&event, some(p))
    });
    ns.on("room", |ns: NamespaceRef, room: String, event: String, p: Payload| {
        ns.to(room).emit(&event, some(p))
    });
    ns.on("rooms", |ns: NamespaceRef, rooms: Vec<String>, event: String, p: Value| {
        ns.to(rooms).emit(&event, p)
    });
    ns.on("except", |ns: NamespaceRef, room: String, event: String, p: Payload| {
        ns.except(room).emit(&event, some(p))
    });
    ns.on("local", |ns: NamespaceRef, event: String, p: Payload| ns.local().emit(&event, some(p)));
    ns.on("poke", async |ns: NamespaceRef, id: String, event: String, p: Value| {
        find(&ns, &id).await?.emit(&event, p)?;
        Ok::<_, EventError>(())
    });
}

fn requests(ns: &mut NamespaceBuilder) {
    ns.on("ask", async |ns: NamespaceRef, event: String, p: Payload| {
        match ns.emit_with_ack::<Option<Value>>(&event, some(p), ASK).await {
            Ok(answers) => Answers { err: None, answers: plain(answers) },
            Err(error) => Answers { err: Some(error.to_string()), answers: plain(error.responses) },
        }
    });
    ns.on("ask-one", async |ns: NamespaceRef, id: String, event: String, p: Value| {
        let socket = find(&ns, &id).await?;
        let answer = match socket.emit_with_ack::<Option<Value>>(&event, p, ASK).await {
            Ok(answer) => Answer { err: None, answer: answer.unwrap_or_default() },
            Err(error) => Answer { err: Some(error.to_string()), answer: Value::Null },
        };
        Ok::<_, EventError>(answer)
    });
    ns.on("fetch", async |ns: NamespaceRef, ack: AckSender, room: Option<String>| {
        match select(&ns, room).fetch_sockets().await {
            Ok(sockets) => {
                let describe = |socket: &RemoteSocket| json!({ "id": socket.id().as_str(), "rooms": sorted(socket.rooms()) });
                ack.send((sockets.iter().map(describe).collect::<Vec<_>>(),))
            }
            Err(error) => ack.send((json!([]), error.to_string())),
        }
    });
    ns.on("describe", async |ns: NamespaceRef, id: String| {
        let socket = find(&ns, &id).await?;
        let label = socket.handshake().query().find(|(key, _)| key == "label");
        Ok::<_, EventError>(json!({
            "id": socket.id().as_str(),
            "rooms": sorted(socket.rooms()),
            "data": socket.data::<serde_json::Value>()?,
            "auth": socket.auth::<serde_json::Value>()?,
            "label": label.map(|(_, value)| value),
        }))
    });
    ns.on("sse", async |ns: NamespaceRef, ack: AckSender, x: Payload| {
        match ns.server_side_emit_with_ack::<Value>("hello", some(x)).await {
            Ok(answers) => ack.send((answers,)),
            Err(error) => ack.send((&error.responses, error.to_string())),
        }
    });
    ns.on("tell", |ns: NamespaceRef, event: String, p: Value| {
        ns.server_side_emit("relay", (event, p))
    });
}

/// An ack without a value reads as `null`.
fn plain(answers: Vec<Option<Value>>) -> Vec<Value> {
    answers.into_iter().map(Option::unwrap_or_default).collect()
}

fn sockets(ns: &mut NamespaceBuilder) {
    ns.on("join", |socket: Socket, room: String| socket.join(room));
    ns.on("leave", |socket: Socket, room: String| socket.leave(room));
    ns.on("move", |ns: NamespaceRef, room: String, to: String| ns.to(room).sockets_join(to));
    ns.on("unmove", |ns: NamespaceRef, room: String, from: String| ns.to(room).sockets_leave(from));
    ns.on("kick", |ns: NamespaceRef, room: String| ns.to(room).disconnect_sockets(false));
    ns.on("remember", |socket: Socket, value: serde_json::Value| {
        socket.set_data(Kept { value: Some(value) })?;
        Ok::<_, EventError>(())
    });
    ns.on("recall", |socket: Socket| {
        let Kept { value } = socket.data().unwrap_or_default();
        json!({ "value": value, "recovered": socket.is_recovered(), "rooms": sorted(&socket.rooms()) })
    });
}

fn handlers(ns: &mut NamespaceBuilder, node: &str) {
    emissions(ns);
    requests(ns);
    sockets(ns);
    let name = node.to_owned();
    ns.on("whoami", move |socket: Socket| json!({ "id": socket.id().as_str(), "node": name }));
    let name = node.to_owned();
    ns.on_server_side("hello", move |x: Value| Hello { node: name.clone(), x });
    ns.on_server_side("relay", |ns: NamespaceRef, event: String, p: Value| {
        ns.local().emit(&event, p)
    });
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let flags = Flags::parse(&[
        "--port",
        "--workers",
        "--redis",
        "--mode",
        "--key",
        "--subscription",
        "--specific-responses",
        "--requests-timeout",
        "--offset-wait",
        "--no-recovery",
    ])?;
    let options = options(&flags)?;
    let recovers = flags.text("--mode")? == "streams" && !flags.has("--no-recovery");
    let adapter = RedisAdapter::builder(flags.text("--redis")?).options(options);
    let adapter = adapter.build().map_err(io::Error::other)?;
    let listeners = Listeners::bind(flags.number("--port", 3000)?)?;
    let node = listeners.port().to_string();
    let mut io =
        Io::builder().adapter(adapter).connection_state_recovery(recovers.then(Recovery::default));
    for name in NAMESPACES {
        io = io.namespace(name, |ns| handlers(ns, &node));
    }
    let io = io.build();
    io.ready().await.map_err(io::Error::other)?;
    listeners.serve(io, flags.number("--workers", SUITE_WORKERS)?).await
}
