//! An asynchronous Socket.IO client.

mod args;
mod backoff;
mod client;
mod config;
mod driver;
mod engine;
mod error;
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
pub use sio_core::packet::{Binary, Rest, Value};
