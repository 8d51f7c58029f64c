//! How a WebSocket gets its connection's stream from actix.
//!
//! actix's HTTP dispatcher owns a connection and keeps its buffers as long as that lives. So it is given the
//! stream in a [`TakeIo`], and the connection's task and the route share a [`Slot`]:
//!
//! 1. the route answers 101 with a body that is polled like any other;
//! 2. when this body has no more to say at once, it puts what carries on into the slot;
//! 3. the dispatcher writes everything and flushes: then, and only then, the stream goes into the slot, too;
//! 4. the task finds both there, drops the dispatcher, and carries on.
//!
//! A response that something else answers or replaces never gets to the second step.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::Version;
use sio_core::server::{SessionHandle, Worker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::heads::Heads;
use super::stream::Stream;
use crate::transport::websocket::Carried;

/// What the connection's task, its stream and the route have in common.
#[derive(Default)]
pub(crate) struct Slot {
    /// The head of an answer that may take the stream is to be written.
    offered: Cell<bool>,
    /// Something was written since.
    written: Cell<bool>,
    carried: RefCell<Option<Carried>>,
    stream: RefCell<Option<Stream>>,
    pub(super) heads: Rc<Heads>,
    /// The answer to a poll, until the system has taken all of it.
    answer: RefCell<Option<UnsentAnswer>>,
}

/// What was taken from a session's queue for an answer; lost if this is dropped before it was sent.
struct UnsentAnswer {
    worker: Rc<Worker>,
    session: Arc<SessionHandle>,
    sent: bool,
}

impl Drop for UnsentAnswer {
    fn drop(&mut self) {
        if !self.sent {
            self.worker.poll_lost(&self.session, true);
        }
    }
}

/// The answer to a poll is about to be written: if its connection ends before it was, the session ends. Only
/// [`crate::Server`] can tell.
pub(crate) fn watch_answer(
    request: &HttpRequest,
    worker: &Rc<Worker>,
    session: &Arc<SessionHandle>,
) {
    // The connections of HTTP/2 carry many answers at a time.
    if request.version() > Version::HTTP_11 {
        return;
    }
    if let Some(Takeover(slot)) = request.conn_data::<Takeover>() {
        let (worker, session) = (Rc::clone(worker), Arc::clone(session));
        let answer = UnsentAnswer { worker, session, sent: false };
        let before = slot.answer.replace(Some(answer));
        // A client that asks again on this connection may have read the last one only just now.
        before.into_iter().for_each(UnsentAnswer::forget);
        slot.written.set(false);
    }
}

impl UnsentAnswer {
    fn forget(mut self) {
        self.sent = true;
    }
}

impl Slot {
    /// What goes on without the dispatcher, once it has written everything.
    pub(super) fn take(&self) -> Option<(Stream, Carried)> {
        let stream = self.stream.take()?;
        self.carried.take().map(|carried| (stream, carried))
    }

    /// The stream may go: the answer's head and what its body said have been handed to it.
    fn is_armed(&self) -> bool {
        self.written.get() && self.carried.borrow().is_some()
    }

    /// Everything that the dispatcher had was written.
    fn flushed(&self) {
        if self.written.get() && self.answer.borrow().is_some() {
            let answer = self.answer.take();
            answer.into_iter().for_each(UnsentAnswer::forget);
        }
    }
}

/// In the data of a connection whose stream can be taken.
pub(super) struct Takeover(pub(super) Rc<Slot>);

/// An answer that may take the stream; taken back by its drop.
pub(crate) struct Offer(Rc<Slot>);

impl Offer {
    /// `None`: the connection is another server's, or carries more than this request.
    pub(crate) fn new(request: &HttpRequest) -> Option<Self> {
        // The data of a connection is that of all its streams with HTTP/2, which can have none of its own.
        if request.version() != Version::HTTP_11 {
            return None;
        }
        let Takeover(slot) = request.conn_data::<Takeover>()?;
        slot.written.set(false);
        slot.offered.set(true);
        Some(Self(Rc::clone(slot)))
    }

    /// The stream is wanted as soon as everything has been written.
    pub(crate) fn accept(&self, carried: Carried) {
        *self.0.carried.borrow_mut() = Some(carried);
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        self.0.offered.set(false);
        // What is dropped runs the end of a session, and with it users' code: nothing is borrowed meanwhile.
        // Once the stream is there, the task has yet to take what belongs to it.
        if self.0.stream.borrow().is_none() {
            let unused = self.0.carried.take();
            drop(unused);
        }
    }
}

/// A stream that can be taken out from under the dispatcher.
pub(crate) struct TakeIo {
    stream: Option<Stream>,
    /// The peer has closed its half, and everything it sent has been read.
    ended: bool,
    /// `None`: HTTP/2.
    slot: Option<Rc<Slot>>,
    /// How long the peer may take nothing; zero: as long as it likes.
    write_timeout: Duration,
    /// The peer takes nothing at the moment.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl TakeIo {
    pub(super) const fn new(
        stream: Stream,
        slot: Option<Rc<Slot>>,
        write_timeout: Duration,
    ) -> Self {
        Self { stream: Some(stream), ended: false, slot, write_timeout, stalled: None }
    }

    /// Passes on what became of a write, which is an error if the peer has taken nothing for too long.
    fn bounded<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        if self.write_timeout.is_zero() {
            return Poll::Pending;
        }
        let timeout = self.write_timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(stalled.as_mut().poll(cx));
        self.stream.iter().for_each(Stream::reset_on_drop);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    pub(super) const fn stream(&self) -> Option<&Stream> {
        self.stream.as_ref()
    }

    pub(super) const fn slot(&self) -> Option<&Rc<Slot>> {
        self.slot.as_ref()
    }

    fn note_write(&self) {
        if let Some(slot) = &self.slot
            && (slot.offered.get() || slot.answer.borrow().is_some())
        {
            slot.written.set(true);
        }
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the stream went to a WebSocket")
}

impl AsyncRead for TakeIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // The dispatcher is polled for what it has read before, then dropped.
        let Some(stream) = &mut this.stream else { return Poll::Pending };
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        let read = ready!(Pin::new(stream).poll_read(cx, buffer));
        let some = buffer.filled().len() > before;
        this.ended = read.is_ok() && !some && room > 0;
        if some && let Some(slot) = &this.slot {
            slot.heads.read();
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for TakeIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let Some(stream) = &mut this.stream else { return Poll::Ready(Err(gone())) };
        let outcome = Pin::new(stream).poll_write(cx, bytes);
        let written = ready!(this.bounded(cx, outcome));
        this.note_write();
        Poll::Ready(written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let Some(stream) = &mut this.stream else { return Poll::Ready(Ok(())) };
        let outcome = Pin::new(stream).poll_flush(cx);
        ready!(this.bounded(cx, outcome))?;
        this.slot.iter().for_each(|slot| slot.flushed());
        // The dispatcher flushes only when its buffer is empty.
        if let Some(slot) = this.slot.as_ref().filter(|slot| slot.is_armed()) {
            *slot.stream.borrow_mut() = this.stream.take();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match &mut this.stream {
            // Nobody speaks any more, and the drop that follows closes both halves.
            Some(stream) if this.ended && !stream.is_tls() => Poll::Ready(Ok(())),
            Some(stream) => Pin::new(stream).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}
