//! A server and clients for tests.
//!
//! [`TestServer`] runs an [`Io`](sio_actix::Io) with its routes on a free port, or without any port over
//! pipes in memory; the same test runs on both. [`TestClient`] is a client whose every wait has a
//! deadline and whose errors say what arrived instead.
//!
//! In memory everything runs on the test's thread, so tokio's paused clock works: heartbeats, timeouts
//! and back-off elapse at once. Both need the runtime of `#[actix_web::test]`.
//!
//! ```
//! use sio_actix::Io;
//! use sio_client::ClientError;
//! use sio_client::test::{TestClient, TestServer};
//!
//! #[actix_web::main] // in a test: #[actix_web::test]
//! async fn main() -> Result<(), ClientError> {
//!     let io = Io::builder()
//!         .namespace("/", |ns| {
//!             ns.on("add", async |a: i64, b: i64| a + b);
//!         })
//!         .build();
//!     let srv = TestServer::memory(io).await;
//!     let client = TestClient::connect(&srv, "/").await?;
//!     let sum: i64 = client.emit_with_ack("add", (1, 2)).await?;
//!     assert_eq!(sum, 3);
//!     drop(client);
//!     srv.stop().await; // fails the test if a session, a socket or a room is left
//!     Ok(())
//! }
//! ```

mod builder;
mod client;
mod expect;
mod fault;
mod leaks;
mod log;
mod memory;
mod ports;
mod server;

pub use builder::{Opts, TestClientBuilder};
pub use client::TestClient;
pub use expect::TestStream;
pub use log::Received;
pub use server::{TestServer, TestServerBuilder};
