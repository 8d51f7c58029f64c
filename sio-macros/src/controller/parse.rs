//! Attributes of a block and its methods, read into the model.
//!
//! Only the attributes' own mistakes are reported here; whether they fit together is for `check`.

use proc_macro2::{Span, TokenStream};
use syn::spanned::Spanned;
use syn::{Attribute, Expr, FnArg, GenericArgument, Ident, Lit, Meta, Path, PathArguments};
use syn::{Signature, Type};

use super::block::{Block, Member};
use super::model::{
    Chain, Controller, Emission, Forced, Handler, Message, Namespace, Param, Receiver, Role, Scope,
    ServerSide, Target,
};
use crate::attr::{self, Accepted, Arguments, Name, Shape, expressions, inside};
use crate::diag::Errors;
use crate::item::Form;
use crate::namespace::{CRATE, namespace, runtime};
use crate::strip::conditional;
use crate::words::{PARAMETER_WORDS, Word};

/// Options of the block, other than the namespace.
pub(crate) const OPTIONS: &[Accepted] = &[
    ("guard", Shape::List),
    ("middleware", Shape::List),
    ("on_error", Shape::List),
    ("ordered", Shape::Flag),
    ("cancel_on_disconnect", Shape::Flag),
    ("scope", Shape::Value("connection")),
    CRATE,
];
const MESSAGE: &[Accepted] = &[
    ("any", Shape::Flag),
    ("fallback", Shape::Flag),
    ("strict", Shape::Flag),
    ("ordered", Shape::Flag),
    ("latest", Shape::Flag),
    ("cancel_on_disconnect", Shape::Flag),
    ("multi", Shape::Flag),
];
const SERVER_SIDE: &[Accepted] = &[("strict", Shape::Flag), ("multi", Shape::Flag)];
const CONNECTION: &[Accepted] = &[("cancel_on_disconnect", Shape::Flag)];
const EMIT: &[Accepted] = &[("room", Shape::Values("\"…\"")), ("always", Shape::Flag)];
const BROADCAST: &[Accepted] = &[
    ("room", Shape::Values("\"…\"")),
    ("except_self", Shape::Flag),
    ("local", Shape::Flag),
    ("volatile", Shape::Flag),
];

pub(crate) fn controller<'b>(
    form: Form,
    arguments: TokenStream,
    block: &'b Block,
    errors: &mut Errors,
) -> Controller<'b> {
    let read = attr::arguments(arguments, OPTIONS, true, errors);
    let namespace = match form {
        Form::Controller => Namespace::Own(namespace(&read, errors)),
        Form::Handlers => {
            for name in &read.names {
                errors.at(name, "the namespace goes on the type: #[ws_controller(\"/namespace\")]");
            }
            Namespace::OfType
        }
    };
    let chain = Chain {
        guards: read.list("guard"),
        middleware: read.list("middleware"),
        on_error: read.list("on_error"),
    };
    Controller {
        block,
        paths: runtime(&read, errors),
        namespace,
        scope: scope(&read, errors),
        ordered: read.flag("ordered").is_some(),
        cancel_on_disconnect: read.flag("cancel_on_disconnect").is_some(),
        chain,
        handlers: block.members.iter().filter_map(|m| member(m, errors)).collect(),
    }
}

fn scope(read: &Arguments, errors: &mut Errors) -> Scope {
    let Some(value) = read.values("scope").next() else {
        return Scope::Shared;
    };
    if !matches!(value, Expr::Path(path) if path.path.is_ident("connection")) {
        errors.at(
            value,
            "unknown scope; expected `scope = connection`, or none for one shared value",
        );
    }
    // Also for an unknown one, so that `&mut self` is not blamed in addition.
    Scope::Connection(value.span())
}

