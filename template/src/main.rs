//! `cargo run`, then connect a client to <http://127.0.0.1:3000>.

use std::{env, io};

use actix_web::App;
use sio_actix::Server;
use tracing_subscriber::EnvFilter;

use {{crate_name}}::{routes, socket_io};

#[actix_web::main]
async fn main() -> io::Result<()> {
    // `RUST_LOG=info,sio=debug` tells more, also of events that nobody handles.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).init();
    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let port: u16 = port.parse().map_err(io::Error::other)?;
    // Once per process, outside of the closure, which every worker calls.
    let io = socket_io();
    let server = Server::new(move || App::new().configure(io.configure()).configure(routes))
        // Clients on polling that go away are noticed at once.
        .h1_allow_half_closed(false)
        .bind(("127.0.0.1", port))?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    server.run().await
}
