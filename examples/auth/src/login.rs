//! The page and its HTTP routes.

use actix_identity::Identity;
use actix_web::http::header;
use actix_web::web::{self, Data, Json, ServiceConfig};
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, Responder};
use serde::{Deserialize, Serialize};
use sio_actix::Io;

use crate::users::Users;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(page))
        .route("/login", web::post().to(login))
        .route("/logout", web::post().to(logout));
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

/// For clients without cookies.
#[derive(Serialize)]
struct Token {
    token: String,
}

/// Sets the session cookie, and gives a token.
async fn login(
    request: HttpRequest,
    users: Data<Users>,
    credentials: Json<Credentials>,
) -> Result<HttpResponse, Error> {
    let Credentials { name, password } = credentials.into_inner();
    let token = users.knows(&name, &password).then(|| users.token(&name)).flatten();
    let Some(token) = token else {
        return Ok(HttpResponse::Unauthorized().finish());
    };
    Identity::login(&request.extensions(), name)?;
    Ok(HttpResponse::Ok().json(Token { token }))
}

/// Ends the session, and the connections of the user: a cookie is looked at once, when a session opens.
async fn logout(identity: Identity, io: Io) -> Result<HttpResponse, Error> {
    io.to(format!("user:{}", identity.id()?)).disconnect_sockets(true);
    identity.logout();
    Ok(HttpResponse::NoContent().finish())
}

async fn page() -> impl Responder {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .body(include_str!("../static/index.html"))
}
