//! Where a handler's result goes besides the ack: `#[emit]` and `#[broadcast]`.

use std::borrow::Cow;

use crate::adapter::Room;

/// An event that carries a handler's result.
///
/// Each is evaluated by itself, in order, on the same value, encoded once.
#[derive(Debug, Clone)]
pub struct Emission {
    pub(crate) event: Cow<'static, str>,
    pub(crate) audience: Audience,
    pub(crate) rooms: Vec<Room>,
    pub(crate) always: bool,
    pub(crate) local: bool,
    pub(crate) volatile: bool,
}

/// Whom an emission is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The sender; with rooms, their members without the sender.
    Sender,
    /// The namespace, or the rooms, with the sender.
    Everybody,
    /// The namespace, or the rooms, without the sender.
    Others,
}

impl Emission {
    fn new(event: impl Into<Cow<'static, str>>, audience: Audience) -> Self {
        Self {
            event: event.into(),
            audience,
            rooms: Vec::new(),
            always: false,
            local: false,
            volatile: false,
        }
    }

    /// To the sender, unless the client asked for an ack: the ack wins. With [`Self::room`]: to the
    /// members of the rooms without the sender.
    pub fn emit(event: impl Into<Cow<'static, str>>) -> Self {
        Self::new(event, Audience::Sender)
    }

    /// To the whole namespace, sender included, also when the client asked for an ack.
    pub fn broadcast(event: impl Into<Cow<'static, str>>) -> Self {
        Self { always: true, ..Self::new(event, Audience::Everybody) }
    }

    /// Only to the members of a room; several add up.
    #[must_use]
    pub fn room(mut self, room: &str) -> Self {
        self.rooms.push(room.into());
        self
    }

    /// Also when the client asked for an ack.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.always = true;
        self
    }

    /// Leaves the sender out of a broadcast.
    #[must_use]
    pub fn except_self(mut self) -> Self {
        self.audience = Audience::Others;
        self
    }

    /// Only to sockets of this node.
    #[must_use]
    pub fn local(mut self) -> Self {
        self.local = true;
        self
    }

    /// Drops the event for receivers whose transport cannot take it at that moment.
    #[must_use]
    pub fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }
}
