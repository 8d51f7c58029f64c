//! The carrier on a connection's bare stream.
//!
//! A turn reads into a buffer of the thread, and what it said is written from the worker's: one read, one
//! write. A connection has memory of its own only for what the peer does not take at once, and for input that
//! waits for its turn. While a write is unfinished nothing is read, so that a peer that does not read is not
//! heard either.

use std::cell::{Cell, RefCell};
use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use sio_core::server::Outlet;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::offer::Carried;
use super::protocol::{Input, Next, Protocol, let_others};
use crate::server::Stream;

/// Bytes that are read at once.
const READ: usize = 64 * 1024;
/// Bytes that one connection reads before others have their turn.
const PATIENCE: usize = 4 * READ;
/// What is taken at once of a large frame; what is not taken yet counts as queued.
const SLICE: usize = 256 * 1024;
/// How often is looked at a peer that does not read: whether its session ended, whether its time is over.
const STALL_TICK: Duration = Duration::from_secs(1);
/// Time that such a peer has to take something once its session has ended, before the connection is cut.
const FAREWELL_TIME: Duration = Duration::from_secs(10);

thread_local! {
    /// Where input is read to; one per thread is enough, for what is not used is copied.
    static INPUT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// How a WebSocket ended.
pub(crate) enum Ended {
    /// The close frame is written: [`RawConnection::close`].
    Closed,
    /// The connection is lost.
    Gone,
}

/// One WebSocket on a bare stream.
pub(crate) struct RawConnection {
    stream: Stream,
    protocol: Protocol,
    /// Input that came before it could be used, never empty.
    kept: Option<Box<Bytes>>,
    unsent: Option<Box<Unsent>>,
    /// The bytes of the last turn were handed out, but not yet what follows them.
    said: bool,
    /// The last bytes were handed out; `true` in it: after a close frame.
    last: Option<bool>,
    /// In milliseconds: there is one such connection per client.
    linger: u32,
}

/// What the peer has still to take.
struct Unsent {
    parts: [Bytes; 2],
    stalled: Pin<Box<Sleep>>,
    /// When the peer took something last.
    since: Instant,
}

impl RawConnection {
    /// Goes on with what another carrier began; `linger` is how long the peer has to close its half at the
    /// end.
    pub(crate) fn new(stream: Stream, carried: Carried, linger: Duration) -> Self {
        let Carried { protocol, early, .. } = carried;
        let linger = u32::try_from(linger.as_millis()).unwrap_or(u32::MAX);
        Self { stream, protocol, kept: boxed(early), unsent: None, said: false, last: None, linger }
    }

    /// As [`Outlet::write`].
    fn write_at_rest(&mut self, take: &mut dyn FnMut() -> Option<Bytes>) -> bool {
        if self.unsent.is_some() || self.said || self.last.is_some() {
            return false;
        }
        let Some(bytes) = take() else { return false };
        let written = match self.stream.try_write(&bytes) {
            Ok(written) if written == bytes.len() => return true,
            Ok(written) => written,
            // The task waits, or meets the same error.
            Err(_) => 0,
        };
        self.keep_unsent([bytes.slice(written..), Bytes::new()]);
        false
    }

    /// The orderly end of the connection.
    fn close(self) -> Closing {
        Closing {
            stream: self.stream,
            deadline: Box::pin(sleep(Duration::from_millis(self.linger.into()))),
            finished: false,
            linger: self.linger > 0,
        }
    }

    /// Reads, handles and writes until the peer or its turn is over.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        // User code runs while frames are read: nothing is borrowed meanwhile.
        let mut buffer = INPUT.take();
        buffer.resize(READ, 0);
        let outcome = self.run(cx, &mut buffer);
        INPUT.set(buffer);
        outcome
    }

    fn run(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Ended> {
        let mut patience = PATIENCE;
        // Of the last turn of this poll: it left off although there may be more; the stream wakes the task.
        let (mut reads_on, mut heard) = (false, false);
        loop {
            if self.unsent.is_some() {
                match self.poll_unsent(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(Ended::Gone),
                    Poll::Pending => return Poll::Pending,
                }
            }
            if let Some(closed) = self.last {
                return Poll::Ready(if closed { Ended::Closed } else { Ended::Gone });
            }
            let (mut out, mut shared) = (None, Bytes::new());
            let turns = !self.said;
            if turns {
                ready!(self.protocol.poll_pause(cx));
                let mut input = StreamInput {
                    stream: &mut self.stream,
                    kept: &mut self.kept,
                    buffer: &mut *buffer,
                    unused: 0..0,
                    patience: &mut patience,
                    stopped: false,
                    pending: false,
                };
                match self.protocol.ready(cx, &mut input) {
                    Some(ready) => shared = ready,
                    None => out = Some(self.protocol.turn(cx, &mut input)),
                }
                input.keep_unused();
                (reads_on, heard) = (input.stopped, input.pending);
                self.said = true;
            }
            let next = self.protocol.next(cx, SLICE);
            let tail = match &next {
                Next::Write(bytes) => bytes.clone(),
                Next::End(last) => {
                    self.last = Some(!last.is_empty());
                    last.clone()
                }
                Next::Turn | Next::Yield | Next::Wait => Bytes::new(),
            };
            let said = out.as_deref().unwrap_or(&shared);
            // Who says nothing in a turn and does not read waits for the session.
            let silent = turns && said.is_empty() && tail.is_empty();
            let written = self.write(cx, said, tail);
            if let Some(out) = out {
                self.protocol.keep_buffer(out);
            }
            self.said = matches!(next, Next::Write(_));
            match written {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Ended::Gone),
                // Looks at once whether the session is over, and is woken when it is.
                Poll::Pending => continue,
            }
            match next {
                Next::Yield => return let_others(cx),
                Next::Wait if reads_on => return let_others(cx),
                Next::Wait if heard || silent => return Poll::Pending,
                // What was said since may be what kept it from reading, and what came since woke nobody.
                Next::Wait => {}
                Next::Write(_) | Next::End(_) | Next::Turn => {}
            }
        }
    }

    /// Writes the bytes of a turn and what follows them; what the peer does not take is kept.
    fn write(
        &mut self,
        cx: &mut Context<'_>,
        mut head: &[u8],
        mut tail: Bytes,
    ) -> Poll<io::Result<()>> {
        if head.is_empty() && tail.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while !(head.is_empty() && tail.is_empty()) {
            let Poll::Ready(written) = poll_write(&mut self.stream, cx, head, &tail)? else {
                self.keep_unsent([Bytes::copy_from_slice(head), tail]);
                return Poll::Pending;
            };
            let of_head = written.min(head.len());
            head = head.get(of_head..).unwrap_or_default();
            tail.advance(written - of_head);
        }
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if flushed.is_pending() {
            self.keep_unsent([Bytes::new(), Bytes::new()]);
        }
        flushed
    }

    fn keep_unsent(&mut self, parts: [Bytes; 2]) {
        let stalled = Box::pin(sleep(self.tick()));
        self.unsent = Some(Box::new(Unsent { parts, stalled, since: Instant::now() }));
    }

    /// Time between two looks at a peer that takes nothing.
    fn tick(&self) -> Duration {
        match self.protocol.write_timeout() {
            Duration::ZERO => STALL_TICK,
            timeout => STALL_TICK.min(timeout),
        }
    }

    /// Writes what was kept. While the peer takes nothing, looks now and then whether its session is over.
    fn poll_unsent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tick = self.tick();
        let Some(unsent) = &mut self.unsent else { return Poll::Ready(Ok(())) };
        let [head, tail] = &mut unsent.parts;
        loop {
            let progress = if head.is_empty() && tail.is_empty() {
                match Pin::new(&mut self.stream).poll_flush(cx)? {
                    Poll::Ready(()) => {
                        self.unsent = None;
                        return Poll::Ready(Ok(()));
                    }
                    Poll::Pending => Poll::Pending,
                }
            } else {
                poll_write(&mut self.stream, cx, head, tail)?
            };
            if let Poll::Ready(written) = progress {
                let of_head = written.min(head.len());
                head.advance(of_head);
                tail.advance(written - of_head);
                unsent.since = Instant::now();
                continue;
            }
            ready!(unsent.stalled.as_mut().poll(cx));
            let now = Instant::now();
            unsent.stalled.as_mut().reset(now + tick);
            let silent = now.saturating_duration_since(unsent.since);
            let timeout = self.protocol.write_timeout();
            let stalled = !timeout.is_zero() && silent >= timeout;
            let patient = !self.protocol.is_server_closing() && silent < FAREWELL_TIME;
            if stalled || ((self.last.is_some() || self.protocol.is_over()) && !patient) {
                if stalled {
                    self.protocol.stalled_too_long();
                } else {
                    self.protocol.stalled();
                }
                // What it has not taken is worth nothing to it.
                self.stream.reset_on_drop();
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
    }
}

/// A WebSocket, shared by its task with its worker, which writes to it what broadcasts have for it while the task
/// rests.
///
/// Nothing that users can call reaches it, so it may be borrowed while their code runs.
pub(crate) struct SharedConnection(RefCell<RawConnection>);

impl SharedConnection {
    /// Not over TLS, where a write may take more than one step, does the worker write.
    pub(crate) fn new(connection: RawConnection) -> Rc<Self> {
        let direct = !connection.stream.is_tls();
        let shared = Rc::new(Self(RefCell::new(connection)));
        if direct {
            let outlet: Weak<dyn Outlet> = Rc::<Self>::downgrade(&shared);
            shared.0.borrow().protocol.set_outlet(outlet);
        }
        shared
    }

    /// As [`RawConnection::poll`].
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Ended> {
        match self.0.try_borrow_mut() {
            Ok(mut connection) => connection.poll(cx),
            // Nobody else borrows it while a task runs.
            Err(_) => Poll::Ready(Ended::Gone),
        }
    }

    /// As [`RawConnection::close`]; `None`: someone else holds it, which is only for the moment of a write.
    pub(crate) fn close(self: Rc<Self>) -> Option<Closing> {
        Rc::into_inner(self).map(|shared| shared.0.into_inner().close())
    }
}

impl Outlet for SharedConnection {
    fn write(&self, take: &mut dyn FnMut() -> Option<Bytes>) -> bool {
        self.0.try_borrow_mut().is_ok_and(|mut connection| connection.write_at_rest(take))
    }
}

/// What is kept, behind a pointer: mostly it is nothing.
fn boxed(bytes: Bytes) -> Option<Box<Bytes>> {
    (!bytes.is_empty()).then(|| Box::new(bytes))
}

/// One write of both parts; never zero bytes.
fn poll_write(
    stream: &mut Stream,
    cx: &mut Context<'_>,
    head: &[u8],
    tail: &[u8],
) -> Poll<io::Result<usize>> {
    let stream = Pin::new(stream);
    let written = if head.is_empty() {
        ready!(stream.poll_write(cx, tail))?
    } else if tail.is_empty() {
        ready!(stream.poll_write(cx, head))?
    } else {
        ready!(stream.poll_write_vectored(cx, &[IoSlice::new(head), IoSlice::new(tail)]))?
    };
    if written == 0 {
        return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
    }
    Poll::Ready(Ok(written))
}

/// What comes from a stream during one turn.
struct StreamInput<'a> {
    stream: &'a mut Stream,
    kept: &'a mut Option<Box<Bytes>>,
    buffer: &'a mut [u8],
    /// What of the buffer was read and not used.
    unused: std::ops::Range<usize>,
    patience: &'a mut usize,
    /// There may be more, for another turn.
    stopped: bool,
    /// There was no more, and the task is woken when there is.
    pending: bool,
}

