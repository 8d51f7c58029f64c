//! The broadcast operator: a selection of sockets and what to do with them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_channel::oneshot;
use serde::Serialize;

use crate::adapter::{BroadcastOptions, RoomNames};
use crate::cluster::Message;
use crate::frame::FrameGroup;
use crate::handler::EncodedArgs;
use crate::packet::{self, EncodeError, EventArg};

use super::ack::{AckError, AckFuture};
use super::broadcast_ack::{BroadcastAckFuture, Collector, Everywhere, Question};
use super::bus::{self, Action, Broadcast, Collected, QueueFull, Selection};
use super::cluster::{ask_everywhere, event_data};
use super::hub::Hub;
use super::namespace::Namespace;
use super::outgoing::OutgoingEvent;
use super::recovery::{Addressees, Deferred, Logged, PacketLog, Relay};
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
    /// `None`: the namespace does not exist here, and nobody is in it.
    namespace: Option<Arc<Namespace>>,
    /// The name of a namespace that does not exist here, and that other nodes may have.
    elsewhere: Option<Arc<str>>,
    options: BroadcastOptions,
}

impl BroadcastOperator {
    pub(crate) fn new(hub: Arc<Hub>, namespace: Option<Arc<Namespace>>) -> Self {
        Self::with(hub, namespace, BroadcastOptions::default())
    }

    pub(crate) const fn with(
        hub: Arc<Hub>,
        namespace: Option<Arc<Namespace>>,
        options: BroadcastOptions,
    ) -> Self {
        Self { hub, namespace, elsewhere: None, options }
    }

    /// All sockets of a namespace that does not exist on this node.
    pub(super) fn elsewhere(hub: Arc<Hub>, path: &str) -> Self {
        let elsewhere = hub.cluster.is_some().then(|| path.into());
        Self { elsewhere, ..Self::new(hub, None) }
    }

    pub(crate) const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(crate) const fn namespace(&self) -> Option<&Arc<Namespace>> {
        self.namespace.as_ref()
    }

    pub(crate) const fn options(&self) -> &BroadcastOptions {
        &self.options
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

    /// How long answers of other nodes are waited for, by [`Self::fetch_sockets`] for instance. Acks have a
    /// time of their own, which is given with the emit.
    pub fn timeout(&self, timeout: Duration) -> Self {
        let mut next = self.clone();
        next.options.flags.timeout = Some(timeout);
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
            packet::check_name(event)?;
            self.tell_others_of(event, args);
            return Ok(());
        };
        if let Some(relay) = namespace.relay()
            && !self.options.flags.volatile
            && !self.options.flags.local
        {
            return self.append(namespace, relay, event, args);
        }
        match namespace.log() {
            Some(log) if !self.options.flags.volatile => {
                self.emit_logged(namespace, log, event, args)?;
            }
            _ => self.send_to(namespace, event, args, None)?,
        }
        self.tell_others_of(event, args);
        Ok(())
    }

    fn tell_others_of(&self, event: &str, args: &EncodedArgs) {
        self.tell_others(|options| Message::Broadcast {
            data: event_data(event, args),
            id: None,
            options,
            request: None,
        });
    }

    /// The other nodes do to their sockets what was done here.
    pub(crate) fn tell_others(&self, message: impl FnOnce(BroadcastOptions) -> Message) {
        let here = self.namespace.as_deref().map(Namespace::path);
        if let Some(cluster) = &self.hub.cluster
            && let Some(path) = here.or(self.elsewhere.as_deref())
            && !self.options.flags.local
        {
            cluster.publish(path, message(self.options.clone()));
        }
    }

    /// The frames for all receivers.
    pub(crate) fn frames(
        &self,
        namespace: &Namespace,
        id: Option<u64>,
        event: &str,
        args: &EncodedArgs,
        offset: Option<&str>,
    ) -> Result<FrameGroup, EncodeError> {
        let group = self.hub.event_frames(namespace.path(), id, event, args, offset)?;
        let compressing = self.hub.engine.per_message_deflate.is_some();
        let group = match self.options.flags.compress {
            Some(false) => group.uncompressed(),
            _ if compressing => group.shared(),
            _ => group,
        };
        Ok(group.ready())
    }

    /// An event that no client gets that comes back later.
    fn send_to(
        &self,
        namespace: &Arc<Namespace>,
        event: &str,
        args: &EncodedArgs,
        question: Option<Question>,
    ) -> Result<(), EmitError> {
        let id = question.as_ref().map(|question| question.collector.id());
        let group = self.frames(namespace, id, event, args, None)?;
        let broadcast = self.broadcast_of(namespace, event, args, group, question);
        let broadcast = Arc::new(broadcast);
        if let Some(relay) = namespace.relay()
            && relay.defer(|| Deferred::Broadcast(Arc::clone(&broadcast)))
        {
            return Ok(());
        }
        self.hub.broadcast(&broadcast)?;
        Ok(())
    }

