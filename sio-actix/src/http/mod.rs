//! What belongs to HTTP around the transports: headers, cookies, compression, hooks, who may ask.
//!
//! `service` calls these in the order of the reference. Everything here is off unless configured, but
//! for the size of heads, the origin of handshakes with cookies, and compression, which looks at large answers
//! only; a request pays for what is on.

pub(crate) mod answers;
pub(crate) mod binding;
pub(crate) mod compression;
pub(crate) mod cookie;
pub(crate) mod cors;
pub(crate) mod head;
pub(crate) mod headers;
pub(crate) mod holding;
pub(crate) mod ids;
pub(crate) mod jsonp;
pub(crate) mod middleware;
pub(crate) mod negotiation;
pub(crate) mod origin;
pub(crate) mod refusal;
