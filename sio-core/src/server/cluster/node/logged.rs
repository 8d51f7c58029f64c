//! What the log that all nodes share gives back, and what it did not take.

use std::sync::Arc;

use crate::adapter::BroadcastOptions;
use crate::cluster::{Data, Message, Offset};

use super::super::super::broadcast::BroadcastOperator;
use super::super::super::bus::{Broadcast, QueueFull};
use super::super::super::hub::Hub;
use super::super::super::namespace::Namespace;
use super::super::super::recovery::{Relay, unless_it_panics};
use super::{Received, read_event};

impl Received<'_> {
    /// A message from the log; of this node itself, if it is its `own`.
    pub(super) fn take_logged(&self, own: bool, offset: Offset, message: Message) {
        match (message, self.namespace.relay()) {
            (Message::Broadcast { data, options, id: None, request: None }, Some(relay))
                if !options.flags.volatile =>
            {
                let event = self.event(&data, options, Some(offset));
                self.count(relay.receive(&self.hub.bus, own, offset, event));
            }
            (message, relay) => {
                if let Some(relay) = relay {
                    relay.pass(offset);
                }
                // This node's own were carried out when they were said.
                if !own {
                    self.take_unordered(message);
                }
            }
        }
    }

    /// What has no offset: it is not kept behind what this node has said meanwhile.
    fn take_unordered(&self, message: Message) {
        match message {
            // Another node's ack id says nothing here.
            Message::Broadcast { data, options, request: None, .. } => {
                if let Some(event) = self.event(&data, options, None) {
                    self.count(self.hub.broadcast(&Arc::new(event)));
                }
            }
            message => self.act(message),
        }
    }

    /// An event of this node that the log did not take.
    fn take_refused(&self, relay: &Relay, message: Message) {
        if let Message::Broadcast { data, options, .. } = message {
            let event = self.event(&data, options, None);
            self.count(relay.receive_refused(&self.hub.bus, event));
        }
    }

    /// An event for the sockets here, if it is one.
    fn event(
        &self,
        data: &Data,
        options: BroadcastOptions,
        offset: Option<Offset>,
    ) -> Option<Broadcast> {
        let path = self.namespace.path();
        let (name, args) = match read_event(data) {
            Ok(event) => event,
            Err(error) => {
                self.cluster.count_garbage(path, &error);
                return None;
            }
        };
        let to = Some(Arc::clone(self.namespace));
        let to = BroadcastOperator::with(Arc::clone(self.hub), to, options);
        let offset = offset.map(|offset| offset.to_string());
        unless_it_panics(|| match to.prepare(self.namespace, &name, &args, offset.as_deref()) {
            Ok(event) => Some(event),
            Err(error) => {
                self.cluster.count_garbage(path, &error);
                None
            }
        })
    }

    fn count(&self, delivered: Result<(), QueueFull>) {
        if delivered.is_err() {
            self.cluster.count_lost(self.namespace.path());
        }
    }
}

impl Hub {
    /// Gives an event to the log that all nodes share; it was announced to the namespace's relay.
    pub(in crate::server) fn append(
        self: &Arc<Self>,
        namespace: &Arc<Namespace>,
        message: Message,
    ) {
        if let Some(cluster) = &self.cluster
            && let Some(message) = cluster.append(namespace.path(), message)
        {
            self.take_refused(namespace, message);
        }
    }

    /// An event of this node that the log did not take.
    pub(in crate::server) fn take_refused(
        self: &Arc<Self>,
        namespace: &Arc<Namespace>,
        message: Message,
    ) {
        if let Some(cluster) = &self.cluster
            && let Some(relay) = namespace.relay()
        {
            let from = cluster.id();
            Received { hub: self, cluster, namespace, from }.take_refused(relay, message);
        }
    }
}