    fn broadcast_of(
        &self,
        namespace: &Arc<Namespace>,
        event: &str,
        args: &EncodedArgs,
        group: FrameGroup,
        question: Option<Question>,
    ) -> Broadcast {
        Broadcast {
            namespace: Arc::clone(namespace),
            options: self.options.clone(),
            group,
            logged: Logged::Not,
            question,
            shown: shown(namespace, event, args),
        }
    }

    /// An event for the selected sockets of this node, with its offset in the log that all nodes share, if it
    /// has one.
    pub(crate) fn prepare(
        &self,
        namespace: &Arc<Namespace>,
        event: &str,
        args: &EncodedArgs,
        offset: Option<&str>,
    ) -> Result<Broadcast, EncodeError> {
        let group = self.frames(namespace, None, event, args, offset)?;
        Ok(self.broadcast_of(namespace, event, args, group, None))
    }

    /// An event for the log that all nodes share: it is delivered here when it comes back from there.
    fn append(
        &self,
        namespace: &Arc<Namespace>,
        relay: &Relay,
        event: &str,
        args: &EncodedArgs,
    ) -> Result<(), EmitError> {
        packet::check_name(event)?;
        let options = self.options.clone();
        let data = event_data(event, args);
        relay.announce()?;
        self.hub.append(namespace, Message::Broadcast { data, id: None, options, request: None });
        Ok(())
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
            |offset| self.frames(namespace, None, event, args, Some(offset)),
            |group, logged| {
                let broadcast = Arc::new(Broadcast {
                    namespace: Arc::clone(namespace),
                    options: self.options.clone(),
                    group: group.clone(),
                    logged: Logged::Here(logged),
                    question: None,
                    shown: shown(namespace, event, args),
                });
                let message = || bus::Message::Broadcast(Arc::clone(&broadcast));
                Ok(self.hub.bus.queue_for_all(None, message)?.1)
            },
        )
    }

    /// Sends an event to the selected sockets and waits for their acks.
    ///
    /// The result is the first argument of each ack, in order of arrival; nobody selected gives an empty
    /// list at once. Who does not answer within `timeout`, or ends before, is missing: the error then
    /// carries the answers that came. It comes at once when nobody is left who could answer. With
    /// [`Self::volatile`], only those count who are sent the event.
    ///
    /// In a cluster the sockets of all nodes are asked. [`AckError::Cluster`] names the nodes that did not
    /// say in time how many they have asked; of a socket of another node that ends, nothing is heard before
    /// the time is up.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the answers up; the event is sent all the same.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sio_core::server::Socket;
    ///
    /// async fn all_ready(socket: Socket) -> bool {
    ///     let asked = socket.to("game").emit_with_ack("ready?", (), Duration::from_secs(3));
    ///     asked.await.is_ok_and(|answers: Vec<bool>| answers.into_iter().all(|ready| ready))
    /// }
    /// ```
    pub fn emit_with_ack<T: EventArg>(
        &self,
        event: &str,
        args: impl Serialize,
        timeout: Duration,
    ) -> BroadcastAckFuture<T> {
        if let Some(asked) = self.ask_everywhere(event, &args, timeout, false) {
            return asked.map_or_else(BroadcastAckFuture::failed, BroadcastAckFuture::everywhere);
        }
        let id = self.namespace.as_ref().map_or(0, |namespace| namespace.next_ack_id());
        let (collector, outcome) = Collector::of_all(id);
        match self.ask(event, &args, Question { collector: Arc::clone(&collector), timeout }) {
            Ok(()) => BroadcastAckFuture::waiting(outcome, collector),
            Err(error) => BroadcastAckFuture::failed(error.into()),
        }
    }

    /// As [`Self::emit_with_ack`], for a selection of at most one socket.
    pub(crate) fn ask_one<T: EventArg>(
        &self,
        event: &str,
        args: impl Serialize,
        timeout: Duration,
    ) -> AckFuture<T> {
        let Some(namespace) = &self.namespace else {
            return AckFuture::failed(AckError::Disconnected);
        };
        if let Some(asked) = self.ask_everywhere(event, &args, timeout, true) {
            return asked.map_or_else(AckFuture::failed, AckFuture::everywhere);
        }
        let (collector, answer) = Collector::of_one(namespace.next_ack_id());
        match self.ask(event, &args, Question { collector, timeout }) {
            Ok(()) => AckFuture::waiting(answer),
            Err(error) => AckFuture::failed(error.into()),
        }
    }

    fn ask(&self, event: &str, args: &impl Serialize, question: Question) -> Result<(), EmitError> {
        self.ask_here(event, &EncodedArgs::encode(args)?, question)
    }

    /// Asks the selected sockets of this node.
    pub(crate) fn ask_here(
        &self,
        event: &str,
        args: &EncodedArgs,
        question: Question,
    ) -> Result<(), EmitError> {
        match &self.namespace {
            Some(namespace) => self.send_to(namespace, event, args, Some(question)),
            // The question ends here, and nobody was asked.
            None => Ok(()),
        }
    }

    /// Asks the selected sockets of all nodes, if there may be others.
    fn ask_everywhere(
        &self,
        event: &str,
        args: &impl Serialize,
        timeout: Duration,
        single: bool,
    ) -> Option<Result<Everywhere, AckError>> {
        let namespace = self.namespace.as_ref()?;
        self.hub.joined_cluster()?;
        if self.options.flags.local {
            return None;
        }
        let args = match EncodedArgs::encode(args) {
            Ok(args) => args,
            Err(error) => return Some(Err(EmitError::from(error).into())),
        };
        Some(ask_everywhere(self, namespace, event, &args, timeout, single))
    }

    /// Sends an event named `message`.
    ///
    /// # Errors
    ///
    /// As [`Self::emit`].
    pub fn send(&self, args: impl Serialize) -> Result<(), EmitError> {
        self.emit("message", args)
    }

    /// As [`Self::send`].
    ///
    /// # Errors
    ///
    /// As [`Self::emit`].
    pub fn write(&self, args: impl Serialize) -> Result<(), EmitError> {
        self.send(args)
    }

    /// Makes the selected sockets join rooms.
    pub fn sockets_join(&self, rooms: impl RoomNames) {
        let mut names = Vec::new();
        rooms.append_to(&mut names);
        self.act(Action::Join(names.clone()));
        self.tell_others(|options| Message::Join { options, rooms: names });
    }

    /// Makes the selected sockets leave rooms.
    pub fn sockets_leave(&self, rooms: impl RoomNames) {
        let mut names = Vec::new();
        rooms.append_to(&mut names);
        self.act(Action::Leave(names.clone()));
        self.tell_others(|options| Message::Leave { options, rooms: names });
    }

    /// Disconnects the selected sockets; with `close` ends their sessions too. What was emitted before is
    /// delivered first.
    pub fn disconnect_sockets(&self, close: bool) {
        self.act(Action::Disconnect { close });
        self.tell_others(|options| Message::Disconnect { options, close });
    }

    /// The selected sockets of this node, as they are when each worker comes to it.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn sockets(&self) -> Vec<Socket> {
        let (done, sockets) = oneshot::channel();
        let done = Box::new(|found| {
            // A receiver that is gone has lost interest.
            let _lost = done.send(found);
        });
        let collected = Collected { sockets: Vec::new(), done: Some(done) };
        self.act(Action::Collect(Arc::new(Mutex::new(collected))));
        // The last worker's share ends the wait; no worker at all means no sockets.
        sockets.await.unwrap_or_default()
    }

    fn act(&self, action: Action) {
        let Some(selection) = self.selection(action) else { return };
        if let Some(relay) = selection.namespace.relay()
            && relay.defer(|| Deferred::Selection(Arc::clone(&selection)))
        {
            return;
        }
        if self.hub.select(&selection).is_err() {
            tracing::warn!("a worker's queue is full; an operation on sockets was dropped");
        }
    }

    fn selection(&self, action: Action) -> Option<Arc<Selection>> {
        let namespace = Arc::clone(self.namespace.as_ref()?);
        Some(Arc::new(Selection { namespace, options: self.options.clone(), action }))
    }

    /// Does what another node says to the selected sockets of this node.
    ///
    /// # Errors
    ///
    /// A worker's queue is full: only the others' sockets were reached.
    pub(crate) fn select(&self, action: Action) -> Result<(), QueueFull> {
        let Some(selection) = self.selection(action) else { return Ok(()) };
        self.hub.select(&selection).inspect_err(|_full| {
            let message = || bus::Message::Selection(Arc::clone(&selection));
            self.hub.bus.publish_where_room(message);
        })
    }

    /// An event of another node that some worker's queue had no room for: the other workers' sockets get it.
    pub(crate) fn emit_where_room(&self, event: &str, args: &EncodedArgs) {
        let Some(namespace) = &self.namespace else { return };
        // What is logged goes to all or to nobody.
        if namespace.log().is_some() || namespace.relay().is_some() {
            return;
        }
        if let Ok(broadcast) = self.prepare(namespace, event, args, None) {
            let broadcast = Arc::new(broadcast);
            let message = || bus::Message::Broadcast(Arc::clone(&broadcast));
            self.hub.bus.publish_where_room(message);
        }
    }
}

/// What listeners of outgoing events are shown, where there may be some.
fn shown(namespace: &Namespace, event: &str, args: &EncodedArgs) -> Option<Box<OutgoingEvent>> {
    namespace.shows_outgoing().then(|| Box::new(OutgoingEvent::of_args(event, args)))
}
