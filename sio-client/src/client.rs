//! A client: one session at a time, and the sockets that share it.

mod session;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use sio_core::engine::Transport;
use sio_core::frame::Frame;
use sio_core::packet;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::timeout;

use crate::config::{ClientBuilder, Config};
use crate::driver;
use crate::error::{ConnectError, TransportError};
use crate::life::{DisconnectReason, LifeEvent};
use crate::namespace::SocketCore;
use crate::outbox::Outbox;
use crate::socket::{Socket, SocketHandle};

/// How long [`Client::close`] waits for an orderly end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(12);

/// One connection to a server, shared by the sockets of several namespaces.
///
/// Cloning gives another handle. The connection is opened by the first socket that connects and closed
/// when the last socket is disconnected or dropped; a client handle alone keeps nothing open.
#[derive(Clone)]
pub struct Client(Arc<Core>);

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.lock();
        f.debug_struct("Client")
            .field("dialer", &self.0.config.dialer)
            .field("transport", &state.session.as_ref().map(|session| session.transport))
            .field("sockets", &state.active.keys())
            .finish_non_exhaustive()
    }
}

/// What the sockets need of the session that is open.
struct Session {
    transport: Transport,
    /// Dropped, it asks the engine for an orderly end.
    _wanted: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    driving: bool,
    session: Option<Session>,
    /// Sockets that are connected, or want to be.
    active: HashMap<Box<str>, Arc<SocketCore>>,
    handles: HashMap<Box<str>, Weak<SocketHandle>>,
}

pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) outbox: Outbox,
    state: Mutex<State>,
    max_payload: AtomicUsize,
    /// For the driver: nobody is active any more.
    unwanted: Notify,
    /// For `close`: the driver ended.
    ended: Notify,
}

impl Client {
    /// Starts configuring a client for a server such as `http://127.0.0.1:3000`.
    ///
    /// The URL has no path: that of the server is an option, namespaces are given to [`Self::socket`].
    /// Its query is part of every request.
    pub fn builder(url: &str) -> ClientBuilder {
        ClientBuilder::new(url)
    }

    pub(crate) fn from_config(config: Config) -> Self {
        Self(Arc::new(Core {
            config,
            outbox: Outbox::default(),
            state: Mutex::default(),
            max_payload: AtomicUsize::new(usize::MAX),
            unwanted: Notify::new(),
            ended: Notify::new(),
        }))
    }

    pub(crate) const fn from_core(core: Arc<Core>) -> Self {
        Self(core)
    }

    #[cfg(feature = "internals")]
    pub(crate) fn core(&self) -> Arc<Core> {
        Arc::clone(&self.0)
    }

    /// The socket of a namespace; `chat` is `/chat`. As long as a handle to it exists it is always the
    /// same one.
    ///
    /// Nothing is sent yet: add listeners, then [`connect`](Socket::connect).
    #[must_use]
    pub fn socket(&self, namespace: &str) -> Socket {
        let path: Box<str> = format!("/{}", namespace.trim_start_matches('/')).into();
        let mut state = self.0.lock();
        if let Some(handle) = state.handles.get(&path).and_then(Weak::upgrade) {
            return Socket::from_handle(handle);
        }
        let core = Arc::new(SocketCore::new(Arc::clone(&self.0), path.clone()));
        let handle = Arc::new(SocketHandle::new(core));
        state.handles.insert(path, Arc::downgrade(&handle));
        Socket::from_handle(handle)
    }

    /// How the open session travels.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        self.0.transport()
    }

    /// No socket is connected or wants to be.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0.lock().active.is_empty()
    }

    /// Disconnects all sockets and waits until the connection is closed, for a bounded time.
    ///
    /// # Cancel safety
    ///
    /// The sockets are disconnected by the first poll; the rest is waiting.
    pub async fn close(&self) {
        let active: Vec<Arc<SocketCore>> = self.0.lock().active.values().cloned().collect();
        for socket in active {
            self.0.leave(&socket);
        }
        let ended = async {
            loop {
                let ended = self.0.ended.notified();
                if !self.0.lock().driving {
                    return;
                }
                ended.await;
            }
        };
        // The connection goes on closing by itself.
        let _late = timeout(CLOSE_TIMEOUT, ended).await;
    }
}

