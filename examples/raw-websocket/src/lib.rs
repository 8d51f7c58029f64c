//! The same chat twice: `/ws` speaks WebSocket and nothing else, `/socket.io/` Socket.IO.

mod bare;
mod chat;

use actix_web::http::header;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use sio_actix::Io;

pub use bare::Clients;

/// The Socket.IO server.
#[must_use]
pub fn socket_io() -> Io {
    Io::builder().client_dir(env!("SOCKET_IO_CLIENT")).mount(chat::Chat).build()
}

/// Everything the `App` needs; the two kinds do not know each other.
pub fn routes(io: &Io, clients: &Clients) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let (socket_io, clients) = (io.configure(), Data::new(clients.clone()));
    move |config| {
        config
            .app_data(clients)
            .route("/ws", web::get().to(bare::connect))
            .route("/", web::get().to(page))
            .configure(socket_io);
    }
}

async fn page() -> impl Responder {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .body(include_str!("../static/index.html"))
}
