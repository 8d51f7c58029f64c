//! The interop program; `tests/interop/reference-server.mjs` says in its head what it does.
//!
//! `cargo run -p interop-server -- --port 3000 --workers 2`; with `SIO_TEST_SERVER=stock` in the environment,
//! under actix's own server.
//!
//! `common` and `chat` register the events of the namespaces, `values`, `asks`, `rooms`, `ends` and
//! `sequences` hold the common ones by kind, `listen` those of `/listen`; `records` remembers who left, `http` is the side door.

mod asks;
mod chat;
mod common;
mod ends;
mod flags;
mod http;
mod listen;
mod records;
mod rooms;
mod sequences;
mod values;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpServer, web};
use sio_actix::{Io, MsgpackParser, PerMessageDeflate, Recovery, Server, termination};

use flags::Flags;
use records::Records;

/// Seconds that connections have to end by themselves after SIGTERM.
const SHUTDOWN_TIMEOUT: u64 = 2;

fn server(flags: &Flags, records: &Arc<Records>) -> io::Result<Io> {
    let mut io = Io::builder();
    if flags.number("--msgpack", 0)? != 0 {
        io = io.parser(MsgpackParser);
    }
    if let Some(millis) = flags.optional("--recovery")? {
        let mut recovery = Recovery::default();
        recovery.max_disconnection_duration = Duration::from_millis(millis);
        io = io.connection_state_recovery(recovery);
    }
    io.ping_interval(flags.millis("--ping-interval", 25_000)?)
        .ping_timeout(flags.millis("--ping-timeout", 20_000)?)
        .connect_timeout(flags.millis("--connect-timeout", 45_000)?)
        .upgrade_timeout(flags.millis("--upgrade-timeout", 10_000)?)
        .max_payload(flags.number("--max-payload", 1_000_000)?)
        .allow_eio3(flags.number("--allow-eio3", 0_u8)? == 1)
        .per_message_deflate(flags.optional("--deflate")?.map(PerMessageDeflate::with_threshold))
        .namespace("/", |ns| common::register(ns, records))
        .namespace("/second", |ns| common::register(ns, records))
        .namespace("/guarded", |ns| {
            ns.connect_guard(common::guard);
            common::register(ns, records);
        })
        .namespace("/chat", |ns| chat::register(ns, records))
        .namespace("/listen", listen::register)
        .namespace(records::WATCH, |_| {})
        .try_build()
        .map_err(io::Error::other)
}

#[expect(clippy::print_stdout, reason = "the tests read where to connect")]
fn announce(addresses: &[SocketAddr]) {
    for address in addresses {
        println!("listening on http://{address}");
    }
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let flags = Flags::parse()?;
    let workers = flags.number("--workers", 1)?;
    let port: u16 = flags.number("--port", 0)?;
    let records = Arc::new(Records::default());
    let io = server(&flags, &records)?;
    let records = web::Data::from(records);
    // The same on both, but for the goodbye, which only one says by itself.
    macro_rules! serve {
        ($server:expr) => {{
            let server = $server
                .workers(workers)
                .tcp_nodelay(true)
                .h1_allow_half_closed(false)
                .shutdown_timeout(SHUTDOWN_TIMEOUT)
                .bind(("127.0.0.1", port))?;
            announce(&server.addrs());
            server.run().await
        }};
    }
    let shutdown = io.clone();
    let app = move || {
        App::new().configure(io.configure()).app_data(records.clone()).configure(http::routes)
    };
    match std::env::var("SIO_TEST_SERVER").as_deref() {
        Err(_) | Ok("sio") => serve!(Server::new(app)),
        Ok("stock") => {
            let shutdown = shutdown.on_shutdown(termination());
            serve!(HttpServer::new(app).shutdown_signal(shutdown))
        }
        Ok(other) => Err(io::Error::other(format!("no server `{other}`"))),
    }
}
