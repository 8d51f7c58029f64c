//! Coming back on any node: what a server does with the log and the sessions that all nodes share.
//!
//! A socket that ends by accident is saved beside the log. A CONNECT with its `pid` is looked up there while
//! a socket without a place in the namespace stands for it, as for one whose guards wait; what is not found
//! within [`PATIENCE`] makes a new socket. A session is taken by that, once: if its CONNECT comes to nothing,
//! because the client goes meanwhile or a guard refuses it, the session is saved again, for as long as at the
//! first time.

use std::cell::RefCell;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::cluster::{Message, Offset, RestoredSession, SavedSession};
use crate::frame::FrameGroup;
use crate::handler::{LocalBoxFuture, Reply};
use crate::sid::Sid;

use super::super::broadcast::BroadcastOperator;
use super::super::cluster::read_event;
use super::super::connection::Connection;
use super::super::hub::{Hub, SessionHandle};
use super::super::namespace::Namespace;
use super::super::origin::Origin;
use super::super::sessions::SessionOp;
use super::super::socket::Socket;
use super::super::worker::Worker;
use super::presence::Presence;
use super::relay::{Bridge, Relay};

/// How long a CONNECT waits for what the shared log knows.
const PATIENCE: Duration = Duration::from_secs(2);

/// A session that was taken from beside the shared log, and a way to go on from there. It is saved again if
/// it is dropped unused.
#[derive(Debug)]
pub(crate) struct Restored {
    hub: Arc<Hub>,
    found: RestoredSession,
    bridge: Bridge,
    used: bool,
}

impl Restored {
    pub(super) const fn found(&self) -> &RestoredSession {
        &self.found
    }

    /// Whatever comes of it, it cannot be taken again.
    pub(super) const fn use_up(&mut self) {
        self.used = true;
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        if !self.used {
            let session = std::mem::take(&mut self.found.session);
            self.hub.save(self.bridge.namespace(), session);
        }
    }
}

impl Worker {
    /// Looks in the shared log for the socket that `placeholder` stands for.
    pub(super) fn look_up(&self, placeholder: &Socket, pid: String, offset: Offset) {
        let found: Rc<RefCell<Option<Box<Restored>>>> = Rc::default();
        let (place, asking) = (Rc::clone(&found), placeholder.clone());
        let bridge = Bridge::new(placeholder.namespace());
        let future: LocalBoxFuture<Reply> = Box::pin(async move {
            let hub = Arc::clone(asking.hub());
            if let (Some(cluster), Some(bridge)) = (&hub.cluster, bridge) {
                let namespace = asking.namespace().path();
                let restored = cluster.restore(namespace, &pid, offset, PATIENCE).await;
                let restored = restored.filter(|found| found.session.since <= offset);
                let relay = asking.namespace().relay().filter(|_| restored.is_some());
                if let Some(returned) = relay.and_then(Relay::when_returned) {
                    // Nobody drops the other end before that.
                    let _returned = returned.await;
                }
                let hub = Arc::clone(&hub);
                let restored = restored.map(|found| Restored { hub, found, bridge, used: false });
                place.replace(restored.map(Box::new));
            }
            Reply::Unit
        });
        let waiting = placeholder.clone();
        // Not polled at once: the placeholder has no place in its session yet.
        self.keep_running(placeholder, future, move |worker, _| {
            let (session, restored) = (Arc::clone(waiting.session()), found.take());
            worker.route(&session, SessionOp::Restored { placeholder: waiting, restored });
        });
    }

    /// The shared log has been asked: the CONNECT is decided now.
    pub(in crate::server) fn on_restored(
        &self,
        connection: &Rc<Connection>,
        placeholder: &Socket,
        restored: Option<Box<Restored>>,
    ) {
        let namespace = Arc::clone(placeholder.namespace());
        if !connection.mux.borrow_mut().withdraw(namespace.path(), placeholder) {
            // The client is gone, or does not want to join any more.
            return placeholder.abandon();
        }
        // The new one enters before the old one leaves, so that a dynamic namespace stays.
        namespace.enter();
        let auth = if placeholder.has_auth() { placeholder.auth_json() } else { "" };
        let session = &connection.handle;
        let back =
            restored.and_then(|restored| self.take_back(session, &namespace, auth, *restored));
        let socket = back.unwrap_or_else(|| {
            let presence = self.new_presence(connection, &namespace);
            Socket::new(&self.hub, Arc::clone(&namespace), session, auth, presence)
        });
        placeholder.abandon();
        self.consider(connection, &socket);
    }

