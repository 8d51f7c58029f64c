//! The sockets of this server that the pages know of, as they know them.
//!
//! Rooms are told by one thread for all, which need not be the one that tells of a socket's connection or end.
//! Here each change is looked at under one lock, so that what is told of a socket begins with its connection,
//! ends with its disconnection and its rooms, and says nothing twice.

use std::collections::HashMap;
use std::sync::Arc;

use sio_core::adapter::Room;
use sio_core::close::DisconnectReason;
use sio_core::server::{RoomEvent, Socket};
use sio_core::sid::Sid;

use super::shown::{News, ShownSocket, Update, Whose, data_of, now};

#[derive(Debug)]
struct Entry {
    session: Sid,
    shown: Arc<ShownSocket>,
}

impl Entry {
    fn whose(&self) -> Whose {
        Whose { nsp: Arc::clone(&self.shown.nsp), id: self.shown.id.clone() }
    }
}

/// All connected sockets of this server.
#[derive(Debug, Default)]
pub(super) struct Known {
    sockets: HashMap<Sid, Entry>,
    /// Those of each session.
    sessions: HashMap<Sid, Vec<Sid>>,
}

impl Known {
    pub(super) fn all(&self) -> Vec<Arc<ShownSocket>> {
        self.sockets.values().map(|entry| Arc::clone(&entry.shown)).collect()
    }

    /// Its rooms come first, then its data if there is some.
    pub(super) fn connected(&mut self, socket: &Socket, say: impl Fn(News)) {
        let session = socket.conn().id().clone();
        let shown = Arc::new(ShownSocket::of(socket));
        let whose = || Whose { nsp: Arc::clone(&shown.nsp), id: shown.id.clone() };
        for room in &shown.rooms {
            say(News::Joined(whose(), Arc::clone(room), now()));
        }
        if shown.data.as_object().is_none_or(|data| !data.is_empty()) {
            let Whose { nsp, id } = whose();
            say(News::Updated(Update { id, nsp, data: Some(shown.data.clone()), transport: None }));
        }
        say(News::Connected(Arc::clone(&shown), now()));
        self.sessions.entry(session.clone()).or_default().push(shown.id.clone());
        if let Some(old) = self.sockets.insert(shown.id.clone(), Entry { session, shown }) {
            // Its client has come back before its end was noticed.
            self.forget(&old);
        }
    }

    fn forget(&mut self, entry: &Entry) {
        if let Some(of_session) = self.sessions.get_mut(&entry.session) {
            of_session.retain(|id| *id != entry.shown.id);
            if of_session.is_empty() {
                self.sessions.remove(&entry.session);
            }
        }
    }

    /// Its disconnection comes first, then its rooms.
    pub(super) fn disconnected(
        &mut self,
        socket: &Socket,
        reason: DisconnectReason,
        say: impl Fn(News),
    ) {
        let session = socket.conn().id().clone();
        let is_this = |entry: &Entry| entry.session == session;
        if !self.sockets.get(socket.id()).is_some_and(is_this) {
            return;
        }
        let Some(entry) = self.sockets.remove(socket.id()) else { return };
        self.forget(&entry);
        say(News::Disconnected(entry.whose(), reason, now()));
        for room in &entry.shown.rooms {
            say(News::Left(entry.whose(), Arc::clone(room), now()));
        }
    }

    pub(super) fn data_changed(&mut self, socket: &Socket, say: impl Fn(News)) {
        // What is stored before the connection is told with it.
        let Some(entry) = self.sockets.get_mut(socket.id()) else { return };
        Arc::make_mut(&mut entry.shown).data = data_of(socket);
        let Whose { nsp, id } = entry.whose();
        let data = Some(entry.shown.data.clone());
        say(News::Updated(Update { id, nsp, data, transport: None }));
    }

    pub(super) fn upgraded(&mut self, session: &Sid, transport: &'static str, say: impl Fn(News)) {
        for id in self.sessions.get(session).into_iter().flatten() {
            let Some(entry) = self.sockets.get_mut(id) else { continue };
            // One that connected just now may know already.
            if entry.shown.transport.as_deref() == Some(transport) {
                continue;
            }
            Arc::make_mut(&mut entry.shown).transport = Some(transport.into());
            let Whose { nsp, id } = entry.whose();
            say(News::Updated(Update { id, nsp, data: None, transport: Some(transport) }));
        }
    }

    /// What was told with the connection or the end of a socket is not told again.
    pub(super) fn room_changed(&mut self, event: &RoomEvent, say: impl Fn(News)) {
        match event {
            RoomEvent::JoinRoom { room, id, .. } => {
                let Some(entry) = self.sockets.get_mut(id) else { return };
                if !entry.shown.rooms.contains(room) {
                    Arc::make_mut(&mut entry.shown).rooms.push(Room::clone(room));
                    say(News::Joined(entry.whose(), Room::clone(room), now()));
                }
            }
            RoomEvent::LeaveRoom { room, id, .. } => {
                let Some(entry) = self.sockets.get_mut(id) else { return };
                if entry.shown.rooms.contains(room) {
                    Arc::make_mut(&mut entry.shown).rooms.retain(|known| known != room);
                    say(News::Left(entry.whose(), Room::clone(room), now()));
                }
            }
            _ => {}
        }
    }
}
