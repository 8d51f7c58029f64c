//! All namespaces of a pattern, as one selection.

use std::sync::Arc;

use serde::Serialize;

use crate::adapter::{BroadcastOptions, RoomNames};
use crate::handler::EncodedArgs;
use crate::packet::{EncodeError, reserved};

use super::broadcast::BroadcastOperator;
use super::hub::Hub;
use super::pattern::Pattern;
use super::remote::RemoteSocket;
use super::socket::EmitError;

/// What cannot be done with the namespaces of a pattern together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParentNamespaceError {
    /// Sockets are fetched from one namespace; the reference's wording.
    #[error("fetchSockets() is not supported on parent namespaces")]
    FetchSockets,
}

/// The namespaces that a pattern has made so far, and a selection of their sockets.
///
/// Every use looks for the namespaces that exist at that moment, and each gets a packet of its own. Steps
/// give new selections, as those of a [`BroadcastOperator`].
///
/// # Examples
///
/// ```
/// use sio_core::server::Io;
///
/// fn announce(io: &Io) {
///     // Whoever is in `/org/acme`, `/org/initech`, …
///     let sent = io.of_pattern("/org/{org}").except("bots").emit("news", "we have moved");
///     assert!(sent.is_ok());
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a selection does nothing until it is given something to do"]
pub struct ParentNamespace {
    hub: Arc<Hub>,
    pattern: Pattern,
    options: BroadcastOptions,
}

impl ParentNamespace {
    pub(crate) fn new(hub: Arc<Hub>, pattern: Pattern) -> Self {
        Self { hub, pattern, options: BroadcastOptions::default() }
    }

    /// Names of the namespaces that the pattern has made and that exist.
    #[must_use]
    pub fn children(&self) -> Vec<String> {
        let children = self.hub.children(&self.pattern);
        children.iter().map(|child| child.path().to_owned()).collect()
    }

    /// Adds rooms to the selection.
    pub fn to(&self, rooms: impl RoomNames) -> Self {
        let mut next = self.clone();
        rooms.append_to(&mut next.options.rooms);
        next
    }

    /// As [`Self::to`]; the reference's `in`, which is a reserved word here.
    pub fn within(&self, rooms: impl RoomNames) -> Self {
        self.to(rooms)
    }

    /// Leaves the members of rooms out.
    pub fn except(&self, rooms: impl RoomNames) -> Self {
        let mut next = self.clone();
        rooms.append_to(&mut next.options.except);
        next
    }

    /// Drops the event for each receiver whose transport cannot take it at that moment.
    pub fn volatile(&self) -> Self {
        let mut next = self.clone();
        next.options.flags.volatile = true;
        next
    }

    /// Whether transports that compress may compress the event, as they may by default.
    pub fn compress(&self, compress: bool) -> Self {
        let mut next = self.clone();
        next.options.flags.compress = Some(compress);
        next
    }

    /// Only sockets of this node.
    pub fn local(&self) -> Self {
        let mut next = self.clone();
        next.options.flags.local = true;
        next
    }

    /// Sends an event to the selected sockets of all namespaces of the pattern.
    ///
    /// # Errors
    ///
    /// As [`BroadcastOperator::emit`]. A queue that is full may have come after some were reached.
    pub fn emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        if let Some(name) = reserved(event) {
            return Err(EncodeError::ReservedEvent(name).into());
        }
        let args = EncodedArgs::encode(&args)?;
        self.selections().try_for_each(|selection| selection.emit_encoded(event, &args))
    }

    /// Sends an event named `message`.
    ///
    /// # Errors
    ///
    /// As [`Self::emit`].
    pub fn send(&self, args: impl Serialize) -> Result<(), EmitError> {
        self.emit("message", args)
    }

    /// Makes the selected sockets join rooms, each of its own namespace.
    pub fn sockets_join(&self, rooms: impl RoomNames) {
        let mut names = Vec::new();
        rooms.append_to(&mut names);
        self.selections().for_each(|selection| selection.sockets_join(&names));
    }

    /// Makes the selected sockets leave rooms.
    pub fn sockets_leave(&self, rooms: impl RoomNames) {
        let mut names = Vec::new();
        rooms.append_to(&mut names);
        self.selections().for_each(|selection| selection.sockets_leave(&names));
    }

    /// Disconnects the selected sockets; with `close` ends their sessions too.
    pub fn disconnect_sockets(&self, close: bool) {
        self.selections().for_each(|selection| selection.disconnect_sockets(close));
    }

    /// Fails, as in the reference: fetch from the namespaces that [`Self::children`] names.
    ///
    /// # Errors
    ///
    /// Always.
    pub const fn fetch_sockets(&self) -> Result<Vec<RemoteSocket>, ParentNamespaceError> {
        Err(ParentNamespaceError::FetchSockets)
    }

    fn selections(&self) -> impl Iterator<Item = BroadcastOperator> {
        self.hub.children(&self.pattern).into_iter().map(|child| {
            BroadcastOperator::with(Arc::clone(&self.hub), Some(child), self.options.clone())
        })
    }
}
