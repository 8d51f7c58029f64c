//! Program A: a bare Engine.IO server that echoes every message.
//!
//! `cargo run -p conformance --bin eio-echo -- --port 3000 [--eio3]`

use std::time::Duration;

use bytes::Bytes;
use conformance::{Flags, SUITE_WORKERS, serve};
use sio_actix::{EngineHandler, EngineSocket, Io};

struct Echo;

impl EngineHandler for Echo {
    fn text(&self, session: &EngineSocket, text: &str) {
        session.send_text(text);
    }

    fn binary(&self, session: &EngineSocket, bytes: Bytes) {
        session.send_binary(bytes);
    }
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let flags = Flags::parse(&["--port", "--workers", "--eio3"])?;
    let io = Io::engine(Echo)
        .allow_eio3(flags.has("--eio3"))
        .ping_interval(Duration::from_millis(300))
        .ping_timeout(Duration::from_millis(200))
        .allow_eio3(flags.has("--eio3"))
        .build();
    serve(io, flags.number("--port", 3000)?, flags.number("--workers", SUITE_WORKERS)?).await
}
