//! One node of socketioxide with its Redis adapter: `--port N --redis URL`.

use axum::serve::ListenerExt as _;
use rmpv::Value;
use socketioxide::SocketIo;
use socketioxide::adapter::Emitter;
use socketioxide::extract::{AckSender, Data, SocketRef};
use socketioxide_redis::drivers::redis::redis_client as redis;
use socketioxide_redis::{RedisAdapter, RedisAdapterCtr};

type Io = SocketIo<RedisAdapter<Emitter>>;

fn flag(name: &str) -> String {
    std::env::args().skip_while(|arg| arg != name).nth(1).expect("a value")
}

async fn on_connect<A: socketioxide::adapter::Adapter>(socket: SocketRef<A>, io: SocketIo<A>) {
    let everybody = io.clone();
    socket.on("publish", async move |Data::<Value>(payload)| {
        everybody.emit("news", &payload).await.ok();
    });
    socket.on("join", async |socket: SocketRef<A>, Data::<String>(room), ack: AckSender<A>| {
        socket.join(room);
        ack.send(&()).ok();
    });
    socket.on("publish_room", async move |Data::<(String, Value)>((room, payload))| {
        io.to(room).emit("news", &payload).await.ok();
    });
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = redis::Client::open(flag("--redis"))?;
    let adapter = RedisAdapterCtr::new_with_redis(&client).await?;
    let (layer, io): (_, Io) = SocketIo::builder().with_adapter(adapter).build_layer();
    io.ns("/", on_connect).await?;
    let app = axum::Router::new().layer(layer);
    let port: u16 = flag("--port").parse()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let listener = listener.tap_io(|stream| {
        stream.set_nodelay(true).ok();
    });
    println!("listening");
    axum::serve(listener, app).await?;
    Ok(())
}
