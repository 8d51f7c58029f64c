//! Harness of the hostile cases: what attacks goes on here, what is attacked is a process of its own, and a
//! bystander watches.
//!
//! Each case of `docs/hostile.md` has a test named after its number: `row_07_…` for a case, `limit_21_…` for a
//! limit, `promise_05_…` for a promise. The clients are those of package `integration`: literal bytes, every
//! wait with a deadline.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a harness fails by panicking, and its results are assertions"
)]

mod bystander;
mod cluster;
mod log;
mod target;

pub use bystander::Bystander;
pub use cluster::{Balancer, Redis};
pub use log::Log;
pub use target::Target;
