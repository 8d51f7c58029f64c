//! What other nodes say, and what is done about it.

use std::sync::{Arc, Weak};

use crate::cluster::{Message, Node, Offset, Response};

use super::super::hub::Hub;
use super::super::node_events::Answer;

/// A server as its adapter sees it; does not keep it alive.
pub(in crate::server) struct HubNode {
    id: Box<str>,
    hub: Weak<Hub>,
}

impl HubNode {
    pub(super) fn new(hub: &Arc<Hub>, id: &str) -> Self {
        Self { id: id.into(), hub: Arc::downgrade(hub) }
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
        let Some(hub) = self.hub.upgrade() else { return };
        if let Message::ServerSide { data, request } = message {
            let answer = request.map(|request| server_side_answer(&hub, namespace, from, request));
            hub.receive_server_side(namespace, data, answer);
        }
    }

    fn receive_response(&self, _namespace: &str, _from: Option<&str>, _response: Response) {}

    fn receive_logged(&self, _: &str, _: &str, _: Offset, _: Message) {}

    fn receive_unlogged(&self, _namespace: &str, _message: Message) {}

    fn note_position(&self, _namespace: &str, _offset: Offset) {}
}

/// Sends the answer to a server-side event back to the node that asked.
fn server_side_answer(hub: &Arc<Hub>, namespace: &str, to: &str, request: Box<str>) -> Answer {
    let (hub, namespace, to) = (Arc::downgrade(hub), namespace.to_owned(), to.to_owned());
    Box::new(move |value| {
        if let Some(hub) = hub.upgrade()
            && let Some(cluster) = &hub.cluster
        {
            cluster.adapter().respond(&namespace, &to, Response::ServerSide { request, value });
        }
    })
}
