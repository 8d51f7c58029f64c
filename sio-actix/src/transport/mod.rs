//! How bytes travel between HTTP and a session.
//!
//! [`polling`] answers one request with one ready body; [`websocket`] makes the body of the 101
//! response the connection. Neither sees a handler or a Socket.IO packet.

pub(crate) mod polling;
pub(crate) mod websocket;
