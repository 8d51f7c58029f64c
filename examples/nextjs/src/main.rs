//! The server of a Next.js page, on the path that the page's own router leaves to it.
//!
//! `node examples/nextjs/run.mjs` starts both; open the address that it prints last. The server alone is
//! `cargo run -p nextjs`, on port 3001 or `PORT`; pages of the origin `PAGE` may ask it directly.

use std::{env, io};

use actix_web::App;
use sio_actix::prelude::*;
use sio_actix::{Cors, Server};

struct Chat;

#[ws_controller("/")]
impl Chat {
    #[on_message("say")]
    #[broadcast("said")]
    fn say(&self, text: String) -> String {
        text
    }
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let port = env::var("PORT").unwrap_or_else(|_| "3001".to_owned());
    let page = env::var("PAGE").unwrap_or_else(|_| "http://127.0.0.1:3000".to_owned());
    let io = Io::builder()
        .path("/api/socket")
        // Next.js takes the slash at the end of a path away; the client says `addTrailingSlash: false`.
        .add_trailing_slash(false)
        .cors(Cors::list([page]))
        .mount(Chat)
        .build();
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
