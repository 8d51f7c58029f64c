//! The server: what ties sessions, namespaces, rooms and handlers together, still without I/O.
//!
//! [`Io`] is the handle users hold. Behind it a [`Hub`] knows the namespaces, the home of every session
//! and the bus between threads. Each carrier thread runs one [`Worker`], which owns the sessions
//! that live there as plain unlocked values; other threads reach them only through the bus.
//! A carrier (sio-actix, or a test) moves bytes between transports and the worker, and calls
//! [`Worker::poll`] when it is woken or when [`Worker::next_deadline`] has passed.

mod ack;
mod broadcast;
mod broadcast_ack;
mod builder;
mod bus;
mod cancelling;
mod cluster;
mod connection;
mod deadlines;
mod decoding;
mod delivery;
mod direct;
mod dispatch;
mod encoding;
mod events;
mod extensions;
mod handshake;
mod held;
mod hints;
mod hub;
mod incoming;
mod inventory;
mod io;
mod later;
mod legacy;
mod life;
mod listeners;
mod listening;
#[cfg(all(test, loom))]
mod models;
mod namespace;
mod namespace_ref;
mod naming;
mod node_events;
mod observer;
mod origin;
mod outgoing;
mod parent;
mod pattern;
mod pipeline;
mod raw;
mod recovery;
mod registration;
mod remote;
mod requests;
mod room_events;
mod room_list;
mod routes;
mod running;
mod server_side;
mod sessions;
mod socket;
mod spans;
mod stream;
mod tasks;
mod trace_context;
mod transfer;
mod turn;
mod wheel;
mod worker;

pub use ack::{AckArgs, AckError, AckFuture, AckSender};
pub use broadcast::BroadcastOperator;
pub use broadcast_ack::{BroadcastAckError, BroadcastAckFuture};
pub use builder::{BuildError, IoConfig, ServerConfig};
pub use cluster::{ClusterStats, FetchError};
pub use connection::Connection;
pub use direct::Outlet;
pub use extensions::Extensions;
pub use handshake::{Handshake, HandshakeObject, HandshakeParts, OpenError, Opening};
pub use hub::{Hub, SessionHandle, network};
pub use incoming::IncomingEvent;
pub use inventory::Inventory;
pub use io::{Io, WeakIo};
pub use later::WokenLater;
pub use listeners::ListenerId;
pub use namespace::{ConnectError, Namespace};
pub use namespace_ref::NamespaceRef;
pub use observer::{HandledEvent, Interest, Observer, ReceivedEvent};
pub use outgoing::OutgoingEvent;
pub use parent::{ParentNamespace, ParentNamespaceError};
pub use pattern::Pattern;
pub use raw::{EngineHandler, EngineSocket};
pub use recovery::Recovery;
pub use registration::{EventBuilder, NamespaceBuilder, ServerSideBuilder};
pub use remote::{RemoteSocket, RoomMap};
pub use room_events::RoomEvent;
pub use routes::{NamespaceRoutes, Route, RouteKind, Routes};
pub use sessions::{Answer, PollReply, PushReply};
pub use socket::{EmitError, EmitOperator, Socket, TooManyRooms};
pub use trace_context::TraceContext;
pub use transfer::Upgrade;
pub use turn::Turn;
pub use worker::Worker;

pub(crate) use running::Gate;
pub(crate) use stream::drive;
