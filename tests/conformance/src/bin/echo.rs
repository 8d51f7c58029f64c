//! Program G: a plain echo with all default options and limits.
//!
//! `cargo run -p conformance --bin echo -- --port 3000`

use conformance::echo::handlers;
use conformance::{Flags, serve};
use sio_actix::Io;

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let flags = Flags::parse(&["--port", "--workers"])?;
    let io = Io::builder().namespace("/", handlers).build();
    serve(io, flags.number("--port", 3000)?, flags.number("--workers", 2)?).await
}
