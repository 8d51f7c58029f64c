//! The sharded mode: channels that belong to shards.
//!
//! A namespace has one channel for all and one for answers to this node; rooms have channels of their own as the
//! subscription mode says, as long as they have members here. A room's first member does not wait for the
//! subscription: what others say to the room in between is lost, as in the reference.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, RwLock};

use sio_core::adapter::Room;
use sio_core::cluster::{BoxFuture, ClusterError, Message, Node, Response};

use crate::channels::{is_node_id, last_part};
use crate::link::{Delivery, Health, Link, poisoned};
use crate::options::SubscriptionMode;
use crate::wire::channel;
use crate::wire::envelope::{self, Body, Encoding, OwnMark, Said};
use crate::wire::{Malformed, Sender};

use super::Carrier;

pub(crate) struct Sharded {
    link: Link,
    state: Arc<State>,
    mode: SubscriptionMode,
    encoding: Encoding,
}

/// What the thread that hears needs.
struct State {
    prefix: Box<str>,
    node: OnceLock<Arc<dyn Node>>,
    heard: RwLock<Heard>,
    health: Arc<Health>,
}

/// What channels belong to. A room may have the channel of a namespace with a `#` in its name; what comes
/// there says which of both it is for.
#[derive(Default)]
struct Heard {
    fixed: HashMap<Box<str>, Arc<Namespace>>,
    rooms: HashMap<Box<str>, Arc<Namespace>>,
    namespaces: HashMap<Box<str>, Arc<Namespace>>,
}

struct Namespace {
    name: Box<str>,
    own: OwnMark,
}

impl Sharded {
    pub(crate) fn new(link: Link, prefix: &str, mode: SubscriptionMode) -> Self {
        let state = State {
            prefix: prefix.into(),
            node: OnceLock::new(),
            heard: RwLock::default(),
            health: Arc::clone(link.health()),
        };
        Self { link, state: Arc::new(state), mode, encoding: Encoding::Smallest }
    }

    /// The channels of the streams mode: none for rooms, and another encoding. Whether they belong to shards, the
    /// link knows.
    pub(crate) fn beside_streams(link: Link, prefix: &str) -> Self {
        let encoding = Encoding::Msgpack;
        Self { encoding, ..Self::new(link, prefix, SubscriptionMode::Static) }
    }

    /// A namespace's channel for all, and the one for answers.
    fn names(&self, namespace: &str) -> [String; 2] {
        let prefix = &self.state.prefix;
        [channel::namespace(prefix, namespace), channel::part(prefix, namespace, self.state.id())]
    }

    /// Whether the room has a channel of its own.
    fn has_channel(&self, room: &str, own: bool) -> bool {
        let wanted = match self.mode {
            SubscriptionMode::Static => false,
            SubscriptionMode::Dynamic => !own,
            SubscriptionMode::DynamicPrivate => true,
        };
        // The channel of answers is heard anyway.
        wanted && room != self.state.id()
    }

    fn say(&self, namespace: &str, channel: &str, said: Said<'_>) {
        let from = Sender::Node(self.state.id());
        match envelope::encode(from, namespace, said, self.encoding) {
            Ok(payload) => self.link.publish(channel, &payload),
            Err(why) => self.state.health.unsaid(channel, &why),
        }
    }
}

impl Carrier for Sharded {
    fn start(&self, node: Arc<dyn Node>) {
        if self.state.node.set(node).is_ok() {
            let state = Arc::clone(&self.state);
            self.link.start(Arc::new(move |delivery| state.hear(&delivery)));
        }
    }

    fn open(&self, namespace: &str) {
        let names = self.names(namespace);
        {
            let mut heard = self.state.heard.write().unwrap_or_else(poisoned);
            let own = OwnMark::new(self.state.id(), namespace);
            let entry = Arc::new(Namespace { name: namespace.into(), own });
            for name in &names {
                heard.fixed.insert(name.as_str().into(), Arc::clone(&entry));
            }
            heard.namespaces.insert(namespace.into(), entry);
        }
        self.link.open(names.map(|name| self.link.topic(name)));
    }

