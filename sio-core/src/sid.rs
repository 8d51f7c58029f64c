//! Ids of sessions and sockets.
//!
//! An id is 120 random bits in 20 characters of base64url (Engine.IO "handshake", `sid`).
//! The bits come from a [`SidSource`] that the caller brings: this crate has no randomness of its own.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};

/// Random bytes in one id.
pub const SID_BYTES: usize = 15;

/// Characters of one id.
const SID_CHARS: usize = SID_BYTES / 3 * 4;
/// Longest id that an application may make.
const MAX_CUSTOM: usize = 128;
/// Longest id of a socket of another server, whose namespaces may have long names.
const MAX_FOREIGN: usize = 1_024;

/// The id of a session (secret) or of a socket (public); the two are never derived from each other.
///
/// Cloning is one atomic increment.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sid(Arc<str>);

impl Sid {
    /// Encodes random bytes as an id of 20 URL-safe characters.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; SID_BYTES]) -> Self {
        let mut text = [0; SID_CHARS];
        // There is room for all of it, in characters of one byte.
        let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text).unwrap_or_default();
        let text = text.get(..written).unwrap_or_default();
        Self(str::from_utf8(text).unwrap_or_default().into())
    }

    /// Draws a new id.
    #[must_use]
    pub fn random(source: &dyn SidSource) -> Self {
        let mut bytes = [0; SID_BYTES];
        source.fill(&mut bytes);
        Self::from_bytes(&bytes)
    }

    /// An id that the application made: 1 to 128 letters, digits, `-`, `_`, `.` or `~`.
    #[must_use]
    pub fn custom(text: &str) -> Option<Self> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
        let sound = (1..=MAX_CUSTOM).contains(&text.len()) && text.chars().all(legal);
        sound.then(|| Self(text.into()))
    }

    /// The id of a socket of a Socket.IO 2 client: the namespace, `#` and the session's id.
    #[must_use]
    pub fn of_namespace(session: &Self, namespace: &str) -> Self {
        Self(format!("{namespace}#{session}").into())
    }

    /// An id that another server gave: as long as an application may make them, with a namespace before it,
    /// and without characters that are not to be seen.
    pub(crate) fn foreign(text: &str) -> Option<Self> {
        let sound = (1..=MAX_FOREIGN).contains(&text.len()) && !text.contains(char::is_control);
        sound.then(|| Self(text.into()))
    }

    /// The id as it travels on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The shared text of the id; a socket's id is also the name of its own room.
    #[must_use]
    pub fn as_arc(&self) -> &Arc<str> {
        &self.0
    }
}

impl Borrow<str> for Sid {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Sid {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl Serialize for Sid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Where random bits for ids come from.
///
/// Implementations must give bits that nobody can guess: a session id is the only key to a session.
pub trait SidSource: Send + Sync {
    /// Fills `bytes` with fresh random bits.
    fn fill(&self, bytes: &mut [u8; SID_BYTES]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_is_twenty_url_safe_characters() {
        let sid = Sid::from_bytes(&[0xff; SID_BYTES]);
        assert_eq!(sid.as_str(), "____________________");
        assert_eq!(Sid::from_bytes(&[0; SID_BYTES]).as_str(), "AAAAAAAAAAAAAAAAAAAA");
    }
}
