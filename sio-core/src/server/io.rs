//! The handle of a server.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde::Serialize;

use crate::adapter::{Room, RoomNames};
use crate::cluster::ClusterError;
use crate::packet::EventArg;
use crate::sid::Sid;

use super::broadcast::BroadcastOperator;
use super::broadcast_ack::{BroadcastAckError, BroadcastAckFuture};
use super::builder::{BuildError, IoConfig};
use super::cluster::{ClusterStats, FetchError};
use super::hub::Hub;
use super::inventory::Inventory;
use super::namespace::{Namespace, normalize};
use super::namespace_ref::NamespaceRef;
use super::parent::ParentNamespace;
use super::pattern::Pattern;
use super::registration::NamespaceBuilder;
use super::remote::RemoteSocket;
use super::socket::{EmitError, Socket};

/// A Socket.IO server: clone it into HTTP handlers, jobs and threads.
///
/// Emitting never waits. Methods that name no namespace mean `/`.
#[derive(Debug, Clone)]
pub struct Io(Arc<Hub>);

/// A handle that does not keep its server.
#[derive(Debug, Clone)]
pub struct WeakIo(Weak<Hub>);

impl WeakIo {
    /// The server, if anybody still has it.
    #[must_use]
    pub fn upgrade(&self) -> Option<Io> {
        self.0.upgrade().map(Io)
    }
}

impl Io {
    /// Starts configuring a server.
    #[must_use]
    pub fn builder() -> IoConfig {
        IoConfig::default()
    }

    pub(crate) const fn from_hub(hub: Arc<Hub>) -> Self {
        Self(hub)
    }

    /// A handle for what the server itself has, such as an observer: one that kept the server would keep itself.
    #[must_use]
    pub fn downgrade(&self) -> WeakIo {
        WeakIo(Arc::downgrade(&self.0))
    }

    /// The shared part of the server, for carriers.
    #[must_use]
    pub const fn hub(&self) -> &Arc<Hub> {
        &self.0
    }

    /// A namespace by its name; `chat` is `/chat`. One that does not exist has no sockets on this node, and
    /// what is returned stays that way.
    ///
    /// In a cluster other nodes may have it, such as `/org/acme` while its clients are on one of them: what is
    /// said to its sockets and nodes goes there. Only what waits for answers, as acks and `fetch_sockets`,
    /// needs the namespace on this node, and finds nobody otherwise.
    ///
    /// The namespaces of a pattern such as `/org/{org}` have names such as `/org/acme`; all of them together
    /// are [`Self::of_pattern`].
    #[must_use]
    pub fn of(&self, path: &str) -> NamespaceRef {
        let name = normalize(path);
        let Some(namespace) = self.0.namespace(&name) else {
            if cfg!(debug_assertions) && self.0.has_pattern(&name) {
                tracing::warn!(
                    path,
                    "`of` finds no patterns, so this reaches nobody: use `of_pattern`"
                );
            }
            return NamespaceRef::elsewhere(&self.0, &name);
        };
        NamespaceRef::new(&self.0, Some(namespace))
    }

    /// The namespaces that a pattern has made, as one selection: the pattern they were registered with, a
    /// copy of it where it is a function.
    pub fn of_pattern(&self, pattern: impl Into<Pattern>) -> ParentNamespace {
        ParentNamespace::new(Arc::clone(&self.0), pattern.into())
    }

    /// Adds a namespace while the server runs, or handlers to one that exists. Clients that are connected
    /// can join it at once; sockets that exist keep the handlers they had, and so do the namespaces that a
    /// pattern has made. A new name that fits a pattern is a namespace of that pattern: it has the pattern's
    /// handlers as well, its own before those of the same events.
    ///
    /// # Panics
    ///
    /// What was registered is wrong, as in [`IoConfig::build`]: an event has a handler already, …
    #[expect(clippy::panic, reason = "documented: mistakes of the program")]
    pub fn namespace(
        &self,
        pattern: impl Into<Pattern>,
        register: impl FnOnce(&mut NamespaceBuilder),
    ) {
        let mut builder = NamespaceBuilder::default();
        register(&mut builder);
        let faults = self.0.add_namespace(&pattern.into(), builder, false);
        if !faults.is_empty() {
            panic!("{}", BuildError::Registration(faults));
        }
    }

