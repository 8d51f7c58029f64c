//! A chat with rooms: acks, rooms, broadcasts, and ordinary HTTP routes beside them.
//!
//! `cargo run --release -p chat`, then open <http://127.0.0.1:3000> in two tabs. Building it needs Node.js,
//! which brings `npm` for the official browser client.
//!
//! From the environment: `PORT`, 0 for a free one; `HOST`, `0.0.0.0` for all addresses; `CHAT_IO_…`, any
//! option of the server, as in `CHAT_IO_PING_INTERVAL=10000`; `NODE_NAME`, which the page shows.
//!
//! `curl -d 'Back at noon' http://127.0.0.1:3000/api/rooms/lobby/notice` writes into a room from HTTP.

mod chat;
mod cluster;
mod pages;
mod room;

use std::env::{self, VarError};
use std::fmt::Display;
use std::str::FromStr;
use std::{io, process};

use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, HttpServer};
use sio_actix::{Io, IoOptions, PerMessageDeflate};

use crate::chat::{Chat, Desk};
use crate::cluster::Cluster;

/// Everything an `App` needs, so that tests can make one without a listener.
fn app(io: &Io, desk: &Desk, cluster: Cluster) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let (socket_io, desk) = (io.configure(), Data::new(desk.clone()));
    move |config| {
        config
            .app_data(desk)
            .app_data(Data::new(cluster))
            .configure(socket_io)
            .configure(pages::routes);
    }
}

/// The Socket.IO server with the chat's controller and the browser client.
fn socket_io(desk: &Desk, cluster: Cluster) -> io::Result<Io> {
    Io::builder()
        // The longest message is a few kilobytes, whatever its characters and their escapes.
        .max_payload(64 * 1024)
        // The lines of a room are sent to whoever joins it.
        .per_message_deflate(PerMessageDeflate::with_threshold(256))
        .client_dir(env!("SOCKET_IO_CLIENT"))
        .options(IoOptions::from_env("CHAT_IO_").map_err(io::Error::other)?)
        .mount(Chat::new(desk.clone(), cluster))
        .try_build()
        .map_err(io::Error::other)
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
    let cluster = Cluster::Alone;
    let io = socket_io(&desk, cluster)?;
    let shutdown = io.clone().on_shutdown(sio_actix::termination());
    let server = HttpServer::new(move || App::new().configure(app(&io, &desk, cluster)))
        // Two small writes in a row would otherwise wait for each other.
        .tcp_nodelay(true)
        // A polling client that went away is noticed at once.
        .h1_allow_half_closed(false)
        .shutdown_signal(shutdown)
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
