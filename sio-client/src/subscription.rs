//! Futures and streams of received events.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use sio_core::packet::EventArg;
use tokio::sync::oneshot;

use crate::args::RawArgs;
use crate::error::ReceiveError;
use crate::life::LifeEvent;
use crate::listeners::ListenerId;
use crate::namespace::SocketCore;
use crate::queue::{Item, Queue};

/// Removes a listener when it is dropped.
pub(crate) struct Listening {
    pub(crate) core: Arc<SocketCore>,
    pub(crate) id: ListenerId,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.core.listeners.remove(self.id);
    }
}

/// The next event of one name, from the call of [`Socket::once`](crate::Socket::once) on.
///
/// It fails if the socket is disconnected and does not connect again by itself. It does not keep the
/// connection open.
#[must_use = "the event is only had by awaiting it"]
pub struct Once<T> {
    receiver: oneshot::Receiver<RawArgs>,
    _listening: Listening,
    kind: PhantomData<fn() -> T>,
}

impl<T> Once<T> {
    pub(crate) const fn new(receiver: oneshot::Receiver<RawArgs>, listening: Listening) -> Self {
        Self { receiver, _listening: listening, kind: PhantomData }
    }
}

impl<T> fmt::Debug for Once<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}

impl<T: EventArg> Future for Once<T> {
    type Output = Result<T, ReceiveError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.receiver).poll(cx)) {
            Ok(args) => args.read().map_err(ReceiveError::from),
            Err(_removed) => Err(ReceiveError::Disconnected),
        })
    }
}

/// All events of one name, from the call of [`Socket::stream`](crate::Socket::stream) on.
///
/// It keeps a bounded number of events for a slow reader; what comes beyond is counted and reported as
/// [`ReceiveError::Lagged`]. It ends when the socket is disconnected and does not connect again by
/// itself.
#[must_use = "a stream does nothing unless it is read"]
pub struct EventStream<T> {
    queue: Arc<Queue<RawArgs>>,
    _listening: Listening,
    kind: PhantomData<fn() -> T>,
}

impl<T: EventArg> EventStream<T> {
    pub(crate) const fn new(queue: Arc<Queue<RawArgs>>, listening: Listening) -> Self {
        Self { queue, _listening: listening, kind: PhantomData }
    }

    /// The next event, or `None` at the end.
    ///
    /// # Cancel safety
    ///
    /// No event is lost by dropping the future.
    pub async fn next(&mut self) -> Option<Result<T, ReceiveError>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<T> fmt::Debug for EventStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").finish_non_exhaustive()
    }
}

impl<T: EventArg> Stream for EventStream<T> {
    type Item = Result<T, ReceiveError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(ready!(self.queue.poll(cx)).map(|item| match item {
            Item::Value(args) => args.read().map_err(ReceiveError::from),
            Item::Missed(count) => Err(ReceiveError::Lagged(count)),
        }))
    }
}

/// What happens to a socket, from the call of [`Socket::life`](crate::Socket::life) on.
///
/// It never ends by itself. Events beyond its bound are left out.
#[must_use = "a stream does nothing unless it is read"]
pub struct LifeStream {
    queue: Arc<Queue<LifeEvent>>,
    _listening: Listening,
}

impl LifeStream {
    pub(crate) const fn new(queue: Arc<Queue<LifeEvent>>, listening: Listening) -> Self {
        Self { queue, _listening: listening }
    }

    /// What happens next.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn next(&mut self) -> Option<LifeEvent> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl fmt::Debug for LifeStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LifeStream").finish_non_exhaustive()
    }
}

impl Stream for LifeStream {
    type Item = LifeEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<LifeEvent>> {
        loop {
            match ready!(self.queue.poll(cx)) {
                Some(Item::Value(event)) => return Poll::Ready(Some(event)),
                Some(Item::Missed(_)) => {}
                None => return Poll::Ready(None),
            }
        }
    }
}