    fn close(&self, namespace: &str) {
        let mut names: Vec<_> = self.names(namespace).into();
        {
            let mut heard = self.state.heard.write().unwrap_or_else(poisoned);
            for name in &names {
                heard.fixed.remove(name.as_str());
            }
            heard.namespaces.remove(namespace);
            let rooms = heard.rooms.extract_if(|_, entry| *entry.name == *namespace);
            names.extend(rooms.map(|(name, _)| name.into()));
            names.retain(|name| !heard.is_heard(name));
        }
        self.link.close(names.into_iter().map(|name| self.link.topic(name)));
    }

    fn watches_rooms(&self) -> bool {
        self.mode != SubscriptionMode::Static
    }

    fn open_room(&self, namespace: &str, room: &Room, own: bool) {
        if !self.has_channel(room, own) {
            return;
        }
        let name = channel::part(&self.state.prefix, namespace, room);
        {
            let mut heard = self.state.heard.write().unwrap_or_else(poisoned);
            let Some(entry) = heard.namespaces.get(namespace).map(Arc::clone) else {
                return;
            };
            heard.rooms.insert(name.as_str().into(), entry);
        }
        self.link.open([self.link.topic(name)]);
    }

    fn close_room(&self, namespace: &str, room: &Room, own: bool) {
        if !self.has_channel(room, own) {
            return;
        }
        let name = channel::part(&self.state.prefix, namespace, room);
        {
            let mut heard = self.state.heard.write().unwrap_or_else(poisoned);
            if heard.rooms.remove(name.as_str()).is_none() || heard.is_heard(&name) {
                return;
            }
        }
        self.link.close([self.link.topic(name)]);
    }

    fn publish(&self, namespace: &str, message: Message) {
        let rooms = self.mode.into();
        let channel = channel::sharded(&self.state.prefix, namespace, &message, rooms);
        self.say(namespace, &channel, Said::Message(&message));
    }

    fn respond(&self, namespace: &str, to: &str, response: Response) {
        let channel = channel::part(&self.state.prefix, namespace, to);
        self.say(namespace, &channel, Said::Response(&response));
    }

    fn node_count(&self, namespace: &str) -> BoxFuture<Result<usize, ClusterError>> {
        let listeners = self.link.listeners(&channel::namespace(&self.state.prefix, namespace));
        Box::pin(async move { Ok(listeners.await?.max(1)) })
    }

    fn nodes(&self, namespace: &str) -> BoxFuture<Result<Vec<String>, ClusterError>> {
        let start = channel::namespace(&self.state.prefix, namespace);
        let channels = self.link.channels(&start);
        Box::pin(async move {
            let channels = channels.await?;
            // Rooms have channels of the same form; few are named like a node.
            let names = channels.iter().filter_map(|channel| last_part(channel, &start));
            Ok(names.filter(|name| is_node_id(name)).map(str::to_owned).collect())
        })
    }

    fn link(&self) -> &Link {
        &self.link
    }
}

impl Heard {
    fn is_heard(&self, channel: &str) -> bool {
        self.fixed.contains_key(channel) || self.rooms.contains_key(channel)
    }
}

impl State {
    fn id(&self) -> &str {
        self.node.get().map_or("", |node| node.id())
    }

    fn hear(&self, delivery: &Delivery<'_>) {
        let candidates = {
            let heard = self.heard.read().unwrap_or_else(poisoned);
            let of = |map: &HashMap<Box<str>, _>| map.get(delivery.channel).map(Arc::clone);
            [of(&heard.fixed), of(&heard.rooms)]
        };
        for namespace in candidates.into_iter().flatten() {
            match self.receive(&namespace, delivery) {
                Ok(true) => return,
                Ok(false) => {}
                Err(why) => return self.health.garbage(delivery.channel, &why),
            }
        }
    }

    /// Whether it was for this namespace.
    fn receive(&self, namespace: &Namespace, delivery: &Delivery<'_>) -> Result<bool, Malformed> {
        if namespace.own.is_on(&delivery.payload) {
            return Ok(true);
        }
        let (Some(node), Some(envelope)) =
            (self.node.get(), envelope::decode(&delivery.payload, &namespace.name)?)
        else {
            return Ok(false);
        };
        if *envelope.from == *node.id() || !delivery.take() {
            return Ok(true);
        }
        self.health.heard();
        match envelope.body {
            Body::Message(message) => node.receive(&namespace.name, &envelope.from, message),
            Body::Response(response) => {
                node.receive_response(&namespace.name, Some(&envelope.from), response);
            }
            Body::Presence => {}
        }
        Ok(true)
    }
}
