//! Program G: a plain echo with all default options and limits.
//!
//! `cargo run -p conformance --bin echo -- --port 3000`

use std::time::Duration;

use conformance::{Flags, serve};
use sio_actix::prelude::*;

fn handlers(ns: &mut NamespaceBuilder) {
    ns.on("echo", |socket: Socket, ack: AckSender, args: Rest<Value>| {
        if ack.is_wanted() {
            ack.send(args)?;
        } else {
            socket.emit("echo", args)?;
        }
        Ok::<_, EventError>(())
    });
    ns.on("slow", async |ms: u64| tokio::time::sleep(Duration::from_millis(ms)).await);
    ns.on("broadcast", |socket: Socket, event: String, args: Rest<Value>| {
        socket.io().emit(&event, args)
    });
    ns.on("join", |socket: Socket, room: String| socket.join(room));
    ns.on("room", |socket: Socket, room: String, event: String, args: Rest<Value>| {
        socket.io().to(room).emit(&event, args)
    });
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let flags = Flags::parse(&["--port", "--workers"])?;
    let io = Io::builder().namespace("/", handlers).build();
    serve(io, flags.number("--port", 3000)?, flags.number("--workers", 2)?).await
}
