//! Program H: what program G does, with the Admin UI, metrics and health beside it.
//!
//! `cargo run -p conformance --bin instrumented -- --port 3000 [--redis redis://127.0.0.1] [--key NAME]`
//!
//! The Admin UI is for the user `admin` with the password `changeit`, in development mode unless `--production` is
//! there; `--read-only` takes the commands away, `--server-id` names the server, and `--page` is the folder of the
//! npm package `@socket.io/admin-ui`, whose page is at `/admin/` then.
//! `/metrics` is for Prometheus, `/health/live` and `/health/ready` are for load balancers. With `--redis` it is a
//! node of a cluster in the mode `classic`; `--key` is the prefix of the cluster's channels.

use std::io;

use actix_web::web::ServiceConfig;
use conformance::echo::handlers;
use conformance::{Flags, Listeners};
use sio_actix::prelude::*;
use sio_actix::{AdminMode, AdminPage, AdminUi, IoBuilder, Metrics, health};
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
/// Of `changeit`.
const PASSWORD_HASH: &str = "$2y$10$abcdefghijklmnopqrstuuWojgWSHkViO60uqzqlF6EZp3Declyc2";

/// The plain echo, and data for others to see.
fn kept(ns: &mut NamespaceBuilder) {
    handlers(ns);
    ns.on("keep", |socket: Socket, value: serde_json::Value| {
        socket.set_data(serde_json::json!({ "value": value }))?;
        Ok::<_, EventError>(())
    });
}

fn admin(flags: &Flags) -> io::Result<AdminUi> {
    let mode =
        if flags.has("--production") { AdminMode::Production } else { AdminMode::Development };
    let mut admin = AdminUi::basic("admin", PASSWORD_HASH).mode(mode);
    admin = admin.read_only(flags.has("--read-only"));
    if flags.has("--server-id") {
        admin = admin.server_id(flags.text("--server-id")?);
    }
    if flags.has("--redis") {
        let logins = RedisLogins::new(flags.text("--redis")?).map_err(io::Error::other)?;
        admin = admin.login_store(logins);
    }
    Ok(admin)
}

fn page(flags: &Flags) -> io::Result<Option<AdminPage>> {
    if !flags.has("--page") {
        return Ok(None);
    }
    AdminPage::folder(flags.text("--page")?).map(Some).map_err(io::Error::other)
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

#[actix_web::main]
async fn main() -> io::Result<()> {
    let flags = Flags::parse(&FLAGS)?;
    let listeners = Listeners::bind(flags.number("--port", 3000)?)?;
    let metrics = Metrics::default();
    let io = Io::builder().metrics(&metrics).instrument(admin(&flags)?);
    let io = io.namespace("/", kept).namespace("/second", kept);
    let page = page(&flags)?;
    let io = with_cluster(io, &flags)?.build();
    io.ready().await.map_err(io::Error::other)?;
    let served = io.clone();
    let routes = move |config: &mut ServiceConfig| {
        config
            .route("/metrics", metrics.route())
            .route("/health/live", health::live())
            .route("/health/ready", health::ready(&served));
        if let Some(page) = &page {
            config.configure(page.configure("/admin"));
        }
    };
    listeners.serve_with(io, flags.number("--workers", 2)?, routes).await
}
