//! Socket.IO without I/O.

pub mod packet;