fn member<'b>(member: &'b Member, errors: &mut Errors) -> Option<Handler<'b>> {
    match member {
        Member::Method { attrs, sig } => {
            hidden(attrs, errors);
            method(attrs, sig, errors)
        }
        Member::Broken { attrs } => {
            // The compiler tells what is wrong, unless its grammar is newer than ours: a handler must
            // not vanish in that case.
            for (_, attr) in helpers(attrs) {
                errors.at(attr.path(), "the signature of this method cannot be read");
            }
            None
        }
        Member::Other { attrs } => {
            for (word, attr) in helpers(attrs) {
                let message = format_args!("#[{}] only works on a method", word.name());
                errors.at(attr.path(), message);
            }
            None
        }
    }
}

fn helpers(attrs: &[Attribute]) -> impl Iterator<Item = (Word, &Attribute)> {
    attrs.iter().filter_map(|attr| Some((Word::of(attr)?, attr)))
}

/// Reports helpers inside `cfg_attr`, which the compiler looks at too late for us.
fn hidden(attrs: &[Attribute], errors: &mut Errors) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("cfg_attr")) {
        let Meta::List(list) = &attr.meta else { continue };
        for part in conditional(list.tokens.clone()) {
            let inner: Option<Meta> = syn::parse2(part).ok();
            let word = inner.as_ref().and_then(|meta| Some((Word::of_path(meta.path())?, meta)));
            if let Some((word, meta)) = word {
                let message = "does not work inside `cfg_attr`: put `#[cfg(..)]` on the method";
                errors.at(meta.path(), format_args!("#[{}] {message}", word.name()));
            }
        }
    }
}

/// Reads one method; nothing when it is no handler.
fn method<'b>(
    attrs: &'b [Attribute],
    sig: &'b Signature,
    errors: &mut Errors,
) -> Option<Handler<'b>> {
    let mut role: Option<(Role, Path)> = None;
    let mut additions = Vec::new();
    let mut emissions = Vec::new();
    let mut chain = Chain::default();
    for (word, attr) in helpers(attrs) {
        if word.makes_handler() {
            let next = read_role(word, attr, errors);
            join(&mut role, next, attr.path(), errors);
            continue;
        }
        additions.push((word, attr.path().clone()));
        let Some(tokens) = inside(attr, errors) else { continue };
        match word {
            Word::Emit | Word::Broadcast => emissions.extend(emission(word, attr, tokens, errors)),
            Word::Guard => chain.guards.extend(chained(word, attr, tokens, errors)),
            Word::Middleware => chain.middleware.extend(chained(word, attr, tokens, errors)),
            _ => chain.on_error.extend(chained(word, attr, tokens, errors)),
        }
    }
    let Some((role, role_at)) = role else {
        for (word, path) in &additions {
            errors.at(path, format_args!("#[{}] {}", word.name(), alone(*word)));
        }
        for attr in sig.inputs.iter().flat_map(parameter_attrs) {
            let name = attr.path().segments.last().map(|last| last.ident.to_string());
            let name = name.unwrap_or_default();
            let message = format_args!("#[{name}] only works on a parameter of an event handler");
            errors.at(attr.path(), message);
        }
        return None;
    };
    Some(Handler {
        sig,
        cfgs: attrs.iter().filter(|attr| attr.path().is_ident("cfg")).collect(),
        is_deprecated: attrs.iter().any(|attr| attr.path().is_ident("deprecated")),
        role,
        role_at,
        additions,
        emissions,
        chain,
        receiver: receiver(sig),
        params: params(sig, errors),
    })
}

/// What is missing beside an attribute that only adds to a handler.
fn alone(word: Word) -> &'static str {
    match word {
        Word::Emit | Word::Broadcast => {
            "sends what an event handler returns: add #[on_message(\"…\")] (or #[on_connection]) to this method"
        }
        Word::Guard => {
            "protects an event handler: add #[on_message(\"…\")] (or #[on_connection]) to this method"
        }
        Word::Middleware => {
            "wraps an event handler: add #[on_message(\"…\")] (or #[on_connection]) to this method"
        }
        _ => {
            "sees the errors of an event handler: add #[on_message(\"…\")] (or #[on_connection]) to this method"
        }
    }
}

