//! Coming back, and being kept for it: what a worker does when sockets connect and end.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use crate::close::{CloseReason, DisconnectReason};
use crate::cluster::{Offset, SavedSession};
use crate::engine::Revision;
use crate::engine::timer::after;
use crate::frame::FrameGroup;
use crate::sid::Sid;

use super::super::connection::Connection;
use super::super::namespace::Namespace;
use super::super::sessions::SessionOp;
use super::super::socket::Socket;
use super::super::worker::Worker;
use super::log::Missed;
use super::presence::{Claim, Presence};
use super::shelf::{Found, Kept};
use super::{Keeper, Logged};

/// Text of a CONNECT answer, about; what is missed has to leave room for it.
const ANSWER: usize = 1_024;

/// What becomes of a CONNECT.
#[derive(Debug)]
pub(in crate::server) enum Admission {
    /// Its guards decide about this socket.
    Decide(Socket),
    /// The socket it wants to take over has to end first; this one stands for it until then.
    Wait(Socket),
}

/// What is kept of a socket for its client's return.
#[derive(Debug)]
pub(in crate::server) enum Keepsake {
    /// By this server.
    Here(Kept),
    /// Beside the log that all nodes share.
    Elsewhere(SavedSession),
}

/// What a client presents to be recovered.
struct Credentials {
    pid: String,
    offset: String,
}

impl Credentials {
    /// The texts `pid` and `offset` of a CONNECT payload.
    fn read(auth: &str) -> Option<Self> {
        // Most clients are new: nothing is parsed for them.
        if !auth.contains("\"pid\"") {
            return None;
        }
        let mut auth: serde_json::Value = serde_json::from_str(auth).ok()?;
        let mut text = |key| match auth.get_mut(key)?.take() {
            serde_json::Value::String(text) => Some(text),
            _ => None,
        };
        Some(Self { pid: text("pid")?, offset: text("offset")? })
    }
}

impl Worker {
    /// The socket of a CONNECT: a new one, or the one that the client was.
    pub(in crate::server) fn admit(
        &self,
        connection: &Connection,
        namespace: &Arc<Namespace>,
        auth: &str,
    ) -> Admission {
        let session = &connection.handle;
        let (hub, presence) = (&self.hub, self.new_presence(connection, namespace));
        let fresh = |presence| Socket::new(hub, Arc::clone(namespace), session, auth, presence);
        let Some(presence) = presence else { return Admission::Decide(fresh(None)) };
        if namespace.relay().is_some() {
            let Some((pid, offset)) = self.find_elsewhere(namespace, auth) else {
                return Admission::Decide(fresh(Some(presence)));
            };
            let socket = fresh(None);
            if !self.take_over(&socket, &pid) {
                self.look_up(&socket, pid, offset);
            }
            return Admission::Wait(socket);
        }
        match self.find(connection, namespace, auth) {
            Some((_, offset, Found::Kept(kept))) => {
                Admission::Decide(Socket::restored(hub, session, auth, kept, offset))
            }
            Some((pid, _, Found::Live(other))) => {
                let socket = fresh(None);
                let waits = hub.keeper.as_ref().is_some_and(|k| k.shelf().wait(&pid, &socket));
                // Essential: it is queued in any case. If the other one has ended meanwhile, the answer is
                // to look again.
                let (to, op) = if waits {
                    (&other, SessionOp::Close(CloseReason::TransportClose))
                } else {
                    (session, SessionOp::Admit(socket.clone()))
                };
                let _queued = hub.bus.send_home(to, op);
                Admission::Wait(socket)
            }
            _ => Admission::Decide(fresh(Some(presence))),
        }
    }

    /// What is asked of the shared log for a CONNECT. `None`: nothing, for there is nothing to ask for, or
    /// somebody here has the `pid` who does not give it away.
    fn find_elsewhere(&self, namespace: &Namespace, auth: &str) -> Option<(String, Offset)> {
        let Credentials { pid, offset } = Credentials::read(auth)?;
        let offset = offset.parse().ok()?;
        let live = self.hub.keeper.as_ref()?.shelf().find_live(&pid, namespace);
        (!matches!(live, Some(Found::Nothing))).then_some((pid, offset))
    }

    /// If a connected socket has the `pid`, its session ends, and `socket` waits for that.
    fn take_over(&self, socket: &Socket, pid: &str) -> bool {
        let Some(keeper) = &self.hub.keeper else { return false };
        let other = {
            let mut shelf = keeper.shelf();
            let found = shelf.find_live(pid, socket.namespace());
            let Some(Found::Live(other)) = found else { return false };
            shelf.wait(pid, socket);
            other
        };
        // Essential: it is queued in any case.
        let op = SessionOp::Close(CloseReason::TransportClose);
        let _queued = self.hub.bus.send_home(&other, op);
        true
    }

