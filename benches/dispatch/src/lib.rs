//! Nothing: the measurements are in `benches/dispatch.rs`.
