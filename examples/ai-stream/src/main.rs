//! A page that asks a model for a text and shows it word by word.
//!
//! `node examples/ai-stream/run.mjs`, then open the address that it prints: the page under Vite's dev server, with
//! nginx in front if there is one. The server alone: `cargo run -p ai-stream`.
//!
//! From the environment: `PORT`, 3000 or 0 for a free one; `AI_TOKEN`, what clients must know, `demo-token`;
//! `AI_URL`, an interface like OpenAI's (`https://…/v1`), with `AI_KEY` and `AI_MODEL`: without it a small built-in
//! generator answers.

use std::{env, io};

use actix_web::App;
use ai_stream::{Model, socket_io};
use sio_actix::Server;

#[actix_web::main]
async fn main() -> io::Result<()> {
    let port = setting("PORT", "3000").parse().map_err(io::Error::other)?;
    let model = match setting("AI_URL", "") {
        url if url.is_empty() => Model::built_in(),
        url => Model::remote(url, setting("AI_KEY", ""), setting("AI_MODEL", "default")),
    };
    let io = socket_io(model, setting("AI_TOKEN", "demo-token"));
    let server = Server::new(move || App::new().configure(io.configure()))
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

/// An empty one is one that is not set: nobody means an empty token.
fn setting(name: &str, default: &str) -> String {
    env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
}
