//! A job that tells how far it is, an echo, and files that are uploaded piece by piece.
//!
//! `npm start --prefix examples/progress/web`, then open the address that Vite prints. The server alone:
//! `cargo run -p progress`, on port 4567 or `PORT`; pages of the origin `PAGE` may use it.

use std::{env, io};

use actix_web::App;
use progress::socket_io;
use sio_actix::Server;

#[actix_web::main]
async fn main() -> io::Result<()> {
    let port = env::var("PORT").unwrap_or_else(|_| "4567".to_owned());
    let page = env::var("PAGE").unwrap_or_else(|_| "http://127.0.0.1:5173".to_owned());
    let io = socket_io(&page);
    let server = Server::new(move || App::new().configure(io.configure()))
        .h1_allow_half_closed(false)
        .shutdown_timeout(1)
        .bind(("127.0.0.1", port.parse().map_err(io::Error::other)?))?;
    for address in server.addrs() {
        #[expect(clippy::print_stdout, reason = "tells where to look")]
        {
            println!("listening on http://{address}");
        }
    }
    server.run().await
}
