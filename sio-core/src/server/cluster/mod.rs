//! A server as a node of a cluster: what it tells the others, and what they tell it.
//!
//! What is said to sockets reaches this node's own sockets as if there were no others, at once; the adapter
//! gets it afterwards and never makes anybody wait. `node` takes in what others say and does with it what a
//! local caller would do.

mod node;

use std::sync::Arc;

use crate::cluster::Adapter;
use crate::sid::{SID_BYTES, SidSource};

use super::hub::Hub;

pub(super) use node::HubNode;

/// What connects a server with others.
pub(crate) struct Cluster {
    id: Box<str>,
    adapter: Arc<dyn Adapter>,
}

impl Cluster {
    pub(super) fn new(adapter: Arc<dyn Adapter>, sids: &dyn SidSource) -> Self {
        Self { id: hex(sids).into(), adapter }
    }

    /// The id of this node.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn adapter(&self) -> &dyn Adapter {
        &*self.adapter
    }

    /// Starts the adapter; the hub has its namespaces then.
    pub(super) fn start(&self, hub: &Arc<Hub>) {
        self.adapter.start(Arc::new(HubNode::new(hub, &self.id)));
        for namespace in hub.namespaces() {
            self.adapter.open(namespace.path());
        }
    }
}

/// 16 lower-case hexadecimal digits: the shape of the reference's ids of nodes and requests.
pub(super) fn hex(sids: &dyn SidSource) -> String {
    use std::fmt::Write as _;

    let mut random = [0; SID_BYTES];
    sids.fill(&mut random);
    let mut text = String::with_capacity(16);
    for byte in random.iter().take(8) {
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}
