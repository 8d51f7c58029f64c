//! What is attacked: a plain echo on a free port, with default options and limits unless flags say otherwise.

use conformance::echo::handlers;
use conformance::{Flags, serve};
use sio_actix::{Io, PerMessageDeflate};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let flags = Flags::parse(&["--workers", "--deflate"])?;
    let deflate = flags.has("--deflate").then(PerMessageDeflate::default);
    let io = Io::builder().per_message_deflate(deflate).namespace("/", handlers).build();
    serve(io, 0, flags.number("--workers", 2)?).await
}
