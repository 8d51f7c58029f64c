//! Events that end the socket they come from.

use sio_actix::prelude::*;

pub(crate) fn register(ns: &mut NamespaceBuilder) {
    ns.on("kick", |socket: Socket, close: Option<bool>| {
        socket.disconnect(close.unwrap_or(false));
    });
    ns.on("bye", |socket: Socket, n: u64, close: Option<bool>| {
        (0..n).try_for_each(|i| socket.emit("last", i))?;
        socket.disconnect(close.unwrap_or(false));
        Ok::<_, EventError>(())
    });
    ns.on("drop-me", |socket: Socket| socket.close_session());
}
