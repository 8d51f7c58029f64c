//! What is attacked: a plain echo on a free port, with default options and limits unless flags say otherwise.

use std::time::Duration;

use actix_web::{App, HttpServer};
use conformance::echo::handlers;
use conformance::{Flags, serve};
use sio_actix::{Io, IoOptions, Server};

/// `--options` is JSON for `IoOptions`; with `--stock` the HTTP server is that of actix-web; the others are times
/// of the HTTP server in milliseconds.
const FLAGS: [&str; 5] = ["--workers", "--options", "--stock", "--head-time", "--keep-alive"];

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let flags = Flags::parse(&FLAGS)?;
    let mut options = IoOptions::default();
    if flags.has("--options") {
        options = serde_json::from_str(flags.text("--options")?)?;
    }
    let io = Io::builder().options(options).namespace("/", handlers).build();
    let workers = flags.number("--workers", 2)?;
    if !flags.has("--stock") && !flags.has("--head-time") && !flags.has("--keep-alive") {
        return serve(io, 0, workers).await;
    }
    let head = Duration::from_millis(flags.number("--head-time", 5_000)?);
    let keep_alive = Duration::from_millis(flags.number("--keep-alive", 5_000)?);
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    #[expect(clippy::print_stdout, reason = "whoever started the program waits for this line")]
    {
        println!("listening on http://{}", listener.local_addr()?);
    }
    // The same methods on both.
    macro_rules! run {
        ($server:ident) => {
            $server::new(move || App::new().configure(io.configure()))
                .workers(workers)
                .client_request_timeout(head)
                .keep_alive(keep_alive)
                .h1_allow_half_closed(false)
                .shutdown_timeout(2)
                .listen(listener)?
                .run()
                .await
        };
    }
    if flags.has("--stock") { run!(HttpServer) } else { run!(Server) }
}
