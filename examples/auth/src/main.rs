//! Who somebody is: a session cookie for pages, a token for everything else, and rooms per user.
//!
//! `cargo run -p auth`, then open <http://127.0.0.1:3000>. `PORT` from the environment, 0 for a free one; `SECRET`,
//! at least 64 bytes, a random one otherwise.

use std::time::Duration;
use std::{env, io};

use actix_web::App;
use actix_web::cookie::Key;
use auth::{Users, app, socket_io};
use sio_actix::Server;

/// How long a login counts.
const LIFETIME: Duration = Duration::from_secs(15 * 60);

#[actix_web::main]
async fn main() -> io::Result<()> {
    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let key = match env::var("SECRET") {
        Ok(secret) => Key::try_from(secret.as_bytes()).map_err(io::Error::other)?,
        Err(_) => Key::generate(),
    };
    let users = Users::new(&key, LIFETIME);
    let io = socket_io(&users);
    let server = Server::new(move || App::new().configure(app(&io, &users, &key)))
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
