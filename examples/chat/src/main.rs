//! A chat with rooms: acks, rooms, broadcasts, and ordinary HTTP routes beside them.
//!
//! `cargo run --release -p chat`, then open <http://127.0.0.1:3000> in two tabs. Building it needs Node.js,
//! which brings `npm` for the official browser client.
//!
//! From the environment: `PORT`, 0 for a free one; `HOST`, `0.0.0.0` for all addresses; `CHAT_IO_…`, any
//! option of the server, as in `CHAT_IO_PING_INTERVAL=10000`; `NODE_NAME`, which the page shows;
//! `REDIS_URL`, which makes it one of several nodes (`examples/cluster`); `ADMIN_USER` and `ADMIN_PASSWORD_HASH`, with
//! which there is an Admin UI at `/admin/`, its page from `ADMIN_PAGE` or from where npm put it, and `ADMIN_MODE`
//! (`docs/operations/admin.md`).
//!
//! `/metrics` is for Prometheus, `/health/live` and `/health/ready` for a load balancer: keep them from others.
//!
//! `curl -d 'Back at noon' http://127.0.0.1:3000/api/rooms/lobby/notice` writes into a room from HTTP.

mod admin;
mod chat;
mod cluster;
mod pages;
mod room;

use std::env::{self, VarError};
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;
use std::{io, process};

use actix_web::App;
use actix_web::rt::time::timeout;
use actix_web::web::{Data, ServiceConfig};
use sio_actix::{Io, IoOptions, Metrics, PerMessageDeflate, Server, health};
use sio_redis::RedisAdapter;

use crate::chat::{Chat, Desk};
use crate::cluster::Cluster;

/// Everything an `App` needs, so that tests can make one without a listener.
fn app(
    io: &Io,
    metrics: &Metrics,
    desk: &Desk,
    cluster: Cluster,
) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let (socket_io, desk) = (io.configure(), Data::new(desk.clone()));
    // A node that is cut off from the others serves its own people all the same.
    let (metrics, ready) = (metrics.route(), health::ready_alone(io));
    move |config| {
        config
            .app_data(desk)
            .app_data(Data::new(cluster))
            .configure(socket_io)
            .route("/metrics", metrics)
            .route("/health/live", health::live())
            .route("/health/ready", ready)
            .configure(pages::routes);
    }
}

/// The Socket.IO server with the chat's controller and the browser client; with Redis, a node of a cluster.
fn socket_io(
    desk: &Desk,
    metrics: &Metrics,
    redis: Option<RedisAdapter>,
) -> io::Result<(Io, Cluster)> {
    let cluster = if redis.is_some() { Cluster::Connected } else { Cluster::Alone };
    let mut io = Io::builder()
        // The longest message is a few kilobytes, whatever its characters and their escapes.
        .max_payload(64 * 1024)
        // The lines of a room are sent to whoever joins it.
        .per_message_deflate(PerMessageDeflate::with_threshold(256))
        .client_dir(env!("SOCKET_IO_CLIENT"))
        .options(IoOptions::from_env("CHAT_IO_").map_err(io::Error::other)?)
        .metrics(metrics)
        .mount(Chat::new(desk.clone(), cluster));
    if let Some(redis) = redis {
        io = io.adapter(redis);
    }
    if let Some(admin) = admin::ui()? {
        io = io.instrument(admin);
    }
    Ok((io.try_build().map_err(io::Error::other)?, cluster))
}

/// What connects this node with others, if `REDIS_URL` says so.
fn redis() -> io::Result<Option<RedisAdapter>> {
    let url: String = setting("REDIS_URL", String::new())?;
    if url.is_empty() {
        return Ok(None);
    }
    // Who joins a room waits for the answers of the other nodes, but not for long.
    let redis = RedisAdapter::builder(&url).request_timeout(Duration::from_secs(1));
    redis.build().map(Some).map_err(io::Error::other)
}

/// Gives the node time to find the others. It goes on without: its own people can talk meanwhile.
#[expect(clippy::print_stderr, reason = "the example has no other log")]
async fn find_others(io: &Io) {
    match timeout(Duration::from_secs(5), io.ready()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => eprintln!("chat: {error}"),
        Err(_) => eprintln!("chat: Redis does not answer yet"),
    }
}

/// A variable of the environment, or `default`.
fn setting<T: FromStr<Err: Display>>(name: &str, default: T) -> io::Result<T> {
    match env::var(name) {
        Ok(text) => text
            .parse()
            .map_err(|error| io::Error::other(format!("{name} cannot be used: {error}"))),
        Err(VarError::NotPresent) => Ok(default),
        Err(error) => Err(io::Error::other(format!("{name}: {error}"))),
    }
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let address: (String, u16) = (setting("HOST", "127.0.0.1".into())?, setting("PORT", 3000)?);
    let node = setting("NODE_NAME", format!("chat-{}", process::id()))?;
    let desk = Desk::open(&node);
    let metrics = Metrics::default();
    let (io, cluster) = socket_io(&desk, &metrics, redis()?)?;
    if cluster.has_others() {
        find_others(&io).await;
        actix_web::rt::spawn(chat::repeat_members(desk.clone(), (*io).clone()));
    }
    let page = admin::page()?;
    let server = Server::new(move || {
        let app = App::new().configure(app(&io, &metrics, &desk, cluster));
        app.configure(admin::routes(page.clone()))
    });
    let server = server
        // A polling client that went away is noticed at once.
        .h1_allow_half_closed(false)
        .shutdown_timeout(1)
        .bind(address)?;
    for address in server.addrs() {
        #[expect(clippy::print_stdout, reason = "tells where to look")]
        {
            println!("listening on http://{address}");
        }
    }
    server.run().await
}
