//! The classic mode: channels that all of Redis hears.
//!
//! A namespace has a channel for broadcasts, one for broadcasts to each single room, one for requests, one for
//! answers to anybody and one for answers to this node. Joins, leaves and disconnects are requests. The server
//! acts on its own ones itself, so their echo is ignored, as all that comes back from this node.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, RwLock};

use sio_core::cluster::{BoxFuture, ClusterError, Message, Node, Response};

use crate::channels::{is_node_id, last_part, pattern};
use crate::link::{Delivery, Health, Link, Topic, poisoned};
use crate::wire::{Codec, Malformed, Received, Sender, channel, classic};

use super::Carrier;

pub(crate) struct Classic {
    link: Link,
    state: Arc<State>,
    answer_on_own_channel: bool,
}

/// What the thread that hears needs.
struct State {
    prefix: Box<str>,
    node: OnceLock<Hearer>,
    meanings: RwLock<HashMap<Box<str>, Meaning>>,
    codec: Codec,
    health: Arc<Health>,
}

/// Who hears.
struct Hearer {
    node: Arc<dyn Node>,
    /// How its own broadcasts begin.
    own: Vec<u8>,
}

/// What is said on a channel, or under a pattern.
#[derive(Clone)]
struct Meaning {
    kind: Kind,
    namespace: Arc<str>,
}

#[derive(Clone, Copy)]
enum Kind {
    /// The name of a room begins there in the channel's.
    Broadcast {
        room_at: usize,
    },
    Request,
    Response,
}

impl Classic {
    pub(crate) fn new(link: Link, prefix: &str, codec: Codec, answer_on_own_channel: bool) -> Self {
        let state = State {
            prefix: prefix.into(),
            node: OnceLock::new(),
            meanings: RwLock::default(),
            codec,
            health: Arc::clone(link.health()),
        };
        Self { link, state: Arc::new(state), answer_on_own_channel }
    }

    /// A namespace's pattern and channels, and what they mean.
    fn names(&self, namespace: &str) -> [(Topic, Kind); 4] {
        let (prefix, id) = (&*self.state.prefix, self.state.id());
        let channel = |name: String| Topic::Channel(name.into());
        let room_at = channel::namespace(prefix, namespace).len();
        [
            (Topic::Pattern(pattern(prefix, namespace).into()), Kind::Broadcast { room_at }),
            (channel(channel::request(prefix, namespace)), Kind::Request),
            (channel(channel::response(prefix, namespace)), Kind::Response),
            (channel(channel::own_response(prefix, namespace, id)), Kind::Response),
        ]
    }
}

impl Carrier for Classic {
    fn start(&self, node: Arc<dyn Node>) {
        let own = classic::own_prefix(self.state.codec, node.id());
        if self.state.node.set(Hearer { node, own }).is_ok() {
            let state = Arc::clone(&self.state);
            self.link.start(Arc::new(move |delivery| state.hear(&delivery)));
        }
    }

    fn open(&self, namespace: &str) {
        let names = self.names(namespace);
        {
            let namespace: Arc<str> = namespace.into();
            let mut meanings = self.state.meanings.write().unwrap_or_else(poisoned);
            for (topic, kind) in &names {
                let meaning = Meaning { kind: *kind, namespace: Arc::clone(&namespace) };
                meanings.insert(topic.name().into(), meaning);
            }
        }
        self.link.open(names.map(|(topic, _)| topic));
    }

    fn close(&self, namespace: &str) {
        let names = self.names(namespace);
        {
            let mut meanings = self.state.meanings.write().unwrap_or_else(poisoned);
            for (topic, _) in &names {
                meanings.remove(topic.name());
            }
        }
        self.link.close(names.map(|(topic, _)| topic));
    }

    fn publish(&self, namespace: &str, message: Message) {
        let channel = channel::classic(&self.state.prefix, namespace, &message);
        let from = Sender::Node(self.state.id());
        match classic::encode(self.state.codec, from, namespace, &message) {
            Ok(payload) => self.link.publish(&channel, &payload),
            Err(why) => self.state.health.unsaid(&channel, &why),
        }
    }

