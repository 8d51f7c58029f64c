//! The HTTP routes: emits from outside of any handler, and the records.

use actix_web::{HttpResponse, guard, web};
use serde::Deserialize;
use sio_actix::prelude::*;

use crate::records::Records;

#[derive(Deserialize)]
struct Emit {
    #[serde(default)]
    ns: String,
    #[serde(default)]
    room: String,
    #[serde(default)]
    event: String,
    data: Option<String>,
}

async fn emit(io: Io, query: web::Query<Emit>) -> HttpResponse {
    let Emit { ns, room, event, data } = query.into_inner();
    let path = if ns.is_empty() { "/" } else { &ns };
    let namespace = io.of(path);
    // A name without its slash would be found all the same.
    if event.is_empty() || !path.starts_with('/') || !namespace.exists() {
        return HttpResponse::BadRequest().finish();
    }
    let argument: Result<Option<Value>, _> =
        data.map(|data| serde_json::from_str(&data)).transpose();
    let Ok(argument) = argument else {
        return HttpResponse::BadRequest().finish();
    };
    let args = Rest(argument.into_iter().collect());
    let sent = if room.is_empty() {
        namespace.emit(&event, args)
    } else {
        namespace.to(room).emit(&event, args)
    };
    match sent {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(_reserved) => HttpResponse::BadRequest().finish(),
    }
}

#[derive(Deserialize)]
struct Disconnects {
    #[serde(default)]
    id: String,
}

async fn disconnects(records: web::Data<Records>, query: web::Query<Disconnects>) -> HttpResponse {
    let id = Some(query.id.as_str()).filter(|id| !id.is_empty());
    HttpResponse::Ok().json(records.of(id))
}

/// Adds the routes; everything else, other methods too, is a 404.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/emit").guard(guard::Get()).to(emit))
        .service(web::resource("/disconnects").guard(guard::Get()).to(disconnects));
}
