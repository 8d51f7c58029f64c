//! What can go wrong between nodes.

use std::fmt;

/// Why a request to the other nodes was not answered by all of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// Not all nodes answered in time; the reference's words, and who is missing.
    #[error(
        "timeout reached: only {received} responses received out of {expected}{}", Missing(.missing)
    )]
    Timeout {
        /// Nodes that answered.
        received: usize,
        /// Nodes that were asked.
        expected: usize,
        /// Ids of nodes that did not, as far as they are known.
        missing: Vec<String>,
    },
    /// Not all nodes told in time whom they asked for acks; the reference's words, and who is missing.
    #[error("operation has timed out{}", Missing(.missing))]
    AckTimeout {
        /// Nodes that told.
        received: usize,
        /// Nodes that were asked.
        expected: usize,
        /// Ids of nodes that did not, as far as they are known.
        missing: Vec<String>,
    },
    /// As many requests wait for answers as may; nothing was asked.
    #[error("too many requests to other nodes wait (limit {limit})")]
    TooManyRequests {
        /// The limit.
        limit: usize,
    },
    /// What connects the nodes cannot be reached, or refused a command.
    #[error("the cluster cannot be reached: {0}")]
    Unavailable(String),
}

/// The end of a message that names nodes.
struct Missing<'a>(&'a [String]);

impl fmt::Display for Missing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            names => write!(f, " (missing: {})", names.join(", ")),
        }
    }
}
