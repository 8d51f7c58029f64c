//! Expansions in surroundings that would break careless ones. Most cases are that they compile.
//!
//! Each module is one kind of surroundings; `Io::builder().mount(..)` registers what it declares.
#![allow(clippy::needless_pass_by_value, reason = "handler parameters own their data")]

mod callable;
mod conditional;
mod crate_path;
mod generic;
mod local_names;
mod macro_rules;
mod no_prelude;
mod parameters;
mod shadowed;
