//! A bare WebSocket and Socket.IO beside each other in one `App`, with the same small chat on both.
//!
//! `cargo run -p raw-websocket`, then open <http://127.0.0.1:3000>. `PORT` from the environment; 0 for a free one.

use std::{env, io};

use actix_web::App;
use raw_websocket::{Clients, routes, socket_io};
use sio_actix::Server;

#[actix_web::main]
async fn main() -> io::Result<()> {
    let port = match env::var("PORT") {
        Ok(port) => port.parse().map_err(io::Error::other)?,
        Err(_) => 3000,
    };
    let (io, clients) = (socket_io(), Clients::default());
    let server = Server::new(move || App::new().configure(routes(&io, &clients)))
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
