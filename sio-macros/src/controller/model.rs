//! What a controller says, between reading (`parse`), judging (`check`) and printing (`expand`).

use proc_macro2::{Span, TokenStream};
use syn::{Attribute, Expr, Ident, Path, Signature, Type};

use super::block::Block;
use crate::attr::Name;
use crate::paths::Paths;
use crate::words::Word;

pub(crate) struct Controller<'b> {
    pub(crate) block: &'b Block,
    pub(crate) paths: Paths,
    pub(crate) namespace: Namespace,
    pub(crate) scope: Scope,
    pub(crate) ordered: bool,
    pub(crate) cancel_on_disconnect: bool,
    pub(crate) chain: Chain,
    pub(crate) handlers: Vec<Handler<'b>>,
}

pub(crate) enum Namespace {
    /// An expression: a literal or a constant.
    Own(TokenStream),
    /// The one of the type's own `#[ws_controller]`.
    OfType,
}

#[derive(Clone, Copy)]
pub(crate) enum Scope {
    /// One value serves every connection.
    Shared,
    /// One value per connection; where `connection` stands.
    Connection(Span),
}

impl Scope {
    pub(crate) fn is_connection(self) -> bool {
        matches!(self, Self::Connection(_))
    }
}

/// What surrounds a handler, or all of them.
#[derive(Default)]
pub(crate) struct Chain {
    pub(crate) guards: Vec<Expr>,
    pub(crate) middleware: Vec<Expr>,
    pub(crate) on_error: Vec<Expr>,
}

pub(crate) struct Handler<'b> {
    pub(crate) sig: &'b Signature,
    /// The method's own `#[cfg]`s.
    pub(crate) cfgs: Vec<&'b Attribute>,
    /// `#[deprecated]` speaks to those who call the method by name.
    pub(crate) is_deprecated: bool,
    pub(crate) role: Role,
    /// The path of the attribute that makes it a handler.
    pub(crate) role_at: Path,
    /// Attributes that add to the handler, each with its path.
    pub(crate) additions: Vec<(Word, Path)>,
    pub(crate) emissions: Vec<Emission>,
    pub(crate) chain: Chain,
    pub(crate) receiver: Receiver,
    pub(crate) params: Vec<Param<'b>>,
}

pub(crate) enum Role {
    Messages(Vec<Message>),
    ServerSide(Vec<ServerSide>),
    Connection { cancel: Option<Ident> },
    Disconnecting,
    Disconnect,
    ConnectGuard,
    Create,
}

impl Role {
    pub(crate) fn word(&self) -> Word {
        match self {
            Self::Messages(_) => Word::OnMessage,
            Self::ServerSide(_) => Word::OnServerSide,
            Self::Connection { .. } => Word::OnConnection,
            Self::Disconnecting => Word::OnDisconnecting,
            Self::Disconnect => Word::OnDisconnect,
            Self::ConnectGuard => Word::ConnectGuard,
            Self::Create => Word::Create,
        }
    }
}

/// One `#[on_message(..)]`.
pub(crate) struct Message {
    pub(crate) target: Target,
    pub(crate) strict: bool,
    pub(crate) ordered: bool,
    pub(crate) multi: bool,
    pub(crate) latest: Option<Ident>,
    pub(crate) cancel: Option<Ident>,
}

/// One `#[on_server_side(..)]`.
pub(crate) struct ServerSide {
    pub(crate) events: Vec<Name>,
    pub(crate) strict: bool,
    pub(crate) multi: bool,
}

pub(crate) enum Target {
    Events(Vec<Name>),
    /// Where `any` stands.
    Any(Ident),
    /// Where `fallback` stands.
    Fallback(Ident),
}

/// One `#[emit(..)]` or `#[broadcast(..)]`.
pub(crate) struct Emission {
    pub(crate) at: Path,
    pub(crate) is_broadcast: bool,
    pub(crate) event: Name,
    pub(crate) rooms: Vec<Expr>,
    /// Options without a value; each is a method of the runtime's `Emission`.
    pub(crate) flags: Vec<Ident>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiver {
    /// An associated function.
    None,
    /// `&self`
    Ref,
    /// `&mut self`
    Mut,
    /// `self: Arc<Self>`
    Arc,
    /// Anything else, which `check` refuses.
    Value,
}

pub(crate) struct Param<'b> {
    pub(crate) ty: &'b Type,
    /// The kind that an attribute asks for, and its path.
    pub(crate) forced: Option<(Forced, &'b Path)>,
}

/// `#[ctx]` or `#[arg]` on a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forced {
    Context,
    Argument,
}
