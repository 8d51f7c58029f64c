//! The server of the example: `login` has the HTTP routes, `users` who is who, `notes` the controller.

mod login;
mod notes;
mod users;

use actix_identity::IdentityMiddleware;
use actix_session::SessionMiddleware;
use actix_session::storage::CookieSessionStore;
use actix_web::cookie::Key;
use actix_web::web::{self, Data, ServiceConfig};
use sio_actix::Io;

pub use users::Users;

/// The Socket.IO server.
#[must_use]
pub fn socket_io(users: &Users) -> Io {
    Io::builder()
        .client_dir(env!("SOCKET_IO_CLIENT"))
        .engine_middleware(login::pass_on)
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