    /// Clients of revision 3 do not come back.
    pub(super) fn new_presence(
        &self,
        connection: &Connection,
        namespace: &Namespace,
    ) -> Option<Box<Presence>> {
        let last = match (namespace.log(), namespace.relay()) {
            (Some(log), _) => log.last(),
            (None, Some(relay)) => relay.last(),
            (None, None) => return None,
        };
        let returns = connection.handle.revision() == Revision::V4;
        returns.then(|| Box::new(Presence::fresh(Sid::random(&*self.hub.sids), last)))
    }

    /// Looks for the socket that a CONNECT wants to be; gives its `pid` and what the client knows, too.
    fn find(
        &self,
        connection: &Connection,
        namespace: &Arc<Namespace>,
        auth: &str,
    ) -> Option<(String, u64, Found)> {
        let (keeper, log) = (self.hub.keeper.as_ref()?, namespace.log()?);
        let Credentials { pid, offset } = Credentials::read(auth)?;
        let offset = log.number_of(&offset)?;
        let now = self.read_clock();
        let found = keeper.shelf().find(&pid, namespace, now, &connection.handle);
        if let Found::Kept(kept) = &found
            && !log.reaches(kept.resumes_at(offset))
        {
            // Events are gone that the client may have missed, and they do not come back.
            if let Found::Kept(kept) = found {
                keeper.shelf().remove_live(&kept.pid);
                self.hub.discard([kept]);
            }
            return None;
        }
        Some((pid, offset, found))
    }

    /// Another socket has ended that this one waited for: its CONNECT is decided now.
    pub(in crate::server) fn admit_now(&self, connection: &Rc<Connection>, socket: &Socket) {
        if connection.mux.borrow_mut().withdraw(socket.namespace().path(), socket) {
            self.connect_again(connection, socket);
            self.settle(connection);
        }
    }

    /// Decides about a CONNECT from the beginning, with another socket.
    pub(in crate::server) fn connect_again(&self, connection: &Rc<Connection>, socket: &Socket) {
        let auth = if socket.has_auth() { socket.auth_json() } else { "" };
        // The new one enters before the old one leaves, so that a dynamic namespace stays.
        self.on_connect(connection, socket.namespace().path(), auth);
        socket.abandon();
    }

    /// What a socket that is about to be connected has missed. From here on it gets what is logged.
    ///
    /// `None`: it cannot be told completely any more; the socket must not be connected.
    pub(in crate::server) fn missed(
        &self,
        connection: &Connection,
        socket: &Socket,
    ) -> Option<Vec<FrameGroup>> {
        let (Some(presence), Some(keeper)) = (socket.presence(), &self.hub.keeper) else {
            return Some(Vec::new());
        };
        let (log, relay) = (socket.namespace().log(), socket.namespace().relay());
        let missed = match presence.take_claim() {
            None => {
                let (last, since) = match (log, relay) {
                    (Some(log), _) => (log.last(), Offset::default()),
                    (None, Some(relay)) => relay.position(),
                    (None, None) => (0, Offset::default()),
                };
                presence.connect(last, 0);
                presence.begin(since);
                let namespace = socket.namespace().id();
                keeper.shelf().add_live(presence.pid(), &connection.handle, namespace, false);
                return Some(Vec::new());
            }
            // It has been used, whatever comes of it.
            Some(Claim::Here(kept)) => {
                self.hub.discard([*kept]);
                let rooms = socket.rooms();
                let rooms: HashSet<&str> = rooms.iter().map(|room| &**room).collect();
                log?.missed(presence.resumes_at(), &rooms)?
            }
            Some(Claim::Shared(mut restored)) => {
                restored.use_up();
                let (groups, last) = self.missed_elsewhere(socket, &restored)?;
                Missed { groups, last, newest: 0 }
            }
        };
        let bytes = missed.groups.iter().map(FrameGroup::byte_len).sum::<usize>();
        let frames = missed.groups.iter().map(|group| group.iter().count()).sum::<usize>();
        if !connection.engine.borrow().has_room_for(bytes + ANSWER, frames + 1) {
            return None;
        }
        presence.connect(missed.last, missed.newest);
        Some(missed.groups)
    }

    /// A socket begins to end: notes what it has been given until then.
    pub(in crate::server) fn note_leaving(&self, socket: &Socket) {
        if let (Some(presence), Some(log)) = (socket.presence(), socket.namespace().log()) {
            // Events are queued under the log's lock: if nothing waits here, all of them were delivered.
            let left_at = log.while_locked(|last| (!self.is_behind()).then_some(last));
            presence.set_left_at(left_at.unwrap_or_else(|| presence.sent()));
        }
    }

