//! Notes from user to user, on whatever devices they have.

use std::time::{Duration, Instant};

use actix_web::web::Data;
use serde::Deserialize;
use sio_actix::prelude::*;

use crate::users::{Login, Users};

#[derive(Debug)]
struct User(String);

/// What a client without a cookie sends: `io(url, { auth: { token } })`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Credentials {
    token: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Notes;

#[ws_controller("/")]
impl Notes {
    /// The session cookie of the page, or a token; either counts for as long as it is good.
    #[connect_guard]
    fn identify(
        &self,
        socket: Socket,
        users: Data<Users>,
        page: Option<Extension<Login>>,
        auth: Auth<Credentials>,
    ) -> Result<State<User>, ConnectError> {
        let login = match (&auth.0.token, page) {
            (Some(token), _) => {
                users.read(token).ok_or(ConnectError::new("token unknown or expired"))?
            }
            (None, Some(page)) => Login::clone(&page),
            (None, None) => return Err(ConnectError::new("not logged in")),
        };
        let left = login.left().ok_or(ConnectError::new("login expired"))?;
        socket.disconnect_at(Instant::now() + left);
        // Every device of a user is in one room, on whichever node.
        socket.join(format!("user:{}", login.name));
        Ok(State::new(User(login.name)))
    }

    #[on_message("whoami")]
    fn who_am_i(&self, user: State<User>) -> String {
        user.0.0.clone()
    }

    #[on_message("note")]
    fn note(&self, io: Io, user: State<User>, to: String, text: String) -> Result<(), EventError> {
        Ok(io.to(format!("user:{to}")).emit("note", (user.0.0.as_str(), text))?)
    }

    /// A new token before the old one is over; that of somebody else changes nothing.
    #[on_message("renew")]
    fn renew(
        &self,
        socket: Socket,
        users: Data<Users>,
        user: State<User>,
        token: String,
    ) -> Result<(), EventError> {
        let login = users.read(&token).filter(|login| login.name == user.0.0);
        let left: Option<Duration> = login.and_then(|login| login.left());
        let left = left.ok_or(EventError::new("token", "unknown, expired, or of somebody else"))?;
        socket.disconnect_at(Instant::now() + left);
        Ok(())
    }
}
