//! The helper attributes and event names, each spelled once.

use syn::{Attribute, Path};

/// An attribute that only has a meaning inside a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    OnMessage,
    OnConnection,
    OnDisconnecting,
    OnDisconnect,
    OnServerSide,
    ConnectGuard,
    Create,
    Emit,
    Broadcast,
    Guard,
    Middleware,
    OnError,
}

const WORDS: &[(&str, Word)] = &[
    ("on_message", Word::OnMessage),
    ("on_connection", Word::OnConnection),
    ("on_disconnecting", Word::OnDisconnecting),
    ("on_disconnect", Word::OnDisconnect),
    ("on_server_side", Word::OnServerSide),
    ("connect_guard", Word::ConnectGuard),
    ("create", Word::Create),
    ("emit", Word::Emit),
    ("broadcast", Word::Broadcast),
    ("guard", Word::Guard),
    ("middleware", Word::Middleware),
    ("on_error", Word::OnError),
];

impl Word {
    pub(crate) fn of(attr: &Attribute) -> Option<Self> {
        Self::of_path(attr.path())
    }

    /// By the last segment, so that `#[sio_actix::on_message(..)]` is recognised as well.
    pub(crate) fn of_path(path: &Path) -> Option<Self> {
        path.segments.last().and_then(|last| Self::of_name(&last.ident.to_string()))
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        WORDS.iter().find(|(known, _)| *known == name).map(|(_, word)| *word)
    }

    pub(crate) fn name(self) -> &'static str {
        WORDS.iter().find(|(_, word)| *word == self).map_or("", |(name, _)| name)
    }

    /// Whether it makes a method a handler; the others only add to one.
    pub(crate) fn makes_handler(self) -> bool {
        matches!(
            self,
            Self::OnMessage
                | Self::OnConnection
                | Self::OnDisconnecting
                | Self::OnDisconnect
                | Self::OnServerSide
                | Self::ConnectGuard
                | Self::Create
        )
    }
}

/// Attributes of parameters that only have a meaning inside a controller.
pub(crate) const PARAMETER_WORDS: &[&str] = &["ctx", "arg"];

/// Names the protocol keeps for itself, each with what to use in its place.
const RESERVED: &[(&str, &str)] = &[
    ("connect", "; use #[on_connection]"),
    ("connect_error", "; refuse a socket with #[connect_guard]"),
    ("disconnect", "; use #[on_disconnect]"),
    ("disconnecting", "; use #[on_disconnecting]"),
    ("newListener", ""),
    ("removeListener", ""),
];

/// What to use in place of a reserved event name.
pub(crate) fn reserved(event: &str) -> Option<&'static str> {
    RESERVED.iter().find(|(name, _)| *name == event).map(|(_, cure)| *cure)
}

/// Names that servers do not say to each other.
pub(crate) const SERVER_SIDE_RESERVED: &[&str] = &["connect", "connection", "new_namespace"];
