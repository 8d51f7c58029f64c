//! An asynchronous Socket.IO client, on tokio, for every Socket.IO 5 server.
//!
//! ```
//! # use sio_client::test::TestServer;
//! # use sio_actix::{Io, Socket as ServerSocket};
//! use sio_client::{Args, Client, ClientError};
//!
//! # #[actix_web::main]
//! # async fn main() -> Result<(), ClientError> {
//! # let io = Io::builder().namespace("/chat", |ns| {
//! #     ns.on("add", async |a: i64, b: i64| a + b);
//! #     ns.on("say", async |s: ServerSocket, text: String| s.emit("said", ("me", text)));
//! # }).build();
//! # let srv = TestServer::start(io).await;
//! # let url = srv.url();
//! let client = Client::builder(&url).build()?; // such as http://127.0.0.1:3000
//! let chat = client.socket("/chat");
//! chat.on("said", |Args((who, text)): Args<(String, String)>| println!("{who}: {text}"));
//! chat.connect().await?;
//!
//! let sum: i64 = chat.emit_with_ack("add", (1, 2)).await?;
//! assert_eq!(sum, 3);
//!
//! let said = chat.once::<Args<(String, String)>>("said"); // subscribes now
//! chat.emit("say", "hello").await?;
//! assert_eq!(said.await?, Args(("me".to_owned(), "hello".to_owned())));
//! client.close().await;
//! # srv.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! - A [`Client`] is one connection: long-polling, WebSocket, or the upgrade from one to the other.
//! - A [`Socket`] is one namespace over it. Sockets of one client share its connection.
//! - Arguments: on the way out a tuple is the argument list, `()` none, anything else one argument; on
//!   the way in `T` is the first argument, [`Args<(A, B)>`](Args) several, [`Rest<T>`](Rest) all.
//!   [`Binary`] and [`Value`] carry bytes.
//! - A connection that was there and is lost comes back by itself ([`Reconnection`]); events wait for
//!   it in a bounded buffer, and [`Socket::life`] tells what happens.
//! - Every wait for the server has a timeout, everything a server can make a client hold has a bound
//!   ([`ClientLimits`]), and no input of a server panics.
//!
//! # Features
//!
//! - `tls`: `https` and `wss` through rustls.
//! - `test`: `TestServer` and `TestClient`, for tests of servers built on `sio-actix`.
//!
//! # Differences from the official client
//!
//! - A first attempt to connect that fails is an error and is not repeated.
//! - Pending acks fail when the connection is lost, with or without a timeout.
//! - A socket that is disconnected for good refuses events; it does not buffer them for ever.
//! - [`DisconnectReason`] says `transport close` or `transport error` by what was seen last; which of
//!   the two it is for a broken cable depends on the system.
//! - No cookies, no proxies, no WebTransport, no msgpack parser.

mod args;
mod backoff;
mod client;
mod config;
mod driver;
mod engine;
mod error;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
mod life;
mod listeners;
mod mux;
mod namespace;
mod outbox;
mod queue;
mod responder;
mod socket;
mod subscription;
#[cfg(feature = "test")]
pub mod test;
#[cfg(feature = "tls")]
mod tls;

pub use args::{Args, RawArgs};
pub use backoff::Reconnection;
pub use client::Client;
pub use config::{ClientBuilder, ClientLimits, TransportMode};
pub use engine::stream::{ByteStream, ConnectFuture, Connector, TcpConnector};
pub use error::{
    AckError, ClientError, ConfigError, ConnectError, EmitError, ReceiveError, TransportError,
};
pub use life::{DisconnectReason, LifeEvent};
pub use listeners::ListenerId;
pub use socket::{Socket, WeakSocket};
pub use subscription::{EventStream, LifeStream, Once};

pub use sio_core::engine::Transport;
pub use sio_core::handler::EventError;
pub use sio_core::packet::{ArgError, Binary, Rest, Value};

/// The README's example compiles and runs.
#[cfg(all(doctest, feature = "test"))]
#[doc = include_str!("../README.md")]
struct Readme;
