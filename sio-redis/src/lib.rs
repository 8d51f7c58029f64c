//! Clusters over Redis: several sio servers act as one, also together with Node.js servers.

#[allow(dead_code, reason = "the adapters use the rest")]
mod wire;

pub use wire::Codec;
