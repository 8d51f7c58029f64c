//! Rules over a whole controller.
//!
//! Every rule looks at everything and reports where the user must change something. Rules about one
//! method's signature are in `signature`.

mod signature;

use std::collections::HashMap;

use syn::Ident;

use super::model::{Controller, Emission, Handler, Role, Target};
use crate::attr::Name;
use crate::diag::Errors;
use crate::words::{SERVER_SIDE_RESERVED, Word, reserved};

pub(crate) fn controller(controller: &Controller<'_>, errors: &mut Errors) {
    block(controller, errors);
    for handler in &controller.handlers {
        signature::check(handler, controller.scope, errors);
        server_side(controller, handler, errors);
        additions(handler, errors);
        waits(handler, errors);
        reserved_names(handler, errors);
    }
    duplicates(&controller.handlers, errors);
    catch_alls(&controller.handlers, errors);
    creators(controller, errors);
}

fn block(controller: &Controller<'_>, errors: &mut Errors) {
    if let Some(of_trait) = &controller.block.of_trait {
        let what = "a controller is an inherent `impl` block: move the handlers to `impl` of the type itself";
        errors.at(of_trait, what);
    }
    if let Some(unsafety) = &controller.block.unsafety {
        errors.at(unsafety, "a controller is an inherent `impl` block, which is never `unsafe`");
    }
}

/// Whether what stands beside the handler attribute has a meaning with it.
fn additions(handler: &Handler<'_>, errors: &mut Errors) {
    for (word, path) in &handler.additions {
        if let Some(what) = misfit(&handler.role, *word) {
            errors.at(path, format_args!("#[{}] {what}", word.name()));
        }
    }
    for emission in &handler.emissions {
        receivers(handler, emission, errors);
    }
}

fn misfit(role: &Role, word: Word) -> Option<&'static str> {
    Some(match (role, word) {
        (Role::ConnectGuard, Word::Emit | Word::Broadcast) => {
            "sends what an event handler returns; a connect guard answers by accepting or refusing"
        }
        (Role::Create, Word::Emit | Word::Broadcast) => {
            "sends what an event handler returns; this method returns the controller"
        }
        (Role::ConnectGuard | Role::Create, Word::Guard) => {
            "goes with #[on_message] and #[on_connection] only; refuse with an `Err` here"
        }
        (Role::ServerSide(_), Word::Emit | Word::Broadcast) => {
            "sends what a handler of a socket returns; here there is no socket, and the result answers the other server: send with `Io` in the method"
        }
        (Role::ServerSide(_), _) => "is about sockets, and #[on_server_side] has none: remove it",
        (Role::ConnectGuard | Role::Create, _) => {
            "goes with #[on_message], #[on_connection], #[on_disconnecting] and #[on_disconnect] only"
        }
        (Role::Disconnecting | Role::Disconnect, Word::Guard) => {
            "cannot refuse a disconnect: remove it, or decide in the method"
        }
        _ => return None,
    })
}

/// Whether a handler of server-side events is where it can be called, and is the only one of its events.
fn server_side(controller: &Controller<'_>, handler: &Handler<'_>, errors: &mut Errors) {
    let Role::ServerSide(all) = &handler.role else { return };
    if controller.scope.is_connection() {
        let what = "is called without a connection, and this controller has a value for each: put it into a controller without `scope = connection`";
        errors.at(&handler.role_at, format_args!("#[on_server_side] {what}"));
    }
    let is_stream = handler.sig.asyncness.is_some() || !handler.is_awaited();
    if handler.returns_impl_trait() && is_stream {
        let what = "a stream has more than one item, and an answer to another server is one: return a value";
        errors.at(&handler.sig.output, what);
    }
    for name in all.iter().flat_map(|one| &one.events) {
        if let Some(text) = name.literal()
            && SERVER_SIDE_RESERVED.contains(&text.as_str())
        {
            let what = "is a reserved event name, which servers do not say to each other";
            errors.at(name, format_args!("`{text}` {what}"));
        }
    }
}

/// Whether somebody is there to receive what is sent.
fn receivers(handler: &Handler<'_>, emission: &Emission, errors: &mut Errors) {
    if let Role::Messages(messages) = &handler.role
        && messages.iter().any(|message| matches!(message.target, Target::Any(_)))
    {
        let name = if emission.is_broadcast { Word::Broadcast } else { Word::Emit }.name();
        let what = "cannot go with `any`, which sees events and answers none";
        errors.at(&emission.at, format_args!("#[{name}] {what}"));
    }
    let leaves = matches!(handler.role, Role::Disconnecting | Role::Disconnect);
    if leaves && !emission.is_broadcast && emission.rooms.is_empty() {
        let what = "the socket that left receives nothing: give #[emit] a `room = \"…\"`, or use #[broadcast]";
        errors.at(&emission.at, what);
    }
}

