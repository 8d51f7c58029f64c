//! Guards: what may refuse an event before its arguments are read, and a socket before CONNECT.

use std::future::Future;
use std::pin::Pin;

use super::cx::{EventCx, Phase};
use super::error::{EventError, IntoEventError};

/// A guard that is a value, for guards with parameters.
///
/// # Examples
///
/// ```
/// use sio_core::handler::{EventCx, EventError, EventGuard};
/// use sio_core::server::Io;
///
/// struct User {
///     role: &'static str,
/// }
///
/// struct Role(&'static str);
///
/// impl EventGuard for Role {
///     fn allow(&self, cx: &EventCx<'_>) -> Result<(), EventError> {
///         match cx.state::<User>() {
///             Some(user) if user.role == self.0 => Ok(()),
///             _ => Err(EventError::new("forbidden", format!("only for {}s", self.0))),
///         }
///     }
/// }
///
/// let server = Io::builder().namespace("/", |ns| {
///     ns.on("ban", |_user: String| ()).guard(Role("moderator"));
/// });
/// # drop(server);
/// ```
pub trait EventGuard: Send + Sync + 'static {
    /// Lets the event pass.
    ///
    /// # Errors
    ///
    /// What the client is told instead: in the ack, as `exception`, or as `connect_error`.
    fn allow(&self, cx: &EventCx<'_>) -> Result<(), EventError>;
}

/// What a guard function returns: `bool`, or `Result<(), E>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the verdict of a guard",
    label = "expected `bool` or `Result<(), E>`",
    note = "`E` needs `IntoEventError`"
)]
pub trait GuardResult {
    /// The verdict with the client's error; `false` is `forbidden`.
    ///
    /// # Errors
    ///
    /// The guard refused.
    fn verdict(self) -> Result<(), EventError>;
}

impl GuardResult for bool {
    fn verdict(self) -> Result<(), EventError> {
        if self { Ok(()) } else { Err(EventError::new("forbidden", "not allowed")) }
    }
}

impl<E: IntoEventError> GuardResult for Result<(), E> {
    fn verdict(self) -> Result<(), EventError> {
        self.map_err(IntoEventError::into_event_error)
    }
}

/// A plain function as a guard.
#[derive(Debug)]
#[non_exhaustive]
pub struct IsSyncGuard;
/// An `async` function as a guard.
#[derive(Debug)]
#[non_exhaustive]
pub struct IsAsyncGuard;
/// A value as a guard.
#[derive(Debug)]
#[non_exhaustive]
pub struct IsGuardValue;

/// What can be a guard; `M` is inferred and never written.
///
/// A guard of a namespace or a controller is asked twice: before CONNECT is answered, after the connect
/// guards, and before each event. [`EventCx::phase`] tells which; [`on_events`] leaves the first out.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a guard",
    label = "expected `fn(&EventCx<'_>) -> bool | Result<(), E>`, the same as an `async fn`, or a value implementing `EventGuard`"
)]
pub trait Guard<M>: Send + Sync + 'static {
    #[doc(hidden)]
    fn erase(self) -> ErasedGuard;
}

impl<F, R> Guard<(IsSyncGuard, R)> for F
where
    F: Fn(&EventCx<'_>) -> R + Send + Sync + 'static,
    R: GuardResult,
{
    fn erase(self) -> ErasedGuard {
        ErasedGuard(Kind::Sync(Box::new(move |cx| self(cx).verdict())))
    }
}

impl<F, R> Guard<(IsAsyncGuard, R)> for F
where
    F: AsyncFn(&EventCx<'_>) -> R + Send + Sync + 'static,
    R: GuardResult,
{
    fn erase(self) -> ErasedGuard {
        ErasedGuard(Kind::Async(Box::new(AsyncGuard(self))))
    }
}

impl<G: EventGuard> Guard<IsGuardValue> for G {
    fn erase(self) -> ErasedGuard {
        ErasedGuard(Kind::Sync(Box::new(move |cx| self.allow(cx))))
    }
}

type Verdict<'a> = Pin<Box<dyn Future<Output = Result<(), EventError>> + 'a>>;

trait Waits: Send + Sync {
    fn check<'a>(&'a self, cx: &'a EventCx<'a>) -> Verdict<'a>;
}

struct AsyncGuard<F>(F);

impl<F, R> Waits for AsyncGuard<F>
where
    F: AsyncFn(&EventCx<'_>) -> R + Send + Sync,
    R: GuardResult,
{
    fn check<'a>(&'a self, cx: &'a EventCx<'a>) -> Verdict<'a> {
        Box::pin(async move { (self.0)(cx).await.verdict() })
    }
}

type SyncGuard = dyn Fn(&EventCx<'_>) -> Result<(), EventError> + Send + Sync;

enum Kind {
    Sync(Box<SyncGuard>),
    Async(Box<dyn Waits>),
}

/// A guard whose type is forgotten.
#[expect(missing_debug_implementations, reason = "a function has no useful form")]
#[doc(hidden)]
pub struct ErasedGuard(Kind);

impl ErasedGuard {
    pub(crate) const fn is_async(&self) -> bool {
        matches!(self.0, Kind::Async(_))
    }

    /// Asks a guard that does not wait; one that does lets pass and is to be asked by [`Self::ask`].
    pub(crate) fn ask_now(&self, cx: &EventCx<'_>) -> Result<(), EventError> {
        match &self.0 {
            Kind::Sync(guard) => guard(cx),
            Kind::Async(_) => Ok(()),
        }
    }

    pub(crate) async fn ask(&self, cx: &EventCx<'_>) -> Result<(), EventError> {
        match &self.0 {
            Kind::Sync(guard) => guard(cx),
            Kind::Async(guard) => guard.check(cx).await,
        }
    }
}

/// A guard that is asked for events only; made by [`on_events`].
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper")]
pub struct OnEvents<F>(pub F);

/// A plain guard function of a controller that is not asked when a socket connects.
pub const fn on_events<F, R>(guard: F) -> OnEvents<F>
where
    F: Fn(&EventCx<'_>) -> R + Send + Sync + 'static,
    R: GuardResult + 'static,
{
    OnEvents(guard)
}

impl<F, R> Guard<OnEvents<R>> for OnEvents<F>
where
    F: Fn(&EventCx<'_>) -> R + Send + Sync + 'static,
    R: GuardResult + 'static,
{
    fn erase(self) -> ErasedGuard {
        ErasedGuard(Kind::Sync(Box::new(move |cx| match cx.phase() {
            Phase::Event => (self.0)(cx).verdict(),
            _ => Ok(()),
        })))
    }
}
