//! Who may look: a login with a password, or the id of one that was remembered.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use serde::Deserialize;
use sio_core::login::LoginStore;
use sio_core::server::{ConnectError, Socket};
use tokio::sync::oneshot;

use super::AdminError;
use super::throttle::{Seat, Throttle};
use super::told::Told;

/// Costs above take seconds on a usual machine.
pub(super) const MAX_COST: u32 = 16;
const MIN_COST: u32 = 4;
/// Random bytes of a login's id.
const ID_BYTES: usize = 8;
/// Passwords that are checked at one time, and ids that are looked for.
const PASSWORDS_AT_ONCE: usize = 2;
const IDS_AT_ONCE: usize = 8;
/// How long a wrong password waits for its answer, and how long wrong ones keep their seats.
const PAUSE: Duration = Duration::from_secs(1);
/// Bytes of a name or password above which none is right; bcrypt looks at 72.
const LONGEST: usize = 1_024;

/// The page knows this text, and asks for credentials.
const REFUSED: &str = "invalid credentials";
/// The page shows this one.
const BUSY: &str = "too many login attempts, try again later";

/// A user name, and the bcrypt hash of a password.
pub(super) struct Credentials {
    username: String,
    hash: String,
}

impl Credentials {
    /// # Errors
    ///
    /// The name is empty, or the hash is none that a password can be checked against.
    pub(super) fn new(username: &str, hash: &str) -> Result<Self, AdminError> {
        if username.is_empty() {
            return Err(AdminError::NoUsername);
        }
        let known = ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| hash.starts_with(prefix));
        if !known || hash.len() != 60 {
            return Err(AdminError::NoHash);
        }
        let Ok(parts) = hash.parse::<bcrypt::HashParts>() else { return Err(AdminError::NoHash) };
        let cost = parts.get_cost();
        if !(MIN_COST..=MAX_COST).contains(&cost) {
            return Err(AdminError::Cost { cost });
        }
        Ok(Self { username: username.to_owned(), hash: hash.to_owned() })
    }

    /// Takes as long as the hash's cost says, whatever is wrong.
    fn are(&self, username: &str, password: &str) -> bool {
        let password_fits = bcrypt::verify(password, &self.hash).unwrap_or(false);
        same(username.as_bytes(), self.username.as_bytes()) & password_fits
    }
}

/// Only what looks like an id is looked for.
fn is_id(id: &str) -> bool {
    id.len() == 2 * ID_BYTES && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Compares without telling by its time where texts differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// What the page sends with CONNECT; of the wrong type, it is nothing.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Login {
    session_id: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

/// Decides about CONNECTs.
pub(super) struct Access {
    credentials: Arc<Credentials>,
    logins: Arc<dyn LoginStore>,
    passwords: Arc<Throttle>,
    ids: Arc<Throttle>,
    told: Arc<Told>,
}

/// What a check has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checked {
    Right,
    Wrong,
    /// Others needed the seat more.
    Busy,
}

impl Access {
    /// Of what is logged once per connection, `told` knows the connections.
    pub(super) fn new(
        credentials: Credentials,
        logins: Arc<dyn LoginStore>,
        told: Arc<Told>,
    ) -> Self {
        Self {
            credentials: Arc::new(credentials),
            logins,
            passwords: Throttle::new(PASSWORDS_AT_ONCE),
            ids: Throttle::new(IDS_AT_ONCE),
            told,
        }
    }

    /// Lets a socket in, or not. A new login gets an id, which [`tell_login`] tells.
    pub(super) async fn admit(self: &Arc<Self>, socket: &Socket) -> Result<(), ConnectError> {
        let login: Login = socket.auth().unwrap_or_default();
        let address = socket.handshake().address().map(|address| address.ip());
        let known = match login.session_id {
            Some(id) if is_id(&id) => self.find(id, address).await,
            _ => Checked::Wrong,
        };
        if known == Checked::Right {
            return Ok(());
        }
        let (Some(username), Some(password)) = (login.username, login.password) else {
            return Err(self.refused(known, socket));
        };
        if username.len() > LONGEST || password.len() > LONGEST {
            return Err(ConnectError::new(REFUSED));
        }
        let checked = match self.passwords.admit(address) {
            Some(seat) => self.check(username, password, seat).await,
            None => Checked::Busy,
        };
        if checked != Checked::Right {
            if checked == Checked::Wrong {
                tracing::warn!(?address, "a login to the Admin UI was refused");
            }
            return Err(self.refused(checked, socket));
        }
        tracing::info!(?address, "a login to the Admin UI");
        self.remember(socket).await;
        Ok(())
    }

    fn refused(&self, checked: Checked, socket: &Socket) -> ConnectError {
        if checked != Checked::Busy {
            return ConnectError::new(REFUSED);
        }
        if self.told.is_first(&socket.conn()) {
            let address = socket.handshake().address().map(|address| address.ip());
            tracing::warn!(?address, "too many logins to the Admin UI at one time");
        }
        ConnectError::new(BUSY)
    }

