//! What a test waits for, each time with a deadline.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use sio_core::engine::Transport;
use sio_core::packet::EventArg;
use tokio::time::{timeout, timeout_at};

use super::client::TestClient;
use super::log::{Log, Received};
use crate::error::{ClientError, ReceiveError};
use crate::life::DisconnectReason;
use crate::subscription::EventStream;

impl TestClient {
    pub(super) fn missed(&self, wanted: String) -> ClientError {
        missed(&self.log, wanted, self.deadline)
    }

    /// The next event of this name: it counts from this call on, the deadline from the `await` on.
    ///
    /// # Errors
    ///
    /// None within the deadline, the client is disconnected, or the arguments do not fit.
    #[must_use = "the event is only had by awaiting it"]
    pub fn once<T: EventArg>(
        &self,
        event: &str,
    ) -> impl Future<Output = Result<T, ClientError>> + Send + use<T> {
        let once = self.socket().once::<T>(event);
        let (log, limit, wanted) = (Arc::clone(&self.log), self.deadline, format!("`{event}`"));
        let event = event.to_owned();
        async move {
            match timeout(limit, once).await {
                Ok(Ok(value)) => {
                    log.notice(&event);
                    Ok(value)
                }
                Ok(Err(ReceiveError::Disconnected)) | Err(_) => Err(missed(&log, wanted, limit)),
                Ok(Err(error)) => Err(error.into()),
            }
        }
    }

    /// The oldest event of this name that no `next` has given yet, whenever it arrived.
    ///
    /// # Errors
    ///
    /// None within the deadline, the client is disconnected, or the arguments do not fit.
    ///
    /// # Cancel safety
    ///
    /// No event is lost.
    pub async fn next<T: EventArg>(&self, event: &str) -> Result<T, ClientError> {
        let args = self.until(format!("`{event}`"), |log| log.take(event), true).await?;
        args.read().map_err(|error| ReceiveError::from(error).into())
    }

    /// All events of this name from this call on, each with the deadline.
    pub fn stream<T: EventArg>(&self, event: &str) -> TestStream<T> {
        TestStream {
            inner: self.socket().stream(event),
            log: Arc::clone(&self.log),
            deadline: self.deadline,
            event: event.to_owned(),
        }
    }

    /// Everything received so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.log.received()
    }

    /// Waits, and fails if any event arrives, or has arrived unnoticed: given by no `next`, `once` or
    /// stream, and heard by no listener of its name.
    ///
    /// # Errors
    ///
    /// Names the event that arrived.
    ///
    /// # Cancel safety
    ///
    /// No event is lost.
    pub async fn expect_none(&self, time: Duration) -> Result<(), ClientError> {
        self.silence(None, time).await
    }

    /// As [`Self::expect_none`], for events of one name.
    ///
    /// # Errors
    ///
    /// Names the event that arrived.
    ///
    /// # Cancel safety
    ///
    /// No event is lost.
    pub async fn expect_none_of(&self, event: &str, time: Duration) -> Result<(), ClientError> {
        self.silence(Some(event), time).await
    }

    async fn silence(&self, event: Option<&str>, time: Duration) -> Result<(), ClientError> {
        let before = self.log.total();
        let end = tokio::time::Instant::now() + time;
        loop {
            let changed = self.log.changed.notified();
            if let Some(arrived) = self.log.first_surprise(before, event) {
                return Err(ClientError::Unexpected(format!("{arrived} arrived")));
            }
            if timeout_at(end, changed).await.is_err() {
                return Ok(());
            }
        }
    }

    /// Waits until the client is disconnected, and says why.
    ///
    /// # Errors
    ///
    /// It is still connected after the deadline.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn disconnected(&self) -> Result<DisconnectReason, ClientError> {
        self.until("the end of the connection".to_owned(), Log::ended, false).await
    }

    /// Waits until the client is connected again.
    ///
    /// # Errors
    ///
    /// It is not after the deadline.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn connected(&self) -> Result<(), ClientError> {
        let is_connected = |_: &Log| self.socket().is_connected().then_some(());
        self.until("a connection".to_owned(), is_connected, false).await
    }

    /// Waits until the client travels by WebSocket.
    ///
    /// # Errors
    ///
    /// It does not after the deadline.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn upgraded(&self) -> Result<(), ClientError> {
        let is_websocket = |_: &Log| (self.transport() == Some(Transport::Websocket)).then_some(());
        self.until("the upgrade".to_owned(), is_websocket, true).await
    }

    /// Waits until `found` finds something; an end of the connection is the end of the wait too if
    /// `needs_connection`.
    async fn until<R>(
        &self,
        wanted: String,
        found: impl Fn(&Log) -> Option<R>,
        needs_connection: bool,
    ) -> Result<R, ClientError> {
        let end = tokio::time::Instant::now() + self.deadline;
        loop {
            let changed = self.log.changed.notified();
            if let Some(found) = found(&self.log) {
                return Ok(found);
            }
            let over = needs_connection && !self.socket().is_active();
            if over || timeout_at(end, changed).await.is_err() {
                return Err(self.missed(wanted));
            }
        }
    }
}

fn missed(log: &Log, wanted: String, after: Duration) -> ClientError {
    ClientError::Missed { wanted, after, arrived: log.summary() }
}

/// Events of one name; see [`TestClient::stream`].
#[must_use = "a stream does nothing unless it is read"]
pub struct TestStream<T> {
    inner: EventStream<T>,
    log: Arc<Log>,
    deadline: Duration,
    event: String,
}

impl<T> fmt::Debug for TestStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestStream").field("event", &self.event).finish_non_exhaustive()
    }
}

impl<T: EventArg> TestStream<T> {
    /// The next event.
    ///
    /// # Errors
    ///
    /// None within the deadline, or it does not fit.
    ///
    /// # Cancel safety
    ///
    /// No event is lost.
    pub async fn next(&mut self) -> Result<T, ClientError> {
        match timeout(self.deadline, self.inner.next()).await {
            Ok(Some(event)) => {
                self.log.notice(&self.event);
                event.map_err(ClientError::from)
            }
            Ok(None) | Err(_) => Err(missed(&self.log, format!("`{}`", self.event), self.deadline)),
        }
    }
}

impl<T: EventArg> Stream for TestStream<T> {
    type Item = Result<T, ClientError>;

    /// Without the deadline: for combinators.
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(Pin::new(&mut self.inner).poll_next(cx));
        self.log.notice(&self.event);
        Poll::Ready(event.map(|event| event.map_err(ClientError::from)))
    }
}