    /// What is kept of a socket that ends, if that is by accident; to be asked before it leaves its rooms.
    pub(in crate::server) fn to_be_kept(
        &self,
        socket: &Socket,
        reason: DisconnectReason,
    ) -> Option<Keepsake> {
        let (presence, keeper) = (socket.presence()?, self.hub.keeper.as_ref()?);
        if !is_accident(reason) {
            return None;
        }
        if socket.namespace().relay().is_some() {
            // The moment of its end means nothing on another node: its guards have to be asked again.
            if socket.disconnects_at().is_some() {
                return None;
            }
            return self.hub.session_of(socket, presence).map(Keepsake::Elsewhere);
        }
        (!self.hub.is_closing()).then(|| Keepsake::Here(self.kept(keeper, socket, presence)))
    }

    /// A socket has ended and is nowhere any more: keeps what is to be kept, and tells who wants to take it
    /// over. From here on its client can be back, on any thread.
    pub(in crate::server) fn keep(&self, socket: &Socket, kept: Option<Keepsake>) {
        let (Some(presence), Some(keeper)) = (socket.presence(), &self.hub.keeper) else { return };
        let kept = match kept {
            Some(Keepsake::Here(kept)) => Some(kept),
            // Its client may be back at once: who looks for it has to find it.
            Some(Keepsake::Elsewhere(session)) => {
                self.hub.save(socket.namespace(), session);
                presence.note_saved();
                None
            }
            None => None,
        };
        let (dropped, successor) = {
            let mut shelf = keeper.shelf();
            let successor = shelf.remove_live(presence.pid());
            (kept.map(|kept| shelf.keep(kept)), successor)
        };
        self.hub.forget_oldest(dropped.into_iter().flatten());
        if let Some(successor) = successor {
            let op = SessionOp::Admit(successor.clone());
            let _queued = self.hub.bus.send_home(successor.session(), op);
        }
        keeper.budget().note_use();
        // Somebody has to look when it expires.
        self.wake();
    }

    fn kept(&self, keeper: &Keeper, socket: &Socket, presence: &Presence) -> Kept {
        socket.namespace().enter();
        let window = keeper.options.max_disconnection_duration;
        Kept {
            namespace: Arc::clone(socket.namespace()),
            id: socket.id().clone(),
            pid: presence.pid().clone(),
            rooms: socket.joined_rooms(),
            states: socket.states(),
            data: socket.stored_data(),
            expiry: socket.disconnects_at(),
            joined_at: presence.joined_at(),
            sent: presence.sent(),
            left_at: presence.left_at(),
            deadline: after(self.read_clock(), window),
            place: 0,
        }
    }
}

impl Socket {
    /// A broadcast with this place among the logged events is for this socket.
    #[inline]
    pub(in crate::server) fn takes_broadcast(&self, logged: Logged) -> bool {
        logged == Logged::Not
            || self.presence().is_none_or(|presence| presence.takes_broadcast(logged))
    }

    /// An event with this number among the logged ones, which is said to this socket only, is for it; 0 is
    /// not logged.
    pub(in crate::server) fn takes_direct(&self, logged: u64) -> bool {
        logged == 0 || self.presence().is_none_or(|presence| presence.takes_direct(logged))
    }

    /// The socket has ended, and its client may come back, or is back: what is said to it is not lost.
    pub(in crate::server) fn may_return(&self) -> bool {
        let Some(presence) = self.presence() else { return false };
        presence.was_saved()
            || self.hub().keeper.as_ref().is_some_and(|k| k.shelf().knows(presence.pid()))
    }

    /// The server does not want the client back.
    pub(in crate::server) fn forget_claim(&self) {
        match self.presence().and_then(Presence::take_claim) {
            Some(Claim::Here(kept)) => self.hub().discard([*kept]),
            Some(Claim::Shared(mut restored)) => restored.use_up(),
            None => {}
        }
    }

    /// Its CONNECT was not granted: what it was recovered from, if anything, can be taken again.
    pub(in crate::server) fn give_back(&self) {
        let (Some(presence), Some(keeper)) = (self.presence(), &self.hub().keeper) else { return };
        let kept = match presence.take_claim() {
            Some(Claim::Here(kept)) => Some(kept),
            // It is saved by its drop.
            Some(Claim::Shared(_)) | None => None,
        };
        let dropped = {
            let mut shelf = keeper.shelf();
            // Nobody waits for a socket that was not connected.
            shelf.remove_live(presence.pid());
            kept.map(|kept| shelf.put(*kept))
        };
        if let Some(dropped) = dropped {
            self.hub().forget_oldest(dropped);
            keeper.budget().note_use();
            if let Some(worker) = Worker::current(self.hub()) {
                worker.wake();
            }
        }
    }
}

/// The client did not mean to leave, nor did the server.
fn is_accident(reason: DisconnectReason) -> bool {
    match reason {
        DisconnectReason::TransportError
        | DisconnectReason::TransportClose
        | DisconnectReason::ForcedClose
        | DisconnectReason::PingTimeout
        | DisconnectReason::ServerShuttingDown
        | DisconnectReason::ForcedServerClose => true,
        DisconnectReason::ParseError
        | DisconnectReason::ClientNamespaceDisconnect
        | DisconnectReason::ServerNamespaceDisconnect => false,
    }
}