    fn respond(&self, namespace: &str, to: &str, response: Response) {
        let prefix = &self.state.prefix;
        // Who does not say who it is listens to the channel of all; so does who waits for answers to
        // server-side events.
        let own = self.answer_on_own_channel
            && !to.is_empty()
            && !matches!(response, Response::ServerSide { .. });
        let channel = match own {
            true => channel::own_response(prefix, namespace, to),
            false => channel::response(prefix, namespace),
        };
        // Our own nodes can tell by it who is missing; others get what they know.
        let from = is_node_id(to).then(|| self.state.id());
        match classic::encode_response(self.state.codec, from, &response) {
            Ok(payload) => self.link.publish(&channel, &payload),
            Err(why) => self.state.health.unsaid(&channel, &why),
        }
    }

    fn node_count(&self, namespace: &str) -> BoxFuture<Result<usize, ClusterError>> {
        let listeners = self.link.listeners(&channel::request(&self.state.prefix, namespace));
        Box::pin(async move { Ok(listeners.await?.max(1)) })
    }

    fn nodes(&self, namespace: &str) -> BoxFuture<Result<Vec<String>, ClusterError>> {
        let start = channel::response(&self.state.prefix, namespace);
        let channels = self.link.channels(&start);
        Box::pin(async move {
            let channels = channels.await?;
            let nodes = channels.iter().filter_map(|channel| last_part(channel, &start));
            Ok(nodes.map(str::to_owned).collect())
        })
    }

    fn can_ask_for_rooms(&self) -> bool {
        true
    }

    fn link(&self) -> &Link {
        &self.link
    }
}

impl State {
    fn id(&self) -> &str {
        self.node.get().map_or("", |hearer| hearer.node.id())
    }

    fn hear(&self, delivery: &Delivery<'_>) {
        let name = delivery.pattern.unwrap_or(delivery.channel);
        let meaning = self.meanings.read().unwrap_or_else(poisoned).get(name).cloned();
        let (Some(Meaning { kind, namespace }), Some(hearer)) = (meaning, self.node.get()) else {
            return;
        };
        let result = match kind {
            Kind::Broadcast { room_at } => hearer.broadcast(&namespace, delivery, room_at),
            Kind::Request => hearer.request(&namespace, delivery),
            Kind::Response => hearer.response(&namespace, delivery),
        };
        match result {
            Ok(true) => self.health.heard(),
            Ok(false) => {}
            Err(why) => self.health.garbage(delivery.channel, &why),
        }
    }
}

/// Each says whether another node is heard.
impl Hearer {
    fn broadcast(
        &self,
        namespace: &str,
        delivery: &Delivery<'_>,
        room_at: usize,
    ) -> Result<bool, Malformed> {
        if delivery.payload.starts_with(&self.own) {
            return Ok(false);
        }
        match classic::decode_broadcast(&delivery.payload, namespace)? {
            Some(received) if is_for_room(delivery.channel, room_at, &received.message) => {
                Ok(self.receive(namespace, delivery, received))
            }
            _ => Ok(false),
        }
    }

    fn request(&self, namespace: &str, delivery: &Delivery<'_>) -> Result<bool, Malformed> {
        Ok(self.receive(namespace, delivery, classic::decode_request(&delivery.payload)?))
    }

    fn receive(&self, namespace: &str, delivery: &Delivery<'_>, received: Received) -> bool {
        let Received { from, message } = received;
        if *from == *self.node.id() || !delivery.take() {
            return false;
        }
        self.node.receive(namespace, &from, message);
        true
    }

    fn response(&self, namespace: &str, delivery: &Delivery<'_>) -> Result<bool, Malformed> {
        let (from, response) = classic::decode_response(&delivery.payload)?;
        if from.as_deref() == Some(self.node.id()) || !delivery.take() {
            return Ok(false);
        }
        self.node.receive_response(namespace, from.as_deref(), response);
        Ok(true)
    }
}

/// What is said on the channel of a room is for that room, or is lost.
///
/// Differs from the reference: there it is lost if the room has no members, before it is read. Here a join may
/// be on its way to a worker when the broadcast after it is heard, which must not be lost.
fn is_for_room(channel: &str, room_at: usize, message: &Message) -> bool {
    let room = channel.get(room_at..).map_or("", |rest| rest.strip_suffix('#').unwrap_or(rest));
    let Message::Broadcast { options, .. } = message else { return true };
    room.is_empty() || options.rooms.iter().any(|target| **target == *room)
}
