//! Handlers that have to wait.
//!
//! A handler is polled once where its event was dispatched; only one that waits comes here. They stay
//! on the worker that started them, whatever becomes of the session.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures_util::stream::{FuturesUnordered, Stream as _};

use crate::handler::{EventError, LocalBoxFuture, Reply};

use super::spans;

/// What is done with a handler's reply; runs on the worker that ran the handler.
pub(crate) type Completion = Box<dyn FnOnce(Reply)>;

/// A handler that has not finished.
pub(crate) struct Running {
    future: LocalBoxFuture<Reply>,
    done: Option<Completion>,
    /// Where it began, and goes on.
    span: spans::Kept,
    /// How many of its kind the worker has.
    count: Rc<Cell<usize>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.count.set(self.count.get() - 1);
    }
}

impl Future for Running {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { future, done, span, .. } = &mut *self;
        span.within(|| {
            let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
            let reply = match polled {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(reply)) => reply,
                Err(_panic) => Reply::Err(EventError::internal("the handler panicked")),
            };
            if let Some(done) = done.take() {
                done(reply);
            }
            Poll::Ready(())
        })
    }
}

/// The unfinished handlers of a worker.
#[derive(Default)]
pub(crate) struct Tasks {
    /// Taken out while it is polled: a handler may start another.
    running: Cell<Option<FuturesUnordered<Running>>>,
    started: RefCell<Vec<Running>>,
    count: Rc<Cell<usize>>,
}

impl Tasks {
    /// Polls a handler's future once in place and gives its reply, or the future to be kept.
    pub(crate) fn first_poll(
        mut future: LocalBoxFuture<Reply>,
    ) -> Result<Reply, LocalBoxFuture<Reply>> {
        // `FuturesUnordered` polls what it is given once more with its own waker, so nothing that
        // this waker would have heard is lost.
        let mut cx = Context::from_waker(Waker::noop());
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut cx))) {
            Ok(Poll::Ready(reply)) => Ok(reply),
            Ok(Poll::Pending) => Err(future),
            Err(_panic) => Ok(Reply::Err(EventError::internal("the handler panicked"))),
        }
    }

    /// Keeps a handler that waits; it goes on in the span that the caller is in.
    pub(crate) fn start(&self, future: LocalBoxFuture<Reply>, done: Completion) {
        self.count.set(self.count.get() + 1);
        let span = spans::Kept::current();
        let running = Running { future, done: Some(done), span, count: Rc::clone(&self.count) };
        self.started.borrow_mut().push(running);
    }

    /// Handlers that have not finished.
    pub(crate) fn len(&self) -> usize {
        self.count.get()
    }

    /// Some have begun to wait since the last poll.
    pub(crate) fn has_started(&self) -> bool {
        !self.started.borrow().is_empty()
    }

    /// Polls what is ready.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) {
        let mut running = self.running.take().unwrap_or_default();
        loop {
            running.extend(self.started.borrow_mut().drain(..));
            let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut running).poll_next(cx)));
            match polled {
                Ok(Poll::Ready(Some(()))) => {}
                // What a handler left behind panicked; the others go on.
                Err(_panic) => tracing::error!("a panic outside a handler was stopped"),
                Ok(Poll::Ready(None) | Poll::Pending) => {
                    if self.started.borrow().is_empty() {
                        break;
                    }
                }
            }
        }
        self.running.set(Some(running));
    }
}
