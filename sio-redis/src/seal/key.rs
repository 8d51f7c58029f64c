//! The key that a cluster shares.

use std::fmt;

use hmac::{Hmac, KeyInit as _};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use sha2::Sha256;

use crate::error::Error;

pub(super) type HmacSha256 = Hmac<Sha256>;

/// A shorter key could be guessed.
const SHORTEST: usize = 32;

/// The key with which the nodes of a cluster and its emitters sign what they say.
///
/// As data it is a text, whose bytes are the key. It is in no log, is not shown by `Debug` and is left out when
/// options are written as data.
///
/// ```
/// use sio_redis::{RedisAdapter, SigningKey};
///
/// # fn main() -> Result<(), sio_redis::Error> {
/// # let secret = "of the program's configuration, 32 bytes at least";
/// let key = SigningKey::new(secret)?;
/// let builder = RedisAdapter::builder("redis://127.0.0.1:6379").sign_with(key);
/// # drop(builder);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SigningKey {
    bytes: Box<[u8]>,
    mac: HmacSha256,
}

impl SigningKey {
    /// A key of these bytes, which should be random; at least 32.
    ///
    /// # Errors
    ///
    /// They are too few.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, Error> {
        let bytes = bytes.as_ref();
        let too_short =
            || Error::Option { option: "signingKey", problem: "must have 32 bytes or more" };
        if bytes.len() < SHORTEST {
            return Err(too_short());
        }
        let mac = HmacSha256::new_from_slice(bytes).map_err(|_error| too_short())?;
        Ok(Self { bytes: bytes.into(), mac })
    }

    pub(super) fn mac(&self) -> HmacSha256 {
        self.mac.clone()
    }
}

impl PartialEq for SigningKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for SigningKey {}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl<'de> Deserialize<'de> for SigningKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_could_be_guessed_is_an_error() {
        assert!(SigningKey::new([1; 32]).is_ok());
        let error = SigningKey::new([1; 31]).unwrap_err();
        assert_eq!(error.to_string(), "the option signingKey must have 32 bytes or more");
    }

    #[test]
    fn no_text_shows_the_key() {
        let secret = "secret secret secret secret secret";
        let json = format!(r#"{{"signingKey": "{secret}"}}"#);
        let options: crate::RedisOptions = serde_json::from_str(&json).unwrap();
        assert_eq!(options.signing_key, Some(SigningKey::new(secret).unwrap()));
        let builder = crate::RedisAdapter::builder("redis://127.0.0.1:1").options(options.clone());
        let emitter = crate::Emitter::new("redis://127.0.0.1:1").unwrap().options(options.clone());
        let texts = [
            format!("{options:?} {builder:?} {emitter:?}"),
            format!("{:?}", builder.build().unwrap()),
            serde_json::to_string(&options).unwrap(),
        ];
        for text in texts {
            assert!(!text.contains("secret"), "{text}");
        }
        let short = serde_json::from_str::<crate::RedisOptions>(r#"{"signingKey": "secret"}"#);
        assert!(!short.unwrap_err().to_string().contains("secret"));
    }
}
