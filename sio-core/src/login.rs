//! Who has logged in, remembered for as long as a browser's page may come back.
//!
//! The Admin UI gives its page an id after a login; with several servers all must know it.

use crate::cluster::BoxFuture;

/// Ids could not be saved, or looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("logins cannot be remembered: {0}")]
#[non_exhaustive]
pub struct LoginStoreError(String);

impl LoginStoreError {
    /// With the cause, which goes to the log; it must not hold an id.
    pub fn new(cause: impl Into<String>) -> Self {
        Self(cause.into())
    }
}

/// Remembers the ids of logins. Whoever knows one is let in: they are secrets, of 64 random bits.
///
/// Both calls have to end in bounded time, and are bounded by nothing else.
pub trait LoginStore: Send + Sync + 'static {
    /// Somebody got this id, and it has not expired. Ids are 16 hexadecimal digits.
    fn contains(&self, id: &str) -> BoxFuture<Result<bool, LoginStoreError>>;

    /// Remembers an id from now on.
    fn save(&self, id: &str) -> BoxFuture<Result<(), LoginStoreError>>;
}
