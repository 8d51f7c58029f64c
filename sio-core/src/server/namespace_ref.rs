//! The handle of one namespace.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::adapter::{Room, RoomNames};
use crate::cluster::ClusterError;
use crate::packet::EventArg;
use crate::sid::Sid;

use super::broadcast::BroadcastOperator;
use super::broadcast_ack::{BroadcastAckError, BroadcastAckFuture};
use super::cluster::FetchError;
use super::hub::Hub;
use super::namespace::Namespace;
use super::remote::{RemoteSocket, RoomMap};
use super::server_side::encode;
use super::socket::{EmitError, Socket};

/// A namespace of a server; also the selection of all its sockets.
#[derive(Debug, Clone)]
pub struct NamespaceRef {
    everybody: BroadcastOperator,
    /// `None`: it does not exist here, and nobody is in it.
    namespace: Option<Arc<Namespace>>,
}

impl NamespaceRef {
    pub(super) fn new(hub: &Arc<Hub>, namespace: Option<Arc<Namespace>>) -> Self {
        Self { everybody: BroadcastOperator::new(Arc::clone(hub), namespace.clone()), namespace }
    }

    /// A namespace that does not exist on this node.
    pub(super) fn elsewhere(hub: &Arc<Hub>, path: &str) -> Self {
        Self { everybody: BroadcastOperator::elsewhere(Arc::clone(hub), path), namespace: None }
    }

    /// Sends an event to every socket of the namespace.
    ///
    /// # Errors
    ///
    /// As [`BroadcastOperator::emit`].
    pub fn emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        self.everybody.emit(event, args)
    }

    /// As [`BroadcastOperator::emit_with_ack`], to every socket of the namespace.
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
        self.everybody.emit_with_ack(event, args, timeout)
    }

    /// Sends an event named `message` to every socket of the namespace.
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

    /// Members of rooms.
    pub fn to(&self, rooms: impl RoomNames) -> BroadcastOperator {
        self.everybody.to(rooms)
    }

    /// As [`Self::to`].
    pub fn within(&self, rooms: impl RoomNames) -> BroadcastOperator {
        self.everybody.to(rooms)
    }

    /// All sockets but the members of rooms.
    pub fn except(&self, rooms: impl RoomNames) -> BroadcastOperator {
        self.everybody.except(rooms)
    }

    /// All sockets of the namespace on this node.
    pub fn local(&self) -> BroadcastOperator {
        self.everybody.local()
    }

    /// All sockets of the namespace, those left out whose transport cannot take an event at that moment.
    pub fn volatile(&self) -> BroadcastOperator {
        self.everybody.volatile()
    }

    /// Whether transports that compress may compress what is sent to all sockets of the namespace.
    pub fn compress(&self, compress: bool) -> BroadcastOperator {
        self.everybody.compress(compress)
    }

    /// Copies of all sockets of the namespace, as [`BroadcastOperator::fetch_sockets`].
    ///
    /// # Errors
    ///
    /// As [`BroadcastOperator::fetch_sockets`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn fetch_sockets(&self) -> Result<Vec<RemoteSocket>, FetchError> {
        self.everybody.fetch_sockets().await
    }

    /// The ids of all sockets of the namespace.
    ///
    /// # Errors
    ///
    /// As [`BroadcastOperator::fetch_sockets`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn all_sockets(&self) -> Result<Vec<Sid>, FetchError> {
        self.everybody.all_sockets().await
    }

    /// Makes all sockets of the namespace join rooms.
    pub fn sockets_join(&self, rooms: impl RoomNames) {
        self.everybody.sockets_join(rooms);
    }

    /// Makes all sockets of the namespace leave rooms.
    pub fn sockets_leave(&self, rooms: impl RoomNames) {
        self.everybody.sockets_leave(rooms);
    }

    /// The rooms of the namespace on all nodes; those of socket ids are among them.
    ///
    /// # Errors
    ///
    /// Not all nodes have answered in time.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn all_rooms(&self) -> Result<BTreeSet<Room>, ClusterError> {
        self.everybody.all_rooms().await
    }

    /// Who is in which room on this node.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn rooms(&self) -> RoomMap {
        RoomMap::of(&self.sockets().await)
    }

    /// Tells the other nodes of a cluster something; this node's own handlers do not hear it.
    ///
    /// Without an adapter there are no others, which the log says once.
    ///
    /// # Errors
    ///
    /// The name is `connect`, `connection` or `new_namespace`, or the arguments cannot be serialised.
    pub fn server_side_emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        self.everybody.server_side_emit(event, &args)
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
        let args = {
            // What is sent need not be shared between threads.
            let args = args;
            encode(event, &args)
        };
        self.everybody.server_side_ask(event, args).await
    }

    /// All sockets of the namespace, as an operator.
    pub const fn everybody(&self) -> &BroadcastOperator {
        &self.everybody
    }

    /// All sockets of the namespace on this node.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn sockets(&self) -> Vec<Socket> {
        self.everybody.sockets().await
    }

    /// Disconnects all sockets of the namespace.
    pub fn disconnect_sockets(&self, close: bool) {
        self.everybody.disconnect_sockets(close);
    }

    /// Sockets connected on this node.
    #[must_use]
    pub fn socket_count(&self) -> usize {
        self.namespace.as_ref().map_or(0, |namespace| namespace.socket_count())
    }

    /// The namespace exists because a client has named it, and a pattern fits.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        self.namespace.as_ref().is_some_and(|namespace| namespace.is_dynamic())
    }

    /// The namespace exists.
    #[must_use]
    pub const fn exists(&self) -> bool {
        self.namespace.is_some()
    }
}
