//! The handle of one namespace.

mod emit;

use std::fmt;
use std::sync::{Arc, Weak};

use serde::Serialize;
use sio_core::handler::IntoReply;
use sio_core::packet::{EventArg, validate};
use tokio::sync::oneshot;
use tokio::time::timeout;

#[cfg(feature = "test")]
pub(crate) use self::emit::read_answer;
use crate::args::RawArgs;
use crate::client::Client;
use crate::error::{ConfigError, ConnectError};
use crate::life::LifeEvent;
use crate::listeners::{Listener, ListenerId};
use crate::namespace::{SocketCore, Status};
use crate::queue::Queue;
use crate::responder::responder;
use crate::subscription::{EventStream, LifeStream, Listening, Once};

/// What handles share; the last one that is dropped leaves the namespace.
pub(crate) struct SocketHandle(Arc<SocketCore>);

impl SocketHandle {
    pub(crate) const fn new(core: Arc<SocketCore>) -> Self {
        Self(core)
    }
}

impl Drop for SocketHandle {
    fn drop(&mut self) {
        self.0.client.handle_dropped(&self.0);
    }
}

/// A namespace of a server, from the client's side.
///
/// Cloning gives another handle. When the last one is dropped the namespace is left, and with the last
/// namespace the connection is closed. A listener that holds a clone therefore keeps the connection
/// open: give it a [`WeakSocket`].
///
/// While the connection is lost, events wait in a bounded buffer and leave in order once it is back.
#[derive(Clone)]
pub struct Socket(Arc<SocketHandle>);

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("namespace", &self.core().namespace)
            .field("status", &self.core().status())
            .finish_non_exhaustive()
    }
}

/// A [`Socket`] that keeps nothing open; for listeners.
#[derive(Clone)]
pub struct WeakSocket(Weak<SocketHandle>);

impl fmt::Debug for WeakSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSocket").finish_non_exhaustive()
    }
}

impl WeakSocket {
    /// The socket, if a handle to it still exists.
    #[must_use]
    pub fn upgrade(&self) -> Option<Socket> {
        self.0.upgrade().map(Socket)
    }
}

/// Leaves a namespace that nobody waits for any more.
struct Attempt<'a>(&'a Arc<SocketCore>);

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.0.is_abandoned() {
            self.0.client.leave(self.0);
        }
    }
}

impl Socket {
    pub(crate) const fn from_handle(handle: Arc<SocketHandle>) -> Self {
        Self(handle)
    }

    pub(crate) fn core(&self) -> &Arc<SocketCore> {
        &self.0.0
    }

