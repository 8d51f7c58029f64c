//! Handler parameters that come from the connection, not from the packet.

use std::any::type_name;
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::close::DisconnectReason;
use crate::packet::{ArgCursor, ArgError, EventArg, Value, message_for_client};
use crate::server::{AckSender, Extensions, Handshake, Io, Namespace, NamespaceRef, Socket};

use super::cx::{EventCx, Phase};
use super::error::EventError;
use super::pairs::{PairError, Pairs};
use super::requirements::Requirements;

/// Types a handler takes from the connection; implement it for your own.
///
/// Extraction does not wait: what needs a database belongs into a connect guard, which leaves its
/// result in [`State`].
///
/// # Examples
///
/// ```
/// use sio_core::handler::{EventCx, EventError, FromContext};
/// use sio_core::server::Io;
///
/// /// The language the client's browser asked for.
/// struct Language(String);
///
/// impl FromContext for Language {
///     fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
///         let header = cx.socket().handshake().header("accept-language");
///         header
///             .map(|value| Self(value.chars().take(2).collect()))
///             .ok_or_else(|| EventError::absent("no accept-language"))
///     }
/// }
///
/// let server = Io::builder().namespace("/", |ns| {
///     // `Option` of it is `None` where it is absent.
///     ns.on("greet", |language: Option<Language>, name: String| match language.as_ref() {
///         Some(Language(language)) if language == "fr" => format!("bonjour {name}"),
///         _ => format!("hello {name}"),
///     });
/// });
/// # drop(server);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken from a connection",
    label = "not a context type",
    note = "implement `FromContext for {Self}`, or use `Socket`, `Io`, `State<T>`, `Auth<T>`, …"
)]
pub trait FromContext: Sized {
    /// Takes the value.
    ///
    /// # Errors
    ///
    /// What the client is told instead of the handler being called.
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError>;

    /// Declares what the type needs, so that its absence is found when the server is built.
    fn requirements(_: &mut Requirements) {}
}

impl FromContext for Socket {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        Ok(cx.socket().clone())
    }
}

impl FromContext for Io {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        Ok(cx.socket().io())
    }
}

impl FromContext for NamespaceRef {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        Ok(cx.socket().io().of_namespace(cx.socket().namespace()))
    }
}

impl FromContext for Arc<Namespace> {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        Ok(Self::clone(cx.socket().namespace()))
    }
}

/// Copies the handshake; `Arc<Handshake>` does not.
impl FromContext for Handshake {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        Ok(Self::clone(cx.socket().handshake()))
    }
}

impl FromContext for Arc<Handshake> {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        Ok(Self::clone(cx.socket().handshake()))
    }
}

impl FromContext for AckSender {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        Ok(Self::take(cx))
    }

    fn requirements(requirements: &mut Requirements) {
        requirements.only_in(&[Phase::Event], "AckSender", "an event handler");
    }
}

impl FromContext for DisconnectReason {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        cx.disconnect_reason()
            .ok_or_else(|| EventError::internal("only a disconnect handler has a reason"))
    }

    fn requirements(requirements: &mut Requirements) {
        let phases = [Phase::Disconnecting, Phase::Disconnect];
        requirements.only_in(&phases, "DisconnectReason", "a disconnect handler");
    }
}

/// Name of the event that is handled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an extractor is destructured in parameters")]
pub struct EventName(pub String);

impl FromContext for EventName {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        Ok(Self(cx.event().to_owned()))
    }

    fn requirements(requirements: &mut Requirements) {
        requirements.only_in(&[Phase::Event], "EventName", "an event handler");
    }
}

/// A value stored on the socket with [`Socket::set_state`]; one per type.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "an extractor is destructured in parameters")]
pub struct State<T>(pub Arc<T>);

impl<T> State<T> {
    /// A state for a connect guard to give back.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> From<T> for State<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Send + Sync + 'static> FromContext for State<T> {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        cx.state::<T>()
            .map(Self)
            .ok_or_else(|| EventError::absent(format!("no state of type {}", type_name::<T>())))
    }
}

/// A value that came with the request which opened the session: [`Handshake::extension`].
///
/// A parameter of this type fails where there is none; `Option<Extension<T>>` is `None` then.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "an extractor is destructured in parameters")]
pub struct Extension<T>(pub Arc<T>);

