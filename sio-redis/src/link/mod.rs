//! Connections to Redis that outlive it.
//!
//! A [`Publisher`] sends commands in order, a [`Subscriber`] holds subscriptions, [`Queries`] ask. Each
//! connects again by itself, and none makes a caller wait: what cannot be sent yet is queued within a
//! limit. They know commands and channels, and nothing of what these say.

mod backoff;
mod health;
mod publisher;
mod queries;
mod runtime;
mod server;
mod subscriber;

pub(crate) use health::{Counters, Health, Seldom};
pub(crate) use publisher::{Command, Publisher};
pub(crate) use queries::Queries;
pub(crate) use runtime::Runtime;
pub(crate) use server::{Server, Timing};
pub(crate) use subscriber::{Delivery, Subscriber, Topic};
