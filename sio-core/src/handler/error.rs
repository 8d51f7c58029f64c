//! Errors of handlers, in the form a client sees.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::ser::SerializeStruct as _;

use crate::packet::ArgError;

use super::cx::EventCx;

/// An error answer: `{"error":{"code","message","data"?}}` in an ack, an `exception` event without.
///
/// Any `std::error::Error` converts into one with `?`; the client then sees the code `internal` and
/// nothing else. It is itself neither `Error` nor `Serialize`, so that `Result<T, EventError>` cannot
/// be taken for a value.
#[derive(Clone, PartialEq)]
pub struct EventError(Box<Parts>);

/// Boxed, because every result of a handler is as large as its error, and most are none.
#[derive(Clone, PartialEq)]
struct Parts {
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    data: Option<serde_json::Value>,
    /// What happened, for the log only.
    detail: Option<String>,
    kind: Kind,
}

/// What an error means to this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// Something optional is not there; `Option` of a context type is `None` then.
    Absence,
    /// The handler was dropped where it waited.
    Cancellation,
    /// The log has said it before.
    Silent,
}

impl EventError {
    /// An error the client is meant to see.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts {
            code: code.into(),
            message: message.into(),
            data: None,
            detail: None,
            kind: Kind::Plain,
        }))
    }

    /// Adds a JSON value for the client.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<serde_json::Value>) -> Self {
        self.0.data = Some(data.into());
        self
    }

    /// An error whose cause stays on the server.
    pub fn internal(detail: impl Into<String>) -> Self {
        let mut error = Self::new("internal", "internal error");
        error.0.detail = Some(detail.into());
        error
    }

    /// A context value that is not there: `None` to a handler that takes an `Option`, an internal error
    /// to one that does not.
    pub fn absent(detail: impl Into<String>) -> Self {
        Self::internal(detail).into_absence()
    }

    pub(crate) fn into_absence(mut self) -> Self {
        self.0.kind = Kind::Absence;
        self
    }

    pub(crate) fn is_absence(&self) -> bool {
        matches!(self.0.kind, Kind::Absence)
    }

    /// A newer event took the handler's place.
    pub(crate) fn cancelled() -> Self {
        let mut error = Self::new("cancelled", "a newer event took its place");
        error.0.kind = Kind::Cancellation;
        error
    }

    pub(crate) fn is_cancellation(&self) -> bool {
        matches!(self.0.kind, Kind::Cancellation)
    }

    /// The error, not to be logged again.
    pub(crate) fn silenced(mut self) -> Self {
        self.0.kind = Kind::Silent;
        self
    }

    pub(crate) fn is_silent(&self) -> bool {
        matches!(self.0.kind, Kind::Silent)
    }

    pub(crate) fn from_argument(error: &ArgError) -> Self {
        match error {
            ArgError::Rejected { problems, .. } => {
                let list = |problem: &crate::packet::Problem| serde_json::json!({ "path": problem.path, "message": problem.message });
                let data: Vec<_> = problems.iter().map(list).collect();
                Self::new("invalid", error.to_string()).with_data(data)
            }
            other => Self::new("bad_request", other.to_string()),
        }
    }

    /// Changes the code the client sees.
    pub fn set_code(&mut self, code: impl Into<Cow<'static, str>>) {
        self.0.code = code.into();
    }

    /// Changes the message the client sees.
    pub fn set_message(&mut self, message: impl Into<Cow<'static, str>>) {
        self.0.message = message.into();
    }

    /// Changes the data the client sees.
    pub fn set_data(&mut self, data: Option<serde_json::Value>) {
        self.0.data = data;
    }

    /// The code the client sees.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The message the client sees.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The data the client sees.
    #[must_use]
    pub fn data(&self) -> Option<&serde_json::Value> {
        self.0.data.as_ref()
    }

    /// What the log says and the client does not.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    pub(crate) const fn for_client<'a>(&'a self, event: Option<&'a str>) -> ErrorBody<'a> {
        ErrorBody { error: self, event }
    }
}

impl fmt::Debug for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventError")
            .field("code", &self.0.code)
            .field("message", &self.0.message)
            .field("detail", &self.0.detail)
            .finish_non_exhaustive()
    }
}

