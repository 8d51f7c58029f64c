//! The application: what `main` serves, and what the tests drive.

mod chat;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder, error};
use sio_actix::Io;

/// The Socket.IO server with its controllers.
pub fn socket_io() -> Io {
    Io::builder().mount(chat::Chat).build()
}

/// The HTTP routes beside it.
pub fn routes(config: &mut ServiceConfig) {
    config.route("/say", web::post().to(say));
}

/// Says to all clients what was posted; any route can have the `Io` as a parameter.
async fn say(io: Io, text: String) -> actix_web::Result<impl Responder> {
    io.emit("said", text)
        .map_err(error::ErrorServiceUnavailable)?;
    Ok(HttpResponse::NoContent())
}
