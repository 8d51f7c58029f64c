//! Program B: the server of the Socket.IO protocol suites.
//!
//! `cargo run -p conformance --bin sio-protocol -- --port 3000 [--eio3]`

use std::time::Duration;

use conformance::{Flags, SUITE_WORKERS, serve};
use sio_actix::MsgpackParser;
use sio_actix::prelude::*;

fn handlers(ns: &mut NamespaceBuilder) {
    ns.on_connection(|socket: Socket, Auth(auth): Auth<Value>| socket.emit("auth", auth));
    ns.on("message", |socket: Socket, args: Rest<Value>| socket.emit("message-back", args));
    ns.on("message-with-ack", |args: Rest<Value>| args);
    ns.on("emit-with-ack", async |socket: Socket, args: Rest<Value>| {
        let timeout = Duration::from_millis(200);
        let answer = socket.emit_with_ack::<Rest<Value>>("emit-with-ack", args, timeout).await;
        if let Ok(args) = answer {
            socket.emit("emit-with-ack", args)?;
        }
        Ok::<_, EventError>(())
    });
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let flags = Flags::parse(&["--port", "--workers", "--eio3", "--msgpack"])?;
    let io = Io::builder();
    let io = if flags.has("--msgpack") { io.parser(MsgpackParser) } else { io };
    let io = io
        .allow_eio3(flags.has("--eio3"))
        .ping_interval(Duration::from_millis(300))
        .ping_timeout(Duration::from_millis(200))
        .allow_eio3(flags.has("--eio3"))
        .connect_timeout(Duration::from_millis(1000))
        .namespace("/", handlers)
        .namespace("/custom", handlers)
        .build();
    serve(io, flags.number("--port", 3000)?, flags.number("--workers", SUITE_WORKERS)?).await
}
