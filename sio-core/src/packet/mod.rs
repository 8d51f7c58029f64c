//! Socket.IO 5 packets.
