use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use sio_core::cluster::{Adapter, Message, Node, Offset, Response};
use sio_redis::{RedisAdapter, RedisAdapterBuilder};
use tokio::sync::Notify;

use super::soon;

/// What a node was handed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Heard {
    Message { namespace: String, from: String, message: Message },
    Response { namespace: String, from: Option<String>, response: Response },
    Logged { namespace: String, from: String, offset: Offset, message: Message },
    Unlogged { namespace: String, message: Message },
    Position { namespace: String, offset: Offset },
}

impl Heard {
    /// The JSON text of an event.
    pub(crate) fn event(&self) -> &str {
        match self {
            Self::Message { message: Message::Broadcast { data, .. }, .. }
            | Self::Logged { message: Message::Broadcast { data, .. }, .. }
            | Self::Unlogged { message: Message::Broadcast { data, .. }, .. } => &data.json,
            other => panic!("not an event: {other:?}"),
        }
    }

    pub(crate) fn message(self) -> Message {
        match self {
            Self::Message { message, .. } => message,
            other => panic!("not a message: {other:?}"),
        }
    }
}

/// A node with an adapter: writes down what the adapter hands in.
pub(crate) struct TestNode {
    pub(crate) adapter: RedisAdapter,
    pub(crate) id: String,
    notes: Arc<Notes>,
}

struct Notes {
    id: String,
    recovers: bool,
    heard: Mutex<VecDeque<Heard>>,
    wake: Notify,
}

impl TestNode {
    /// A node with the namespace `/`, ready.
    pub(crate) async fn start(id: &str, builder: RedisAdapterBuilder) -> Self {
        let node = Self::without_namespace(id, builder);
        node.adapter.open("/");
        node.ready().await;
        node
    }

    pub(crate) fn without_namespace(id: &str, builder: RedisAdapterBuilder) -> Self {
        Self::with_recovery(id, builder, false)
    }

    pub(crate) fn with_recovery(id: &str, builder: RedisAdapterBuilder, recovers: bool) -> Self {
        let adapter = builder.build().unwrap();
        let notes = Arc::new(Notes {
            id: id.to_owned(),
            recovers,
            heard: Mutex::default(),
            wake: Notify::new(),
        });
        adapter.start(Arc::clone(&notes) as Arc<dyn Node>);
        Self { adapter, id: id.to_owned(), notes }
    }

    pub(crate) async fn ready(&self) {
        soon("ready", self.adapter.ready()).await.unwrap();
    }

    /// The next thing it heard.
    pub(crate) async fn next(&self) -> Heard {
        soon(&format!("something for {}", self.id), async {
            loop {
                let more = self.notes.wake.notified();
                let heard = self.notes.heard.lock().unwrap().pop_front();
                if let Some(heard) = heard {
                    return heard;
                }
                more.await;
            }
        })
        .await
    }

    /// The next `count` events, as JSON text.
    pub(crate) async fn events(&self, count: usize) -> Vec<String> {
        let mut events = Vec::new();
        for _ in 0..count {
            events.push(self.next().await.event().to_owned());
        }
        events
    }

    /// All that it heard and was not asked for.
    pub(crate) fn rest(&self) -> Vec<Heard> {
        self.notes.heard.lock().unwrap().drain(..).collect()
    }
}

impl Notes {
    fn note(&self, heard: Heard) {
        self.heard.lock().unwrap().push_back(heard);
        self.wake.notify_one();
    }
}

impl Node for Notes {
    fn id(&self) -> &str {
        &self.id
    }

    fn recovers(&self) -> bool {
        self.recovers
    }

    fn receive(&self, namespace: &str, from: &str, message: Message) {
        let (namespace, from) = (namespace.to_owned(), from.to_owned());
        self.note(Heard::Message { namespace, from, message });
    }

    fn receive_response(&self, namespace: &str, from: Option<&str>, response: Response) {
        let (namespace, from) = (namespace.to_owned(), from.map(str::to_owned));
        self.note(Heard::Response { namespace, from, response });
    }

    fn receive_logged(&self, namespace: &str, from: &str, offset: Offset, message: Message) {
        let (namespace, from) = (namespace.to_owned(), from.to_owned());
        self.note(Heard::Logged { namespace, from, offset, message });
    }

    fn receive_unlogged(&self, namespace: &str, message: Message) {
        self.note(Heard::Unlogged { namespace: namespace.to_owned(), message });
    }

    fn note_position(&self, namespace: &str, offset: Offset) {
        self.note(Heard::Position { namespace: namespace.to_owned(), offset });
    }
}