    /// The socket that was found, unless it makes no sense here or is here already.
    fn take_back(
        &self,
        session: &Arc<SessionHandle>,
        namespace: &Arc<Namespace>,
        auth: &str,
        mut restored: Restored,
    ) -> Option<Socket> {
        let keeper = self.hub.keeper.as_ref()?;
        let SavedSession { sid, pid, .. } = &restored.found.session;
        let Some((id, pid)) = Sid::custom(sid).zip(Sid::custom(pid)) else {
            restored.use_up();
            return None;
        };
        let mut shelf = keeper.shelf();
        if shelf.find_live(pid.as_str(), namespace).is_some() {
            drop(shelf);
            restored.use_up();
            return None;
        }
        shelf.add_live(&pid, session, namespace.id(), true);
        drop(shelf);
        let saved = &restored.found.session;
        let rooms = saved.rooms.iter().filter(|room| ***room != *id.as_str()).cloned().collect();
        let mut data = saved.data.clone();
        // Node.js servers keep what their Admin UI needs.
        Origin::take_from(&mut data);
        let presence = Box::new(Presence::shared(pid, restored));
        let namespace = Arc::clone(namespace);
        Some(Socket::brought_back(&self.hub, namespace, session, auth, id, rooms, data, presence))
    }

    /// What a socket from the shared log has missed: what was read there, then what has come from there
    /// since. `None`: some of it is gone.
    pub(super) fn missed_elsewhere(
        &self,
        socket: &Socket,
        restored: &Restored,
    ) -> Option<(Vec<FrameGroup>, u64)> {
        let relay = socket.namespace().relay()?;
        let rooms = socket.rooms();
        let rooms: HashSet<&str> = rooms.iter().map(|room| &**room).collect();
        let RestoredSession { missed, position, .. } = &restored.found;
        let mut groups = Vec::new();
        for event in missed {
            if let Message::Broadcast { data, options, .. } = &event.message
                && options.include(&rooms)
                && let Ok((name, args)) = read_event(data)
            {
                let offset = event.offset.to_string();
                let to = Some(Arc::clone(socket.namespace()));
                let to = BroadcastOperator::with(Arc::clone(&self.hub), to, options.clone());
                match to.frames(socket.namespace(), None, &name, &args, Some(&offset)) {
                    Ok(group) => groups.push(group),
                    Err(error) => tracing::debug!(%error, "a missed event has no form"),
                }
            }
        }
        let (later, last) = relay.missed(&restored.bridge, *position, &rooms)?;
        groups.extend(later);
        Some((groups, last))
    }
}

impl Hub {
    /// Keeps a socket that ends by accident, for any node; to be asked before it leaves its rooms.
    pub(super) fn session_of(&self, socket: &Socket, presence: &Presence) -> Option<SavedSession> {
        // What it got without an offset might come again.
        if presence.is_in_doubt() {
            return None;
        }
        let data = socket.stored_data();
        Some(SavedSession {
            sid: socket.id().as_str().into(),
            pid: presence.pid().as_str().into(),
            rooms: socket.rooms(),
            data: data.unwrap_or_else(|| serde_json::Value::Object(serde_json::Map::new())),
            since: presence.since(),
        })
    }

    pub(super) fn save(&self, namespace: &Namespace, session: SavedSession) {
        if let (Some(cluster), Some(keeper)) = (&self.cluster, &self.keeper) {
            cluster.save(namespace.path(), session, keeper.options.max_disconnection_duration);
        }
    }
}

/// Runs what may call a parser of the user's on a thread of the adapter; nothing comes of it if it panics.
pub(in crate::server) fn unless_it_panics<T>(call: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_panic| {
        tracing::error!("writing an event panicked");
        None
    })
}
