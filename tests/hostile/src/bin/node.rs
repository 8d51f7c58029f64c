//! A node of a cluster over Redis that is killed and restarted, with the flags of `conformance::cluster`.

use std::io;

use conformance::{Flags, cluster, serve};
use sio_actix::prelude::*;
use sio_actix::{Io, Recovery};
use sio_redis::RedisAdapter;

const FLAGS: [&str; 4] = ["--redis", "--mode", "--offset-wait", "--workers"];

fn handlers(ns: &mut NamespaceBuilder) {
    ns.on_connection(|socket: Socket| socket.join("hall"));
    ns.on("say", |ns: NamespaceRef, number: u64| ns.emit("n", number));
    // How many are in the room, on all nodes; nothing if a node does not answer.
    ns.on("count", async |ns: NamespaceRef| {
        ns.to("hall").fetch_sockets().await.map(|sockets| sockets.len()).ok()
    });
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let flags = Flags::parse(&FLAGS)?;
    let adapter = RedisAdapter::builder(flags.text("--redis")?).options(cluster::options(&flags)?);
    let adapter = adapter.build().map_err(io::Error::other)?;
    let recovers = flags.text("--mode")? == "streams";
    let io = Io::builder()
        .adapter(adapter)
        .connection_state_recovery(recovers.then(Recovery::default))
        .namespace("/", handlers)
        .build();
    io.ready().await.map_err(io::Error::other)?;
    serve(io, 0, flags.number("--workers", 1)?).await
}
