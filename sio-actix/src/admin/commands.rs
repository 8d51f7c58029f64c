//! What the page may ask for, on all servers of the cluster.
//!
//! They are carried out by the feed's thread: what a page was to be told before comes before their effect.
//! What does not look as it should is ignored: a filter that cannot be read must not become everybody.

use std::fmt;
use std::sync::Arc;

use sio_core::packet::{Rest, Value};
use sio_core::server::{BroadcastOperator, Io, NamespaceBuilder};

use super::budget::weight;
use super::feed::Feed;

/// A command; `None`: it made no sense.
type Command = fn(&Io, &[Value]) -> Option<()>;

const COMMANDS: [(&str, Command); 4] =
    [("emit", emit), ("join", join), ("leave", leave), ("_disconnect", disconnect)];

/// A command with its arguments.
pub(super) struct Order {
    name: &'static str,
    command: Command,
    args: Vec<Value>,
}

/// Its name; the arguments are for those whom they are sent to.
impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Order {
    /// Bytes that it takes while it waits, about.
    pub(super) fn weight(&self) -> usize {
        self.args.iter().map(weight).sum()
    }

    pub(super) fn carry_out(self, io: &Io) {
        let done = (self.command)(io, &self.args).is_some();
        tracing::debug!(command = self.name, done, "a command of the Admin UI");
    }
}

pub(super) fn register(ns: &mut NamespaceBuilder, feed: &Arc<Feed>) {
    for (name, command) in COMMANDS {
        let feed = Arc::clone(feed);
        ns.on(name, move |io: Io, Rest(args): Rest<Value>| {
            feed.order(&io, Order { name, command, args });
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
