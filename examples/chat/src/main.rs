//! A chat with rooms: acks, rooms, broadcasts, and ordinary HTTP routes beside them.
//!
//! `cargo run --release -p chat`, then open <http://127.0.0.1:3000> in two tabs. `PORT` names another
//! port, 0 a free one. Building it needs Node.js, which brings `npm` for the official browser client.
//!
//! `curl -d 'Back at noon' http://127.0.0.1:3000/api/rooms/lobby/notice` writes into a room from HTTP.

mod chat;
mod pages;
mod room;

use std::env::{self, VarError};
use std::io;

use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, HttpServer};
use sio_actix::{Io, PerMessageDeflate};

use crate::chat::{Chat, Desk};

/// Everything an `App` needs, so that tests can make one without a listener.
fn app(io: &Io, desk: &Desk) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let (socket_io, desk) = (io.configure(), Data::new(desk.clone()));
    move |config| {
        config.app_data(desk).configure(socket_io).configure(pages::routes);
    }
}

/// The Socket.IO server with the chat's controller and the browser client.
fn socket_io(desk: &Desk) -> io::Result<Io> {
    Io::builder()
        // The longest message is a few kilobytes, whatever its characters and their escapes.
        .max_payload(64 * 1024)
        // The lines of a room are sent to whoever joins it.
        .per_message_deflate(PerMessageDeflate::with_threshold(256))
        .client_dir(env!("SOCKET_IO_CLIENT"))
        .mount(Chat::new(desk.clone()))
        .try_build()
        .map_err(io::Error::other)
}

fn port() -> io::Result<u16> {
    match env::var("PORT") {
        Ok(port) => {
            port.parse().map_err(|error| io::Error::other(format!("PORT is no port: {error}")))
        }
        Err(VarError::NotPresent) => Ok(3000),
        Err(error) => Err(io::Error::other(error)),
    }
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let port = port()?;
    let desk = Desk::open();
    let io = socket_io(&desk)?;
    let shutdown = io.clone().on_shutdown(sio_actix::termination());
    let server = HttpServer::new(move || App::new().configure(app(&io, &desk)))
        // Two small writes in a row would otherwise wait for each other.
        .tcp_nodelay(true)
        // A polling client that went away is noticed at once.
        .h1_allow_half_closed(false)
        .shutdown_signal(shutdown)
        .shutdown_timeout(1)
        .bind(("127.0.0.1", port))?;
    for address in server.addrs() {
        #[expect(clippy::print_stdout, reason = "tells where to look")]
        {
            println!("listening on http://{address}");
        }
    }
    server.run().await
}
