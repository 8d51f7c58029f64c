//! Redis servers of the tests' own, a line between them and the adapters, and nodes that write down what they
//! hear.

#![allow(dead_code, unused_imports, reason = "each test uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod cluster;
mod line;
mod node;
mod server;

use std::time::Duration;

use bytes::Bytes;
use sio_core::adapter::{BroadcastOptions, Room};
use sio_core::cluster::{Data, Message};

pub(crate) use cluster::RedisCluster;
pub(crate) use line::Line;
pub(crate) use node::{Heard, TestNode};
pub(crate) use server::{RedisServer, free_port};

/// Everything that is waited for comes before this is over.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for something that has to happen.
pub(crate) async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, work).await {
        Ok(done) => done,
        Err(_) => panic!("nothing came: {what}"),
    }
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    soon(what, async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Waits until an answer from Redis is as it should be.
pub(crate) async fn until_async<F: Future<Output = bool>>(
    what: &str,
    mut is_so: impl FnMut() -> F,
) {
    soon(what, async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

pub(crate) fn to(rooms: &[&str]) -> BroadcastOptions {
    let mut options = BroadcastOptions::default();
    options.rooms = rooms.iter().map(|room| Room::from(*room)).collect();
    options
}

/// An event for rooms, without acks.
pub(crate) fn event(json: &str, rooms: &[&str]) -> Message {
    with_bytes(json, &[], rooms)
}

pub(crate) fn with_bytes(json: &str, attachments: &[&'static [u8]], rooms: &[&str]) -> Message {
    let attachments = attachments.iter().map(|bytes| Bytes::from_static(bytes)).collect();
    Message::Broadcast {
        data: Data { json: json.into(), attachments },
        id: None,
        options: to(rooms),
        request: None,
    }
}
