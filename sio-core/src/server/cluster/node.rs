//! What other nodes say, and what is done about it.

use std::sync::{Arc, Weak};

use crate::cluster::{Message, Node, Offset, Response};

use super::super::hub::Hub;

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

    fn receive(&self, _namespace: &str, from: &str, _message: Message) {
        if from == &*self.id {}
    }

    fn receive_response(&self, _namespace: &str, _from: Option<&str>, _response: Response) {}

    fn receive_logged(&self, _: &str, _: &str, _: Offset, _: Message) {}

    fn receive_unlogged(&self, _namespace: &str, _message: Message) {}

    fn note_position(&self, _namespace: &str, _offset: Offset) {}
}
