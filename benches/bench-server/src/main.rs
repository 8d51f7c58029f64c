//! The server that load generators measure, written with the ordinary public API.
//!
//! `cargo run --release -p bench-server -- --port 3000 --workers 1`

use std::io;

use actix_web::{App, HttpServer};
use sio_actix::prelude::*;

fn handlers(ns: &mut NamespaceBuilder) {
    ns.on("echo", |socket: Socket, ack: AckSender, payload: Value| {
        if ack.is_wanted() {
            ack.send(payload)?;
        } else {
            socket.emit("echo", payload)?;
        }
        Ok::<_, EventError>(())
    });
    ns.on("publish", |socket: Socket, payload: Value| socket.io().emit("news", payload));
    ns.on("join", |socket: Socket, room: String| socket.join(room));
    ns.on("publish_room", |socket: Socket, room: String, payload: Value| {
        socket.io().to(room).emit("news", payload)
    });
}

fn flag(name: &str, default: u16) -> io::Result<u16> {
    let mut args = std::env::args().skip_while(|arg| arg != name);
    match (args.next(), args.next().map(|value| value.parse())) {
        (None, _) => Ok(default),
        (Some(_), Some(Ok(value))) => Ok(value),
        (Some(flag), _) => Err(io::Error::other(format!("{flag} needs a number"))),
    }
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let port = flag("--port", 3000)?;
    // Handlers are cheap and never block: one worker per core.
    let cores = std::thread::available_parallelism()?.get();
    let workers = flag("--workers", u16::try_from(cores).unwrap_or(1))?;
    let io = Io::builder().namespace("/", handlers).build();
    let shutdown = io.clone().on_shutdown(sio_actix::termination());
    let server = HttpServer::new(move || App::new().configure(io.configure()))
        .workers(workers.into())
        .max_connections(200_000)
        .backlog(4096)
        .tcp_nodelay(true)
        .h1_allow_half_closed(false)
        .shutdown_timeout(1)
        .shutdown_signal(shutdown)
        .bind(("127.0.0.1", port))?;
    #[expect(clippy::print_stdout, reason = "whoever started the program waits for this line")]
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    server.run().await
}
