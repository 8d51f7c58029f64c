//! Several servers as one, over an adapter in memory: each operation, and each refusal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a cluster that cannot be held together is a failed test"
)]

mod acks;
#[path = "../server_worker/carrier.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod carrier;
mod exchange;
mod fetch;
mod hostile;
mod legacy;
mod messages;
#[path = "../server_worker/polling.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod polling;
mod presence;
mod recovery;
mod server_side;
#[path = "../server_transfer/threads.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod threads;
#[path = "../server_worker/tools.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod tools;
mod workers;
mod world;