impl StreamInput<'_> {
    /// The buffer is another connection's soon.
    fn keep_unused(&mut self) {
        if !self.unused.is_empty() {
            let unused = self.buffer.get(self.unused.clone()).unwrap_or_default();
            *self.kept = boxed(Bytes::copy_from_slice(unused));
        }
    }
}

impl Input for StreamInput<'_> {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<&[u8]>> {
        if let Some(kept) = &*self.kept {
            return Poll::Ready(Some(kept));
        }
        if self.unused.is_empty() {
            if *self.patience == 0 {
                self.stopped = true;
                return Poll::Pending;
            }
            let mut buffer = ReadBuf::new(self.buffer);
            let read = Pin::new(&mut *self.stream).poll_read(cx, &mut buffer);
            self.pending = read.is_pending();
            match ready!(read) {
                Ok(()) if !buffer.filled().is_empty() => self.unused = 0..buffer.filled().len(),
                Ok(()) | Err(_) => return Poll::Ready(None),
            }
            *self.patience = self.patience.saturating_sub(self.unused.len());
        }
        Poll::Ready(Some(self.buffer.get(self.unused.clone()).unwrap_or_default()))
    }

    fn consume(&mut self, used: usize) {
        let Some(kept) = self.kept else {
            self.unused.start += used;
            return;
        };
        kept.advance(used);
        if kept.is_empty() {
            // Its memory goes with it.
            *self.kept = None;
        }
    }
}

/// The end of a connection after the close frame: FIN, then what still comes is read, until the peer's own
/// FIN. What was not read would reset the connection, and a reset may overtake the close frame.
pub(crate) struct Closing {
    stream: Stream,
    deadline: Pin<Box<Sleep>>,
    /// FIN is sent.
    finished: bool,
    linger: bool,
}

impl Closing {
    /// Ready when the connection can go.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.finished {
            match Pin::new(&mut self.stream).poll_shutdown(cx) {
                Poll::Ready(Ok(())) => self.finished = true,
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => {}
            }
        }
        if !self.linger {
            return Poll::Ready(());
        }
        let mut buffer = INPUT.take();
        buffer.resize(READ, 0);
        let outcome = self.discard(cx, &mut buffer);
        INPUT.set(buffer);
        outcome
    }

    fn discard(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<()> {
        if self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        for _ in 0..PATIENCE / READ {
            let mut read = ReadBuf::new(buffer);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read)) {
                Ok(()) if !read.filled().is_empty() => {}
                Ok(()) | Err(_) => return Poll::Ready(()),
            }
        }
        let_others(cx)
    }
}
