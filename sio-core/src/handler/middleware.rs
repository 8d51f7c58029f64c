//! Middleware: what wraps a handler, and the chain it makes.
//!
//! A chain owns its context, so that it can wait; see `server::pipeline` for when one is made.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use super::LocalBoxFuture;
use super::cx::{EventCx, OwnedCx};
use super::error::EventError;
use super::reply::Reply;
use super::rules::Rules;

/// What a middleware gives back, borrowing it and the context.
pub type ReplyFuture<'a> = Pin<Box<dyn Future<Output = Reply> + 'a>>;

/// Wraps handlers: `async fn audit(cx: &EventCx<'_>, next: Next) -> Reply`.
///
/// Global ones run outside of a controller's, those outside of a handler's own. Arguments have been read
/// when it runs; without [`Next::run`] the handler is not called. It may replace the reply, but where the
/// handler takes an `AckSender`, only by an error. Around a CONNECT, an error refuses the socket.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a middleware",
    label = "expected `async fn(&EventCx<'_>, Next) -> Reply`"
)]
pub trait Middleware: Send + Sync + 'static {
    /// Runs around the rest of the chain.
    fn run<'a>(&'a self, cx: &'a EventCx<'a>, next: Next) -> ReplyFuture<'a>;
}

impl<F> Middleware for F
where
    F: AsyncFn(&EventCx<'_>, Next) -> Reply + Send + Sync + 'static,
{
    fn run<'a>(&'a self, cx: &'a EventCx<'a>, next: Next) -> ReplyFuture<'a> {
        Box::pin(async move { self(cx, next).await })
    }
}

struct Chain {
    cx: OwnedCx,
    middleware: Vec<Arc<dyn Middleware>>,
}

/// The rest of the chain behind a middleware, with the handler at its end.
pub struct Next {
    chain: Rc<Chain>,
    index: usize,
    handler: LocalBoxFuture<Reply>,
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").field("index", &self.index).finish_non_exhaustive()
    }
}

impl Next {
    /// Runs the rest of the chain and gives its reply.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the handler where it waits.
    pub async fn run(self) -> Reply {
        let Self { chain, index, handler } = self;
        match chain.middleware.get(index).map(Arc::clone) {
            None => handler.await,
            Some(middleware) => {
                let cx = chain.cx.borrow();
                let next = Self { chain: Rc::clone(&chain), index: index + 1, handler };
                middleware.run(&cx, next).await
            }
        }
    }
}

/// Runs a handler inside of middleware.
pub(crate) async fn chain(
    cx: OwnedCx,
    middleware: Vec<Arc<dyn Middleware>>,
    handler: LocalBoxFuture<Reply>,
) -> Reply {
    if middleware.is_empty() {
        return handler.await;
    }
    Next { chain: Rc::new(Chain { cx, middleware }), index: 0, handler }.run().await
}

/// Shows an error to the hooks, the innermost first; one that panics is skipped.
pub(crate) fn run_hooks(rules: &Rules, error: &mut EventError, cx: &EventCx<'_>) {
    for hook in &rules.hooks {
        let called = catch_unwind(AssertUnwindSafe(|| hook.on_error(error, cx)));
        if called.is_err() {
            tracing::error!(handler = rules.name(), "an error hook panicked");
        }
    }
}
