//! Sees what happens on this server, and has the pages told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use sio_core::close::{CloseReason, DisconnectReason};
use sio_core::engine::Transport;
use sio_core::packet::{Rest, Value};
use sio_core::server::{
    Interest, Io, Observer, OutgoingEvent, ReceivedEvent, RoomEvent, SessionHandle, Socket,
};

use super::feed::Feed;
use super::known::Known;
use super::shown::{Config, News, ShownEvent, ShownSocket, Whose, now};
use super::stats::Stats;
use super::told::Told;

/// Namespaces that other servers are asked about at one time, and how long for all of them.
const AT_ONCE: usize = 8;
const OTHERS: Duration = Duration::from_secs(6);

/// The observer; in production mode it counts sessions and nothing else.
#[derive(Debug)]
pub(super) struct Watcher {
    namespace: Arc<str>,
    feed: Arc<Feed>,
    stats: Arc<Stats>,
    told: Arc<Told>,
    is_verbose: bool,
    known: Mutex<Known>,
}

impl Watcher {
    pub(super) fn new(
        namespace: Arc<str>,
        feed: Arc<Feed>,
        stats: Arc<Stats>,
        told: Arc<Told>,
        is_verbose: bool,
    ) -> Self {
        Self { namespace, feed, stats, told, is_verbose, known: Mutex::default() }
    }

    /// What is said while this is held keeps its order; saying never waits.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_page(&self, socket: &Socket) -> bool {
        *socket.namespace().path() == *self.namespace
    }

    /// Tells a new page what it can do, and what there is.
    pub(super) fn greet(self: &Arc<Self>, page: &Socket, config: Config) {
        self.feed.say_surely(News::Config(page.clone(), config));
        if !self.is_verbose {
            return;
        }
        let io = page.io();
        if io.node_id().is_none() {
            return self.tell_all(page, Vec::new());
        }
        let (watcher, page) = (Arc::clone(self), page.clone());
        actix_web::rt::spawn(async move {
            let others = of_others(&io).await;
            drop(io);
            if page.is_connected() {
                watcher.tell_all(&page, others);
            }
        });
    }

    /// This server's sockets are those that are known at the moment at which they are told, so that no news of
    /// one comes too early.
    fn tell_all(&self, page: &Socket, others: Vec<Arc<ShownSocket>>) {
        let known = self.known();
        let mut sockets = known.all();
        sockets.extend(others);
        self.feed.say_surely(News::AllSockets(page.clone(), sockets));
    }

    /// Has the events told that are sent to a socket.
    fn listen(&self, socket: &Socket) {
        let feed = Arc::clone(&self.feed);
        let whose = whose(socket);
        socket.on_any_outgoing(move |event: &OutgoingEvent| {
            if feed.is_heard() {
                // Once for all receivers.
                let shown = event.shared(|| {
                    let read = || event.read::<Rest<Value>>().ok();
                    feed.make_room(ShownEvent::of(event.name(), event.size(), read)?)
                });
                if let Some(shown) = &*shown {
                    feed.say(News::Sent(whose.clone(), Arc::clone(shown), now()));
                }
            }
        });
    }
}

fn whose(socket: &Socket) -> Whose {
    Whose { nsp: socket.namespace().path().into(), id: socket.id().clone() }
}

/// The sockets of other servers, as far as they answer in time.
async fn of_others(io: &Io) -> Vec<Arc<ShownSocket>> {
    let asked = futures_util::stream::iter(io.namespaces()).map(|name| async move {
        let fetched = io.of(&name).fetch_sockets().await;
        let sockets = fetched.unwrap_or_else(|error| {
            tracing::warn!(%error, "the Admin UI is not shown the sockets of all servers");
            error.sockets
        });
        let name: Arc<str> = name.into();
        let others = sockets.iter().filter(|socket| !socket.is_local());
        let shown = others.map(|socket| Arc::new(ShownSocket::of_other(socket, &name)));
        shown.collect::<Vec<_>>()
    });
    let in_time = actix_web::rt::time::sleep(OTHERS);
    let answers = asked.buffer_unordered(AT_ONCE).take_until(in_time);
    answers.concat().await
}

impl Observer for Watcher {
    fn interest(&self) -> Interest {
        let counted = Interest::LIVES.and_traffic();
        if self.is_verbose { counted.and_rooms().and_arguments().and_origins() } else { counted }
    }

    fn attached(&self, io: &Io) {
        self.feed.start(io);
    }

    fn has_more_to_say(&self) -> bool {
        self.feed.has_more_to_say()
    }

    fn session_opened(&self, session: &Arc<SessionHandle>) {
        self.stats.opened(session.transport());
    }

    fn session_upgraded(&self, session: &Arc<SessionHandle>) {
        self.stats.upgraded();
        if self.is_verbose {
            let transport = Transport::Websocket.as_str();
            self.known().upgraded(session.sid(), transport, |news| self.feed.say(news));
        }
    }

    fn session_closed(&self, session: &Arc<SessionHandle>, reason: CloseReason) {
        self.stats.closed(session.transport(), reason);
        self.told.forget(session.sid());
    }

    fn socket_connected(&self, socket: &Socket) {
        let is_page = self.is_page(socket);
        if is_page {
            self.feed.page_came();
        }
        if self.is_verbose {
            self.known().connected(socket, |news| self.feed.say(news));
            if !is_page {
                self.listen(socket);
            }
        }
    }

    fn socket_disconnected(&self, socket: &Socket, reason: DisconnectReason) {
        if self.is_page(socket) {
            self.feed.page_went();
        }
        if self.is_verbose {
            self.known().disconnected(socket, reason, |news| self.feed.say(news));
        }
    }

    fn socket_data_changed(&self, socket: &Socket) {
        if self.is_verbose {
            self.known().data_changed(socket, |news| self.feed.say(news));
        }
    }

    fn arguments_received(&self, socket: &Socket, event: &ReceivedEvent<'_>) {
        if self.is_verbose && !self.is_page(socket) && self.feed.is_heard() {
            let read = || event.read::<Rest<Value>>().ok();
            let shown = ShownEvent::of(event.name(), event.size(), read);
            if let Some(shown) = shown.and_then(|shown| self.feed.make_room(shown)) {
                self.feed.say(News::Received(whose(socket), shown, now()));
            }
        }
    }

    fn room_changed(&self, event: &RoomEvent) {
        if self.is_verbose {
            self.known().room_changed(event, |news| self.feed.say(news));
        }
    }
}
