//! The Socket.IO server for actix-web.
pub mod transport;
