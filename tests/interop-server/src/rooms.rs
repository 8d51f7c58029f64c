//! Rooms and broadcasts.

use serde::Deserialize;
use sio_actix::NamespaceRef;
use sio_actix::prelude::*;

use crate::records::sorted;

/// One room or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Many(Vec<String>),
}

/// The options of `cast`.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Cast {
    to: Vec<String>,
    except: Vec<String>,
    #[serde(rename = "self")]
    with_sender: bool,
    volatile: bool,
}

/// The namespace of a socket, for everybody in it.
pub(crate) fn namespace(socket: &Socket) -> NamespaceRef {
    socket.io().of(socket.namespace().path())
}

/// The members of a room, or of the whole namespace; the sender too.
pub(crate) fn select(socket: &Socket, room: Option<String>) -> BroadcastOperator {
    let namespace = namespace(socket);
    match room {
        Some(room) => namespace.to(room),
        None => namespace.everybody().clone(),
    }
}

pub(crate) fn register(ns: &mut NamespaceBuilder) {
    ns.on("join", |socket: Socket, names: Names| match names {
        Names::One(room) => socket.join(room),
        Names::Many(rooms) => socket.join(rooms),
    });
    ns.on("leave", |socket: Socket, room: String| socket.leave(room));
    ns.on("rooms", |socket: Socket| {
        sorted(socket.rooms().iter().map(ToString::to_string).collect())
    });
    ns.on("members", async |socket: Socket, room: Option<String>| {
        let members = select(&socket, room).sockets().await;
        sorted(members.iter().map(|one| one.id().as_str().to_owned()).collect())
    });
    ns.on("cast", |socket: Socket, options: Cast, event: String, payload: Value| {
        let mut target =
            if options.with_sender { select(&socket, None) } else { socket.broadcast() };
        target = target.to(options.to).except(options.except);
        if options.volatile {
            target = target.volatile();
        }
        target.emit(&event, payload)
    });
    ns.on("kick-room", |socket: Socket, room: String, close: Option<bool>| {
        select(&socket, Some(room)).disconnect_sockets(close.unwrap_or(false));
    });
}
