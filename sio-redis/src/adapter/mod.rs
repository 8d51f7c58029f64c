//! The modes: what each says on which channel, and what it makes of what it hears.

mod classic;
mod sharded;
mod streams;

use std::sync::Arc;

use sio_core::adapter::Room;
use sio_core::cluster::{BoxFuture, ClusterError, EventLog, Message, Node, Response};

use crate::link::Link;

pub(crate) use classic::Classic;
pub(crate) use sharded::Sharded;
pub(crate) use streams::Streams;

/// What the modes have in common: [`Adapter`](sio_core::cluster::Adapter) without what needs no Redis.
pub(crate) trait Carrier: Send + Sync {
    fn start(&self, node: Arc<dyn Node>);
    fn open(&self, namespace: &str);
    fn close(&self, namespace: &str);

    fn watches_rooms(&self) -> bool {
        false
    }

    fn open_room(&self, namespace: &str, room: &Room, own: bool) {
        let _ = (namespace, room, own);
    }

    fn close_room(&self, namespace: &str, room: &Room, own: bool) {
        let _ = (namespace, room, own);
    }

    fn publish(&self, namespace: &str, message: Message);
    fn respond(&self, namespace: &str, to: &str, response: Response);
    fn node_count(&self, namespace: &str) -> BoxFuture<Result<usize, ClusterError>>;
    fn nodes(&self, namespace: &str) -> BoxFuture<Result<Vec<String>, ClusterError>>;

    fn can_ask_for_rooms(&self) -> bool {
        false
    }

    /// Its connections.
    fn link(&self) -> &Link;

    fn ready(&self) -> BoxFuture<Result<(), ClusterError>> {
        self.link().ready()
    }

    /// Sends what is queued and closes all subscriptions, in bounded time.
    fn stop(&self) -> BoxFuture<()> {
        let link = self.link().clone();
        Box::pin(async move { link.stop().await })
    }

    fn event_log(&self) -> Option<&dyn EventLog> {
        None
    }
}
