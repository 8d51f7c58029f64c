//! The server that load generators measure, written with the ordinary public API.
//!
//! `cargo run --release -p bench-server -- --port 3000 --workers 1`, as one node of a cluster with
//! `--redis redis://127.0.0.1:6379 --mode sharded`, under actix's own server with `--server stock`.

use std::io;
use std::net::SocketAddr;

use actix_web::{App, HttpServer};
use sio_actix::prelude::*;
use sio_actix::{EmitError, Server};
use sio_redis::{Mode, RedisAdapter};

struct Bench;

#[ws_controller("/")]
impl Bench {
    /// The ack if the client asked for one, else the event.
    #[on_message("echo")]
    #[emit("echo")]
    fn echo(&self, payload: Value) -> Value {
        payload
    }

    #[on_message("publish")]
    #[broadcast("news")]
    fn publish(&self, payload: Value) -> Value {
        payload
    }

    #[on_message("join")]
    fn join(&self, socket: Socket, room: String) {
        socket.join(room);
    }

    /// The room is named by the client, so no attribute can name it.
    #[on_message("publish_room")]
    fn publish_room(
        &self,
        ns: NamespaceRef,
        room: String,
        payload: Value,
    ) -> Result<(), EmitError> {
        ns.to(room).emit("news", payload)
    }
}

fn flag(name: &str, default: u16) -> io::Result<u16> {
    let mut args = std::env::args().skip_while(|arg| arg != name);
    match (args.next(), args.next().map(|value| value.parse())) {
        (None, _) => Ok(default),
        (Some(_), Some(Ok(value))) => Ok(value),
        (Some(flag), _) => Err(io::Error::other(format!("{flag} needs a number"))),
    }
}

fn text(name: &str) -> Option<String> {
    std::env::args().skip_while(|arg| arg != name).nth(1)
}

/// What connects this server with others, if there are to be some.
async fn adapter() -> io::Result<Option<RedisAdapter>> {
    let Some(redis) = text("--redis") else { return Ok(None) };
    let mode = match text("--mode").as_deref() {
        None | Some("classic") => Mode::Classic,
        Some("sharded") => Mode::Sharded,
        Some("streams") => Mode::Streams,
        Some(other) => return Err(io::Error::other(format!("no mode `{other}`"))),
    };
    let adapter = RedisAdapter::builder(&redis).mode(mode).connect().await;
    adapter.map(Some).map_err(io::Error::other)
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let port = flag("--port", 3000)?;
    // Handlers are cheap and never block: one worker per core.
    let cores = std::thread::available_parallelism()?.get();
    let workers = flag("--workers", u16::try_from(cores).unwrap_or(1))?;
    let io = Io::builder().mount(Bench);
    let io = match adapter().await? {
        Some(adapter) => io.adapter(adapter),
        None => io,
    };
    let io = io.build();
    io.ready().await.map_err(io::Error::other)?;
    // The same but for the type of the server.
    macro_rules! serve {
        ($server:ident) => {{
            let shutdown = io.clone().on_shutdown(sio_actix::termination());
            let server = $server::new(move || App::new().configure(io.configure()))
                .workers(workers.into())
                .max_connections(200_000)
                .backlog(4096)
                .tcp_nodelay(true)
                .h1_allow_half_closed(false)
                .shutdown_timeout(1)
                .shutdown_signal(shutdown)
                .bind(("127.0.0.1", port))?;
            announce(&server.addrs());
            server.run().await
        }};
    }
    match text("--server").as_deref() {
        None | Some("sio") => serve!(Server),
        Some("stock") => serve!(HttpServer),
        Some(other) => Err(io::Error::other(format!("no server `{other}`"))),
    }
}

#[expect(clippy::print_stdout, reason = "whoever started the program waits for this line")]
fn announce(addresses: &[SocketAddr]) {
    for address in addresses {
        println!("listening on http://{address}");
    }
}
