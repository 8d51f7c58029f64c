//! What the JavaScript of the README and of the guide speaks to: the controllers that stand beside it there.
//!
//! `cargo run -p conformance --bin guide`, on a free port, or on `PORT`.

use std::env;

use actix_web::App;
use serde_json::json;
use sio_actix::Server;
use sio_actix::prelude::*;

struct Chat;

#[ws_controller("/")]
impl Chat {
    #[on_message("add")]
    fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    #[on_message("say")]
    #[broadcast("said")]
    fn say(&self, text: String) -> String {
        text
    }

    #[on_message("buy")]
    fn buy(&self, what: String, count: u32) -> Result<u32, EventError> {
        if count > 3 {
            let error = EventError::new("sold_out", format!("not that much {what}"));
            return Err(error.with_data(json!({ "left": 3 })));
        }
        Ok(3 - count)
    }
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let port = env::var("PORT").unwrap_or_else(|_| "0".to_owned());
    let port: u16 = port.parse().map_err(std::io::Error::other)?;
    let io = Io::builder().mount(Chat).mount_at("/chat", Chat).build();
    let server = Server::new(move || App::new().configure(io.configure()))
        .h1_allow_half_closed(false)
        .workers(1)
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
