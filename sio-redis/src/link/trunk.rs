//! All connections to one server.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::health::Health;
use super::publisher::{Command, Publisher};
use super::queries::Queries;
use super::server::Server;
use super::subscriber::{Hear, Subscriber};
use super::{COMMANDS, SUBSCRIPTIONS};

/// One for commands, one for subscriptions, and some for questions; copies are the same.
#[derive(Debug, Clone)]
pub(crate) struct Trunk {
    pub(crate) server: Server,
    pub(crate) publisher: Publisher,
    pub(crate) subscriber: Subscriber,
    pub(crate) queries: Queries,
}

impl Trunk {
    /// Connects to nothing yet. Where there are several servers, logs say which one it is.
    ///
    /// # Errors
    ///
    /// The address cannot be used.
    pub(crate) fn new(
        server: Server,
        health: Arc<Health>,
        queue_bytes: usize,
        several: bool,
    ) -> Result<Self, crate::Error> {
        let name = |what: &str| match several {
            true => format!("{what} of {}", server.name()),
            false => what.to_owned(),
        };
        Ok(Self {
            publisher: Publisher::new(&name(COMMANDS), queue_bytes, Arc::clone(&health)),
            subscriber: Subscriber::new(&name(SUBSCRIPTIONS), health),
            queries: Queries::new(server.clone())?,
            server,
        })
    }

    pub(crate) fn start(&self, runtime: &Handle, hear: Hear) {
        self.publisher.start(runtime, self.server.clone());
        self.subscriber.start(runtime, self.server.clone(), hear);
    }

    /// Ends the connections; gives back what was not sent.
    pub(crate) fn end(self) -> VecDeque<Command> {
        self.subscriber.end();
        self.publisher.end();
        self.publisher.take()
    }
}
