//! Harness of the checklist: servers of every kind, and what tests and handlers tell each other.
//!
//! A test is a loop over [`Back`]s; each turn has a server of its own, which must be empty at the end.
//! Handlers write into a [`Journal`] and wait at a [`Gate`], so that no test sleeps.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::missing_panics_doc,
    clippy::missing_errors_doc,
    clippy::must_use_candidate,
    clippy::print_stdout,
    reason = "a harness fails by panicking, and its results are assertions"
)]

mod back;
mod fence;
mod gate;
mod journal;
mod read;

pub use back::{Back, end, without_sessions};
pub use fence::{Fence, fence};
pub use gate::Gate;
pub use journal::{Journal, OnDrop, note};
pub use read::{ack, error, error_body, events, refused};

/// What a test gives back; an error names what was waited for and what came instead.
pub type TestResult = Result<(), Box<dyn std::error::Error>>;

/// The longest wait of a test; reached only when something is wrong.
pub const DEADLINE: std::time::Duration = std::time::Duration::from_secs(5);
