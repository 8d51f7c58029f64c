//! The namespace `/chat`: rooms of people with nicknames.

use std::sync::Arc;

use serde_json::json;
use sio_actix::prelude::*;

use crate::records::{self, Records};
use crate::rooms::namespace;

/// Where a socket is, and under which name.
struct Place {
    room: String,
    nick: String,
}

pub(crate) fn register(ns: &mut NamespaceBuilder, records: &Arc<Records>) {
    records::register(ns, records);
    ns.on("enter", async |socket: Socket, room: String, nick: String| {
        socket.join(&room);
        socket.to(&room).emit("entered", &nick)?;
        let members = namespace(&socket).to(&room);
        socket.set_state(Place { room, nick });
        Ok::<_, EventError>(members.sockets().await.len())
    });
    ns.on("say", |socket: Socket, place: State<Place>, text: Value| {
        let said = json!({ "from": place.nick, "text": text });
        namespace(&socket).to(&place.room).emit("said", said)
    });
    ns.on_disconnecting(|socket: Socket, place: Option<State<Place>>| match place {
        Some(place) => socket.to(&place.room).emit("left", &place.nick),
        None => Ok(()),
    });
}
