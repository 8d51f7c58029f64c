//! Interop server.
fn main() {}