    pub(crate) fn of_namespace(&self, namespace: &Arc<Namespace>) -> NamespaceRef {
        let namespace = Some(Arc::clone(namespace));
        NamespaceRef::new(&self.0, namespace)
    }

    /// The id of this node, 16 hexadecimal digits, if the server was given an adapter.
    #[must_use]
    pub fn node_id(&self) -> Option<&str> {
        Some(self.0.cluster.as_ref()?.id())
    }

    /// What this node has done for its cluster, if the server was given an adapter.
    #[must_use]
    pub fn cluster_stats(&self) -> Option<ClusterStats> {
        Some(self.0.cluster.as_ref()?.stats())
    }

    /// Is done when the other nodes can reach the namespaces that exist by now; without an adapter at once.
    ///
    /// While what connects the nodes is away, this waits: put a time of your own beside it. The server works
    /// without.
    ///
    /// # Errors
    ///
    /// The adapter was stopped, or has failed.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn ready(&self) -> Result<(), ClusterError> {
        match &self.0.cluster {
            Some(cluster) => cluster.ready().await,
            None => Ok(()),
        }
    }

    /// Takes this node out of its cluster: what is queued is sent, and then nothing is told or asked any more.
    /// Local delivery goes on. For carriers, which call it at the end; the adapter bounds the time it takes.
    ///
    /// # Cancel safety
    ///
    /// The node has left even if the future is dropped once it was polled; what was queued may be lost.
    pub async fn leave_cluster(&self) {
        if let Some(cluster) = &self.0.cluster {
            cluster.leave().await;
        }
    }

    /// Names of all namespaces.
    #[must_use]
    pub fn namespaces(&self) -> Vec<String> {
        self.0.namespaces().iter().map(|namespace| namespace.path().to_owned()).collect()
    }

    /// How many namespaces there are.
    #[must_use]
    pub fn namespace_count(&self) -> usize {
        self.0.namespace_count()
    }

    /// Open sessions of this node (the reference's `engine.clientsCount`).
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.0.session_count()
    }

    /// What the workers hold at this moment.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn inventory(&self) -> Inventory {
        super::inventory::take(&self.0).await.unwrap_or_default()
    }

    /// Sends an event to every socket of `/`.
    ///
    /// # Errors
    ///
    /// As [`BroadcastOperator::emit`].
    pub fn emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        self.of("/").emit(event, args)
    }

    /// As [`BroadcastOperator::emit_with_ack`], to every socket of `/`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the answers up; the event is sent all the same.
    pub fn emit_with_ack<T: EventArg>(
        &self,
        event: &str,
        args: impl Serialize,
        timeout: Duration,
    ) -> BroadcastAckFuture<T> {
        self.of("/").emit_with_ack(event, args, timeout)
    }

    /// Sends an event named `message` to every socket of `/`.
    ///
    /// # Errors
    ///
    /// As [`BroadcastOperator::emit`].
    pub fn send(&self, args: impl Serialize) -> Result<(), EmitError> {
        self.emit("message", args)
    }

    /// As [`Self::send`].
    ///
    /// # Errors
    ///
    /// As [`BroadcastOperator::emit`].
    pub fn write(&self, args: impl Serialize) -> Result<(), EmitError> {
        self.send(args)
    }

    /// Members of rooms of `/`.
    pub fn to(&self, rooms: impl RoomNames) -> BroadcastOperator {
        self.of("/").to(rooms)
    }

    /// As [`Self::to`]; the reference's `in`, which is a reserved word here.
    pub fn within(&self, rooms: impl RoomNames) -> BroadcastOperator {
        self.to(rooms)
    }

    /// All sockets of `/` on this node.
    pub fn local(&self) -> BroadcastOperator {
        self.of("/").local()
    }

    /// All sockets of `/`, those left out whose transport cannot take an event at that moment.
    pub fn volatile(&self) -> BroadcastOperator {
        self.of("/").volatile()
    }

    /// Whether transports that compress may compress what is sent to all sockets of `/`.
    pub fn compress(&self, compress: bool) -> BroadcastOperator {
        self.of("/").compress(compress)
    }

    /// Copies of all sockets of `/`, as [`BroadcastOperator::fetch_sockets`].
    ///
    /// # Errors
    ///
    /// As [`BroadcastOperator::fetch_sockets`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn fetch_sockets(&self) -> Result<Vec<RemoteSocket>, FetchError> {
        self.of("/").fetch_sockets().await
    }

    /// The ids of all sockets of `/`.
    ///
    /// # Errors
    ///
    /// As [`BroadcastOperator::fetch_sockets`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn all_sockets(&self) -> Result<Vec<Sid>, FetchError> {
        self.of("/").all_sockets().await
    }

    /// The rooms of `/` on all nodes, as [`NamespaceRef::all_rooms`].
    ///
    /// # Errors
    ///
    /// As [`NamespaceRef::all_rooms`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn all_rooms(&self) -> Result<BTreeSet<Room>, ClusterError> {
        self.of("/").all_rooms().await
    }

    /// Makes all sockets of `/` join rooms.
    pub fn sockets_join(&self, rooms: impl RoomNames) {
        self.of("/").sockets_join(rooms);
    }

    /// Makes all sockets of `/` leave rooms.
    pub fn sockets_leave(&self, rooms: impl RoomNames) {
        self.of("/").sockets_leave(rooms);
    }

    /// Disconnects all sockets of `/`; with `close` ends their sessions too.
    pub fn disconnect_sockets(&self, close: bool) {
        self.of("/").disconnect_sockets(close);
    }

    /// Tells the other nodes of a cluster something; this node's own handlers do not hear it.
    ///
    /// Without an adapter there are no others, which the log says once.
    ///
    /// # Errors
    ///
    /// The name is `connect`, `connection` or `new_namespace`, or the arguments cannot be serialised.
    pub fn server_side_emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        self.of("/").server_side_emit(event, args)
    }

    /// As [`Self::server_side_emit`]; gives the answer of each of the other nodes.
    ///
    /// # Errors
    ///
    /// As [`Self::server_side_emit`], and if not all nodes have answered in time, which is the adapter's,
    /// 5 s: the error has the answers that came.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn server_side_emit_with_ack<T: EventArg>(
        &self,
        event: &str,
        args: impl Serialize,
    ) -> Result<Vec<T>, BroadcastAckError<T>> {
        let root = self.of("/");
        root.server_side_emit_with_ack(event, args).await
    }

    /// All sockets of `/` on this node.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn sockets(&self) -> Vec<Socket> {
        self.of("/").sockets().await
    }

    /// All sockets of `/` but the members of rooms.
    pub fn except(&self, rooms: impl RoomNames) -> BroadcastOperator {
        self.of("/").except(rooms)
    }

    /// Ends all sessions with `server shutting down` and refuses new ones with 503.
    ///
    /// Disconnect handlers run on their workers, soon after this returns.
    pub fn close(&self) {
        self.0.close();
    }

    /// Ends one of so many equal parts of the sessions as [`Self::close`] does, counted from 0, and refuses new
    /// ones: who ends one part after another does not send all clients to other servers at once.
    ///
    /// [`Self::close`] has to follow for what is left.
    pub fn close_part(&self, part: usize, of: usize) {
        self.0.close_part(part, of);
    }

    /// Refuses new sessions with 503 from now on; those that are open go on until [`Self::close`].
    pub fn refuse_sessions(&self) {
        self.0.refuse_sessions();
    }

    /// New sessions are refused: after [`Self::refuse_sessions`], [`Self::close_part`] and [`Self::close`].
    #[must_use]
    pub fn refuses_sessions(&self) -> bool {
        self.0.refuses_sessions()
    }

    /// [`Self::close`] was called.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.0.is_closing()
    }
}
