//! Midway's Socket.IO controllers in Rust: events, acks, rooms, broadcasts, and HTTP routes beside them.
//!
//! `cargo run -p midway`, then connect with any Socket.IO client to <http://127.0.0.1:3000>; `PORT` names
//! another port, 0 a free one.
//!
//! `await io("http://127.0.0.1:3000").emitWithAck("myEvent", 1, 2, 3)` gives
//! `{ name: "harry", result: 6 }`, and `curl http://127.0.0.1:3000/` says `hi` to every client.

use std::env::{self, VarError};
use std::io;

use actix_web::App;
use sio_actix::Server;

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
    let io = midway::io();
    let server = Server::new(move || App::new().configure(midway::app(&io)))
        // A polling client that went away is noticed at once.
        .h1_allow_half_closed(false)
        .shutdown_timeout(1)
        .bind(("127.0.0.1", port()?))?;
    for address in server.addrs() {
        #[expect(clippy::print_stdout, reason = "tells where to look")]
        {
            println!("listening on http://{address}");
        }
    }
    server.run().await
}
