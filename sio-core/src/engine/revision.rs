//! The protocol revision of a session, and how its frames are written.

/// A revision of the Engine.IO protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "clients of other revisions do not exist")]
pub enum Revision {
    /// Revision 3: Socket.IO 1 and 2 clients, where the server allows them.
    V3,
    /// Revision 4: Socket.IO 3 and later.
    #[default]
    V4,
}

impl Revision {
    /// The number in the query.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::V3 => 3,
            Self::V4 => 4,
        }
    }
}

/// How frames are written for the transport that a session is on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain settings, built field by field")]
pub struct Wire {
    /// The session's revision.
    pub revision: Revision,
    /// The client takes no binary: it gets base64 text.
    pub base64: bool,
    /// Messages of at least so many bytes are compressed, on a WebSocket that agreed to that.
    pub deflate: Option<usize>,
}

impl Wire {
    /// Revision 4 with binary.
    pub const V4: Self = Self { revision: Revision::V4, base64: false, deflate: None };

    /// Binary messages are written as the bytes they are.
    #[must_use]
    pub fn is_plain(self) -> bool {
        self.revision == Revision::V4 && !self.base64
    }
}
