//! Errors of handlers, in the form a client sees.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::ser::SerializeStruct as _;

use crate::packet::ArgError;

/// An error answer: `{"error":{"code","message","data"?}}` in an ack, an `exception` event without.
///
/// Any `std::error::Error` converts into one with `?`; the client then sees the code `internal` and
/// nothing else. It is itself neither `Error` nor `Serialize`, so that `Result<T, EventError>` cannot
/// be taken for a value.
#[derive(Clone, PartialEq)]
pub struct EventError {
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    data: Option<serde_json::Value>,
    /// What happened, for the log only.
    detail: Option<String>,
}

impl EventError {
    /// An error the client is meant to see.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), message: message.into(), data: None, detail: None }
    }

    /// Adds a JSON value for the client.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<serde_json::Value>) -> Self {
        self.data = Some(data.into());
        self
    }

    /// An error whose cause stays on the server.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self {
            code: Cow::Borrowed("internal"),
            message: Cow::Borrowed("internal error"),
            data: None,
            detail: Some(detail.into()),
        }
    }

    pub(crate) fn from_argument(error: &ArgError) -> Self {
        Self::new("bad_request", error.to_string())
    }

    /// The code the client sees.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The message the client sees.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The data the client sees.
    #[must_use]
    pub const fn data(&self) -> Option<&serde_json::Value> {
        self.data.as_ref()
    }

    /// What the log says and the client does not.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    pub(crate) const fn for_client<'a>(&'a self, event: Option<&'a str>) -> ErrorBody<'a> {
        ErrorBody { error: self, event }
    }
}

impl fmt::Debug for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventError")
            .field("code", &self.code)
            .field("message", &self.message)
            .field("detail", &self.detail)
            .finish_non_exhaustive()
    }
}

impl<E: std::error::Error> From<E> for EventError {
    fn from(error: E) -> Self {
        Self::internal(error.to_string())
    }
}

/// Errors with a form for clients; implement it for your own error types.
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

/// The object behind `error`, with the event's name where no ack tells it.
pub(crate) struct ErrorBody<'a> {
    error: &'a EventError,
    event: Option<&'a str>,
}

impl Serialize for ErrorBody<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let len = 2 + usize::from(self.error.data.is_some()) + usize::from(self.event.is_some());
        let mut body = serializer.serialize_struct("EventError", len)?;
        body.serialize_field("code", &self.error.code)?;
        body.serialize_field("message", &self.error.message)?;
        if let Some(data) = &self.error.data {
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
pub(crate) struct AckError<'a> {
    pub(crate) error: ErrorBody<'a>,
}
