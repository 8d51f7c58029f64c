//! Rooms, and the cheat sheet of messages and broadcasts: one event per line of it.

use sio_actix::EmitError;
use sio_actix::prelude::*;

/// What a client asks for, and who hears of it.
#[derive(Debug)]
pub(crate) struct CheatSheet;

#[ws_controller("/")]
impl CheatSheet {
    #[on_message("join")]
    fn join(&self, socket: Socket, room: String) {
        socket.join(room);
    }

    #[on_message("leave")]
    fn leave(&self, socket: Socket, room: String) {
        socket.leave(room);
    }

    /// The client.
    #[on_message("toClient")]
    fn to_client(&self, socket: Socket) -> Result<(), EmitError> {
        socket.emit("hello", ("can you hear me?", 1, 2, "abc"))
    }

    /// All clients except the sender.
    #[on_message("toOthers")]
    fn to_others(&self, socket: Socket) -> Result<(), EmitError> {
        socket.broadcast().emit("broadcast", "hello friends!")
    }

    /// All clients in the room `game` except the sender.
    #[on_message("toRoom")]
    fn to_room(&self, socket: Socket) -> Result<(), EmitError> {
        socket.to("game").emit("nice game", "let's play a game")
    }

    /// All clients in `game1` or `game2` except the sender; who is in both hears it once.
    #[on_message("toTwoRooms")]
    fn to_two_rooms(&self, socket: Socket) -> Result<(), EmitError> {
        socket.to("game1").to("game2").emit("nice game", "let's play a game (too)")
    }

    /// All clients in the room `game`, the sender as well if it is there.
    #[on_message("toWholeRoom")]
    fn to_whole_room(&self, io: Io) -> Result<(), EmitError> {
        io.to("game").emit("big-announcement", "the game will start soon")
    }

    /// All clients of another namespace.
    #[on_message("toNamespace")]
    fn to_namespace(&self, io: Io) -> Result<(), EmitError> {
        io.of("myNamespace").emit("bigger-announcement", "the tournament will start soon")
    }

    /// All clients in a room of another namespace.
    #[on_message("toRoomOfNamespace")]
    fn to_room_of_namespace(&self, io: Io) -> Result<(), EmitError> {
        io.of("myNamespace").to("room").emit("event", "message")
    }

    /// All clients of this node; with several nodes, those of the others do not hear it.
    #[on_message("toNode")]
    fn to_node(&self, ns: NamespaceRef) -> Result<(), EmitError> {
        ns.everybody().local().emit("hi", "my lovely babies")
    }
}

/// The other namespace, with rooms of its own.
#[derive(Debug)]
pub(crate) struct MyNamespace;

#[ws_controller("/myNamespace")]
impl MyNamespace {
    #[on_message("join")]
    fn join(&self, socket: Socket, room: String) {
        socket.join(room);
    }

    #[on_message("leave")]
    fn leave(&self, socket: Socket, room: String) {
        socket.leave(room);
    }

    /// All clients of the sender's own namespace, the sender as well.
    #[on_message("toNamespace")]
    fn to_namespace(&self, ns: NamespaceRef) -> Result<(), EmitError> {
        ns.emit("bigger-announcement", "the tournament will start soon")
    }

    /// The same as a returned value.
    #[on_message("returnToNamespace")]
    #[broadcast("bigger-announcement")]
    fn return_to_namespace(&self) -> &'static str {
        "the tournament will start soon"
    }
}
