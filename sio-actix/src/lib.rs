//! The Socket.IO server for actix-web.
//!
//! ```no_run
//! use actix_web::App;
//! use sio_actix::prelude::*;
//!
//! struct Hello;
//!
//! #[ws_controller("/")]
//! impl Hello {
//!     #[on_message("add")]
//!     async fn add(&self, a: i64, b: i64) -> i64 {
//!         a + b
//!     }
//! }
//!
//! #[actix_web::main]
//! async fn main() -> std::io::Result<()> {
//!     let io = Io::builder().mount(Hello).build();
//!     sio_actix::Server::new(move || App::new().configure(io.configure()))
//!         .bind(("127.0.0.1", 3000))?
//!         .run()
//!         .await
//! }
//! ```
//!
//! The [`guide`] has a page with examples for each task, from the first controller to moving from other servers.
//! Then there are [`macro@ws_controller`] and [`macro@on_message`], then [`Io`], [`Socket`] and [`IoBuilder`]. Closures
//! can do the same without macros: see [`NamespaceBuilder`].
//!
//! What can be set is in [`IoBuilder`], and as data, from a file or the environment, in [`IoOptions`]: pages
//! of other origins ([`Cors`]), clients that come back as who they were ([`Recovery`]), Socket.IO 2 clients
//! ([`IoBuilder::allow_eio3`]), compression, the browser client's files ([`embed_client!`]) and every bound
//! ([`Limits`]).
//!
//! Examples of types that come from the core import them from `sio_core`; all of them are here as well.
//!
//! The official clients connect unmodified, by long-polling, by WebSocket, and by the upgrade from one
//! to the other, to any number of actix workers.
//!
//! [`Server`] is actix's `HttpServer` for applications with many or busy WebSockets: a change of one line, with
//! the same methods. An idle WebSocket costs it a tenth of the memory, it ends in order by itself, and it
//! sends small writes at once. Prefer `HttpServer` where something else in the program makes the server, or where
//! no dependence on what actix hides from its documentation is wanted: everything works alike there.
//!
//! One option is worth setting on both: `h1_allow_half_closed(false)`, because a polling client that went away is
//! otherwise noticed only by its missing pong. On `HttpServer`, `tcp_nodelay(true)` is another, because two
//! small writes in a row otherwise wait for each other.
//!
//! Features: `http2`, `rustls-0_23` and `openssl` are for [`Server`], with what actix-web means by them; `garde` brings `Valid<T>`, arguments that are checked before the handler gets them;
//! `msgpack` brings `MsgpackParser`, for clients that send packets as MessagePack; `admin` brings `AdminUi`, the server
//! side of the official Admin UI; `metrics` brings `Metrics`, what servers count, for Prometheus; `opentelemetry` makes
//! sessions parts of the traces that their clients have begun.
//!
//! What the log says, and at which level, is in `docs/operations/logging.md`.

#[doc(hidden)]
#[allow(missing_docs, clippy::missing_errors_doc, reason = "called by generated code only")]
#[path = "private.rs"]
pub mod __private;
#[cfg(feature = "admin")]
mod admin;
mod bundle;
mod config;
mod context;
mod drain;
#[cfg(any(doc, doctest))]
pub mod guide;
pub mod health;
mod http;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
mod io;
mod local;
mod macros;
#[cfg(feature = "metrics")]
mod metrics;
mod options;
mod server;
mod service;
mod sids;
#[cfg(feature = "opentelemetry")]
mod telemetry;
mod timeout;
mod transport;

