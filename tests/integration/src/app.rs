//! The application most tests talk to.

use sio_actix::prelude::*;

/// Echoes: `m` as an event, `echo` in the ack; `fence` answers with an empty ack.
pub fn echo(ns: &mut NamespaceBuilder) {
    ns.on("m", |socket: Socket, args: Rest<Value>| socket.emit("m", args));
    ns.on("echo", |args: Rest<Value>| args);
    ns.on("fence", || ());
}
