//! Program H: what program G does, with metrics and health beside it.
//!
//! `cargo run -p conformance --bin instrumented -- --port 3000 [--redis redis://127.0.0.1] [--key NAME]`
//!
//! `/metrics` is for Prometheus, `/health/live` and `/health/ready` are for load balancers. With `--redis` it is a
//! node of a cluster in the mode `classic`; `--key` is the prefix of the cluster's channels.

use std::io;

use actix_web::web::ServiceConfig;
use conformance::echo::handlers;
use conformance::{Flags, Listeners};
use sio_actix::{Io, IoBuilder, Metrics, health};
use sio_redis::RedisAdapter;

const FLAGS: [&str; 6] = ["--port", "--workers", "--redis", "--key", "--production", "--read-only"];

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
    let io = Io::builder().metrics(&metrics).namespace("/", handlers);
    let io = with_cluster(io, &flags)?.build();
    io.ready().await.map_err(io::Error::other)?;
    let served = io.clone();
    let routes = move |config: &mut ServiceConfig| {
        config
            .route("/metrics", metrics.route())
            .route("/health/live", health::live())
            .route("/health/ready", health::ready(&served));
    };
    listeners.serve_with(io, flags.number("--workers", 2)?, routes).await
}