impl<T> Clone for Extension<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Extension<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Send + Sync + 'static> FromContext for Extension<T> {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        let value = cx.socket().handshake().extension::<T>();
        value.map(Self).ok_or_else(|| EventError::absent(Extensions::missing::<T>()))
    }
}

/// The CONNECT payload of the socket's namespace, read as `T`; an absent one reads as `{}`.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "an extractor is destructured in parameters")]
pub struct Auth<T>(pub T);

impl<T: DeserializeOwned> FromContext for Auth<T> {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        let socket = cx.socket();
        socket.auth().map(Self).map_err(|error| {
            let error = EventError::new("bad_auth", message_for_client(error.to_string()));
            if socket.has_auth() { error } else { error.into_absence() }
        })
    }
}

/// The query of the handshake, read as a struct of its keys.
///
/// Values are text, read as numbers or booleans where a field asks for them; a key that occurs several
/// times is a sequence, or its last value.
///
/// # Examples
///
/// ```
/// use sio_core::handler::Query;
/// use sio_core::server::{ConnectError, Io};
///
/// #[derive(serde::Deserialize)]
/// struct Version {
///     version: u32,
/// }
///
/// let server = Io::builder().connect_guard(|Query(client): Query<Version>| match client.version {
///     3.. => Ok(()),
///     _ => Err(ConnectError::new("please update")),
/// });
/// # drop(server);
/// ```
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "an extractor is destructured in parameters")]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromContext for Query<T> {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        let read = Pairs::new(cx.socket().handshake().query()).read();
        read.map(Self).map_err(|error| misfit("bad_query", &error))
    }
}

/// The headers of the handshake, read as a struct of their names: `user_agent` is `user-agent`.
///
/// Values are read as those of [`Query`].
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "an extractor is destructured in parameters")]
pub struct Header<T>(pub T);

impl<T: DeserializeOwned> FromContext for Header<T> {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        let headers = cx.socket().handshake().headers();
        let read = Pairs::new(headers.map(|(name, value)| (name.into(), value.into()))).read();
        read.map(Self).map_err(|error| misfit("bad_header", &error))
    }
}

/// The parameters of a dynamic namespace's name: one value, a tuple, or a struct of their names.
///
/// A name whose parameters do not fit `T` is an invalid namespace: `/org/{id}` with a
/// `NamespaceParam<u32>` anywhere in its handlers has no `/org/abc`.
///
/// # Examples
///
/// ```
/// use sio_core::handler::NamespaceParam;
/// use sio_core::server::Io;
///
/// let server = Io::builder().namespace("/org/{org}/room/{id:[0-9]+}", |ns| {
///     ns.on("where", |NamespaceParam((org, id)): NamespaceParam<(String, u32)>| {
///         format!("room {id} of {org}")
///     });
/// });
/// # drop(server);
/// ```
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "an extractor is destructured in parameters")]
pub struct NamespaceParam<T>(pub T);

pub(super) fn namespace_param<T: DeserializeOwned>(namespace: &Namespace) -> Result<T, PairError> {
    let params = namespace.params();
    Pairs::new(params.map(|(name, value)| (name.into(), value.into()))).read()
}

impl<T: DeserializeOwned> FromContext for NamespaceParam<T> {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        let read = namespace_param(cx.socket().namespace());
        read.map(Self).map_err(|error| misfit("bad_namespace", &error))
    }

    fn requirements(requirements: &mut Requirements) {
        requirements.namespace_param(|namespace| namespace_param::<T>(namespace).is_ok());
    }
}

pub(super) fn misfit(code: &'static str, error: &PairError) -> EventError {
    EventError::new(code, message_for_client(error.to_string()))
}

/// The arguments no other parameter has read, as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an extractor is destructured in parameters")]
pub struct RawArgs {
    /// JSON values separated by commas, without brackets; attachments are placeholders in it.
    pub text: String,
    /// All attachments of the packet.
    pub attachments: Vec<Bytes>,
}

impl EventArg for RawArgs {
    type Wire = Value;

    fn read(cur: &mut ArgCursor<'_>) -> Result<Self, ArgError> {
        let attachments = cur.attachments().to_vec();
        Ok(Self { text: cur.rest()?.to_owned(), attachments })
    }
}

/// `None` where there is nothing; what is there and does not fit is still an error.
impl<C: FromContext> FromContext for Option<C> {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        match C::from_context(cx) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_absence() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
