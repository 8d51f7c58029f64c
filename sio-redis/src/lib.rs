//! Clusters over Redis: several sio servers act as one, also together with Node.js servers.
//!
//! [`RedisAdapter`] is given to the server's builder. It speaks as the Node.js adapters do: `Mode::Classic` as
//! `createAdapter` of `@socket.io/redis-adapter`, `Mode::Sharded` as its `createShardedAdapter`,
//! `Mode::Streams` as `@socket.io/redis-streams-adapter`.
//!
//! ```no_run
//! use sio_redis::{Mode, RedisAdapter};
//!
//! # async fn connect() -> Result<(), sio_redis::Error> {
//! let adapter = RedisAdapter::builder("redis://127.0.0.1:6379")
//!     .mode(Mode::Sharded)
//!     .prefix("chat")
//!     .connect()
//!     .await?;
//! # drop(adapter);
//! # Ok(())
//! # }
//! ```
//!
//! [`Emitter`] speaks to the servers of a cluster from programs that are none of them. [`RedisLogins`] remembers who has
//! logged in to the Admin UI of one of them.
//!
//! # Features
//!
//! `tls`: addresses with `rediss://`, checked against the system's certificates.

mod adapter;
mod builder;
mod channels;
mod emitter;
mod error;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
mod link;
mod logins;
mod options;
mod redis_adapter;
mod seal;
mod wire;

pub use builder::RedisAdapterBuilder;
pub use emitter::{Emitter, EmitterError};
pub use error::Error;
pub use logins::RedisLogins;
pub use options::{Mode, RedisOptions, SubscriptionMode};
pub use redis_adapter::RedisAdapter;
pub use seal::SigningKey;
pub use wire::Codec;

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
