//! Locks and atomics of what threads share, where its interleavings are checked.
//!
//! With `--cfg loom` they are those of the model checker, which only work inside of `server::models`.

#[cfg(loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard, RwLock, atomic};
#[cfg(not(loom))]
pub(crate) use std::sync::{Mutex, MutexGuard, RwLock, atomic};
