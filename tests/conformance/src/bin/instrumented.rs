//! Program H: what program G does, with the Admin UI beside it.
//!
//! `cargo run -p conformance --bin instrumented -- --port 3000 [--redis redis://127.0.0.1] [--key NAME]`
//!
//! With `--redis` it is a node of a cluster in the mode `classic`; `--key` is the prefix of the cluster's channels.
//!
//! The Admin UI knows the user `admin` with the password `changeit`; `--production` and `--read-only` say what it
//! shows and does, `--server-id` is the server's name there, and `--page` the folder of the npm package or of its
//! page, which is then at `/admin/`. The head of `tests/browser/admin/node-server.mjs` lists the events.

use std::io;

use actix_web::web::ServiceConfig;
use conformance::echo::handlers;
use conformance::{Flags, Listeners};
use serde::Serialize;
use sio_actix::prelude::*;
use sio_actix::{AdminMode, AdminPage, AdminUi, Io, IoBuilder};
use sio_redis::{RedisAdapter, RedisLogins};

const FLAGS: [&str; 8] = [
    "--port",
    "--workers",
    "--redis",
    "--key",
    "--production",
    "--read-only",
    "--server-id",
    "--page",
];
const NAMESPACES: [&str; 2] = ["/", "/second"];
const ADMIN: &str = "admin";
/// Of `changeit`.
const HASH: &str = "$2b$10$heqvAkYMez.Va6Et2uXInOnkCT6/uQj1brkrbyG3LpopDklcq7ZOS";

/// What sockets show of themselves.
#[derive(Serialize)]
struct Kept {
    value: serde_json::Value,
}

/// Program G, and data of sockets, which the Admin UI shows.
fn events(ns: &mut NamespaceBuilder) {
    handlers(ns);
    ns.on("keep", |socket: Socket, value: serde_json::Value| {
        socket.set_data(Kept { value })?;
        Ok::<_, EventError>(())
    });
}

/// Makes the server a node of a cluster, if the flags say so.
fn with_cluster(io: IoBuilder, flags: &Flags) -> io::Result<IoBuilder> {
    if !flags.has("--redis") {
        return Ok(io);
    }
    let mut adapter = RedisAdapter::builder(flags.text("--redis")?);
    if flags.has("--key") {
        adapter = adapter.prefix(flags.text("--key")?);
    }
    Ok(io.adapter(adapter.build().map_err(io::Error::other)?))
}

/// The Admin UI's side of the server; in a cluster the nodes know each other's logins.
fn admin(flags: &Flags) -> io::Result<AdminUi> {
    let production = flags.has("--production");
    let mode = if production { AdminMode::Production } else { AdminMode::Development };
    let mut admin = AdminUi::basic(ADMIN, HASH).mode(mode).read_only(flags.has("--read-only"));
    if flags.has("--server-id") {
        admin = admin.server_id(flags.text("--server-id")?);
    }
    if flags.has("--redis") {
        let logins = RedisLogins::new(flags.text("--redis")?).map_err(io::Error::other)?;
        admin = admin.login_store(logins);
    }
    Ok(admin)
}

/// The page, if the flags say where it is.
fn page(flags: &Flags) -> io::Result<Option<AdminPage>> {
    if !flags.has("--page") {
        return Ok(None);
    }
    AdminPage::folder(flags.text("--page")?).map(Some).map_err(io::Error::other)
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let flags = Flags::parse(&FLAGS)?;
    let listeners = Listeners::bind(flags.number("--port", 3000)?)?;
    let page = page(&flags)?;
    let mut io = Io::builder().instrument(admin(&flags)?);
    for name in NAMESPACES {
        io = io.namespace(name, events);
    }
    let io = with_cluster(io, &flags)?.try_build().map_err(io::Error::other)?;
    io.ready().await.map_err(io::Error::other)?;
    let routes = move |config: &mut ServiceConfig| {
        if let Some(page) = &page {
            config.configure(page.configure("/admin"));
        }
    };
    listeners.serve_with(io, flags.number("--workers", 2)?, routes).await
}