#[cfg(feature = "admin")]
pub use admin::{AdminError, AdminMode, AdminPage, AdminPageError, AdminUi};
pub use bundle::{ClientBundle, ClientFilesError};
pub use config::{ConfigError, Forbidden, InvalidOption, IoBuilder};
pub use context::{FromWebContext, IsWebContext};
pub use drain::Drain;
pub use http::binding::SessionBinding;
pub use http::compression::HttpCompression;
pub use http::cookie::{Cookie, SameSite};
pub use http::cors::Cors;
pub use http::head::KeptHeaders;
pub use http::middleware::Pass;
pub use http::origin::OriginPolicy;
pub use http::refusal::{ConnectionError, ErrorContext};
pub use io::{Io, termination};
pub use macros::*;
#[cfg(feature = "metrics")]
pub use metrics::Metrics;
pub use options::{
    CompressionOptions, CookieOptions, CorsOptions, DeflateOptions, IoOptions, LimitOptions,
    OriginOption, ParserOption, RecoveryOptions, Switch,
};
pub use server::Server;
pub use timeout::{Timeout, timeout};

pub use sio_core::adapter::{Room, RoomNames};
pub use sio_core::close::{CloseReason, DisconnectReason};
pub use sio_core::engine::{PerMessageDeflate, Transport};
#[cfg(feature = "garde")]
#[doc = include_str!("docs/valid.md")]
pub use sio_core::handler::Valid;
pub use sio_core::handler::{
    Admission, Auth, ConnectionController, Controller, ControllerPath, Emission, ErrorHook,
    EventCx, EventError, EventGuard, EventName, Extension, Fault, FromContext, FromServerSide,
    Guard, Header, IntoEventError, Middleware, NamespaceParam, Next, OnEvents, Phase, Query,
    RawArgs, Reply, Requirements, ServerSideCx, SocketMiddleware, State, on_events,
};
pub use sio_core::limits::{Limits, SendPolicy};
pub use sio_core::packet::{Binary, Rest, Try, Value};
#[cfg(feature = "msgpack")]
pub use sio_core::parser::MsgpackParser;
pub use sio_core::parser::Parser;
pub use sio_core::server::{
    AckError, AckFuture, AckSender, BroadcastAckError, BroadcastAckFuture, BroadcastOperator,
    BuildError, ConnectError, EmitError, EmitOperator, EngineHandler, EngineSocket, EventBuilder,
    Handshake, HandshakeObject, IncomingEvent, Inventory, ListenerId, Namespace, NamespaceBuilder,
    NamespaceRef, OutgoingEvent, ParentNamespace, ParentNamespaceError, Pattern, Recovery,
    RemoteSocket, RoomEvent, RoomMap, Routes, ServerSideBuilder, Socket, TooManyRooms,
    TraceContext,
};
pub use sio_core::sid::Sid;

/// The server as the core knows it; what [`Socket::io`] gives and [`Io`] derefs to.
pub use sio_core::server::Io as IoHandle;

/// The rest of the core, for those who extend it.
pub use sio_core as core;

/// What most programs use: `use sio_actix::prelude::*`.
pub mod prelude {
    #[cfg(feature = "garde")]
    pub use crate::Valid;
    pub use crate::macros::*;
    pub use crate::{
        AckSender, Auth, Binary, BroadcastOperator, ConnectError, DisconnectReason, Emission,
        EmitError, EventCx, EventError, EventGuard, EventName, Extension, FromContext, Handshake,
        Header, IncomingEvent, IntoEventError, Io, NamespaceBuilder, NamespaceParam, NamespaceRef,
        Next, OutgoingEvent, Pattern, Query, RawArgs, RemoteSocket, Reply, Rest, Socket, State,
        Try, Value,
    };
}

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The examples about the Admin UI compile.
#[cfg(all(doctest, feature = "admin"))]
#[doc = include_str!("../../docs/operations/admin.md")]
struct Admin;

/// The examples about stopping a server compile.
#[cfg(doctest)]
#[doc = include_str!("../../docs/operations/shutdown.md")]
struct Shutdown;

/// The examples about metrics compile.
#[cfg(all(doctest, feature = "metrics"))]
#[doc = include_str!("../../docs/operations/metrics.md")]
struct MetricsAndHealth;

/// The examples about the log compile.
#[cfg(all(doctest, feature = "opentelemetry"))]
#[doc = include_str!("../../docs/operations/logging.md")]
struct Logging;
