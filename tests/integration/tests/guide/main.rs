//! What the guide's tables say: who hears what, and what code of other servers becomes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod cells;
mod cheat_sheet;
mod other_servers;
