//! Socket middleware: sees each event of a client before it finds its handlers.

use std::pin::Pin;

use crate::server::IncomingEvent;

use super::error::EventError;
use super::guard::{GuardResult, IsAsyncGuard, IsSyncGuard};

/// What can be a socket middleware; `M` is inferred and never written.
///
/// It runs for every event of the client, after catch-all listeners and before all handlers, and may
/// rename the event, replace its arguments, or refuse it. Events of one socket wait for one another here.
///
/// # Examples
///
/// ```
/// use sio_core::handler::EventError;
/// use sio_core::server::{IncomingEvent, Io};
///
/// let server = Io::builder().namespace("/", |ns| {
///     ns.socket_middleware(|event: &mut IncomingEvent| {
///         match event.name() {
///             // What older clients still say.
///             "message" => event.set_name("say"),
///             "debug" => return Err(EventError::new("forbidden", "not here")),
///             _ => {}
///         }
///         Ok(())
///     });
///     ns.on("say", |text: String| text);
/// });
/// # drop(server);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a socket middleware",
    label = "expected `fn(&mut IncomingEvent) -> bool | Result<(), E>`, or the same as an `async fn`",
    note = "a closure has to name the type of its parameter: `|event: &mut IncomingEvent|`"
)]
pub trait SocketMiddleware<M>: Send + Sync + 'static {
    #[doc(hidden)]
    fn erase(self) -> ErasedSocketMiddleware;
}

impl<F, R> SocketMiddleware<(IsSyncGuard, R)> for F
where
    F: Fn(&mut IncomingEvent) -> R + Send + Sync + 'static,
    R: GuardResult,
{
    fn erase(self) -> ErasedSocketMiddleware {
        ErasedSocketMiddleware(Box::new(AtOnce(move |event: &mut IncomingEvent| {
            self(event).verdict()
        })))
    }
}

impl<F, R> SocketMiddleware<(IsAsyncGuard, R)> for F
where
    F: AsyncFn(&mut IncomingEvent) -> R + Send + Sync + 'static,
    R: GuardResult,
{
    fn erase(self) -> ErasedSocketMiddleware {
        ErasedSocketMiddleware(Box::new(Waiting(self)))
    }
}

type Verdict<'a> = Pin<Box<dyn Future<Output = Result<(), EventError>> + 'a>>;

trait Sees: Send + Sync {
    fn see<'a>(&'a self, event: &'a mut IncomingEvent) -> Verdict<'a>;
}

struct AtOnce<F>(F);

impl<F> Sees for AtOnce<F>
where
    F: Fn(&mut IncomingEvent) -> Result<(), EventError> + Send + Sync,
{
    fn see<'a>(&'a self, event: &'a mut IncomingEvent) -> Verdict<'a> {
        Box::pin(async move { (self.0)(event) })
    }
}

struct Waiting<F>(F);

impl<F, R> Sees for Waiting<F>
where
    F: AsyncFn(&mut IncomingEvent) -> R + Send + Sync,
    R: GuardResult,
{
    fn see<'a>(&'a self, event: &'a mut IncomingEvent) -> Verdict<'a> {
        Box::pin(async move { (self.0)(event).await.verdict() })
    }
}

/// A socket middleware whose type is forgotten.
#[expect(missing_debug_implementations, reason = "a function has no useful form")]
#[doc(hidden)]
pub struct ErasedSocketMiddleware(Box<dyn Sees>);

impl ErasedSocketMiddleware {
    pub(crate) async fn run(&self, event: &mut IncomingEvent) -> Result<(), EventError> {
        self.0.see(event).await
    }
}
