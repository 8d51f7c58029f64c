//! Who is who: names with passwords, and tokens that expire.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::cookie::Key;
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

/// How long a token is good for.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// A real service would have a database, and hashes of the passwords.
const PASSWORDS: [(&str, &str); 2] = [("ada", "lovelace"), ("bob", "builder")];

/// Knows users and makes their tokens.
#[derive(Clone)]
pub struct Users(Arc<Keys>);

struct Keys {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Users").finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
}

impl Users {
    /// Signs tokens with a key.
    #[must_use]
    pub fn new(key: &Key) -> Self {
        let (encoding, decoding) =
            (EncodingKey::from_secret(key.signing()), DecodingKey::from_secret(key.signing()));
        Self(Arc::new(Keys { encoding, decoding }))
    }

    pub(crate) fn knows(&self, name: &str, password: &str) -> bool {
        PASSWORDS.contains(&(name, password))
    }

    /// A token that is good for fifteen minutes.
    #[must_use]
    pub fn token(&self, name: &str) -> Option<String> {
        self.token_for(name, LIFETIME)
    }

    /// A token that is good for a time, to the second.
    #[must_use]
    pub fn token_for(&self, name: &str, lifetime: Duration) -> Option<String> {
        let until = SystemTime::now().duration_since(UNIX_EPOCH).ok()? + lifetime;
        let claims = Claims { sub: name.to_owned(), exp: until.as_secs() };
        jsonwebtoken::encode(&Header::default(), &claims, &self.0.encoding).ok()
    }

    /// Whose token it is, and how long it is still good for.
    pub(crate) fn holder(&self, token: &str) -> Option<(String, Duration)> {
        let mut validation = Validation::default();
        validation.leeway = 0;
        let claims =
            jsonwebtoken::decode::<Claims>(token, &self.0.decoding, &validation).ok()?.claims;
        let until = UNIX_EPOCH + Duration::from_secs(claims.exp);
        Some((claims.sub, until.duration_since(SystemTime::now()).unwrap_or_default()))
    }
}