/// Takes a further handler attribute of the same method.
fn join(role: &mut Option<(Role, Path)>, next: Role, at: &Path, errors: &mut Errors) {
    let name = next.word().name();
    match (role, next) {
        (none @ None, next) => *none = Some((next, at.clone())),
        (Some((Role::Messages(all), _)), Role::Messages(more)) => all.extend(more),
        (Some((Role::ServerSide(all), _)), Role::ServerSide(more)) => all.extend(more),
        (Some((first, _)), next) if first.word() == next.word() => {
            errors.at(at, format_args!("#[{name}] is given twice"));
        }
        (Some((first, _)), _) => {
            let first = first.word().name();
            errors.at(
                at,
                format_args!(
                    "a method is one kind of handler, and this one has #[{first}] already"
                ),
            );
        }
    }
}

fn read_role(word: Word, attr: &Attribute, errors: &mut Errors) -> Role {
    let mut plain = |accepted: &[Accepted]| {
        inside(attr, errors).map(|tokens| attr::arguments(tokens, accepted, false, errors))
    };
    match word {
        Word::OnMessage => Role::Messages(message(attr, errors).into_iter().collect()),
        Word::OnServerSide => Role::ServerSide(server_side(attr, errors).into_iter().collect()),
        Word::OnConnection => {
            let read = plain(CONNECTION).unwrap_or_default();
            Role::Connection { cancel: read.flag("cancel_on_disconnect").cloned() }
        }
        Word::OnDisconnecting => {
            plain(&[]);
            Role::Disconnecting
        }
        Word::OnDisconnect => {
            plain(&[]);
            Role::Disconnect
        }
        Word::ConnectGuard => {
            plain(&[]);
            Role::ConnectGuard
        }
        _ => {
            plain(&[]);
            Role::Create
        }
    }
}

fn message(attr: &Attribute, errors: &mut Errors) -> Option<Message> {
    let read = attr::arguments(inside(attr, errors)?, MESSAGE, true, errors);
    let kind = read.flag("any").or_else(|| read.flag("fallback"));
    let target = match kind {
        Some(kind) => {
            let what = if kind == "any" { "every event" } else { "events without a handler" };
            for name in &read.names {
                errors.at(name, format_args!("`{kind}` is for {what} and takes no names"));
            }
            let other = (kind == "any").then(|| read.flag("fallback")).flatten();
            for excluded in other.into_iter().chain(read.flag("multi")) {
                errors.at(excluded, format_args!("`{excluded}` does not go with `{kind}`"));
            }
            if kind == "any" { Target::Any(kind.clone()) } else { Target::Fallback(kind.clone()) }
        }
        None if read.names.is_empty() => {
            if !read.is_broken {
                let what = "#[on_message] needs the name of an event: #[on_message(\"event\")]";
                errors.at(attr.path(), what);
            }
            return None;
        }
        None => Target::Events(read.names.clone()),
    };
    Some(Message {
        target,
        strict: read.flag("strict").is_some(),
        ordered: read.flag("ordered").is_some(),
        multi: read.flag("multi").is_some(),
        latest: read.flag("latest").cloned(),
        cancel: read.flag("cancel_on_disconnect").cloned(),
    })
}

fn server_side(attr: &Attribute, errors: &mut Errors) -> Option<ServerSide> {
    let read = attr::arguments(inside(attr, errors)?, SERVER_SIDE, true, errors);
    if read.names.is_empty() {
        if !read.is_broken {
            let what = "#[on_server_side] needs the name of an event: #[on_server_side(\"event\")]";
            errors.at(attr.path(), what);
        }
        return None;
    }
    let (strict, multi) = (read.flag("strict").is_some(), read.flag("multi").is_some());
    Some(ServerSide { events: read.names, strict, multi })
}

