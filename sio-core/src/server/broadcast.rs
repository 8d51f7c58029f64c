//! The broadcast operator: a selection of sockets and what to do with them.

use std::sync::{Arc, Mutex};

use futures_channel::oneshot;
use serde::Serialize;

use crate::adapter::{BroadcastOptions, RoomNames};
use crate::frame::FrameGroup;
use crate::handler::EncodedArgs;
use crate::packet::EncodeError;

use super::bus::{Action, Broadcast, Collected, Message, Selection};
use super::hub::Hub;
use super::namespace::Namespace;
use super::recovery::{Addressees, OffsetText, PacketLog};
use super::socket::{EmitError, Socket};

/// A selection of sockets of one namespace.
///
/// Every step gives a new operator and leaves the one it came from as it was, so a stored selection
/// can be refined again and again. Rooms add up to their union; exclusions win; nobody gets an event
/// twice. Usable from any thread; nothing here waits for a receiver.
///
/// Broadcasts of one task arrive in order everywhere. Two that are made at the same time on different
/// threads may arrive in a different order at different receivers; one that is made because of what a
/// client heard from another arrives after it.
#[derive(Debug, Clone)]
#[must_use = "a selection does nothing until it is given something to do"]
pub struct BroadcastOperator {
    hub: Arc<Hub>,
    /// `None`: the namespace does not exist, and nobody is in it.
    namespace: Option<Arc<Namespace>>,
    options: BroadcastOptions,
}

impl BroadcastOperator {
    pub(crate) fn new(hub: Arc<Hub>, namespace: Option<Arc<Namespace>>) -> Self {
        Self { hub, namespace, options: BroadcastOptions::default() }
    }

    /// Adds rooms to the selection; a socket's id is the room of that socket.
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

    /// Only sockets of this node.
    pub fn local(&self) -> Self {
        let mut next = self.clone();
        next.options.flags.local = true;
        next
    }

    /// Sends an event to the selected sockets, encoded once.
    ///
    /// A tuple is several arguments, `()` none, anything else one.
    ///
    /// # Errors
    ///
    /// The name is reserved, the arguments cannot be serialised, or a worker's queue is full. A selection
    /// of nobody is no error.
    pub fn emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        self.emit_encoded(event, &EncodedArgs::encode(&args)?)
    }

    pub(crate) fn emit_encoded(&self, event: &str, args: &EncodedArgs) -> Result<(), EmitError> {
        let Some(namespace) = &self.namespace else {
            return Ok(());
        };
        if let Some(log) = namespace.log()
            && !self.options.flags.volatile
        {
            return self.emit_logged(namespace, log, event, args);
        }
        let group = self.frames(namespace, event, args, None)?;
        let (namespace, options) = (Arc::clone(namespace), self.options.clone());
        self.hub.broadcast(&Arc::new(Broadcast { namespace, options, group, logged: 0 }))?;
        Ok(())
    }

    /// The frames for all receivers.
    fn frames(
        &self,
        namespace: &Namespace,
        event: &str,
        args: &EncodedArgs,
        offset: Option<&OffsetText>,
    ) -> Result<FrameGroup, EncodeError> {
        let group = self.hub.event_frames(namespace.path(), None, event, args, offset)?;
        let compressing = self.hub.engine.per_message_deflate.is_some();
        Ok(if compressing { group.shared() } else { group })
    }

    /// An event that clients may get when they come back.
    fn emit_logged(
        &self,
        namespace: &Arc<Namespace>,
        log: &PacketLog,
        event: &str,
        args: &EncodedArgs,
    ) -> Result<(), EmitError> {
        log.publish(
            Addressees::of(&self.options),
            |offset| self.frames(namespace, event, args, Some(offset)),
            |group, logged| {
                let (namespace, options) = (Arc::clone(namespace), self.options.clone());
                let broadcast = Broadcast { namespace, options, group: group.clone(), logged };
                let broadcast = Arc::new(broadcast);
                let message = || Message::Broadcast(Arc::clone(&broadcast));
                Ok(self.hub.bus.queue_for_all(None, message)?.1)
            },
        )
    }

    /// Sends an event named `message`.
    ///
    /// # Errors
    ///
    /// As [`Self::emit`].
    pub fn send(&self, args: impl Serialize) -> Result<(), EmitError> {
        self.emit("message", args)
    }

    /// Makes the selected sockets join rooms.
    pub fn sockets_join(&self, rooms: impl RoomNames) {
        let mut names = Vec::new();
        rooms.append_to(&mut names);
        self.act(Action::Join(names));
    }

    /// Makes the selected sockets leave rooms.
    pub fn sockets_leave(&self, rooms: impl RoomNames) {
        let mut names = Vec::new();
        rooms.append_to(&mut names);
        self.act(Action::Leave(names));
    }

    /// Disconnects the selected sockets; with `close` ends their sessions too. What was emitted before is
    /// delivered first.
    pub fn disconnect_sockets(&self, close: bool) {
        self.act(Action::Disconnect { close });
    }

    /// The selected sockets, as they are when each worker comes to it.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn sockets(&self) -> Vec<Socket> {
        let (done, sockets) = oneshot::channel();
        let collected = Collected { sockets: Vec::new(), done: Some(done) };
        self.act(Action::Collect(Arc::new(Mutex::new(collected))));
        // The last worker's share ends the wait; no worker at all means no sockets.
        sockets.await.unwrap_or_default()
    }

    fn act(&self, action: Action) {
        let Some(namespace) = &self.namespace else {
            return;
        };
        let selection =
            Selection { namespace: Arc::clone(namespace), options: self.options.clone(), action };
        if self.hub.select(selection).is_err() {
            tracing::warn!("a worker's queue is full; an operation on sockets was dropped");
        }
    }
}
