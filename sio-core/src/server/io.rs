//! The handle of a server.

use std::sync::Arc;

use serde::Serialize;

use crate::adapter::RoomNames;

use super::broadcast::BroadcastOperator;
use super::builder::{BuildError, IoConfig};
use super::hub::Hub;
use super::inventory::Inventory;
use super::namespace::{Namespace, normalize};
use super::pattern::Pattern;
use super::registration::NamespaceBuilder;
use super::socket::{EmitError, Socket};

/// A Socket.IO server: clone it into HTTP handlers, jobs and threads.
///
/// Emitting never waits. Methods that name no namespace mean `/`.
#[derive(Debug, Clone)]
pub struct Io(Arc<Hub>);

impl Io {
    /// Starts configuring a server.
    #[must_use]
    pub fn builder() -> IoConfig {
        IoConfig::default()
    }

    pub(crate) const fn from_hub(hub: Arc<Hub>) -> Self {
        Self(hub)
    }

    /// The shared part of the server, for carriers.
    #[must_use]
    pub const fn hub(&self) -> &Arc<Hub> {
        &self.0
    }

    /// A namespace; `chat` is `/chat`. One that does not exist has no sockets, and stays that way.
    #[must_use]
    pub fn of(&self, path: &str) -> NamespaceRef {
        let namespace = self.0.namespace(&normalize(path));
        NamespaceRef {
            everybody: BroadcastOperator::new(Arc::clone(&self.0), namespace.clone()),
            namespace,
        }
    }

    /// Adds a namespace while the server runs, or handlers to one that exists. Clients that are connected
    /// can join it at once; sockets that exist keep the handlers they had, and so do the namespaces that a
    /// pattern has made.
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
        NamespaceRef {
            everybody: BroadcastOperator::new(Arc::clone(&self.0), namespace.clone()),
            namespace,
        }
    }

    /// Names of all namespaces.
    #[must_use]
    pub fn namespaces(&self) -> Vec<String> {
        self.0.namespaces().iter().map(|namespace| namespace.path().to_owned()).collect()
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

    /// All sockets of `/` (the reference's `fetchSockets`).
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

    /// Refuses new sessions with 503 from now on; those that are open go on until [`Self::close`].
    pub fn refuse_sessions(&self) {
        self.0.refuse_sessions();
    }

    /// [`Self::close`] was called.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.0.is_closing()
    }
}

/// A namespace of a server; also the selection of all its sockets.
#[derive(Debug, Clone)]
pub struct NamespaceRef {
    everybody: BroadcastOperator,
    namespace: Option<Arc<Namespace>>,
}

impl NamespaceRef {
    /// Sends an event to every socket of the namespace.
    ///
    /// # Errors
    ///
    /// As [`BroadcastOperator::emit`].
    pub fn emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        self.everybody.emit(event, args)
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

    /// All sockets of the namespace, as an operator.
    pub const fn everybody(&self) -> &BroadcastOperator {
        &self.everybody
    }

    /// All sockets of the namespace.
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

    /// The namespace exists.
    #[must_use]
    pub const fn exists(&self) -> bool {
        self.namespace.is_some()
    }
}
