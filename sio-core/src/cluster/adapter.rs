//! The contract between a server and what connects it with others.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::adapter::Room;

use super::error::ClusterError;
use super::log::{EventLog, Offset};
use super::message::{Message, Response};

/// A future on the heap that any thread may drive.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What an adapter has done since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AdapterStats {
    /// Messages and answers handed to what connects the nodes.
    pub published: u64,
    /// Messages and answers of other nodes that were understood.
    pub received: u64,
    /// What arrived and was not understood.
    pub garbage: u64,
    /// What arrived without a valid signature, too late or again, where messages are signed.
    pub forged: u64,
    /// What could not be sent: a queue was full, or a command was refused.
    pub dropped: u64,
    /// How often a lost connection was made anew. Others may have lost theirs at the same time: while this
    /// and `connected` change, a node that is not counted is not taken for one that has left.
    pub reconnects: u64,
    /// What waits to be sent at this moment.
    pub queued: usize,
    /// The nodes are connected at this moment, as far as is known.
    pub connected: bool,
}

/// Connects a server with the other nodes of its cluster.
///
/// What panics here is logged, and the server goes on without what was asked for.
///
/// The server calls it on any of its threads, workers included: nothing here may block or wait, what cannot
/// be sent now is queued within a limit or dropped and counted. A namespace is a channel of its own: only
/// nodes that have it hear what is said in it.
pub trait Adapter: Send + Sync + 'static {
    /// Called once, before anything else but [`Self::watches_rooms`] and [`Self::event_log`]. The adapter hands
    /// in what it receives through `node`, and ignores what comes back from this node itself.
    fn start(&self, node: Arc<dyn Node>);

    /// The namespace exists on this node from now on. What comes and goes, namespaces and rooms, is told by
    /// one thread at a time and in the order in which it happened.
    fn open(&self, namespace: &str);

    /// The namespace is gone from this node.
    fn close(&self, namespace: &str);

    /// Whether [`Self::open_room`] and [`Self::close_room`] are to be called.
    fn watches_rooms(&self) -> bool {
        false
    }

    /// A room has its first member on this node; the room of a socket's own id is one, with `own` set.
    fn open_room(&self, namespace: &str, room: &Room, own: bool) {
        let _ = (namespace, room, own);
    }

    /// A room has lost its last member on this node.
    fn close_room(&self, namespace: &str, room: &Room, own: bool) {
        let _ = (namespace, room, own);
    }

    /// Tells the other nodes. Messages of one thread arrive in order, unless the adapter's docs say otherwise.
    fn publish(&self, namespace: &str, message: Message);

    /// Answers a request of the node `to`; empty if the request did not say who it was.
    fn respond(&self, namespace: &str, to: &str, response: Response);

    /// How many nodes have the namespace, this one included.
    fn node_count(&self, namespace: &str) -> BoxFuture<Result<usize, ClusterError>>;

    /// Ids of the nodes that have the namespace, as far as they can be known, this one included.
    fn nodes(&self, namespace: &str) -> BoxFuture<Result<Vec<String>, ClusterError>>;

    /// [`Message::AllRooms`] can be sent; if not, the server asks for sockets and reads their rooms.
    fn can_ask_for_rooms(&self) -> bool {
        false
    }

    /// How long requests wait for answers where the caller does not say; 5 s.
    fn request_timeout(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// Is ready after `duration`; may be awaited on any thread.
    fn sleep(&self, duration: Duration) -> BoxFuture<()>;

    /// Is ready when all namespaces that were opened so far are connected, however long that takes; an error
    /// only if it cannot come to that any more.
    fn ready(&self) -> BoxFuture<Result<(), ClusterError>>;

    /// Sends what is queued, leaves the cluster and ends; bounded in time. Nothing is called afterwards.
    fn stop(&self) -> BoxFuture<()>;

    /// What it has done so far. One that does not say is taken for connected.
    fn stats(&self) -> AdapterStats {
        AdapterStats { connected: true, ..AdapterStats::default() }
    }

    /// The log of events that all nodes share, if there is one: recovery across nodes needs it.
    fn event_log(&self) -> Option<&dyn EventLog> {
        None
    }
}

/// A server as its adapter sees it: takes in what other nodes say.
///
/// May be called on any thread. Nothing here waits for a socket or for user code; what refers to a namespace
/// that this node does not have is ignored.
pub trait Node: Send + Sync {
    /// The id of this node: 16 lower-case hexadecimal digits, drawn at its start.
    fn id(&self) -> &str;

    /// Events carry offsets, and the adapter's log keeps sessions.
    fn recovers(&self) -> bool;

    /// A message of the node `from`, which may be empty if it did not say. What `from` is this node's own
    /// is ignored.
    fn receive(&self, namespace: &str, from: &str, message: Message);

    /// An answer to a request of this node; `from` if it is known. Unknown requests are ignored.
    fn receive_response(&self, namespace: &str, from: Option<&str>, response: Response);

    /// A message from the shared log, of any node, this one included; called in the order of the log.
    fn receive_logged(&self, namespace: &str, from: &str, offset: Offset, message: Message);

    /// A message of this node that the shared log does not take, or not in time: it is delivered here without an
    /// offset. The adapter then keeps quiet about it when it turns up in the log after all, except for
    /// [`Self::note_position`].
    fn receive_unlogged(&self, namespace: &str, message: Message);

    /// The log has come to `offset`, at an entry which this node has dealt with or which it does not understand.
    fn note_position(&self, namespace: &str, offset: Offset);
}
