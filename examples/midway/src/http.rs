//! HTTP controllers: ordinary handlers of the same app, to which [`Io`] is a parameter.

use actix_web::web::{Json, Path, ServiceConfig};
use actix_web::{HttpResponse, Responder, error, get};
use serde::{Deserialize, Serialize};
use sio_actix::{Io, Socket};

/// Adds the routes.
pub fn routes(config: &mut ServiceConfig) {
    config.service(invoke).service(all_sockets).service(sockets_of_room).service(counts);
}

/// Says something to all clients of `/`.
#[get("/")]
async fn invoke(io: Io) -> actix_web::Result<impl Responder> {
    io.of("/").emit("hi", "everyone").map_err(error::ErrorServiceUnavailable)?;
    Ok(HttpResponse::NoContent())
}

/// The ids of all sockets of `/`.
#[get("/sockets")]
async fn all_sockets(io: Io) -> Json<Vec<String>> {
    Json(ids(&io.of("/").sockets().await))
}

/// The ids of the sockets in a room; the id of a socket is the room of that socket.
#[get("/sockets/{room}")]
async fn sockets_of_room(io: Io, room: Path<String>) -> Json<Vec<String>> {
    Json(ids(&io.of("/").within(room.as_str()).sockets().await))
}

fn ids(sockets: &[Socket]) -> Vec<String> {
    sockets.iter().map(|socket| socket.id().to_string()).collect()
}

/// How many there are.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a message is all of its fields")]
pub struct Counts {
    /// Connections: Engine.IO sessions, each with one or more namespaces.
    pub sessions: usize,
    /// Clients in the namespace `/`.
    pub sockets: usize,
}

#[get("/counts")]
async fn counts(io: Io) -> Json<Counts> {
    Json(Counts { sessions: io.session_count(), sockets: io.of("/").socket_count() })
}
