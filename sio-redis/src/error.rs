//! What can go wrong before an adapter works.

use std::fmt::Display;

/// Why there is no adapter. No text holds a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address cannot be understood, or needs a feature that is not built in.
    #[error("the address of Redis, such as redis://127.0.0.1:6379, cannot be used: {0}")]
    Address(String),
    /// Redis is not there, or refuses.
    #[error("Redis at {server} cannot be used: {why}")]
    Unavailable {
        /// Host and port.
        server: String,
        /// What happened.
        why: String,
    },
    /// Redis is too old for what is asked of it.
    #[error("Redis at {server} is version {found}; {what} needs {needed} or newer")]
    TooOld {
        /// Host and port.
        server: String,
        /// The version that was found.
        found: String,
        /// What is not possible with it.
        what: &'static str,
        /// The first version that can.
        needed: &'static str,
    },
    /// An option has a value that cannot work.
    #[error("the option {option} {problem}")]
    Option {
        /// Its name.
        option: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The system gives no thread.
    #[error("no thread for the connections: {0}")]
    Thread(#[from] std::io::Error),
}

impl Error {
    pub(crate) fn address(why: &dyn Display) -> Self {
        Self::Address(why.to_string())
    }
}
