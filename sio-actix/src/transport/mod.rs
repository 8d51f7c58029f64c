//! How bytes travel between HTTP and a session.
//!
//! [`polling`] answers one request with one ready body; [`websocket`] goes on with the connection on which it
//! answered 101. Neither sees a handler or a Socket.IO packet.

pub(crate) mod polling;
pub(crate) mod websocket;
