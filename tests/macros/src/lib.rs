//! Tests of the attributes: `tests/ui` has the mistakes, `tests/hygiene` what must compile.
//!
//! This crate itself is one of them: with every lint on, an expansion adds no warning, and needs no
//! documentation of its own.
#![deny(warnings, missing_docs, unused, unused_qualifications, unused_results, unreachable_pub)]
#![deny(single_use_lifetimes, clippy::all, clippy::pedantic, clippy::nursery)]
#![allow(clippy::missing_const_for_fn, reason = "handlers are not `const`")]

use sio_actix::prelude::*;

/// A controller that says everything.
#[derive(Debug)]
pub struct Documented;

#[ws_controller("/documented")]
impl Documented {
    /// Says a word.
    #[on_message("say", "shout", strict)]
    #[emit("said", room = "lobby", always)]
    #[broadcast("heard", except_self)]
    #[allow(clippy::unused_async, reason = "what comes later may wait")]
    pub async fn say(&self, word: String) -> String {
        word
    }

    /// Counts.
    #[on_message("count")]
    #[must_use]
    pub fn count() -> u8 {
        1
    }

    /// Comes.
    #[on_connection]
    #[allow(clippy::unused_async, reason = "what comes later may wait")]
    pub async fn joined(&self, _socket: Socket) {}

    /// Goes.
    #[on_disconnect]
    pub fn left(&self) {}

    /// Is not a handler.
    pub fn plain(&self) {}
}

/// One value for each connection.
#[derive(Debug, Default)]
pub struct Counter {
    count: u32,
}

#[ws_controller("/counter", scope = connection)]
impl Counter {
    /// Adds.
    #[on_message("add")]
    pub fn add(&mut self, by: u32) -> u32 {
        self.count += by;
        self.count
    }
}

/// The namespace is on the type.
#[derive(Debug)]
#[ws_controller("/typed")]
pub struct Typed;

#[ws_handlers]
impl Typed {}