impl Core {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn transport(&self) -> Option<Transport> {
        self.lock().session.as_ref().map(|session| session.transport)
    }

    /// Largest frame the server takes.
    pub(crate) fn max_payload(&self) -> usize {
        self.max_payload.load(Ordering::Relaxed)
    }

    /// The socket of a namespace in the session that is open. In one that only ends there is none: who
    /// is active then waits for the next session.
    pub(crate) fn socket(&self, namespace: &str) -> Option<Arc<SocketCore>> {
        let state = self.lock();
        if state.session.is_some() { state.active.get(namespace).cloned() } else { None }
    }

    fn sockets(&self) -> Vec<Arc<SocketCore>> {
        self.lock().active.values().cloned().collect()
    }

    // ---- sockets come and go --------------------------------------------------------------------

    /// Asks for a namespace now or as soon as there is a session.
    pub(crate) fn join(
        self: &Arc<Self>,
        socket: &Arc<SocketCore>,
        waiter: oneshot::Sender<Result<(), ConnectError>>,
    ) -> Result<(), ConnectError> {
        let runtime = Handle::try_current().map_err(|error| {
            ConnectError::Transport(TransportError::Protocol(error.to_string()))
        })?;
        let other = self.lock().active.get(&socket.namespace).cloned();
        let other = other.filter(|other| !Arc::ptr_eq(other, socket));
        if let Some(other) = other {
            // Its last handle was dropped a moment ago.
            self.leave(&other);
        }
        let mut state = self.lock();
        if !socket.begin_connect(waiter) {
            return Ok(());
        }
        state.active.insert(socket.namespace.clone(), Arc::clone(socket));
        if state.session.is_some() {
            self.outbox.force(socket.connect_frame());
        }
        if !state.driving {
            state.driving = true;
            runtime.spawn(driver::drive(driver::Driving::new(Arc::clone(self))));
        }
        Ok(())
    }

    /// This side ends a socket.
    pub(crate) fn leave(&self, socket: &Arc<SocketCore>) {
        if self.forget(socket, true) {
            let reason = DisconnectReason::ClientDisconnect;
            let life = LifeEvent::Disconnect(reason);
            socket.close(&ConnectError::Disconnected(reason), Some(&life));
        } else {
            // It may hold packets and waiters although it was never connected.
            let reason = DisconnectReason::ClientDisconnect;
            socket.close(&ConnectError::Disconnected(reason), None);
        }
    }

    /// Takes a socket out of the session; false if it was not in it.
    fn forget(&self, socket: &Arc<SocketCore>, tell: bool) -> bool {
        let session = {
            let mut state = self.lock();
            if !state.active.get(&socket.namespace).is_some_and(|one| Arc::ptr_eq(one, socket)) {
                return false;
            }
            state.active.remove(&socket.namespace);
            if tell && state.session.is_some() {
                let mut text = Vec::new();
                packet::encode_disconnect(&mut text, &socket.namespace);
                self.outbox.force([Frame::text(text.into())]);
            }
            // The last one closes the connection, as in the official client.
            if state.active.is_empty() { state.session.take() } else { None }
        };
        drop(session);
        self.unwanted.notify_one();
        true
    }

    /// The server ended a socket.
    pub(crate) fn put_out(&self, socket: &Arc<SocketCore>, error: &ConnectError, life: &LifeEvent) {
        if self.forget(socket, false) {
            socket.close(error, Some(life));
        }
    }

    /// The last handle of a namespace is gone.
    pub(crate) fn handle_dropped(&self, socket: &Arc<SocketCore>) {
        {
            let mut state = self.lock();
            if state.handles.get(&socket.namespace).is_some_and(|one| one.strong_count() == 0) {
                state.handles.remove(&socket.namespace);
            }
        }
        self.leave(socket);
    }
}
