//! Whole conversations with the server on one worker: no I/O, and time that only tests move.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a conversation that cannot be held is a failed test, and prints its frames"
)]

mod acks;
mod bounds;
mod broadcast_acks;
mod carrier;
mod connect;
mod counted;
mod direct;
mod ends;
mod events;
mod expiry;
mod fan_out;
mod guards;
mod limits;
mod listeners;
mod numbered;
mod parents;
mod parsers;
mod polling;
mod pushes;
mod recovery;
mod reentry;
mod remote;
mod room_events;
mod rooms;
mod server_side;
mod socket_middleware;
mod tools;
mod turns;
mod waking;
