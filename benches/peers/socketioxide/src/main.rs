//! socketioxide with its default options, on axum: `--port N`.

use std::convert::Infallible;
use std::sync::Arc;

use rmpv::Value;
use socketioxide::SocketIo;
use socketioxide::adapter::Adapter;
use socketioxide::extract::{AckSender, Data, SocketRef};
use socketioxide::handler::FromMessageParts;
use socketioxide::socket::Socket;

/// Whether the client asked for an ack.
struct Asked(bool);

impl<A: Adapter> FromMessageParts<A> for Asked {
    type Error = Infallible;

    fn from_message_parts(
        _: &Arc<Socket<A>>,
        _: &mut socketioxide::handler::Value,
        ack: &Option<i64>,
    ) -> Result<Self, Infallible> {
        Ok(Self(ack.is_some()))
    }
}

async fn echo(socket: SocketRef, Asked(asked): Asked, Data(p): Data<Value>, ack: AckSender) {
    if asked {
        ack.send(&p).ok();
    } else {
        socket.emit("echo", &p).ok();
    }
}

async fn publish(io: SocketIo, Data(payload): Data<Value>) {
    io.emit("news", &payload).await.ok();
}

async fn join(socket: SocketRef, Data(room): Data<String>, ack: AckSender) {
    socket.join(room);
    ack.send(&()).ok();
}

async fn publish_room(io: SocketIo, Data((room, payload)): Data<(String, Value)>) {
    io.to(room).emit("news", &payload).await.ok();
}

async fn on_connect(socket: SocketRef) {
    socket.on("echo", echo);
    socket.on("publish", publish);
    socket.on("join", join);
    socket.on("publish_room", publish_room);
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().skip_while(|arg| arg != "--port").nth(1).expect("--port N");
    let (layer, io) = SocketIo::new_layer();
    io.ns("/", on_connect);
    let app = axum::Router::new().layer(layer);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port.parse::<u16>()?)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
