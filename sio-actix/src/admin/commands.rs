//! What the page may ask for, on all servers of the cluster.
//!
//! What does not look as it should is ignored: a filter that cannot be read must not become everybody.

use sio_core::packet::{Rest, Value};
use sio_core::server::{BroadcastOperator, Io, NamespaceBuilder};

/// A command; `None`: it made no sense.
type Command = fn(&Io, &[Value]) -> Option<()>;

const COMMANDS: [(&str, Command); 4] =
    [("emit", emit), ("join", join), ("leave", leave), ("_disconnect", disconnect)];

pub(super) fn register(ns: &mut NamespaceBuilder) {
    for (name, command) in COMMANDS {
        ns.on(name, move |io: Io, Rest(args): Rest<Value>| {
            let done = command(&io, &args).is_some();
            tracing::debug!(command = name, done, "a command of the Admin UI");
        });
    }
}

/// The sockets of a namespace that are meant: a room's, one, or all where there is no filter.
fn select(io: &Io, namespace: &Value, filter: Option<&Value>) -> Option<BroadcastOperator> {
    let name = namespace.as_str()?;
    let longest = io.hub().limits().max_namespace_len;
    if longest > 0 && name.len() > longest {
        return None;
    }
    // One that is not here may be on other servers; none is made.
    let all = io.of(name).everybody().clone();
    match filter {
        None | Some(Value::Null) => Some(all),
        Some(Value::String(room)) => Some(all.to(room.as_str())),
        Some(_) => None,
    }
}

fn emit(io: &Io, args: &[Value]) -> Option<()> {
    let [namespace, filter, event, args @ ..] = args else { return None };
    let sockets = select(io, namespace, Some(filter))?;
    sockets.emit(event.as_str()?, Rest(args.to_vec())).ok()
}

fn join(io: &Io, args: &[Value]) -> Option<()> {
    let [namespace, room, filter @ ..] = args else { return None };
    select(io, namespace, filter.first())?.sockets_join(room.as_str()?);
    Some(())
}

fn leave(io: &Io, args: &[Value]) -> Option<()> {
    let [namespace, room, filter @ ..] = args else { return None };
    select(io, namespace, filter.first())?.sockets_leave(room.as_str()?);
    Some(())
}

fn disconnect(io: &Io, args: &[Value]) -> Option<()> {
    let [namespace, close, filter @ ..] = args else { return None };
    select(io, namespace, filter.first())?.disconnect_sockets(close.as_bool()?);
    Some(())
}
