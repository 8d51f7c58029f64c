//! The lines of the cheat sheet that a returned value can say: its attributes tell who hears it.

use sio_actix::prelude::*;

/// As `CheatSheet`, without a call.
#[derive(Debug)]
pub(crate) struct Returned;

#[ws_controller("/")]
impl Returned {
    /// A tuple is several arguments.
    #[on_message("returnToClient")]
    #[emit("hello")]
    fn to_client(&self) -> (&'static str, i32, i32, &'static str) {
        ("can you hear me?", 1, 2, "abc")
    }

    #[on_message("returnToOthers")]
    #[broadcast("broadcast", except_self)]
    fn to_others(&self) -> &'static str {
        "hello friends!"
    }

    #[on_message("returnToRoom")]
    #[emit("nice game", room = "game")]
    fn to_room(&self) -> &'static str {
        "let's play a game"
    }

    #[on_message("returnToTwoRooms")]
    #[emit("nice game", room = "game1", room = "game2")]
    fn to_two_rooms(&self) -> &'static str {
        "let's play a game (too)"
    }

    #[on_message("returnToWholeRoom")]
    #[broadcast("big-announcement", room = "game")]
    fn to_whole_room(&self) -> &'static str {
        "the game will start soon"
    }

    #[on_message("returnToNode")]
    #[broadcast("hi", local)]
    fn to_node(&self) -> &'static str {
        "my lovely babies"
    }
}
