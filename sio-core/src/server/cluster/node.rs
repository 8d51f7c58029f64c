//! What other nodes say, and what is done about it.
//!
//! It is done as a local caller would do it: the workers hear of it through the bus, and nobody waits.

mod logged;

use std::sync::{Arc, Weak};

use crate::adapter::BroadcastOptions;
use crate::cluster::{Data, Message, Node, Offset, Response};
use crate::handler::EncodedArgs;
use crate::packet::{
    self, DecodeError, DecodeLimits, MAX_DEPTH, MAX_OUTGOING_ATTACHMENTS, PacketType,
};

use super::super::broadcast::BroadcastOperator;
use super::super::bus::Action;
use super::super::hub::Hub;
use super::super::namespace::Namespace;
use super::super::node_events::Answer;
use super::super::socket::EmitError;
use super::Cluster;

/// A server as its adapter sees it; does not keep it alive.
pub(in crate::server) struct HubNode {
    id: Box<str>,
    hub: Weak<Hub>,
}

impl HubNode {
    pub(super) fn new(hub: &Arc<Hub>, id: &str) -> Self {
        Self { id: id.into(), hub: Arc::downgrade(hub) }
    }

    /// What a message about a namespace refers to, if it is here.
    fn find(&self, namespace: &str) -> Option<(Arc<Hub>, Arc<Namespace>)> {
        let hub = self.hub.upgrade()?;
        let namespace = hub.namespace(namespace)?;
        Some((hub, namespace))
    }
}

impl Node for HubNode {
    fn id(&self) -> &str {
        &self.id
    }

    fn recovers(&self) -> bool {
        self.hub.upgrade().is_some_and(|hub| hub.keeper.is_some())
    }

    fn receive(&self, namespace: &str, from: &str, message: Message) {
        if from == &*self.id {
            return;
        }
        if let Some((hub, namespace)) = self.find(namespace)
            && let Some(cluster) = &hub.cluster
        {
            Received { hub: &hub, cluster, namespace: &namespace, from }.act(message);
        }
    }

    fn receive_response(&self, namespace: &str, from: Option<&str>, response: Response) {
        if from != Some(&*self.id)
            && let Some(hub) = self.hub.upgrade()
            && let Some(cluster) = &hub.cluster
            && let Err(limit) = cluster.requests.answer(from, response)
        {
            hub.count_limit(limit);
            cluster.count_garbage(namespace, &"a request has more answers than it may");
        }
    }

    fn receive_logged(&self, namespace: &str, from: &str, offset: Offset, message: Message) {
        if let Some((hub, namespace)) = self.find(namespace)
            && let Some(cluster) = &hub.cluster
        {
            let own = from == &*self.id;
            Received { hub: &hub, cluster, namespace: &namespace, from }
                .take_logged(own, offset, message);
        }
    }

    fn receive_unlogged(&self, namespace: &str, message: Message) {
        if let Some((hub, namespace)) = self.find(namespace) {
            hub.take_refused(&namespace, message);
        }
    }

    fn note_position(&self, namespace: &str, offset: Offset) {
        if let Some((_, namespace)) = self.find(namespace)
            && let Some(relay) = namespace.relay()
        {
            relay.pass(offset);
        }
    }
}

/// Where a message of another node has come to.
pub(super) struct Received<'a> {
    pub(super) hub: &'a Arc<Hub>,
    pub(super) cluster: &'a Cluster,
    pub(super) namespace: &'a Arc<Namespace>,
    pub(super) from: &'a str,
}

impl Received<'_> {
    fn act(&self, message: Message) {
        match message {
            Message::Broadcast { data, options, request: None, .. } => self.deliver(&data, options),
            Message::Join { options, rooms } => self.select(options, Action::Join(rooms)),
            Message::Leave { options, rooms } => self.select(options, Action::Leave(rooms)),
            Message::Disconnect { options, close } => {
                self.select(options, Action::Disconnect { close });
            }
            Message::Broadcast { data, options, request: Some(request), .. } => {
                self.ask_sockets(&data, options, request);
            }
            Message::FetchSockets { options, request } => self.describe_sockets(options, request),
            Message::AllRooms { request } => self.list_rooms(request),
            Message::SocketIds { rooms, request } => self.list_ids(rooms, request),
            Message::JoinOne { id, room, request } => {
                self.act_on_one(id, request, |socket| socket.join(room));
            }
            Message::LeaveOne { id, room, request } => {
                self.act_on_one(id, request, |socket| socket.leave(room));
            }
            Message::DisconnectOne { id, close, request } => {
                self.act_on_one(id, request, move |socket| socket.disconnect(close));
            }
            Message::ServerSide { data, request } => {
                let answer = request.map(|request| self.server_side_answer(request));
                self.hub.receive_server_side(self.namespace, data, answer);
            }
        }
    }

    /// Sends the answer to a server-side event back to the node that asked.
    fn server_side_answer(&self, request: Box<str>) -> Answer {
        let answer = self.answer();
        Box::new(move |value| answer(Response::ServerSide { request, value }))
    }

    /// The selected sockets of this node.
    pub(super) fn own(&self, mut options: BroadcastOptions) -> BroadcastOperator {
        options.flags.local = true;
        BroadcastOperator::with(Arc::clone(self.hub), Some(Arc::clone(self.namespace)), options)
    }

    /// An event, which is encoded once for all sockets here.
    fn deliver(&self, data: &Data, options: BroadcastOptions) {
        let (name, args) = match read_event(data) {
            Ok(event) => event,
            Err(error) => return self.cluster.count_garbage(self.namespace.path(), &error),
        };
        let selected = self.own(options);
        match selected.emit_encoded(&name, &args) {
            Ok(()) => {}
            Err(EmitError::QueueFull) => {
                self.cluster.count_lost(self.namespace.path());
                selected.emit_where_room(&name, &args);
            }
            Err(error) => self.cluster.count_garbage(self.namespace.path(), &error),
        }
    }

    pub(super) fn select(&self, options: BroadcastOptions, action: Action) {
        if self.own(options).select(action).is_err() {
            self.cluster.count_lost(self.namespace.path());
        }
    }
}

/// Nodes say to each other whatever they could say to clients.
const LIMITS: DecodeLimits = DecodeLimits {
    max_attachments: MAX_OUTGOING_ATTACHMENTS,
    max_namespace_len: 1,
    max_depth: MAX_DEPTH,
};

/// Takes an event apart, and checks that it is one.
pub(in crate::server) fn read_event(data: &Data) -> Result<(String, EncodedArgs), DecodeError> {
    let (json, attachments) = (&*data.json, &data.attachments);
    packet::validate(json)?;
    let event = packet::from_parts(PacketType::Event, "/", None, json, attachments.len(), &LIMITS)?;
    let name = event.event.ok_or(DecodeError::InvalidPayload)?.into_inner().into_owned();
    let args = event.args.strip_suffix(']').ok_or(DecodeError::InvalidPayload)?;
    Ok((name, EncodedArgs::from_parts(args.trim_ascii_end(), attachments.clone())))
}
