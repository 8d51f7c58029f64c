//! Who is who: names with passwords, and tokens that expire.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::cookie::Key;
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

/// A real service would have a database, and hashes of the passwords.
const PASSWORDS: [(&str, &str); 2] = [("ada", "lovelace"), ("bob", "builder")];

/// Somebody who has logged in, and until when that counts, in seconds since 1970: what a token says, and a
/// session cookie too.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    #[serde(rename = "sub")]
    pub(crate) name: String,
    #[serde(rename = "exp")]
    pub(crate) until: u64,
}

impl Login {
    /// The time that is left; `None` when it is over.
    pub(crate) fn left(&self) -> Option<Duration> {
        let end = UNIX_EPOCH.checked_add(Duration::from_secs(self.until))?;
        end.duration_since(SystemTime::now()).ok().filter(|left| !left.is_zero())
    }
}

/// Knows users and makes their tokens.
#[derive(Clone)]
pub struct Users(Arc<Inner>);

struct Inner {
    encoding: EncodingKey,
    decoding: DecodingKey,
    lifetime: Duration,
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Users").finish_non_exhaustive()
    }
}

impl Users {
    /// Logins are signed with a key, and count for a time, to the second.
    #[must_use]
    pub fn new(key: &Key, lifetime: Duration) -> Self {
        let encoding = EncodingKey::from_secret(key.signing());
        let decoding = DecodingKey::from_secret(key.signing());
        Self(Arc::new(Inner { encoding, decoding, lifetime }))
    }

    pub(crate) fn log_in(&self, name: &str, password: &str) -> Option<Login> {
        PASSWORDS.contains(&(name, password)).then(|| self.login(name)).flatten()
    }

    /// A token for somebody.
    #[must_use]
    pub fn token(&self, name: &str) -> Option<String> {
        self.sign(&self.login(name)?)
    }

    pub(crate) fn sign(&self, login: &Login) -> Option<String> {
        jsonwebtoken::encode(&Header::default(), login, &self.0.encoding).ok()
    }

    /// What a token says, if it is one of ours and not over.
    pub(crate) fn read(&self, token: &str) -> Option<Login> {
        let validation = Validation { leeway: 0, ..Validation::default() };
        let read = jsonwebtoken::decode::<Login>(token, &self.0.decoding, &validation);
        // Within its last second the library still takes it.
        read.ok().map(|token| token.claims).filter(|login| login.left().is_some())
    }

    fn login(&self, name: &str) -> Option<Login> {
        let until = SystemTime::now().duration_since(UNIX_EPOCH).ok()? + self.0.lifetime;
        Some(Login { name: name.to_owned(), until: until.as_secs() })
    }
}
