//! Sessions that move between workers: three threads with a worker each, and a test that decides who
//! runs when.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "an interleaving that cannot be played is a failed test"
)]

mod arrivals;
mod chance;
mod echo;
mod emits;
mod fan_out;
mod parsers;
mod play;
mod questions;
mod random;
mod recovery;
mod requests;
mod rooms;
mod streams;
mod threads;
mod turns;
mod world;
