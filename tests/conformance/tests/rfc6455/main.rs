//! RFC 6455 and 7692, case by case: bytes in, frames out, over both carriers.
//!
//! The groups and their numbers follow the usual conformance suite, whose own run is `cargo xtask autobahn`; here they
//! are literal bytes, and need nothing but this repository.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod closing;
mod compression;
mod echo;
mod framing;
mod limits;
mod utf8;
