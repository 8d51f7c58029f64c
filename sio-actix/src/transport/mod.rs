//! Transports.
pub mod websocket;
