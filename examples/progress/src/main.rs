//! A job that tells how far it is, an echo, and files that are uploaded piece by piece.
//!
//! `node examples/progress/run.mjs`, then open the address that it prints. The server alone: `cargo run -p progress`,
//! on port 4567 or `PORT`; pages of the origin `PAGE` may use it, and `/jobs` says how many jobs run.

use std::{env, io};

use actix_web::App;
use actix_web::web::{self, Data};
use progress::{Jobs, socket_io};
use sio_actix::Server;

#[actix_web::main]
async fn main() -> io::Result<()> {
    let port = setting("PORT", "4567").parse().map_err(io::Error::other)?;
    let jobs = Data::new(Jobs::default());
    let io = socket_io(&setting("PAGE", "http://127.0.0.1:5173"), jobs.clone());
    let app = move || {
        let running = async |jobs: Data<Jobs>| jobs.running().to_string();
        App::new()
            .app_data(jobs.clone())
            .route("/jobs", web::get().to(running))
            .configure(io.configure())
    };
    let server = Server::new(app)
        .h1_allow_half_closed(false)
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

fn setting(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}