fn emission(
    word: Word,
    attr: &Attribute,
    tokens: TokenStream,
    errors: &mut Errors,
) -> Option<Emission> {
    let is_broadcast = word == Word::Broadcast;
    let accepted = if is_broadcast { BROADCAST } else { EMIT };
    let read = attr::arguments(tokens, accepted, true, errors);
    let name = word.name();
    for more in read.names.iter().skip(1) {
        errors
            .at(more, format_args!("#[{name}] sends one event; repeat the attribute for another"));
    }
    for room in read.values("room").filter(|room| !is_name(room)) {
        errors.at(room, "a room is a name in quotes or the path of a constant");
    }
    if read.names.is_empty() && !read.is_broken {
        let what = format_args!("#[{name}] needs the name of an event: #[{name}(\"event\")]");
        errors.at(attr.path(), what);
    }
    Some(Emission {
        at: attr.path().clone(),
        is_broadcast,
        event: Name::clone(read.names.first()?),
        rooms: read.values("room").cloned().collect(),
        flags: read.options.into_iter().map(|o| o.name).filter(|name| name != "room").collect(),
    })
}

fn is_name(value: &Expr) -> bool {
    match value {
        Expr::Lit(literal) => matches!(literal.lit, Lit::Str(_)),
        Expr::Path(_) => true,
        _ => false,
    }
}

/// The expressions of `#[guard(..)]`, `#[middleware(..)]` and `#[on_error(..)]`.
fn chained(word: Word, attr: &Attribute, tokens: TokenStream, errors: &mut Errors) -> Vec<Expr> {
    if tokens.is_empty() {
        let name = word.name();
        errors.at(attr.path(), format_args!("#[{name}] needs a function or a value: #[{name}(f)]"));
    }
    expressions(tokens, errors)
}

fn receiver(sig: &Signature) -> Receiver {
    let Some(receiver) = sig.receiver() else {
        return Receiver::None;
    };
    match &*receiver.ty {
        Type::Reference(reference) if is_self(&reference.elem) => {
            if reference.mutability.is_some() { Receiver::Mut } else { Receiver::Ref }
        }
        Type::Path(path) if path.path.segments.last().is_some_and(is_arc_of_self) => Receiver::Arc,
        _ => Receiver::Value,
    }
}

fn is_self(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("Self"))
}

fn is_arc_of_self(segment: &syn::PathSegment) -> bool {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return false;
    };
    let of_self = matches!(arguments.args.first(), Some(GenericArgument::Type(ty)) if is_self(ty));
    segment.ident == "Arc" && of_self && arguments.args.len() == 1
}

fn params<'b>(sig: &'b Signature, errors: &mut Errors) -> Vec<Param<'b>> {
    let mut params = Vec::new();
    for input in &sig.inputs {
        let mut words = parameter_attrs(input);
        let first = words.next();
        for more in words {
            errors.at(more.path(), "a parameter is one of #[ctx] and #[arg], once");
        }
        if let Some(Err(error)) = first.map(|attr| attr.meta.require_path_only()) {
            errors.push(error);
        }
        match input {
            FnArg::Typed(typed) => {
                let forced = first.and_then(|attr| Some((forced(attr)?, attr.path())));
                params.push(Param { ty: &typed.ty, forced });
            }
            FnArg::Receiver(_) => {
                if let Some(attr) = first {
                    errors.at(attr.path(), "the receiver is no parameter of the event");
                }
            }
        }
    }
    params
}

/// The `#[ctx]` and `#[arg]` of a parameter.
fn parameter_attrs(input: &FnArg) -> impl Iterator<Item = &Attribute> {
    let attrs = match input {
        FnArg::Receiver(receiver) => &receiver.attrs,
        FnArg::Typed(typed) => &typed.attrs,
    };
    attrs.iter().filter(|attr| forced(attr).is_some())
}

fn forced(attr: &Attribute) -> Option<Forced> {
    let last: &Ident = &attr.path().segments.last()?.ident;
    let name = PARAMETER_WORDS.iter().find(|word| last == **word)?;
    Some(if *name == "ctx" { Forced::Context } else { Forced::Argument })
}

/// Where a method without a written return type points to.
pub(crate) fn return_span(sig: &Signature) -> Span {
    match &sig.output {
        syn::ReturnType::Default => sig.ident.span(),
        syn::ReturnType::Type(_, ty) => ty.span(),
    }
}