    /// Looks for the id of a login. One that is unknown takes its seat for a while, which nobody waits for.
    async fn find(&self, id: String, address: Option<IpAddr>) -> Checked {
        let Some(mut seat) = self.ids.admit(address) else { return Checked::Busy };
        let logins = Arc::clone(&self.logins);
        let (done, known) = oneshot::channel();
        actix_web::rt::spawn(async move {
            if !seat.turn().await {
                let _nobody_waits = done.send(Checked::Busy);
                return;
            }
            let known = logins.contains(&id).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "a login to the Admin UI may have been remembered");
                false
            });
            seat.refused();
            let _nobody_waits = done.send(if known { Checked::Right } else { Checked::Wrong });
            if !known {
                actix_web::rt::time::sleep(PAUSE).await;
            }
        });
        known.await.unwrap_or(Checked::Wrong)
    }

    /// Checks a password. The work and the pause go on, and take their seat, if nobody waits for them any more.
    async fn check(&self, username: String, password: String, mut seat: Seat) -> Checked {
        let credentials = Arc::clone(&self.credentials);
        let (done, checked) = oneshot::channel();
        actix_web::rt::spawn(async move {
            if !seat.turn().await {
                let _nobody_waits = done.send(Checked::Busy);
                return;
            }
            let work = move || {
                let right = credentials.are(&username, &password);
                // Here, because the work goes on if nobody waits for it any more.
                seat.refused();
                (right, seat)
            };
            let (right, seat) = match web::block(work).await {
                Ok((right, seat)) => (right, Some(seat)),
                Err(_cancelled) => (false, None),
            };
            if !right {
                actix_web::rt::time::sleep(PAUSE).await;
            }
            drop(seat);
            let _nobody_waits = done.send(if right { Checked::Right } else { Checked::Wrong });
        });
        checked.await.unwrap_or(Checked::Wrong)
    }

    /// Gives a login its id; without one the page asks again when it is loaded again.
    async fn remember(&self, socket: &Socket) {
        let mut random = [0; ID_BYTES];
        if let Err(error) = getrandom::fill(&mut random) {
            return tracing::error!(%error, "the system gives no random bytes");
        }
        let mut id = String::new();
        for byte in random {
            // Writing to a string cannot fail.
            let _ = write!(id, "{byte:02x}");
        }
        if let Err(error) = self.logins.save(&id).await {
            return tracing::warn!(%error, "a login to the Admin UI is not remembered");
        }
        socket.set_state(NewLogin(id));
    }
}

/// The id of a socket's login.
struct NewLogin(String);

/// Tells a page the id of its login, if it has just logged in.
///
/// Differs from the reference, which tells it before CONNECT is answered: the page does not listen yet, and forgets
/// the login with the next reload.
pub(super) fn tell_login(page: &Socket) {
    let Some(login) = page.state::<NewLogin>() else { return };
    // Not by the socket itself: its way may lead through a log that others can read.
    let pages = page.io().of(page.namespace().path());
    let told = pages.local().to(page.id()).emit("session", &login.0);
    if let Err(error) = told {
        tracing::warn!(%error, "a login to the Admin UI was not told its id");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `changeit`.
    fn hash() -> String {
        bcrypt::hash("changeit", 4).unwrap()
    }

    #[test]
    fn what_is_no_hash_is_refused_when_the_server_is_built() {
        let good = hash();
        let cut = good.get(..59).unwrap();
        let other_kind = good.replacen("$2b$", "$2x$", 1);
        let broken = format!("{cut}!");
        for bad in ["", "changeit", "$2b$", cut, &other_kind, &broken, &format!("{good} ")] {
            assert_eq!(Credentials::new("admin", bad).err(), Some(AdminError::NoHash), "{bad}");
        }
        let bits = format!("{cut}z");
        assert_eq!(Credentials::new("admin", &bits).err(), Some(AdminError::NoHash), "stray bits");
        let slow = good.replacen("$04$", "$17$", 1);
        assert_eq!(Credentials::new("admin", &slow).err(), Some(AdminError::Cost { cost: 17 }));
        assert_eq!(Credentials::new("", &good).err(), Some(AdminError::NoUsername));
    }

    #[test]
    fn passwords_fit_hashes_of_all_kinds() {
        for kind in ["$2a$", "$2b$", "$2y$"] {
            let hash = hash().replacen("$2b$", kind, 1);
            let credentials = Credentials::new("admin", &hash).ok().unwrap();
            assert!(credentials.are("admin", "changeit"), "{kind}");
            for (username, password) in [
                ("admin", "wrong"),
                ("admin", ""),
                ("Admin", "changeit"),
                ("", "changeit"),
                ("admin", "changeit\0"),
            ] {
                assert!(!credentials.are(username, password), "{kind} {username} {password}");
            }
        }
    }
}
