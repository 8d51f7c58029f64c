//! The server of the example: `login` has the HTTP routes, `users` who is who, `notes` the controller.

mod login;
mod notes;
mod users;

use actix_identity::{IdentityExt as _, IdentityMiddleware};
use actix_session::SessionMiddleware;
use actix_session::storage::CookieSessionStore;
use actix_web::HttpRequest;
use actix_web::cookie::Key;
use actix_web::web::{self, Data, ServiceConfig};
use sio_actix::{Io, Pass};

pub use users::Users;

/// Who has logged in on the page whose request this is, as its session cookie says.
#[derive(Debug)]
struct LoggedIn(String);

/// The Socket.IO server.
#[must_use]
pub fn socket_io(users: &Users) -> Io {
    Io::builder()
        // actix's middleware has read the cookie by then; what it found goes on to the sockets.
        .engine_middleware(async |request: HttpRequest| {
            let identity = request.get_identity().and_then(|identity| Ok(identity.id()?));
            Ok::<_, actix_web::Error>(match identity {
                Ok(name) => Pass::next().with_extension(LoggedIn(name)),
                Err(_) => Pass::next(),
            })
        })
        .data(Data::new(users.clone()))
        .mount(notes::Notes)
        .build()
}

/// Everything that the `App` needs.
pub fn app(io: &Io, users: &Users, key: &Key) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let (socket_io, users, key) = (io.configure(), Data::new(users.clone()), key.clone());
    move |config| {
        let session = SessionMiddleware::builder(CookieSessionStore::default(), key)
            // Only because this example has no TLS.
            .cookie_secure(false)
            .build();
        let scope = web::scope("")
            .wrap(IdentityMiddleware::default())
            .wrap(session)
            .configure(login::routes)
            .configure(socket_io);
        config.app_data(users).service(scope);
    }
}