/// Options that end a waiting handler need one that can wait.
fn waits(handler: &Handler<'_>, errors: &mut Errors) {
    if handler.can_wait() {
        return;
    }
    let options: Vec<&Ident> = match &handler.role {
        Role::Messages(messages) => {
            messages.iter().flat_map(|m| m.latest.iter().chain(&m.cancel)).collect()
        }
        Role::Connection { cancel } => cancel.iter().collect(),
        _ => Vec::new(),
    };
    for option in options {
        let what = "ends a handler that waits, and this one never does: make it an `async fn`";
        errors.at(option, format_args!("`{option}` {what}"));
    }
}

/// Events of all `#[on_message]`s of a method.
fn events<'h>(handler: &'h Handler<'_>) -> impl Iterator<Item = (&'h Name, bool)> {
    let messages = match &handler.role {
        Role::Messages(messages) => messages.as_slice(),
        _ => &[],
    };
    messages.iter().flat_map(|message| {
        let names = match &message.target {
            Target::Events(names) => names.as_slice(),
            Target::Any(_) | Target::Fallback(_) => &[],
        };
        names.iter().map(|name| (name, message.multi))
    })
}

fn reserved_names(handler: &Handler<'_>, errors: &mut Errors) {
    let received = events(handler).map(|(name, _)| (name, true));
    let sent = handler.emissions.iter().map(|emission| (&emission.event, false));
    for (name, is_received) in received.chain(sent) {
        let Some(text) = name.literal() else { continue };
        if let Some(cure) = reserved(&text) {
            // Nothing stands in for sending one.
            let cure = if is_received { cure } else { "" };
            errors.at(name, format_args!("`{text}` is a reserved Socket.IO event name{cure}"));
        }
    }
}

fn duplicates(handlers: &[Handler<'_>], errors: &mut Errors) {
    // Only one of several conditional methods may be there; the rest is checked at registration.
    let certain = || handlers.iter().filter(|handler| handler.cfgs.is_empty());
    distinct(certain().flat_map(events), errors);
    distinct(certain().flat_map(server_side_events), errors);
}

/// Events of all `#[on_server_side]`s of a method.
fn server_side_events<'h>(handler: &'h Handler<'_>) -> impl Iterator<Item = (&'h Name, bool)> {
    let all = match &handler.role {
        Role::ServerSide(all) => all.as_slice(),
        _ => &[],
    };
    all.iter().flat_map(|one| one.events.iter().map(|name| (name, one.multi)))
}

fn distinct<'h>(events: impl Iterator<Item = (&'h Name, bool)>, errors: &mut Errors) {
    let mut seen: HashMap<String, (&Name, bool)> = HashMap::new();
    for (name, multi) in events {
        let Some((first, first_multi)) = seen.get(&name.key()) else {
            seen.insert(name.key(), (name, multi));
            continue;
        };
        if !(multi && *first_multi) {
            let shown = name.shown();
            let what = format_args!("event `{shown}` already has a handler in this controller");
            errors.at(name, what);
            errors.at(first, "first handler is here");
        }
    }
}

/// `any` and `fallback` are there once each.
fn catch_alls(handlers: &[Handler<'_>], errors: &mut Errors) {
    let mut any = None;
    let mut fallback = None;
    for handler in handlers.iter().filter(|handler| handler.cfgs.is_empty()) {
        let Role::Messages(messages) = &handler.role else { continue };
        for message in messages {
            match &message.target {
                Target::Any(word) => once(&mut any, word, errors),
                Target::Fallback(word) => once(&mut fallback, word, errors),
                Target::Events(_) => {}
            }
        }
    }
}

fn once<'h>(first: &mut Option<&'h Ident>, word: &'h Ident, errors: &mut Errors) {
    if let Some(first) = first {
        errors.at(word, format_args!("this controller already has a handler for `{word}`"));
        errors.at(first, "first handler is here");
    } else {
        *first = Some(word);
    }
}

fn creators(controller: &Controller<'_>, errors: &mut Errors) {
    let is_creator = |handler: &&Handler<'_>| matches!(handler.role, Role::Create);
    let mut first = None;
    for handler in controller.handlers.iter().filter(is_creator) {
        if !controller.scope.is_connection() {
            let what = "builds the controller of one connection: add `scope = connection` to the controller";
            errors.at(&handler.role_at, format_args!("#[create] {what}"));
        }
        if !handler.cfgs.is_empty() {
            continue;
        }
        match first {
            None => first = Some(&handler.role_at),
            Some(first) => {
                errors.at(&handler.role_at, "this controller already has a #[create]");
                errors.at(first, "the first is here");
            }
        }
    }
}
