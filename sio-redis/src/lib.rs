//! Clusters over Redis: several sio servers act as one, also together with Node.js servers.

mod error;
mod link;

pub use error::Error;
