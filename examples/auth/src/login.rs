//! The page and its HTTP routes.

use actix_identity::{Identity, IdentityExt as _};
use actix_session::{Session, SessionExt as _};
use actix_web::http::header;
use actix_web::web::{self, Data, Json, ServiceConfig};
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, Responder};
use serde::{Deserialize, Serialize};
use sio_actix::{Io, Pass};

use crate::users::{Login, Users};

const UNTIL: &str = "until";

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(page))
        .route("/login", web::post().to(login))
        .route("/logout", web::post().to(logout));
}

/// actix's middleware has read the session cookie by now; what it found goes on to the sockets.
pub(crate) async fn pass_on(request: HttpRequest) -> Result<Pass, Error> {
    Ok(match logged_in(&request) {
        Some(login) => Pass::next().with_extension(login),
        None => Pass::next(),
    })
}

fn logged_in(request: &HttpRequest) -> Option<Login> {
    let name = request.get_identity().ok()?.id().ok()?;
    let until = request.get_session().get(UNTIL).ok()??;
    Some(Login { name, until })
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
    session: Session,
    users: Data<Users>,
    credentials: Json<Credentials>,
) -> Result<HttpResponse, Error> {
    let login = users.log_in(&credentials.name, &credentials.password);
    let Some((login, token)) = login.and_then(|login| users.sign(&login).map(|t| (login, t)))
    else {
        return Ok(HttpResponse::Unauthorized().finish());
    };
    Identity::login(&request.extensions(), login.name)?;
    session.insert(UNTIL, login.until)?;
    Ok(HttpResponse::Ok().json(Token { token }))
}

/// Ends the session and all connections of the user, who was asked for a cookie or a token only when they were
/// opened. A token, or a copy of the cookie, is good until its time is over: a service that cannot wait keeps
/// sessions in a store, and asks it.
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
