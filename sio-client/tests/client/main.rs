//! Tests of the client and of the test tools, on a port and in memory.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests"
)]

/// The same test on both back ends: `on_both!(async fn name(srv = io) { … Ok(()) })`.
macro_rules! on_both {
    ($(async fn $name:ident($srv:ident = $io:expr) $body:block)+) => {$(
        mod $name {
            use super::*;

            async fn test($srv: TestServer) -> Result<(), ClientError> $body

            #[actix_web::test]
            async fn port() -> Result<(), ClientError> {
                test(TestServer::start($io).await).await
            }

            #[actix_web::test]
            async fn memory() -> Result<(), ClientError> {
                test(TestServer::memory($io).await).await
            }
        }
    )+};
}

mod acks;
mod binary;
mod events;
mod faults;
mod frames;
mod hello;
mod http;
mod leaks;
mod life;
mod namespaces;
mod paused;
mod raw;
mod reconnection;
mod reference;
mod refusals;
mod rubbish;
mod send;
#[cfg(feature = "tls")]
mod tls;
mod transports;
