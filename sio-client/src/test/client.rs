//! A client for tests: what it sends, what it answers, and what breaks its connection.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use sio_core::engine::Transport;
use sio_core::frame::Frame;
use sio_core::handler::IntoReply;
use sio_core::packet::EventArg;

use super::builder::{Opts, TestClientBuilder};
use super::fault::Switch;
use super::log::Log;
use super::server::TestServer;
use crate::args::RawArgs;
use crate::error::{AckError, ClientError, ConnectError, EmitError};
use crate::listeners::ListenerId;
use crate::socket::{Socket, read_answer};

/// A client whose every wait has a deadline; see the [module](crate::test).
///
/// It does not connect again by itself unless it is told to. Dropped, it closes its connection.
pub struct TestClient {
    socket: Socket,
    switch: Arc<Switch>,
    pub(super) log: Arc<Log>,
    pub(super) deadline: Duration,
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient").field("socket", &self.socket).finish_non_exhaustive()
    }
}

impl TestClient {
    pub(super) fn new(socket: Socket, switch: Arc<Switch>, deadline: Duration) -> Self {
        let log = Arc::new(Log::default());
        let events = Arc::clone(&log);
        socket.on_any(move |event, args| events.event(event, args));
        let life = Arc::clone(&log);
        socket.on_life(move |event| life.life(event));
        Self { socket, switch, log, deadline }
    }

    /// Connects to a namespace.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`]; a refusal carries the server's message and data.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the attempt up.
    pub async fn connect(server: &TestServer, namespace: &str) -> Result<Self, ConnectError> {
        server.client().namespace(namespace).connect().await
    }

    /// Connects to a namespace with options.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the attempt up.
    pub async fn connect_with(
        server: &TestServer,
        namespace: &str,
        opts: Opts,
    ) -> Result<Self, ConnectError> {
        let builder: TestClientBuilder<'_> = server.client();
        builder.namespace(namespace).opts(opts).connect().await
    }

    /// The socket, with everything a client can do.
    #[must_use]
    pub const fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Joins another namespace over the same connection.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the attempt up.
    pub async fn join(&self, namespace: &str) -> Result<Self, ConnectError> {
        let socket = self.socket.client().socket(namespace);
        let other = Self::new(socket, Arc::clone(&self.switch), self.deadline);
        other.socket.connect().await?;
        Ok(other)
    }

    /// The socket id.
    ///
    /// # Panics
    ///
    /// The client is not connected.
    #[must_use]
    pub fn id(&self) -> String {
        match self.socket.id() {
            Some(id) => id,
            #[expect(clippy::panic, reason = "documented: a mistake of the test")]
            None => panic!("the client is not connected; {}", self.log.summary()),
        }
    }

    /// How the client travels now.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        self.socket.client().transport()
    }

    // ---- sending --------------------------------------------------------------------------------

    /// Sends an event: a tuple is the argument list, `()` is none, anything else is one argument.
    ///
    /// # Errors
    ///
    /// The event was not sent.
    ///
    /// # Cancel safety
    ///
    /// As [`Socket::emit`].
    pub async fn emit(&self, event: &str, args: impl Serialize) -> Result<(), ClientError> {
        let sent = tokio::time::timeout(self.deadline, self.socket.emit(event, args)).await;
        sent.unwrap_or(Err(EmitError::Busy)).map_err(ClientError::from)
    }

    /// Sends an event and waits for its answer; the error object of a handler is
    /// [`AckError::Remote`].
    ///
    /// # Errors
    ///
    /// No answer within the deadline, an error as answer, or one that does not fit `T`.
    ///
    /// # Cancel safety
    ///
    /// As [`Socket::emit_with_ack`].
    pub async fn emit_with_ack<T: EventArg>(
        &self,
        event: &str,
        args: impl Serialize,
    ) -> Result<T, ClientError> {
        let answer = self.emit_with_ack_raw(event, args).await?;
        read_answer(&answer).map_err(ClientError::from)
    }

    /// Sends an event and gives its answer as it came, be it an error object or not.
    ///
    /// # Errors
    ///
    /// No answer within the deadline.
    ///
    /// # Cancel safety
    ///
    /// As [`Socket::emit_with_ack`].
    pub async fn emit_with_ack_raw(
        &self,
        event: &str,
        args: impl Serialize,
    ) -> Result<RawArgs, ClientError> {
        match self.socket.emit_with_ack_raw(event, args, Some(self.deadline)).await {
            Ok(answer) => Ok(answer),
            Err(AckError::Timeout) => Err(self.missed(format!("the ack of `{event}`"))),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends a text as one engine packet, whatever it says: `raw("42[\"a\"]")`.
    pub fn raw(&self, packet: impl Into<String>) {
        let frame = Frame::text(packet.into().into());
        self.socket.core().client.outbox.force([frame]);
    }

    // ---- listeners ------------------------------------------------------------------------------

    /// As [`Socket::on`].
    pub fn on<T: EventArg>(
        &self,
        event: &str,
        listener: impl Fn(T) + Send + Sync + 'static,
    ) -> ListenerId {
        self.log.hear(event);
        self.socket.on(event, listener)
    }

    /// As [`Socket::on_any`].
    pub fn on_any(&self, listener: impl Fn(&str, &RawArgs) + Send + Sync + 'static) -> ListenerId {
        self.socket.on_any(listener)
    }

    /// As [`Socket::on_with_ack`].
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
        self.log.hear(event);
        self.socket.on_with_ack(event, answer)
    }

    /// As [`Socket::off`].
    pub fn off(&self, event: &str) {
        self.socket.off(event);
    }

    // ---- the connection -------------------------------------------------------------------------

    /// Drops the transport without a goodbye, as a broken cable does.
    pub fn cut(&self) {
        self.switch.cut();
    }

    /// Stops reading from the transport; what the server sends stays on the way.
    pub fn stall(&self) {
        self.switch.set_stalled(true);
    }

    /// Reads again.
    pub fn resume(&self) {
        self.switch.set_stalled(false);
    }

    /// Leaves the namespace, and with the last one closes the connection; waits for that.
    ///
    /// # Cancel safety
    ///
    /// The namespace is left with the first poll.
    pub async fn close(self) {
        let client = self.socket.client();
        self.socket.disconnect();
        if client.is_idle() {
            client.close().await;
        }
    }
}
