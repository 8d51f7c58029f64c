//! What code of other servers becomes: the lines of the guide's tables, in controllers that are played.

mod midway;
mod nest;
mod node;
mod socketioxide;

use sio_actix::prelude::*;

/// An event of this name is refused.
const SECRET: &str = "secret";

fn may(cx: &EventCx<'_>) -> bool {
    cx.event() != SECRET
}

async fn timed(_: &EventCx<'_>, next: Next) -> Reply {
    next.run().await
}

fn renamed(error: &mut EventError, cx: &EventCx<'_>) {
    error.set_message(format!("{}: no", cx.event()));
}
