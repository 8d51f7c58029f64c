//! What the plain echo does, with whatever options.

use std::time::Duration;

use sio_actix::prelude::*;

/// Registers the handlers of program G on a namespace.
pub fn handlers(ns: &mut NamespaceBuilder) {
    ns.on("echo", |socket: Socket, ack: AckSender, args: Rest<Value>| {
        if ack.is_wanted() {
            ack.send(args)?;
        } else {
            socket.emit("echo", args)?;
        }
        Ok::<_, EventError>(())
    });
    ns.on("slow", async |ms: u64| tokio::time::sleep(Duration::from_millis(ms)).await);
    ns.on("broadcast", |ns: NamespaceRef, event: String, args: Rest<Value>| ns.emit(&event, args));
    ns.on("join", |socket: Socket, room: String| socket.join(room));
    ns.on("room", |ns: NamespaceRef, room: String, event: String, args: Rest<Value>| {
        ns.to(room).emit(&event, args)
    });
}