    /// The namespace, such as `/chat`.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.core().namespace
    }

    /// The client this socket belongs to.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::from_core(Arc::clone(&self.core().client))
    }

    /// The id the server gave this socket; another one after each reconnection that was not recovered.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        self.core().id().map(|id| id.to_string())
    }

    /// The namespace is joined.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.core().status() == Status::Connected
    }

    /// The server recognised this socket when it came back: it has its id, its rooms and its data, and what
    /// it missed was delivered. Needs a server with connection state recovery.
    #[must_use]
    pub fn is_recovered(&self) -> bool {
        self.core().is_recovered()
    }

    /// The namespace is joined, or asked for, or lost and tried again.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !matches!(self.core().status(), Status::Idle | Status::Closed)
    }

    /// A handle that keeps nothing open.
    #[must_use]
    pub fn downgrade(&self) -> WeakSocket {
        WeakSocket(Arc::downgrade(&self.0))
    }

    // ---- life -----------------------------------------------------------------------------------

    /// Sets what the server gets as `auth` with this and every later CONNECT.
    ///
    /// # Errors
    ///
    /// The value is not an object in JSON.
    pub fn set_auth(&self, auth: impl Serialize) -> Result<(), ConnectError> {
        let text =
            serde_json::to_string(&auth).map_err(|error| ConnectError::Auth(error.to_string()))?;
        if !text.starts_with('{') {
            return Err(ConnectError::Auth("not an object".to_owned()));
        }
        validate(&text).map_err(|error| ConnectError::Auth(error.to_string()))?;
        self.core().set_auth(Some(text.into()));
        Ok(())
    }

    /// As [`Self::set_auth`], for a chain.
    ///
    /// # Errors
    ///
    /// The value is not an object in JSON.
    pub fn with_auth(self, auth: impl Serialize) -> Result<Self, ConnectError> {
        self.set_auth(auth)?;
        Ok(self)
    }

    /// Joins the namespace, over the client's connection or a new one.
    ///
    /// Differs from the reference: an attempt that fails is an error and is not repeated; only a
    /// connection that was there once is tried again by itself.
    ///
    /// # Errors
    ///
    /// No connection, a refusal by the server, or no answer within the client's `connect_timeout`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the attempt up, unless another call waits for it.
    pub async fn connect(&self) -> Result<(), ConnectError> {
        let core = self.core();
        if core.namespace.bytes().any(|byte| byte == b',' || byte.is_ascii_control()) {
            return Err(ConfigError::Namespace(core.namespace.to_string()).into());
        }
        let (sender, receiver) = oneshot::channel();
        let limit = core.client.config.connect_timeout;
        // Declared before the receiver moves, so that it is dropped after it.
        let _attempt = Attempt(core);
        core.client.join(core, sender)?;
        match timeout(limit, receiver).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => {
                Err(ConnectError::Disconnected(crate::DisconnectReason::ClientDisconnect))
            }
            Err(_) => Err(ConnectError::Timeout(limit)),
        }
    }

    /// Leaves the namespace; what was emitted before is still sent. The last socket of a client closes
    /// its connection. It can be connected again.
    pub fn disconnect(&self) {
        self.core().client.leave(self.core());
    }

    /// Calls `listener` for everything that happens to the socket.
    pub fn on_life(&self, listener: impl Fn(&LifeEvent) + Send + Sync + 'static) -> ListenerId {
        self.core().listeners.add_life(Arc::new(listener))
    }

    /// What happens to the socket from now on, as a stream.
    pub fn life(&self) -> LifeStream {
        let queue = Arc::new(Queue::new(self.core().client.config.limits.stream_buffer));
        let id = self.core().listeners.add_life_stream(Arc::clone(&queue));
        LifeStream::new(queue, self.listening(id))
    }

    // ---- receiving ------------------------------------------------------------------------------

    /// Calls `listener` for every event of this name whose arguments can be read as `T`.
    ///
    /// It runs in the connection's task: what takes long belongs into a task of its own, or use
    /// [`Self::stream`]. Arguments that do not fit are logged and left out.
    pub fn on<T: EventArg>(
        &self,
        event: &str,
        listener: impl Fn(T) + Send + Sync + 'static,
    ) -> ListenerId {
        let name = event.to_owned();
        let call = move |args: &RawArgs| match args.read() {
            Ok(value) => listener(value),
            Err(error) => {
                tracing::warn!(event = name, %error, "an event does not fit its listener")
            }
        };
        self.core().listeners.add(event, Listener::Call(Arc::new(call)))
    }

    /// Calls `listener` for every event, before the listeners of its name.
    pub fn on_any(&self, listener: impl Fn(&str, &RawArgs) + Send + Sync + 'static) -> ListenerId {
        self.core().listeners.add_any(Arc::new(listener))
    }

    /// Answers an event of the server: `on_with_ack("ask", |q: Q| async { a })`.
    ///
    /// The answer is what the future gives: a value, a tuple as several, or a
    /// `Result<_, EventError>`, whose error has the same form as a server's. Answers run as tasks, so
    /// they may wait. An event has one responder; a later one takes its place.
    pub fn on_with_ack<M, T, A, Fut>(
        &self,
        event: &str,
        answer: impl Fn(T) -> Fut + Send + Sync + 'static,
    ) -> ListenerId
    where
        T: EventArg,
        Fut: Future<Output = A> + Send + 'static,
        A: IntoReply<M>,
    {
        self.core().listeners.set_responder(event, responder(answer))
    }

    /// The next event of this name; it counts from this call, not from the `await`.
    pub fn once<T: EventArg>(&self, event: &str) -> Once<T> {
        let (sender, receiver) = oneshot::channel();
        let id = self.core().listeners.add(event, Listener::Once(sender));
        Once::new(receiver, self.listening(id))
    }

    /// All events of this name from this call on.
    pub fn stream<T: EventArg>(&self, event: &str) -> EventStream<T> {
        let queue = Arc::new(Queue::new(self.core().client.config.limits.stream_buffer));
        let id = self.core().listeners.add(event, Listener::Stream(Arc::clone(&queue)));
        EventStream::new(queue, self.listening(id))
    }

    /// Removes everything that waits for an event: listeners, responder, futures, streams.
    pub fn off(&self, event: &str) {
        self.core().listeners.off(event);
    }

    /// Removes one listener.
    pub fn remove(&self, listener: ListenerId) {
        self.core().listeners.remove(listener);
    }

    fn listening(&self, id: ListenerId) -> Listening {
        Listening { core: Arc::clone(self.core()), id }
    }
}
