//! Notes from user to user, on whatever devices they have.

use std::time::Instant;

use actix_web::web::Data;
use serde::Deserialize;
use sio_actix::prelude::*;

use crate::LoggedIn;
use crate::users::Users;

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
    /// The session cookie of the page, or a token, which counts for as long as it is good.
    #[connect_guard]
    fn identify(
        &self,
        socket: Socket,
        users: Data<Users>,
        page: Option<Extension<LoggedIn>>,
        auth: Auth<Credentials>,
    ) -> Result<State<User>, ConnectError> {
        let name = match (auth.0.token, page) {
            (Some(token), _) => {
                let (name, left) = users
                    .holder(&token)
                    .ok_or_else(|| ConnectError::new("token expired or unknown"))?;
                socket.disconnect_at(Instant::now() + left);
                name
            }
            (None, Some(page)) => page.0.0.clone(),
            (None, None) => return Err(ConnectError::new("not logged in")),
        };
        // Every device of a user is in one room, on whichever node.
        socket.join(format!("user:{name}"));
        Ok(State::new(User(name)))
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
        match users.holder(&token) {
            Some((name, left)) if name == user.0.0 => {
                socket.disconnect_at(Instant::now() + left);
                Ok(())
            }
            _ => Err(EventError::new("token", "expired, unknown, or of somebody else")),
        }
    }
}
