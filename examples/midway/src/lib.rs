//! The Socket.IO chapter of Midway's handbook, controller by controller, in Rust.
//!
//! | of the chapter | is in |
//! |---|---|
//! | controllers, connections, messages, answers, acks, namespaces | `hello` |
//! | rooms, messages and broadcasts | `cheat_sheet`; what a returned value can say, in `returned` |
//! | the `io` object in an HTTP controller, sockets, counts | `http` |
//! | options, session ids, beside other HTTP routes | this file |
//! | its tests | `tests/` |
//!
//! Its parts about Redis and CORS are not here.

mod cheat_sheet;
mod hello;
mod http;
mod returned;

use std::time::Duration;

use actix_web::web::ServiceConfig;
use sio_actix::{Io, IoBuilder};
use uuid::Uuid;

pub use hello::Answer;
pub use http::{Counts, routes};

/// The controllers and options; a test that wants another option sets it again.
#[must_use]
pub fn builder() -> IoBuilder {
    Io::builder()
        .path("/socket.io")
        .connect_timeout(Duration::from_secs(45))
        // Unique across all servers, and not to be guessed.
        .generate_id(|_handshake| Uuid::new_v4().to_string())
        .mount(hello::Hello)
        .mount(hello::Test)
        .mount(cheat_sheet::CheatSheet)
        .mount(cheat_sheet::MyNamespace)
        .mount(returned::Returned)
}

/// The Socket.IO server: one per process.
#[must_use]
pub fn io() -> Io {
    builder().build()
}

/// Everything an `App` needs: the Socket.IO server, and the HTTP controller beside it.
pub fn app(io: &Io) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let io = io.configure();
    move |config| {
        config.configure(io).configure(routes);
    }
}