impl<E: std::error::Error> From<E> for EventError {
    fn from(error: E) -> Self {
        Self::internal(error.to_string())
    }
}

/// Sees every error before the client does: of handlers, guards, arguments, panics.
///
/// It may log, rename or redact it. The handler's own hook comes first, then the controller's, then the
/// global one. Refusals of a CONNECT may have an empty code, and have no event; [`EventCx::phase`] tells.
/// A packet that cannot be decoded ends its session: the hooks of controllers and the global one see it once
/// for each socket, with the code `parse_error` and no event, and the client is told nothing.
/// What hooks do not see: the `unavailable` of a shutdown and the `cancelled` of a replaced handler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error hook",
    label = "expected `fn(&mut EventError, &EventCx<'_>)`, or a value implementing `ErrorHook`"
)]
pub trait ErrorHook: Send + Sync + 'static {
    /// Looks at an error; what it leaves is what the client is told.
    fn on_error(&self, error: &mut EventError, cx: &EventCx<'_>);
}

impl<F> ErrorHook for F
where
    F: Fn(&mut EventError, &EventCx<'_>) + Send + Sync + 'static,
{
    fn on_error(&self, error: &mut EventError, cx: &EventCx<'_>) {
        self(error, cx);
    }
}

/// Errors with a form for clients; implement it for your own error types.
///
/// # Examples
///
/// ```
/// use sio_core::handler::{EventError, IntoEventError};
///
/// enum ChatError {
///     RoomIsFull { limit: usize },
///     Database(std::io::Error),
/// }
///
/// impl IntoEventError for ChatError {
///     fn into_event_error(self) -> EventError {
///         match self {
///             Self::RoomIsFull { limit } => {
///                 EventError::new("full", "the room is full").with_data(limit)
///             }
///             // The client learns nothing but the code `internal`.
///             Self::Database(error) => error.into(),
///         }
///     }
/// }
///
/// let full = ChatError::RoomIsFull { limit: 10 }.into_event_error();
/// assert_eq!((full.code(), full.message()), ("full", "the room is full"));
/// let hidden = ChatError::Database(std::io::Error::other("disk 7")).into_event_error();
/// assert_eq!((hidden.code(), hidden.message()), ("internal", "internal error"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned as the error of an event handler",
    label = "this error type has no client-visible form",
    note = "implement `IntoEventError for {Self}`, or return `Result<_, EventError>` and use `?`"
)]
pub trait IntoEventError {
    /// Converts into the client's form.
    fn into_event_error(self) -> EventError;
}

impl IntoEventError for EventError {
    fn into_event_error(self) -> EventError {
        self
    }
}

/// The crate's own errors are the server's business: the client sees `internal`.
macro_rules! internal {
    ($($error:ty),*) => {$(
        impl IntoEventError for $error {
            fn into_event_error(self) -> EventError {
                self.into()
            }
        }
    )*};
}

internal!(crate::server::EmitError, crate::server::AckError, crate::packet::EncodeError);

impl<T> IntoEventError for crate::server::BroadcastAckError<T> {
    fn into_event_error(self) -> EventError {
        self.reason.into()
    }
}

/// The object behind `error`, with the event's name where no ack tells it.
pub(crate) struct ErrorBody<'a> {
    error: &'a EventError,
    event: Option<&'a str>,
}

impl Serialize for ErrorBody<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let len = 2 + usize::from(self.error.0.data.is_some()) + usize::from(self.event.is_some());
        let mut body = serializer.serialize_struct("EventError", len)?;
        body.serialize_field("code", &self.error.0.code)?;
        body.serialize_field("message", &self.error.0.message)?;
        if let Some(data) = &self.error.0.data {
            body.serialize_field("data", data)?;
        }
        if let Some(event) = self.event {
            body.serialize_field("event", event)?;
        }
        body.end()
    }
}

/// `{"error": …}`, the one argument of an ack that reports an error.
#[derive(Serialize)]
pub(crate) struct ErrorAck<'a> {
    pub(crate) error: ErrorBody<'a>,
}
